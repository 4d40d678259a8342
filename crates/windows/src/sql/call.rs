//! Reads the calls `TUMBLE(...)`, `HOP(...)`, `LEVEL(...)`, `TICK(...)` in a FROM clause.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast};
use datafusion::sql::sqlparser::ast::{
    Expr as SqlExpr, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned, TableFactor,
};

use crate::error::misuse;
use crate::window::Windows;

/// The one column that windows may be over: see `events::row_time_us`.
pub const ROW_TIME: &str = "row_time";
/// First instant of a window, or of a pane.
pub const WINDOW_START: &str = "window_start";
/// First instant after a window, or after a pane.
pub const WINDOW_END: &str = "window_end";

/// What a table function makes of its input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// TUMBLE and HOP: each row once for every window that holds it.
    Windows(Windows),
    /// LEVEL: per key, the running sum of `delta` over each interval of this length, also when nothing happens.
    Level {
        /// Length of an interval, microseconds.
        every_us: i64,
        /// Columns that say whose level it is.
        keys: Vec<String>,
    },
    /// TICK: one row at each multiple of this interval.
    Tick {
        /// Microseconds from tick to tick.
        every_us: i64,
    },
}

/// One call with its input planned.
#[derive(Debug, Clone)]
pub struct Call {
    /// Which function, with its arguments.
    pub kind: Kind,
    /// The rows that go in; none for TICK. For LEVEL the columns are row_time, the keys, `delta`.
    pub input: Option<LogicalPlan>,
    /// The columns that come out.
    pub schema: SchemaRef,
}

/// The type of all instants.
pub fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

impl Call {
    /// Reads `relation` if it calls one of our functions.
    pub fn read(
        relation: &TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<Option<Call>> {
        let TableFactor::Table {
            name,
            args: Some(arguments),
            ..
        } = relation
        else {
            return Ok(None);
        };
        let name = name.to_string().to_uppercase();
        if !is_window(&name) {
            return Ok(None);
        }
        let arguments = arguments
            .args
            .iter()
            .map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) => Ok(argument),
                other => Err(misuse(
                    other.span(),
                    format!("{name} does not take `{other}`"),
                    usage(&name),
                )),
            })
            .collect::<Result<Vec<_>>>()?;
        let call = match (name.as_str(), arguments.as_slice()) {
            ("TUMBLE", [input, time, size]) => {
                let size = interval_us(size, context)?;
                Self::windows(input, time, size, size, context)
            }
            ("HOP", [input, time, slide, size]) => {
                let (slide, size) = (interval_us(slide, context)?, interval_us(size, context)?);
                Self::windows(input, time, size, slide, context)
            }
            ("LEVEL", [input, time, keys, delta, every]) => {
                Self::level(input, time, keys, delta, every, context)
            }
            ("TICK", [every]) => Self::tick(interval_us(every, context)?),
            _ => Err(misuse(
                relation.span(),
                format!("{name} has {} arguments", arguments.len()),
                usage(&name),
            )),
        };
        call.map(Some)
    }

    fn windows(
        input: &SqlExpr,
        time: &SqlExpr,
        size_us: i64,
        slide_us: i64,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<Call> {
        let Some(windows) = Windows::new(size_us, slide_us) else {
            return Err(misuse(
                time.span(),
                format!("a window of {size_us} us cannot slide by {slide_us} us"),
                "make the slide at most the size: HOP(t, DESCRIPTOR(row_time), slide, size)",
            ));
        };
        let input = plan_input(input, context)?;
        check_time(time, &input)?;
        let schema = with_bounds(input.schema().as_arrow().fields().iter().cloned());
        Ok(Call {
            kind: Kind::Windows(windows),
            input: Some(input),
            schema,
        })
    }

    fn level(
        input: &SqlExpr,
        time: &SqlExpr,
        keys: &SqlExpr,
        delta: &SqlExpr,
        every: &SqlExpr,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<Call> {
        let every_us = interval_us(every, context)?;
        let input = plan_input(input, context)?;
        check_time(time, &input)?;
        let keys = descriptor(keys)?;
        let delta = cast(
            context.sql_to_expr(delta.clone(), input.schema())?,
            DataType::Int64,
        )
        .alias("delta");
        let columns = std::iter::once(ROW_TIME).chain(keys.iter().map(String::as_str));
        let columns = columns
            .map(|name| {
                Ok(Expr::Column(
                    input
                        .schema()
                        .qualified_field_with_unqualified_name(name)?
                        .into(),
                ))
            })
            .collect::<Result<Vec<_>>>()?;
        let fields = keys
            .iter()
            .map(|key| Ok(Arc::clone(input.schema().field_with_unqualified_name(key)?)))
            .collect::<Result<Vec<_>>>()?;
        let levels = ["level_start", "level_end", "level_us", "changes"]
            .map(|name| Arc::new(Field::new(name, DataType::Int64, false)));
        let schema = with_bounds(fields.into_iter().chain(levels));
        let input = LogicalPlanBuilder::from(input)
            .project(columns.into_iter().chain([delta]))?
            .build()?;
        Ok(Call {
            kind: Kind::Level { every_us, keys },
            input: Some(input),
            schema,
        })
    }

    fn tick(every_us: i64) -> Result<Call> {
        Ok(Call {
            kind: Kind::Tick { every_us },
            input: None,
            schema: tick_schema(),
        })
    }
}

/// True if `name` is one of our table functions.
pub fn is_window(name: &str) -> bool {
    let known = ["TUMBLE", "HOP", "LEVEL", "TICK"];
    known.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Columns of the TICK relation.
pub fn tick_schema() -> SchemaRef {
    with_bounds([Arc::new(Field::new("tick_at", instant(), false))])
}

fn usage(name: &str) -> &'static str {
    match name {
        "TUMBLE" => "TUMBLE(stream, DESCRIPTOR(row_time), INTERVAL '15' MINUTE)",
        "HOP" => {
            "HOP(stream, DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '60' MINUTE), first the slide, then the size"
        }
        "LEVEL" => {
            "LEVEL(stream, DESCRIPTOR(row_time), DESCRIPTOR(key, ...), delta, INTERVAL '15' MINUTE)"
        }
        _ => "TICK(INTERVAL '5' MINUTE)",
    }
}

fn with_bounds(fields: impl IntoIterator<Item = Arc<Field>>) -> SchemaRef {
    let bounds =
        [WINDOW_START, WINDOW_END].map(|name| Arc::new(Field::new(name, instant(), false)));
    Arc::new(Schema::new(
        bounds.into_iter().chain(fields).collect::<Vec<_>>(),
    ))
}

fn plan_input(input: &SqlExpr, context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let factor = match input {
        SqlExpr::Subquery(query) => TableFactor::Derived {
            lateral: false,
            subquery: query.clone(),
            alias: None,
            sample: None,
        },
        other => {
            return Err(misuse(
                other.span(),
                format!("`{other}` is not a stream"),
                "give its name, or (SELECT ... FROM stream)",
            ));
        }
    };
    context.plan(factor)
}

fn descriptor(argument: &SqlExpr) -> Result<Vec<String>> {
    if let SqlExpr::Function(function) = argument
        && function.name.to_string().eq_ignore_ascii_case("descriptor")
        && let FunctionArguments::List(list) = &function.args
    {
        return list
            .args
            .iter()
            .map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(SqlExpr::Identifier(name))) => {
                    Ok(name.value.to_lowercase())
                }
                other => Err(misuse(
                    other.span(),
                    format!("DESCRIPTOR takes column names, not `{other}`"),
                    "write DESCRIPTOR(row_time)",
                )),
            })
            .collect();
    }
    Err(misuse(
        argument.span(),
        format!("`{argument}` should be DESCRIPTOR(column)"),
        "write DESCRIPTOR(row_time) for the time, DESCRIPTOR(a, b) for keys",
    ))
}

/// Windows are over the row time alone, because lateness is decided on it once, for all queries.
fn check_time(argument: &SqlExpr, input: &LogicalPlan) -> Result<()> {
    let columns = descriptor(argument)?;
    if columns != [ROW_TIME] {
        return Err(misuse(
            argument.span(),
            format!("windows are over row_time, not {}", columns.join(", ")),
            "write DESCRIPTOR(row_time): lateness is decided on it, for all queries alike",
        ));
    }
    match input.schema().field_with_unqualified_name(ROW_TIME) {
        Ok(field) if *field.data_type() == instant() => Ok(()),
        _ => Err(misuse(
            argument.span(),
            "the windowed rows have no column row_time",
            "add row_time to the sub-query's SELECT",
        )),
    }
}

fn interval_us(argument: &SqlExpr, context: &mut dyn RelationPlannerContext) -> Result<i64> {
    let planned = context.sql_to_expr(argument.clone(), &DFSchema::empty())?;
    let micros = match &planned {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(interval)), _)
            if interval.months == 0 =>
        {
            i64::from(interval.days)
                .checked_mul(86_400_000_000)
                .and_then(|days| days.checked_add(interval.nanoseconds / 1_000))
        }
        Expr::Literal(ScalarValue::IntervalDayTime(Some(interval)), _) => Some(
            i64::from(interval.days) * 86_400_000_000 + i64::from(interval.milliseconds) * 1_000,
        ),
        _ => None,
    };
    match micros {
        Some(micros) if micros > 0 => Ok(micros),
        _ => Err(misuse(
            argument.span(),
            format!("`{argument}` is not a fixed length of time above zero"),
            "write INTERVAL '15' MINUTE; months vary",
        )),
    }
}

//! Reads the calls `TUMBLE(...)`, `HOP(...)`, `CUMULATE(...)`, `SESSION(...)`, `LEVEL(...)`, `TICK(...)` in a FROM clause.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::common::Result;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast};
use datafusion::sql::sqlparser::ast::{Expr as SqlExpr, Spanned, TableFactor};

use super::arguments::{Arguments, check_time, descriptor, interval_us, plan_input, text};
use crate::calendar::Calendar;
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
    /// TUMBLE, HOP and CUMULATE: each row once for every window that holds it.
    Windows(Windows),
    /// SESSION: each row in the window that runs from the first row of its key to a silence.
    Session(SessionRule),
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

impl Kind {
    /// Length of the longest window; of the gap for sessions, which may go on for ever.
    pub fn size_us(&self) -> i64 {
        match self {
            Kind::Windows(windows) => windows.size_us(),
            Kind::Session(rule) => rule.gap_us,
            Kind::Level { every_us, .. } | Kind::Tick { every_us } => *every_us,
        }
    }
}

/// What makes rows one session: they have one key, and less than `gap_us` lies between one and the next. The window runs
/// from the first row to `gap_us` after the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRule {
    /// Silence that ends a session, microseconds.
    pub gap_us: i64,
    /// Columns of the key.
    pub keys: Vec<String>,
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
        let known: &[&str] = if name == "TUMBLE" {
            &["time_zone", "begins"]
        } else {
            &[]
        };
        let arguments = Arguments::read(&name, &arguments.args, known, usage(&name))?;
        let call = match (name.as_str(), arguments.placed.as_slice()) {
            ("TUMBLE", [input, time, size]) => {
                let windows = tumble(size, &arguments, context)?;
                Self::windows(input, time, windows, context)
            }
            ("HOP", [input, time, slide, size]) => {
                let (slide, size) = (interval_us(slide, context)?, interval_us(size, context)?);
                let windows = Windows::new(size, slide).ok_or_else(|| {
                    misuse(
                        time.span(),
                        format!("a window of {size} us cannot slide by {slide} us"),
                        "make the slide at most the size: HOP(t, DESCRIPTOR(row_time), slide, size)",
                    )
                })?;
                Self::windows(input, time, windows, context)
            }
            ("CUMULATE", [input, time, step, size]) => {
                let (step, size) = (interval_us(step, context)?, interval_us(size, context)?);
                let windows = Windows::growing(size, step).ok_or_else(|| {
                    misuse(
                        time.span(),
                        format!("a window cannot grow to {size} us by {step} us"),
                        "make the size a multiple of the step: CUMULATE(t, DESCRIPTOR(row_time), step, size)",
                    )
                })?;
                Self::windows(input, time, windows, context)
            }
            ("SESSION", [input, time, keys, gap]) => {
                Self::session(input, time, keys, interval_us(gap, context)?, context)
            }
            ("LEVEL", [input, time, keys, delta, every]) => {
                Self::level(input, time, keys, delta, every, context)
            }
            ("TICK", [every]) => Self::tick(interval_us(every, context)?),
            (_, placed) => Err(misuse(
                relation.span(),
                format!("{name} has {} arguments", placed.len()),
                usage(&name),
            )),
        };
        call.map(Some)
    }

    fn windows(
        input: &SqlExpr,
        time: &SqlExpr,
        windows: Windows,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<Call> {
        let input = plan_input(input, context)?;
        check_time(time, &input)?;
        Ok(Call {
            kind: Kind::Windows(windows),
            schema: with_bounds(input.schema().as_arrow().fields().iter().cloned()),
            input: Some(input),
        })
    }

    fn session(
        input: &SqlExpr,
        time: &SqlExpr,
        keys: &SqlExpr,
        gap_us: i64,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<Call> {
        let at = keys.span();
        let input = plan_input(input, context)?;
        check_time(time, &input)?;
        let keys = descriptor(keys)?;
        for key in &keys {
            if input.schema().field_with_unqualified_name(key).is_err() {
                return Err(misuse(
                    at,
                    format!("the windowed rows have no column {key}"),
                    "add it to the sub-query's SELECT: rows of one key make a session",
                ));
            }
        }
        Ok(Call {
            kind: Kind::Session(SessionRule { gap_us, keys }),
            schema: with_bounds(input.schema().as_arrow().fields().iter().cloned()),
            input: Some(input),
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
    let known = ["TUMBLE", "HOP", "CUMULATE", "SESSION", "LEVEL", "TICK"];
    known.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Columns of the TICK relation.
pub fn tick_schema() -> SchemaRef {
    with_bounds([Arc::new(Field::new("tick_at", instant(), false))])
}

fn usage(name: &str) -> &'static str {
    match name {
        "TUMBLE" => {
            "TUMBLE(stream, DESCRIPTOR(row_time), INTERVAL '15' MINUTE), and for days, shifts and weeks time_zone => 'Europe/Berlin', begins => INTERVAL '6' HOUR"
        }
        "CUMULATE" => {
            "CUMULATE(stream, DESCRIPTOR(row_time), INTERVAL '1' HOUR, INTERVAL '1' DAY), first the step, then the size"
        }
        "SESSION" => {
            "SESSION(stream, DESCRIPTOR(row_time), DESCRIPTOR(key, ...), INTERVAL '30' MINUTE), last the gap"
        }
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

/// Windows side by side, in universal or in local time.
fn tumble(
    size: &SqlExpr,
    arguments: &Arguments<'_>,
    context: &mut dyn RelationPlannerContext,
) -> Result<Windows> {
    let size_us = interval_us(size, context)?;
    let begins = arguments.named.get("begins");
    let begins_us = begins.map_or(Ok(0), |begins| interval_us(begins, context))?;
    let Some(zone) = arguments.named.get("time_zone") else {
        if let Some(begins) = begins {
            return Err(misuse(
                begins.span(),
                "windows begin by the clock of a time zone alone",
                "add time_zone => 'Europe/Berlin', or 'UTC'",
            ));
        }
        return Windows::new(size_us, size_us)
            .ok_or_else(|| misuse(size.span(), "a window of no length", usage("TUMBLE")));
    };
    let calendar = text(zone).and_then(|zone| Calendar::new(zone, size_us, begins_us));
    calendar.map(Windows::Local).ok_or_else(|| {
        misuse(
            zone.span(),
            format!("no windows of {size} by the clock of {zone}"),
            "name a zone of the tz database, such as 'Europe/Berlin', and take whole hours that divide a day, or whole days",
        )
    })
}

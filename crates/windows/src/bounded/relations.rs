//! The table functions over bounded input, as relations that DataFusion computes by itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, IntervalMonthDayNano, Schema, TimeUnit};
use datafusion::catalog::default_table_source::provider_as_source;
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::functions::datetime::{date_bin, to_local_time};
use datafusion::functions_aggregate::expr_fn::{max, min, sum};
use datafusion::functions_window::expr_fn::lag;
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, SortExpr, WindowFunctionDefinition,
    cast, ident, lit, when,
};
use datafusion::sql::sqlparser::ast::TableFactor;

use super::{Extent, memory};
use crate::calendar::Calendar;
use crate::sql::call::{Call, Kind, ROW_TIME, SessionRule, WINDOW_END, WINDOW_START, instant};
use crate::window::{Windows, floor};

/// Which windows the relation shows.
#[derive(Debug, Clone, Copy)]
pub enum Frame {
    /// All.
    Whole,
    /// One.
    Only {
        /// Start of the window.
        start_us: i64,
        /// End of the window.
        end_us: i64,
    },
}

/// A windowed relation that was planned.
#[derive(Debug)]
pub struct Planned {
    /// Its kind.
    pub kind: Kind,
    /// All its rows.
    pub plan: LogicalPlan,
}

impl Planned {
    /// The window that ends at `end_us` reads tables with rows before this instant.
    pub fn seen_before_us(&self, end_us: i64) -> i64 {
        match self.kind {
            Kind::Tick { .. } => end_us + 1,
            _ => end_us,
        }
    }
}

/// Plans our table functions over bounded tables.
#[derive(Debug)]
pub struct BoundedRelations {
    extent: Extent,
    /// Of the rows of all streams that are read, in order.
    times: Mutex<Vec<i64>>,
    frame: Mutex<Frame>,
    planned: Mutex<Vec<Planned>>,
}

impl BoundedRelations {
    /// Over a log of this extent.
    pub fn new(extent: Extent) -> Self {
        BoundedRelations {
            extent,
            times: Mutex::default(),
            frame: Mutex::new(Frame::Whole),
            planned: Mutex::default(),
        }
    }

    /// When rows came, for levels and ticks.
    pub fn tell(&self, mut times: Vec<i64>) {
        times.sort_unstable();
        *self.times.lock().unwrap_or_else(PoisonError::into_inner) = times;
    }

    /// Which windows relations show that are planned from now on.
    pub fn set(&self, frame: Frame) {
        *self.frame.lock().unwrap_or_else(PoisonError::into_inner) = frame;
        self.planned().clear();
    }

    /// The relations planned since [`Self::set`]; one at least.
    pub fn take(&self) -> Result<Vec<Planned>> {
        let planned = std::mem::take(&mut *self.planned());
        match planned.is_empty() {
            false => Ok(planned),
            true => plan_err!("the query has no window"),
        }
    }

    fn planned(&self) -> MutexGuard<'_, Vec<Planned>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn times(&self) -> Vec<i64> {
        self.times
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The starts of all intervals from `first_us` on that are told of: `plus_us` after their ends a row lies before them
    /// by at most the time of rest.
    fn starts(&self, first_us: i64, every_us: i64, plus_us: i64) -> Vec<i64> {
        let times = self.times();
        let rest_us = self.extent.rest_after_us.max(every_us) + plus_us;
        let is_told = |start_us: &i64| {
            let at = start_us + every_us + plus_us;
            let last = times.partition_point(|time| *time < at).checked_sub(1);
            last.is_some_and(|last| times[last] >= at - rest_us)
        };
        // The last interval that is begun when the input ends is the last.
        let count = (self.extent.horizon_us - first_us - plus_us).div_euclid(every_us) + 1;
        let starts = (0..count).map(|n| first_us + n * every_us);
        starts.filter(is_told).collect()
    }

    fn plan(&self, call: &Call) -> Result<LogicalPlan> {
        match (&call.kind, &call.input) {
            (Kind::Windows(Windows::Hop { size_us, slide_us }), Some(input)) => {
                hop(*size_us, *slide_us, input)
            }
            (Kind::Windows(Windows::Cumulate { size_us, step_us }), Some(input)) => {
                cumulate(*size_us, *step_us, input)
            }
            (Kind::Windows(Windows::Local(calendar)), Some(input)) => local(calendar, input),
            (Kind::Session(rule), Some(input)) => session(rule, input),
            (Kind::Level { every_us, keys }, Some(input)) => {
                let earliest = self.times().first().copied().unwrap_or_default();
                let starts = self.starts(floor(earliest, *every_us), *every_us, 0);
                level(numbers("__start_us", starts)?, *every_us, keys, input)
            }
            (Kind::Tick { every_us }, _) => {
                let first = floor(self.extent.begin_us, *every_us);
                let starts = self.starts(first, *every_us, 1);
                let end = ident("__start_us") + lit(*every_us);
                let columns = [
                    at(ident("__start_us")).alias(WINDOW_START),
                    at(end.clone()).alias(WINDOW_END),
                    at(end).alias("tick_at"),
                ];
                numbers("__start_us", starts)?.project(columns)?.build()
            }
            _ => plan_err!("the call has no input"),
        }
    }
}

fn hop(size_us: i64, slide_us: i64, input: &LogicalPlan) -> Result<LogicalPlan> {
    let offsets = (0..size_us.div_euclid(slide_us) + 1).map(|n| n * slide_us);
    let start = micros(binned(slide_us)) - ident("__back_us");
    let end = start.clone() + lit(size_us);
    windowed(input, numbers("__back_us", offsets.collect())?, start, end)
}

fn cumulate(size_us: i64, step_us: i64, input: &LogicalPlan) -> Result<LogicalPlan> {
    let lengths = (1..=size_us / step_us).map(|n| n * step_us);
    let start = micros(binned(size_us));
    let end = start.clone() + ident("__length_us");
    windowed(
        input,
        numbers("__length_us", lengths.collect())?,
        start,
        end,
    )
}

/// Each row with the bounds for each row of `choices`, of which those are kept that hold its time.
fn windowed(
    input: &LogicalPlan,
    choices: LogicalPlanBuilder,
    start: Expr,
    end: Expr,
) -> Result<LogicalPlan> {
    let bounds = [
        at(start).alias(WINDOW_START),
        at(end.clone()).alias(WINDOW_END),
    ];
    LogicalPlanBuilder::from(input.clone())
        .cross_join(choices.build()?)?
        .filter(end.gt(micros(ident(ROW_TIME))))?
        .project(bounds.into_iter().chain(columns(input)))?
        .build()
}

fn binned(stride_us: i64) -> Expr {
    let bin = date_bin().call(vec![length(stride_us), ident(ROW_TIME)]);
    cast(bin, instant())
}

fn length(us: i64) -> Expr {
    let interval = IntervalMonthDayNano::new(0, 0, us * 1_000);
    lit(ScalarValue::IntervalMonthDayNano(Some(interval)))
}

fn columns(input: &LogicalPlan) -> Vec<Expr> {
    let columns = input.schema().iter();
    columns
        .map(|column| Expr::Column(column.into()).alias(column.1.name()))
        .collect()
}

/// By the clock on the wall: `date_bin` over local time, and back.
fn local(calendar: &Calendar, input: &LogicalPlan) -> Result<LogicalPlan> {
    let of = |zone: Option<&str>| DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into));
    let there = of(Some(calendar.zone()));
    // 1970-01-05 was a Monday.
    let origin_us = 4 * 86_400_000_000 + calendar.begin_us();
    let origin = lit(ScalarValue::TimestampMicrosecond(Some(origin_us), None));
    let shown = to_local_time().call(vec![cast(ident(ROW_TIME), there.clone())]);
    let start = date_bin().call(vec![
        length(calendar.size_us()),
        cast(shown, of(None)),
        origin,
    ]);
    let start = cast(start, of(None));
    let end = start.clone() + length(calendar.size_us());
    let back = |shown| cast(cast(cast(shown, of(None)), there.clone()), instant());
    let bounds = [back(start).alias(WINDOW_START), back(end).alias(WINDOW_END)];
    LogicalPlanBuilder::from(input.clone())
        .filter(ident(ROW_TIME).is_not_null())?
        .project(bounds.into_iter().chain(columns(input)))?
        .build()
}

/// Gaps and islands: a row that comes `gap_us` or more after the one before it begins a session, and the sessions of a key
/// are numbered by how many have begun.
fn session(rule: &SessionRule, input: &LogicalPlan) -> Result<LogicalPlan> {
    let keys = || rule.keys.iter().map(ident).collect::<Vec<_>>();
    let by_time = || vec![ident(ROW_TIME).sort(true, false)];
    let before = lag(ident(ROW_TIME), Some(1), None)
        .partition_by(keys())
        .order_by(by_time())
        .build()?;
    let silence = micros(ident(ROW_TIME)) - micros(ident("__before"));
    let begins = when(ident("__before").is_null(), lit(1_i64))
        .when(silence.gt_eq(lit(rule.gap_us)), lit(1_i64))
        .otherwise(lit(0_i64))?;
    let over = |function: Expr, partition: Vec<Expr>, order: Vec<SortExpr>| -> Result<Expr> {
        let Expr::AggregateFunction(aggregate) = function else {
            return plan_err!("not an aggregate");
        };
        let window = WindowFunction::new(
            WindowFunctionDefinition::AggregateUDF(aggregate.func),
            aggregate.params.args,
        );
        let window = Expr::from(window).partition_by(partition);
        if order.is_empty() {
            return window.build();
        }
        window.order_by(order).build()
    };
    let begun = over(sum(ident("__begins")), keys(), by_time())?;
    let within = || {
        keys()
            .into_iter()
            .chain([ident("__session")])
            .collect::<Vec<_>>()
    };
    let first = over(min(ident(ROW_TIME)), within(), Vec::new())?;
    let last = over(max(ident(ROW_TIME)), within(), Vec::new())?;
    let named = || {
        let fields = input.schema().fields().iter();
        fields.map(|field| ident(field.name())).collect::<Vec<_>>()
    };
    let bounds = [
        ident("__first").alias(WINDOW_START),
        at(micros(ident("__last")) + lit(rule.gap_us)).alias(WINDOW_END),
    ];
    LogicalPlanBuilder::from(input.clone())
        .project(columns(input))?
        .window([before.alias("__before")])?
        .project(named().into_iter().chain([begins.alias("__begins")]))?
        .window([begun.alias("__session")])?
        .project(named().into_iter().chain([ident("__session")]))?
        .window([first.alias("__first"), last.alias("__last")])?
        .project(bounds.into_iter().chain(named()))?
        .build()
}

fn level(
    starts: LogicalPlanBuilder,
    every_us: i64,
    keys: &[String],
    input: &LogicalPlan,
) -> Result<LogicalPlan> {
    let start = || ident("__start_us");
    let end = || ident("__start_us") + lit(every_us);
    let time = || micros(ident(ROW_TIME));
    let is_before = || time().lt(start());
    let delta = || ident("delta");
    let before = when(is_before(), delta()).otherwise(lit(0_i64))?;
    let area = when(is_before(), delta() * lit(every_us)).otherwise(delta() * (end() - time()))?;
    let within = when(is_before(), lit(0_i64)).otherwise(lit(1_i64))?;
    let groups = std::iter::once(start()).chain(keys.iter().map(ident));
    let sums = [
        sum(before).alias("level_start"),
        sum(delta()).alias("level_end"),
        sum(area).alias("level_us"),
        sum(within).alias("changes"),
    ];
    let bounds = [at(start()).alias(WINDOW_START), at(end()).alias(WINDOW_END)];
    let measures = ["level_start", "level_end", "level_us", "changes"].map(ident);
    let keys = keys.iter().map(|key| ident(key).alias(key));
    let is_told = ident("level_start")
        .not_eq(lit(0_i64))
        .or(ident("changes").gt(lit(0_i64)));
    LogicalPlanBuilder::from(input.clone())
        .cross_join(starts.build()?)?
        .filter(time().lt(end()))?
        .aggregate(groups, sums)?
        .filter(is_told)?
        .project(bounds.into_iter().chain(keys).chain(measures))?
        .build()
}

fn numbers(name: &str, values: Vec<i64>) -> Result<LogicalPlanBuilder> {
    let schema = Arc::new(Schema::new(vec![Field::new(name, DataType::Int64, false)]));
    let column = Arc::new(Int64Array::from(values));
    let rows = RecordBatch::try_new(Arc::clone(&schema), vec![column])?;
    let table = memory(&schema, vec![rows])?;
    LogicalPlanBuilder::scan("numbers", provider_as_source(table as _), None)
}

fn micros(time: Expr) -> Expr {
    cast(time, DataType::Int64)
}

fn at(micros: Expr) -> Expr {
    cast(micros, instant())
}

impl RelationPlanner for BoundedRelations {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let Some(call) = Call::read(&relation, context)? else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let TableFactor::Table { name, alias, .. } = relation else {
            return plan_err!("a table function is called by its name");
        };
        let whole = self.plan(&call)?;
        let is = |bound: &str, us: i64| (micros(ident(bound)) - lit(us)).eq(lit(0_i64));
        let frame = *self.frame.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = match frame {
            Frame::Whole => whole.clone(),
            Frame::Only { start_us, end_us } => LogicalPlanBuilder::from(whole.clone())
                // Not `=`: DataFusion turns a comparison of casts into one below them, also where they are between time zones.
                .filter(is(WINDOW_START, start_us).and(is(WINDOW_END, end_us)))?
                .build()?,
        };
        let plan = LogicalPlanBuilder::from(shown)
            .alias(name.to_string().to_lowercase())?
            .build()?;
        self.planned().push(Planned {
            kind: call.kind,
            plan: whole,
        });
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(
            plan, alias,
        ))))
    }
}

//! The table functions over bounded input, as relations that DataFusion computes by itself.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, IntervalMonthDayNano, Schema};
use datafusion::catalog::default_table_source::provider_as_source;
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::functions::datetime::date_bin;
use datafusion::functions_aggregate::expr_fn::sum;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit, when};
use datafusion::sql::sqlparser::ast::TableFactor;

use super::{Extent, memory};
use crate::sql::call::{Call, Kind, ROW_TIME, WINDOW_END, WINDOW_START, instant};
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
    /// The window that starts at `start_us` reads tables with rows before this instant.
    pub fn seen_before_us(&self, start_us: i64) -> i64 {
        match &self.kind {
            Kind::Windows(windows) => start_us + windows.size_us(),
            Kind::Level { every_us, .. } => start_us + every_us,
            Kind::Tick { every_us } => start_us + every_us + 1,
        }
    }
}

/// Plans TUMBLE, HOP, LEVEL and TICK over bounded tables.
#[derive(Debug)]
pub struct BoundedRelations {
    extent: Extent,
    earliest_us: i64,
    frame: Mutex<Frame>,
    planned: Mutex<Option<Planned>>,
}

impl BoundedRelations {
    /// Over a log of this extent, whose first row is at `earliest_us`.
    pub fn new(extent: Extent, earliest_us: i64) -> Self {
        BoundedRelations {
            extent,
            earliest_us,
            frame: Mutex::new(Frame::Whole),
            planned: Mutex::new(None),
        }
    }

    /// Which windows relations show that are planned from now on.
    pub fn set(&self, frame: Frame) {
        *self.frame.lock().unwrap_or_else(PoisonError::into_inner) = frame;
    }

    /// The relation planned last.
    pub fn take(&self) -> Result<Planned> {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        match planned.take() {
            Some(planned) => Ok(planned),
            None => plan_err!("the query has no window"),
        }
    }

    fn plan(&self, call: &Call) -> Result<LogicalPlan> {
        match (&call.kind, &call.input) {
            (Kind::Windows(windows), Some(input)) => windowed(*windows, input),
            (Kind::Level { every_us, keys }, Some(input)) => {
                let first = floor(self.earliest_us, *every_us);
                let count = (self.extent.horizon_us - first).div_euclid(*every_us) + 1;
                let starts = (0..count).map(|n| first + n * every_us).collect();
                level(numbers("__start_us", starts)?, *every_us, keys, input)
            }
            (Kind::Tick { every_us }, _) => {
                let first = floor(self.extent.begin_us, *every_us);
                let count = (self.extent.horizon_us - first - 1).div_euclid(*every_us) + 1;
                let starts = (0..count).map(|n| first + n * every_us).collect();
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

fn windowed(windows: Windows, input: &LogicalPlan) -> Result<LogicalPlan> {
    let (size_us, slide_us) = (windows.size_us(), windows.slide_us());
    let stride = IntervalMonthDayNano::new(0, 0, slide_us * 1_000);
    let stride = lit(ScalarValue::IntervalMonthDayNano(Some(stride)));
    let last = date_bin().call(vec![stride, ident(ROW_TIME)]);
    let columns: Vec<Expr> = input
        .schema()
        .iter()
        .map(|column| Expr::Column(column.into()).alias(column.1.name()))
        .collect();
    let offsets = (0..size_us.div_euclid(slide_us) + 1).map(|n| n * slide_us);
    let start = micros(cast(last, instant())) - ident("__back_us");
    let end = start.clone() + lit(size_us);
    let bounds = [
        at(start).alias(WINDOW_START),
        at(end.clone()).alias(WINDOW_END),
    ];
    LogicalPlanBuilder::from(input.clone())
        .cross_join(numbers("__back_us", offsets.collect())?.build()?)?
        .filter(end.gt(micros(ident(ROW_TIME))))?
        .project(bounds.into_iter().chain(columns))?
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
        let frame = *self.frame.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = match frame {
            Frame::Whole => whole.clone(),
            Frame::Only { start_us } => LogicalPlanBuilder::from(whole.clone())
                .filter(micros(ident(WINDOW_START)).eq(lit(start_us)))?
                .build()?,
        };
        let plan = LogicalPlanBuilder::from(shown)
            .alias(name.to_string().to_lowercase())?
            .build()?;
        *self.planned.lock().unwrap_or_else(PoisonError::into_inner) = Some(Planned {
            kind: call.kind,
            plan: whole,
        });
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(
            plan, alias,
        ))))
    }
}

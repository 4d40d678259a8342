//! Joins of streams by time: which rows of each stream can meet a row of a window.
//!
//! `a.row_time BETWEEN b.row_time - x AND b.row_time + y` bounds how far apart two rows lie that are joined. All such bounds
//! together say, for every stream, how long before and after a row of the window its rows may lie: the shortest paths over
//! differences. Without a bound on both sides a row would have to be kept for ever.

use std::any::Any;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinSide, JoinType, Result, ScalarValue, plan_err};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExprRef;
use datafusion::physical_expr::expressions::{BinaryExpr, CastExpr, Column, Literal};
use datafusion::physical_expr::utils::split_conjunction;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::projection::ProjectionExec;

use super::checks::is_row_wise;
use crate::sql::call::ROW_TIME;
use crate::sql::cut::{as_slot, leaves, read_as_it_is};
use crate::sql::slot::{Slot, SlotExec};

/// A join of streams, cut below: what is row by row runs in fold.
pub struct IntervalJoin {
    /// The streams.
    pub sides: Vec<JoinSideCut>,
    /// The side whose row_time is the joined row's.
    pub anchor: usize,
    /// The join, over the slots of the sides.
    pub plan: Arc<dyn ExecutionPlan>,
}

/// One stream of a join.
pub struct JoinSideCut {
    /// Rows of the stream to the rows that are joined.
    pub select: Arc<dyn ExecutionPlan>,
    /// Its column with the row's time.
    pub time: String,
    /// Where merge puts the rows.
    pub slot: Slot,
    /// Its rows lie at most so long before those of the anchor that they meet, microseconds.
    pub before_us: i64,
    /// And at most so long after.
    pub after_us: i64,
}

/// A row time plus an offset.
type Instant = (usize, i64);

const HINT: &str = "bound it on both sides in the ON clause, such as a.row_time BETWEEN b.row_time - INTERVAL '2' HOUR AND b.row_time";

/// Cuts a join of streams. `name` gives the stream that a leaf reads.
pub fn cut_join(
    plan: &Arc<dyn ExecutionPlan>,
    name: &dyn Fn(&Slot) -> Option<String>,
) -> Result<IntervalJoin> {
    let mut selects = Vec::new();
    let mut joins = Vec::new();
    find(plan, name, &mut selects, &mut joins)?;
    if joins.len() > 1 && joins.iter().any(|kind| *kind != JoinType::Inner) {
        return plan_err!(
            "more than two streams are joined, and not all by INNER JOIN: make a query of each outer join"
        );
    }
    let streams = Sides { selects };
    let time = plan.schema().index_of(ROW_TIME)?;
    let Some(anchor) = streams.time(plan, time) else {
        return plan_err!(
            "row_time of the joined rows is computed: select the row_time of one of the streams"
        );
    };
    let mut bounds = Bounds::new(streams.selects.len());
    streams.collect(plan, &mut bounds)?;
    bounds.close();
    let mut sides = Vec::new();
    for (side, select) in streams.selects.iter().enumerate() {
        let (Some(after_us), Some(before_us)) =
            (bounds.most[side][anchor], bounds.most[anchor][side])
        else {
            let named = |side: usize| {
                let leaf = leaves(&streams.selects[side]).into_iter().next();
                let slot = leaf
                    .as_ref()
                    .and_then(as_slot)
                    .map(|leaf| leaf.slot().clone());
                slot.and_then(|slot| name(&slot)).unwrap_or_default()
            };
            return plan_err!(
                "no bound in time between {} and {}, so their rows would be kept for ever: {HINT}",
                named(anchor),
                named(side)
            );
        };
        let times = 0..select.schema().fields().len();
        let time = times
            .filter(|&column| is_time(select, column))
            .map(|column| select.schema().field(column).name().clone())
            .next();
        sides.push(JoinSideCut {
            select: Arc::clone(select),
            time: time.unwrap_or_default(),
            slot: Slot::default(),
            before_us: before_us.max(0),
            after_us: after_us.max(0),
        });
    }
    let plan = over_slots(plan, &sides)?;
    Ok(IntervalJoin {
        sides,
        anchor,
        plan,
    })
}

/// The parts that are row by row over one stream, and the kinds of the joins above them.
fn find(
    plan: &Arc<dyn ExecutionPlan>,
    name: &dyn Fn(&Slot) -> Option<String>,
    selects: &mut Vec<Arc<dyn ExecutionPlan>>,
    joins: &mut Vec<JoinType>,
) -> Result<()> {
    if is_row_wise(plan) {
        let leaf = leaves(plan).into_iter().next();
        let slot = leaf
            .as_ref()
            .and_then(as_slot)
            .map(|leaf| leaf.slot().clone());
        if slot.and_then(|slot| name(&slot)).is_none() {
            return plan_err!(
                "a table under the window: join tables to the windowed relation outside"
            );
        }
        selects.push(Arc::clone(plan));
        return Ok(());
    }
    let node = plan.as_ref() as &dyn Any;
    match (
        node.downcast_ref::<HashJoinExec>(),
        node.downcast_ref::<NestedLoopJoinExec>(),
    ) {
        (Some(join), _) => joins.push(*join.join_type()),
        (_, Some(join)) => joins.push(*join.join_type()),
        _ => match plan.name() {
            "ProjectionExec" | "FilterExec" | "CoalesceBatchesExec" | "CooperativeExec" => {}
            "CrossJoinExec" => {
                return plan_err!("no bound in time between the streams that are joined: {HINT}");
            }
            _ => {
                return plan_err!(
                    "aggregates and sorts under the window would run over each commit's rows alone: use columns, WHERE and JOIN only"
                );
            }
        },
    }
    plan.children()
        .into_iter()
        .try_for_each(|child| find(child, name, selects, joins))
}

fn over_slots(
    plan: &Arc<dyn ExecutionPlan>,
    sides: &[JoinSideCut],
) -> Result<Arc<dyn ExecutionPlan>> {
    let cut = Arc::clone(plan).transform_down(|node| {
        let side = sides.iter().find(|side| Arc::ptr_eq(&side.select, &node));
        Ok(match side {
            Some(side) => {
                let leaf = SlotExec::new("side", side.select.schema(), side.slot.clone());
                Transformed::new(Arc::new(leaf) as _, true, TreeNodeRecursion::Jump)
            }
            None => Transformed::no(node),
        })
    })?;
    Ok(cut.data)
}

/// The parts of the plan below the joins.
struct Sides {
    selects: Vec<Arc<dyn ExecutionPlan>>,
}

impl Sides {
    /// The side whose row_time column `index` of `plan` is.
    fn time(&self, plan: &Arc<dyn ExecutionPlan>, index: usize) -> Option<usize> {
        let side = self
            .selects
            .iter()
            .position(|select| Arc::ptr_eq(select, plan));
        if let Some(side) = side {
            return is_time(plan, index).then_some(side);
        }
        let node = plan.as_ref() as &dyn Any;
        if let Some(join) = node.downcast_ref::<HashJoinExec>() {
            let index = join
                .projection
                .as_ref()
                .map_or(Some(index), |shown| shown.get(index).copied())?;
            return self.time_of_join(join.join_type(), join.left(), join.right(), index);
        }
        if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
            let index = join
                .projection()
                .as_ref()
                .map_or(Some(index), |shown| shown.get(index).copied())?;
            return self.time_of_join(join.join_type(), join.left(), join.right(), index);
        }
        let child = *plan.children().first()?;
        self.time(child, source_of(plan, index)?)
    }

    fn time_of_join(
        &self,
        kind: &JoinType,
        left: &Arc<dyn ExecutionPlan>,
        right: &Arc<dyn ExecutionPlan>,
        index: usize,
    ) -> Option<usize> {
        let width = left.schema().fields().len();
        match kind {
            JoinType::RightSemi | JoinType::RightAnti => self.time(right, index),
            JoinType::LeftSemi | JoinType::LeftAnti => self.time(left, index),
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => {
                match index.checked_sub(width) {
                    Some(index) => self.time(right, index),
                    None => self.time(left, index),
                }
            }
            _ => None,
        }
    }

    /// Reads every bound that the joins and filters of `plan` state.
    fn collect(&self, plan: &Arc<dyn ExecutionPlan>, bounds: &mut Bounds) -> Result<()> {
        if self.selects.iter().any(|select| Arc::ptr_eq(select, plan)) {
            return Ok(());
        }
        let node = plan.as_ref() as &dyn Any;
        if let Some(join) = node.downcast_ref::<HashJoinExec>() {
            for (left, right) in join.on() {
                let left = self.instant(left, &|index| self.time(join.left(), index));
                let right = self.instant(right, &|index| self.time(join.right(), index));
                bounds.compare(left, Operator::Eq, right);
            }
            self.collect_filter(join.filter(), join.left(), join.right(), bounds);
        } else if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
            self.collect_filter(join.filter(), join.left(), join.right(), bounds);
        } else if let Some(filter) = node.downcast_ref::<FilterExec>() {
            let time = |index| self.time(filter.input(), index);
            self.collect_conjuncts(filter.predicate(), &time, bounds);
        }
        plan.children()
            .into_iter()
            .try_for_each(|child| self.collect(child, bounds))
    }

    fn collect_filter(
        &self,
        filter: Option<&JoinFilter>,
        left: &Arc<dyn ExecutionPlan>,
        right: &Arc<dyn ExecutionPlan>,
        bounds: &mut Bounds,
    ) {
        let Some(filter) = filter else { return };
        let time = |index: usize| {
            let column = filter.column_indices().get(index)?;
            match column.side {
                JoinSide::Left => self.time(left, column.index),
                JoinSide::Right => self.time(right, column.index),
                JoinSide::None => None,
            }
        };
        self.collect_conjuncts(filter.expression(), &time, bounds);
    }

    fn collect_conjuncts(
        &self,
        predicate: &PhysicalExprRef,
        time: &dyn Fn(usize) -> Option<usize>,
        bounds: &mut Bounds,
    ) {
        for conjunct in split_conjunction(predicate) {
            let node = conjunct.as_ref() as &dyn Any;
            if let Some(comparison) = node.downcast_ref::<BinaryExpr>() {
                let left = self.instant(comparison.left(), time);
                let right = self.instant(comparison.right(), time);
                bounds.compare(left, *comparison.op(), right);
            }
        }
    }

    /// Reads `row_time`, `row_time + INTERVAL ...` and `row_time - INTERVAL ...`.
    fn instant(
        &self,
        expression: &PhysicalExprRef,
        time: &dyn Fn(usize) -> Option<usize>,
    ) -> Option<Instant> {
        let node = expression.as_ref() as &dyn Any;
        if let Some(column) = node.downcast_ref::<Column>() {
            return Some((time(column.index())?, 0));
        }
        if let Some(cast) = node.downcast_ref::<CastExpr>() {
            let is_instant = matches!(cast.cast_type(), arrow::datatypes::DataType::Timestamp(..));
            return self.instant(cast.expr(), time).filter(|_| is_instant);
        }
        let sum = node.downcast_ref::<BinaryExpr>()?;
        let sign = match sum.op() {
            Operator::Plus => 1,
            Operator::Minus => -1,
            _ => return None,
        };
        if let Some(offset) = interval_us(sum.right()) {
            let (side, us) = self.instant(sum.left(), time)?;
            return Some((side, us + sign * offset));
        }
        let offset = interval_us(sum.left()).filter(|_| sign == 1)?;
        let (side, us) = self.instant(sum.right(), time)?;
        Some((side, us + offset))
    }
}

fn interval_us(expression: &PhysicalExprRef) -> Option<i64> {
    let literal = (expression.as_ref() as &dyn Any).downcast_ref::<Literal>()?;
    match literal.value() {
        ScalarValue::IntervalMonthDayNano(Some(interval)) if interval.months == 0 => {
            let days = i64::from(interval.days) * 86_400_000_000;
            Some(days + interval.nanoseconds / 1_000)
        }
        ScalarValue::IntervalDayTime(Some(interval)) => Some(
            i64::from(interval.days) * 86_400_000_000 + i64::from(interval.milliseconds) * 1_000,
        ),
        _ => None,
    }
}

/// The column of a step's input that its column `index` is.
fn source_of(plan: &Arc<dyn ExecutionPlan>, index: usize) -> Option<usize> {
    let node = plan.as_ref() as &dyn Any;
    if let Some(projection) = node.downcast_ref::<ProjectionExec>() {
        let shown = projection.expr().get(index)?;
        let column = (shown.expr.as_ref() as &dyn Any).downcast_ref::<Column>()?;
        return Some(column.index());
    }
    if let Some(filter) = node.downcast_ref::<FilterExec>()
        && let Some(shown) = filter.projection().as_ref()
    {
        return shown.get(index).copied();
    }
    Some(index)
}

/// True if column `index` of a plan that is row by row is the stream's row_time.
fn is_time(plan: &Arc<dyn ExecutionPlan>, index: usize) -> bool {
    read_as_it_is(plan, index).as_deref() == Some(ROW_TIME)
}

/// By how much one row's time may exceed another's.
struct Bounds {
    most: Vec<Vec<Option<i64>>>,
}

impl Bounds {
    fn new(sides: usize) -> Self {
        let mut most = vec![vec![None; sides]; sides];
        for (side, row) in most.iter_mut().enumerate() {
            row[side] = Some(0);
        }
        Bounds { most }
    }

    fn compare(&mut self, left: Option<Instant>, operator: Operator, right: Option<Instant>) {
        let (Some(left), Some(right)) = (left, right) else {
            return;
        };
        match operator {
            Operator::Lt | Operator::LtEq => self.not_after(left, right),
            Operator::Gt | Operator::GtEq => self.not_after(right, left),
            Operator::Eq => {
                self.not_after(left, right);
                self.not_after(right, left);
            }
            _ => {}
        }
    }

    fn not_after(&mut self, left: Instant, right: Instant) {
        let most = &mut self.most[left.0][right.0];
        let bound = right.1 - left.1;
        *most = Some(most.map_or(bound, |known| known.min(bound)));
    }

    /// What follows from the bounds: Floyd and Warshall's shortest paths.
    fn close(&mut self) {
        let sides = self.most.len();
        for via in 0..sides {
            for from in 0..sides {
                for to in 0..sides {
                    let (Some(one), Some(other)) = (self.most[from][via], self.most[via][to])
                    else {
                        continue;
                    };
                    let path = one.saturating_add(other);
                    let most = &mut self.most[from][to];
                    *most = Some(most.map_or(path, |known| known.min(path)));
                }
            }
        }
    }
}

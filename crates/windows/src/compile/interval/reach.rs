//! How far from a joined row's time the rows of each stream may lie that have a say in it, for joins of every kind.
//!
//! For every step of the tree we keep, over its rows:
//! - `apart`: how far two times of one row lie apart at most, where neither is null;
//! - `present`: the times that are never null;
//! - `after` and `before`, for a side s and a time v: rows of s later than T + `after`, or earlier than T - `before`, make
//!   no difference to the rows whose v is T. This is what we are after; a row is not only in the rows that it is joined
//!   into, it also keeps the rows away that an outer or anti-join gives where nothing is met.
//!
//! A join meets the pairs of rows of its inputs for which its condition holds. In a pair each input's `apart` holds, and so do the
//! condition's comparisons, where both times are there; by way of a time that is there for certain (`present` of an input,
//! or compared by a comparison that NULL does not pass) bounds add up. Call that `met`. Then, for rows whose v, a time of
//! the left input, is T:
//! - They are made of the left rows whose v is T, and of the right rows that these meet. The first hang on the sides of the left
//!   input as they did below. Of the second, take a time x of the right input that is there in every pair: it lies in
//!   [T - `met`(v, x), T + `met`(x, v)], and all right rows whose x is X hang on a side as they did below. So `after`(s, v) is `met`(x, v) +
//!   `after`(s, x), `before` the same the other way round, for whichever x gives least. Nothing is said of pairs of a
//!   row with nothing: whether a row meets none is a question to the same right rows.
//! - Rows that met nothing keep the `apart` of their own input alone: an outer join narrows what lies behind it only in rows that
//!   have both times. In `(a LEFT JOIN b ON b in [a - 10 h, a]) LEFT JOIN c ON c in [b, b + 1 h] AND c in [a - 2 h, a]` a row of b
//!   eight hours before a meets no c, and is told all the same.
//! - A side is `pure` if its rows do no more than to be in the rows that are made of them: it was never on the side of a join that
//!   gives way to NULL, or is not shown. For it rows of other times than `apart` says are not in the rows whose v is T, so that
//!   `after` and `before` are `apart`, if that is less. In a tree of inner joins all sides are.
//!
//! A filter's comparisons are bounds as those of a join. A time that is chosen from several (COALESCE, GREATEST, LEAST, CASE) is
//! a time as the others: a row whose chosen time is T has some of them at T, so that its reach is the widest of theirs.

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::{JoinSide, JoinType, NullEquality, Result, plan_err};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExprRef;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::projection::ProjectionExec;

use super::bounds::{Bounds, Time};
use super::comparisons::{Comparison, compared, comparisons_of};
use super::times::{Choices, Instant};
use super::{is_history, is_time};
use crate::sql::cut::{as_join, as_of};
use crate::sql::slot::Slot;
use crate::state::joined::{Place, Reach};

/// The rows of one step of a join.
#[derive(Debug, Clone, Default)]
pub(super) struct Rows {
    /// Which time each column is.
    pub columns: Vec<Option<Instant>>,
    /// The times that the rows have.
    pub times: BTreeSet<Time>,
    /// Those that are never null.
    pub present: BTreeSet<Time>,
    /// Sides whose rows do nothing but be in the joined ones.
    pub pure: BTreeSet<Time>,
    /// How far the times of one row lie apart.
    pub apart: Bounds,
    /// By side and time: how far behind a row's time rows of the side make a difference to it.
    pub after: Bounds,
    /// The same before it.
    pub before: Bounds,
}

impl Rows {
    /// The rows of one side.
    fn of_side(side: Time, columns: Vec<Option<Instant>>) -> Self {
        let only = BTreeSet::from([side]);
        let mut itself = Bounds::default();
        itself.lower(side, side, 0);
        Rows {
            columns,
            times: only.clone(),
            present: only.clone(),
            pure: only,
            apart: itself.clone(),
            after: itself.clone(),
            before: itself,
        }
    }

    /// The time that a column is, if it is one.
    pub fn time(&self, index: usize) -> Option<Instant> {
        *self.columns.get(index)?
    }

    /// How far the rows of a side lie from an instant that make a difference to it; none if nothing says it.
    pub fn reach(&self, side: Time, at: Instant) -> Option<Reach> {
        let after = self.after.get(side, at.time)?;
        let before = self.before.get(side, at.time)?;
        Some(Reach {
            before_us: before.saturating_add(at.to_us).max(0),
            after_us: after.saturating_sub(at.from_us).max(0),
        })
    }

    fn narrow(&mut self, comparisons: &[Comparison]) {
        for comparison in comparisons {
            comparison.tell(&mut self.apart);
            if comparison.rejects_null {
                self.present
                    .extend([comparison.left.time, comparison.right.time]);
            }
        }
        self.apart.close(&self.present);
    }

    /// Sides that are in the rows and nothing else reach as far as the rows' times lie apart.
    pub fn tighten(&mut self) {
        for (left, right, us) in self.apart.iter() {
            if self.pure.contains(&left) {
                self.after.lower(left, right, us);
            }
            if self.pure.contains(&right) {
                self.before.lower(right, left, us);
            }
        }
    }

    fn shown(mut self, projection: Option<&[usize]>) -> Self {
        if let Some(projection) = projection {
            let columns = projection.iter().map(|&index| self.time(index)).collect();
            self.columns = columns;
        }
        self
    }
}

/// Reads a join of streams.
pub(super) struct Reader<'a> {
    /// The leaves, one a side.
    leaves: Vec<Arc<dyn ExecutionPlan>>,
    /// Tables with the times that their versions hold for.
    histories: &'a [&'a Slot],
    choices: Choices,
}

impl<'a> Reader<'a> {
    /// Nothing read yet. `leaves` are those of the plan in their order, one a side.
    pub fn new(leaves: Vec<Arc<dyn ExecutionPlan>>, histories: &'a [&'a Slot]) -> Self {
        Reader {
            choices: Choices::new(leaves.len()),
            leaves,
            histories,
        }
    }

    /// Where rows of an instant come from.
    pub fn places(&self, at: Instant) -> Vec<Place> {
        self.choices.places(at)
    }

    /// What there is to say of the rows of `plan`.
    pub fn rows(&mut self, plan: &Arc<dyn ExecutionPlan>) -> Result<Rows> {
        let mut leaves = self.leaves.iter();
        if let Some(side) = leaves.position(|leaf| Arc::ptr_eq(leaf, plan)) {
            let columns = (0..plan.schema().fields().len())
                .map(|column| is_time(plan, column).then_some(Instant::of(side)));
            return Ok(Rows::of_side(side, columns.collect()));
        }
        if let [left, right] = plan.children().as_slice() {
            if is_history(right, self.histories) {
                return self.meets_table(plan, (left, right), true);
            }
            if is_history(left, self.histories) {
                return self.meets_table(plan, (right, left), false);
            }
        }
        let node = plan.as_ref() as &dyn Any;
        if let Some(join) = node.downcast_ref::<HashJoinExec>() {
            return self.hash_join(join);
        }
        if let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() {
            let (mut left, mut right) = (self.rows(join.left())?, self.rows(join.right())?);
            let condition = self.filter(join.filter(), &mut left, &mut right);
            let rows = joined(*join.join_type(), left, right, &condition);
            return Ok(rows.shown(join.projection().as_deref()));
        }
        if let Some(join) = node.downcast_ref::<CrossJoinExec>() {
            let (left, right) = (self.rows(join.left())?, self.rows(join.right())?);
            return Ok(joined(JoinType::Inner, left, right, &[]));
        }
        let children = plan.children();
        let [child] = children.as_slice() else {
            return plan_err!("{} under the window", plan.name());
        };
        let mut rows = self.rows(child)?;
        self.choices.begin();
        if let Some(projection) = node.downcast_ref::<ProjectionExec>() {
            let mut columns = Vec::new();
            for shown in projection.expr() {
                columns.push(self.choices.instant(&shown.expr, &mut rows, &Some));
            }
            rows.columns = columns;
        } else if let Some(filter) = node.downcast_ref::<FilterExec>() {
            let mut operand = |time: &_| self.choices.instant(time, &mut rows, &Some);
            let schema = filter.input().schema();
            let comparisons = comparisons_of(filter.predicate(), &schema, &mut operand);
            rows.narrow(&comparisons);
            rows.tighten();
            return Ok(rows.shown(filter.projection().as_deref()));
        }
        Ok(rows)
    }

    /// Rows that meet the versions of a table that hold at a time of theirs. They stay rows of their streams, since a row that meets a
    /// version does so by itself. `is_left`: they are the left input.
    fn meets_table(
        &mut self,
        plan: &Arc<dyn ExecutionPlan>,
        (streams, table): (&Arc<dyn ExecutionPlan>, &Arc<dyn ExecutionPlan>),
        is_left: bool,
    ) -> Result<Rows> {
        let mut rows = self.rows(streams)?;
        let column = as_of(plan, table, self.histories, is_left);
        let at = column.and_then(|column| rows.time(column));
        if !at.is_some_and(|at| at.time < self.leaves.len() && at == Instant::of(at.time)) {
            return plan_err!(
                "a table under the window is read as of the row_time of a stream: JOIN or LEFT JOIN NAME_history h ON h.valid_from <= a.row_time AND a.row_time < h.valid_to, and do not select valid_to"
            );
        }
        let Some(join) = as_join(plan) else {
            return plan_err!("{} under the window", plan.name());
        };
        if matches!(
            join.kind,
            JoinType::Inner | JoinType::Left | JoinType::Right
        ) {
            let none = vec![None; table.schema().fields().len()];
            let both = if is_left {
                [rows.columns, none]
            } else {
                [none, rows.columns]
            };
            rows.columns = both.concat();
        }
        Ok(rows.shown(join.projection))
    }

    fn hash_join(&mut self, join: &HashJoinExec) -> Result<Rows> {
        if join.null_aware {
            return plan_err!(
                "NOT IN gives nothing once any value is NULL, however long ago, so rows would be kept for ever: use NOT EXISTS"
            );
        }
        let (mut left, mut right) = (self.rows(join.left())?, self.rows(join.right())?);
        let mut condition = self.filter(join.filter(), &mut left, &mut right);
        for (left_key, right_key) in join.on() {
            self.choices.begin();
            let left_key = self.choices.instant(left_key, &mut left, &Some);
            self.choices.begin();
            let right_key = self.choices.instant(right_key, &mut right, &Some);
            let equal = match join.null_equality() {
                NullEquality::NullEqualsNothing => Operator::Eq,
                NullEquality::NullEqualsNull => Operator::IsNotDistinctFrom,
            };
            condition.extend(compared(left_key, equal, right_key));
        }
        let rows = joined(*join.join_type(), left, right, &condition);
        Ok(rows.shown(join.projection.as_deref()))
    }

    /// The comparisons of times that a join's filter makes, each operand over one of the inputs.
    fn filter(
        &mut self,
        filter: Option<&JoinFilter>,
        left: &mut Rows,
        right: &mut Rows,
    ) -> Vec<Comparison> {
        let Some(filter) = filter else {
            return Vec::new();
        };
        self.choices.begin();
        let mut operand = |operand: &PhysicalExprRef| {
            let column = |index: usize| filter.column_indices().get(index);
            let read = collect_columns(operand);
            let is_of = |side| {
                let mut read = read.iter().map(|read| column(read.index()));
                read.all(|column| column.is_some_and(|column| column.side == side))
            };
            let index = |index: usize| Some(column(index)?.index);
            if is_of(JoinSide::Left) {
                self.choices.instant(operand, left, &index)
            } else if is_of(JoinSide::Right) {
                self.choices.instant(operand, right, &index)
            } else {
                None
            }
        };
        comparisons_of(filter.expression(), filter.schema(), &mut operand)
    }
}

/// The rows of a join.
fn joined(kind: JoinType, left: Rows, right: Rows, condition: &[Comparison]) -> Rows {
    use JoinType::*;
    let mut met = Rows {
        times: left.times.union(&right.times).copied().collect(),
        present: left.present.union(&right.present).copied().collect(),
        apart: left.apart.clone().union(&right.apart),
        ..Rows::default()
    };
    met.narrow(condition);
    let shows_left = !matches!(kind, RightSemi | RightAnti | RightMark);
    let shows_right = !matches!(kind, LeftSemi | LeftAnti | LeftMark);
    // Rows of these inputs come also where nothing is met.
    let left_alone = matches!(kind, Left | Full | LeftAnti | LeftMark);
    let right_alone = matches!(kind, Right | Full | RightAnti | RightMark);
    let mut rows = Rows::default();
    let inputs = [
        (&left, &right, shows_left, left_alone, right_alone),
        (&right, &left, shows_right, right_alone, left_alone),
    ];
    for (own, other, is_shown, is_alone, other_is_alone) in inputs {
        if !is_shown {
            continue;
        }
        rows.columns.extend(&own.columns);
        rows.times.extend(&own.times);
        reach_across(own, other, &met, &mut rows);
        let within =
            |left: Time, right: Time| own.times.contains(&left) && own.times.contains(&right);
        let apart = if is_alone { &own.apart } else { &met.apart };
        rows.apart = rows.apart.union(&apart.of(within));
        let gives_way = other_is_alone && shows_left && shows_right;
        if !gives_way {
            let present = if is_alone { &own.present } else { &met.present };
            rows.present.extend(present.intersection(&own.times));
            rows.pure.extend(&own.pure);
        }
    }
    if shows_left && shows_right {
        let across =
            |one: Time, other: Time| left.times.contains(&one) != left.times.contains(&other);
        rows.apart = rows.apart.union(&met.apart.of(across));
    }
    rows.columns
        .extend(matches!(kind, LeftMark | RightMark).then_some(None));
    rows.tighten();
    rows
}

/// How far the sides of both inputs reach from the times of one of them.
fn reach_across(own: &Rows, other: &Rows, met: &Rows, rows: &mut Rows) {
    rows.after = std::mem::take(&mut rows.after).union(&own.after);
    rows.before = std::mem::take(&mut rows.before).union(&own.before);
    for &time in &own.times {
        for (side, via, us) in other.after.iter() {
            if let Some(more_us) = met
                .apart
                .get(via, time)
                .filter(|_| met.present.contains(&via))
            {
                rows.after.lower(side, time, us.saturating_add(more_us));
            }
        }
        for (side, via, us) in other.before.iter() {
            if let Some(more_us) = met
                .apart
                .get(time, via)
                .filter(|_| met.present.contains(&via))
            {
                rows.before.lower(side, time, us.saturating_add(more_us));
            }
        }
    }
}

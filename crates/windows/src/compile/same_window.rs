//! Queries over several windowed relations: do rows of one window meet rows of the same alone?
//!
//! Then a query gives, over the rows of one window of each relation, the rows of that window, and all windows together what it
//! gives over all rows. Where both inputs of a join have windows, they have to be compared for equality: by their ends, or by their
//! starts where no two windows begin together.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::common::{JoinType, NullEquality};
use datafusion::physical_expr::PhysicalExprRef;
use datafusion::physical_expr::expressions::{CaseExpr, Column, IsNotNullExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};

use crate::sql::call::{WINDOW_END, WINDOW_START};
use crate::sql::cut::as_slot;
use crate::sql::slot::Slot;
use crate::window::Windows;

/// Why a query cannot be told window by window.
pub(super) enum Fault {
    /// Rows of different windows may meet.
    Meet,
    /// This column of the rows that leave is not for certain a bound of their window.
    Bound(&'static str),
}

/// Checks that rows of one window meet rows of the same alone, and leave with its bounds.
pub(super) fn check(
    plan: &Arc<dyn ExecutionPlan>,
    slots: &[Slot],
    windows: &Windows,
) -> Result<(), Fault> {
    let apart: &[&str] = match windows {
        // Several of them begin together.
        Windows::Cumulate { .. } => &[WINDOW_END],
        Windows::Hop { .. } | Windows::Local(_) => &[WINDOW_START, WINDOW_END],
    };
    let reader = Reader { slots, apart };
    let rows = reader.read(plan).ok_or(Fault::Meet)?;
    for bound in [WINDOW_START, WINDOW_END] {
        let column = plan.schema().index_of(bound).ok();
        let is_bound = |column| rows.bounds.get(&column) == Some(&bound) && rows.is_present(column);
        if !column.is_some_and(is_bound) {
            return Err(Fault::Bound(bound));
        }
    }
    Ok(())
}

/// The rows of one step.
#[derive(Default)]
struct Rows {
    /// They are of windowed relations.
    has_windows: bool,
    /// Columns that hold a bound of the row's window, or NULL: its name.
    bounds: BTreeMap<usize, &'static str>,
    /// Of each of these sets of columns, all of one bound, one at least is not NULL.
    present: BTreeSet<BTreeSet<usize>>,
}

impl Rows {
    /// True if a column is a bound, and never NULL.
    fn is_present(&self, column: usize) -> bool {
        self.present.contains(&BTreeSet::from([column]))
    }

    /// Columns made of these, each of one or of the first of several that is not NULL.
    fn shown(&self, made_of: &[Option<BTreeSet<usize>>]) -> Rows {
        let mut shown = Rows {
            has_windows: self.has_windows,
            ..Rows::default()
        };
        for (place, made_of) in made_of.iter().enumerate() {
            let Some(made_of) = made_of else { continue };
            let names: BTreeSet<_> = made_of.iter().map(|of| self.bounds.get(of)).collect();
            let Some(Some(name)) = names.first().filter(|_| names.len() == 1) else {
                continue;
            };
            shown.bounds.insert(place, name);
            if self.present.iter().any(|set| set.is_subset(made_of)) {
                shown.present.insert(BTreeSet::from([place]));
            }
        }
        let place = |column: &usize| {
            let only = Some(BTreeSet::from([*column]));
            made_of.iter().position(|made_of| *made_of == only)
        };
        for set in &self.present {
            let places: Option<BTreeSet<usize>> = set.iter().map(place).collect();
            shown.present.extend(places);
        }
        shown
    }

    fn projected(self, projection: Option<&[usize]>) -> Rows {
        match projection {
            None => self,
            Some(columns) => {
                let columns = columns.iter().map(|&column| Some(BTreeSet::from([column])));
                self.shown(&columns.collect::<Vec<_>>())
            }
        }
    }

    /// Their columns behind `by` others.
    fn behind(&self, by: usize) -> Rows {
        let moved = |set: &BTreeSet<usize>| set.iter().map(|column| column + by).collect();
        Rows {
            has_windows: self.has_windows,
            bounds: (self.bounds.iter())
                .map(|(column, &name)| (column + by, name))
                .collect(),
            present: self.present.iter().map(moved).collect(),
        }
    }
}

struct Reader<'a> {
    slots: &'a [Slot],
    /// The bounds by which windows are told apart.
    apart: &'a [&'static str],
}

impl Reader<'_> {
    /// What there is to say of the rows of `plan`; nothing if rows of different windows may meet.
    fn read(&self, plan: &Arc<dyn ExecutionPlan>) -> Option<Rows> {
        if let Some(leaf) = as_slot(plan) {
            if !self.slots.iter().any(|slot| slot.is(leaf.slot())) {
                return Some(Rows::default());
            }
            let schema = plan.schema();
            let bound = |(column, name): (usize, &String)| {
                let mut bounds = [WINDOW_START, WINDOW_END].into_iter();
                Some((column, bounds.find(|bound| bound == name)?))
            };
            let names = schema.fields().iter().map(|field| field.name());
            let bounds: BTreeMap<_, _> = names.enumerate().filter_map(bound).collect();
            return Some(Rows {
                has_windows: true,
                present: (bounds.keys().map(|&column| BTreeSet::from([column]))).collect(),
                bounds,
            });
        }
        let inputs: Option<Vec<Rows>> = plan
            .children()
            .into_iter()
            .map(|child| self.read(child))
            .collect();
        let inputs = inputs?;
        if inputs.iter().all(|rows| !rows.has_windows) {
            return Some(Rows::default());
        }
        let node = plan.as_ref() as &dyn Any;
        match inputs.as_slice() {
            [rows] => self.one(node, plan.name(), rows),
            [left, right] => self.two(node, left, right),
            _ => None,
        }
    }

    /// True if no group of rows by these columns has rows of two windows.
    fn are_apart(&self, rows: &Rows, mut by: impl Iterator<Item = Option<usize>>) -> bool {
        let tells = |column| {
            let bound = rows.bounds.get(&column);
            bound.is_some_and(|bound| self.apart.contains(bound)) && rows.is_present(column)
        };
        by.any(|column| column.is_some_and(tells))
    }

    /// A step over one input.
    fn one(&self, node: &dyn Any, name: &str, rows: &Rows) -> Option<Rows> {
        let same = || rows.behind(0);
        if let Some(projection) = node.downcast_ref::<ProjectionExec>() {
            let columns = projection.expr().iter();
            let columns = columns.map(|shown| alternatives(&shown.expr));
            return Some(rows.shown(&columns.collect::<Vec<_>>()));
        }
        if let Some(filter) = node.downcast_ref::<FilterExec>() {
            return Some(same().projected(filter.projection().as_deref()));
        }
        if let Some(aggregate) = node.downcast_ref::<AggregateExec>() {
            let groups = aggregate.group_expr();
            let columns: Vec<Option<usize>> =
                groups.expr().iter().map(|(by, _)| column(by)).collect();
            let is_apart = groups.is_single() && self.are_apart(rows, columns.iter().copied());
            let shown = columns.iter().map(|of| of.map(|of| BTreeSet::from([of])));
            return is_apart.then(|| rows.shown(&shown.collect::<Vec<_>>()));
        }
        let partitions = match node.downcast_ref::<WindowAggExec>() {
            Some(ranked) => Some(ranked.partition_keys()),
            None => {
                (node.downcast_ref::<BoundedWindowAggExec>()).map(|ranked| ranked.partition_keys())
            }
        };
        if let Some(partitions) = partitions {
            return self
                .are_apart(rows, partitions.iter().map(column))
                .then(same);
        }
        let is_sort = node
            .downcast_ref::<SortExec>()
            .is_some_and(|sort| sort.fetch().is_none());
        let passes = [
            "CoalesceBatchesExec",
            "CooperativeExec",
            "CoalescePartitionsExec",
        ];
        (is_sort || passes.contains(&name)).then(same)
    }

    /// A join.
    fn two(&self, node: &dyn Any, left: &Rows, right: &Rows) -> Option<Rows> {
        let both = left.has_windows && right.has_windows;
        if let Some(join) = node.downcast_ref::<HashJoinExec>() {
            let is_same = |(one, other): &(PhysicalExprRef, PhysicalExprRef)| {
                let bound = |rows: &Rows, by| rows.bounds.get(&column(by)?).copied();
                bound(left, one).is_some_and(|one| {
                    self.apart.contains(&one) && bound(right, other) == Some(one)
                })
            };
            let is_strict =
                join.null_equality() == NullEquality::NullEqualsNothing && !join.null_aware;
            if both && !(is_strict && join.on().iter().any(is_same)) {
                return None;
            }
            let width = join.left().schema().fields().len();
            let rows = joined(*join.join_type(), left, right, width);
            return Some(rows.projected(join.projection.as_deref()));
        }
        let join = node.downcast_ref::<NestedLoopJoinExec>();
        let crossed = node.downcast_ref::<CrossJoinExec>();
        match (join, crossed) {
            _ if both => None,
            (Some(join), _) => {
                let width = join.left().schema().fields().len();
                let rows = joined(*join.join_type(), left, right, width);
                Some(rows.projected(join.projection().as_deref()))
            }
            (_, Some(join)) => {
                let width = join.left().schema().fields().len();
                Some(joined(JoinType::Inner, left, right, width))
            }
            _ => None,
        }
    }
}

/// The rows of a join; the columns of `right` stand behind the `width` ones of `left`.
fn joined(kind: JoinType, left: &Rows, right: &Rows, width: usize) -> Rows {
    use JoinType::*;
    let shows_left = !matches!(kind, RightSemi | RightAnti | RightMark);
    let shows_right = !matches!(kind, LeftSemi | LeftAnti | LeftMark);
    if !shows_left || !shows_right {
        return if shows_left { left } else { right }.behind(0);
    }
    let right = &right.behind(width);
    let mut rows = left.behind(0);
    rows.has_windows |= right.has_windows;
    rows.bounds.extend(&right.bounds);
    rows.present = match kind {
        Left => left.present.clone(),
        Right => right.present.clone(),
        Full => {
            let name =
                |set: &BTreeSet<usize>| set.first().and_then(|column| rows.bounds.get(column));
            let pairs = left
                .present
                .iter()
                .flat_map(|one| right.present.iter().map(move |other| (one, other)));
            let pairs = pairs.filter(|(one, other)| name(one) == name(other));
            pairs.map(|(one, other)| one | other).collect()
        }
        _ => left.present.union(&right.present).cloned().collect(),
    };
    rows
}

fn column(expression: &PhysicalExprRef) -> Option<usize> {
    let column = (expression.as_ref() as &dyn Any).downcast_ref::<Column>();
    column.map(Column::index)
}

/// The columns of which an expression is the first that is not NULL: one column, or `COALESCE`, which is planned as CASE WHEN a IS
/// NOT NULL THEN a ELSE b END.
fn alternatives(expression: &PhysicalExprRef) -> Option<BTreeSet<usize>> {
    if let Some(column) = column(expression) {
        return Some(BTreeSet::from([column]));
    }
    let case = (expression.as_ref() as &dyn Any).downcast_ref::<CaseExpr>()?;
    let mut found = BTreeSet::new();
    for (when, then) in case.when_then_expr() {
        let guard = (when.as_ref() as &dyn Any).downcast_ref::<IsNotNullExpr>()?;
        if guard.arg() != then {
            return None;
        }
        found.insert(column(then)?);
    }
    found.insert(column(case.else_expr()?)?);
    Some(found)
}

//! Cuts a plan at its windowed aggregate: what is below, with a partial aggregate on top, runs in fold on every commit;
//! what is above, on a final aggregate, runs in merge when a window closes.

use std::any::Any;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinSide, JoinType, Result};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{PhysicalExpr, split_conjunction};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::projection::ProjectionExec;

use super::call::{ROW_TIME, WINDOW_END, WINDOW_START};
use super::slot::{Slot, SlotExec};
use crate::program::{VALID_FROM, VALID_TO};

/// A plan in two parts.
pub struct Cut {
    /// Rows to partial aggregates; its leaf is the windowed relation's slot.
    pub fold: Arc<dyn ExecutionPlan>,
    /// Partial aggregates of one key and pane to one.
    pub reduce: Arc<dyn ExecutionPlan>,
    /// Leaf of `reduce`.
    pub reduce_slot: Slot,
    /// Partial aggregates to the query's rows.
    pub merge: Arc<dyn ExecutionPlan>,
    /// Leaf of `merge`.
    pub merge_slot: Slot,
    /// Columns of the partial aggregates.
    pub partial_schema: SchemaRef,
    /// Those by which they are grouped, without the bounds.
    pub group_columns: Vec<usize>,
}

/// The leaf of `plan` if it is one of ours.
pub fn as_slot(plan: &Arc<dyn ExecutionPlan>) -> Option<&SlotExec> {
    (plan.as_ref() as &dyn Any).downcast_ref()
}

/// Every slot leaf of `plan`, in the order of the tree.
pub fn leaves(plan: &Arc<dyn ExecutionPlan>) -> Vec<Arc<dyn ExecutionPlan>> {
    let mut found = Vec::new();
    let walked = plan.apply(|node| {
        if as_slot(node).is_some() {
            found.push(Arc::clone(node));
        }
        Ok(TreeNodeRecursion::Continue)
    });
    debug_assert!(walked.is_ok());
    found
}

/// Cuts `plan` at the aggregate next above the leaf that reads `slot`. None if there is no aggregate that can be split,
/// in which case whole rows must go to merge. `tables`: slots of tables that may be joined below the aggregate, since what a
/// row meets there hangs on that row alone; then what is below runs where the tables are.
pub fn cut(plan: &Arc<dyn ExecutionPlan>, slot: &Slot, tables: &[&Slot]) -> Result<Option<Cut>> {
    let reads = leaves(plan);
    let reads = reads
        .iter()
        .filter(|leaf| as_slot(leaf).is_some_and(|leaf| leaf.slot().is(slot)));
    if reads.count() != 1 {
        return Ok(None);
    }
    let Some(node) = lowest_aggregate(plan, slot, tables) else {
        return Ok(None);
    };
    let Some(aggregate) = (node.as_ref() as &dyn Any).downcast_ref::<AggregateExec>() else {
        return Ok(None);
    };
    if !can_be_split(aggregate)? {
        return Ok(None);
    }
    let functions = aggregate
        .aggr_expr()
        .iter()
        .map(unordered)
        .collect::<Result<Vec<_>>>()?;
    let stage = |mode, group, input| {
        AggregateExec::try_new(
            mode,
            group,
            functions.clone(),
            aggregate.filter_expr().to_vec(),
            input,
            aggregate.input_schema(),
        )
    };
    let group = aggregate.group_expr().clone();
    let fold = stage(
        AggregateMode::Partial,
        group.clone(),
        Arc::clone(aggregate.input()),
    )?;
    let partial_schema = fold.schema();
    let leaf = |name| {
        let slot = Slot::default();
        (
            slot.clone(),
            Arc::new(SlotExec::new(name, Arc::clone(&partial_schema), slot))
                as Arc<dyn ExecutionPlan>,
        )
    };
    let (reduce_slot, reduce_leaf) = leaf("partials");
    let (merge_slot, merge_leaf) = leaf("partials");
    let reduce = stage(AggregateMode::PartialReduce, group.as_final(), reduce_leaf)?;
    let finish: Arc<dyn ExecutionPlan> =
        Arc::new(stage(AggregateMode::Final, group.as_final(), merge_leaf)?);
    let merge = Arc::clone(plan).transform_down(|other| {
        Ok(if Arc::ptr_eq(&other, &node) {
            Transformed::new(Arc::clone(&finish), true, TreeNodeRecursion::Jump)
        } else {
            Transformed::no(other)
        })
    })?;
    let names = aggregate.group_expr().expr().iter().enumerate();
    let group_columns = names.filter(|(_, (_, name))| name != WINDOW_START && name != WINDOW_END);
    Ok(Some(Cut {
        group_columns: group_columns.map(|(column, _)| column).collect(),
        fold: Arc::new(fold),
        reduce: Arc::new(reduce),
        reduce_slot,
        merge: merge.data,
        merge_slot,
        partial_schema,
    }))
}

/// The function without trust in the order of its input: the plan sorts the rows that fold sees, but partial aggregates
/// come in any order, and `last_value` would take the one that comes last.
fn unordered(function: &Arc<AggregateFunctionExpr>) -> Result<Arc<AggregateFunctionExpr>> {
    if !function.order_sensitivity().is_beneficial() {
        return Ok(Arc::clone(function));
    }
    let distrusting = Arc::clone(function).with_beneficial_ordering(false)?;
    Ok(distrusting.map_or_else(|| Arc::clone(function), Arc::new))
}

/// The aggregate nearest above the leaf, with nothing but row-wise steps between.
fn lowest_aggregate(
    plan: &Arc<dyn ExecutionPlan>,
    slot: &Slot,
    tables: &[&Slot],
) -> Option<Arc<dyn ExecutionPlan>> {
    for child in plan.children() {
        if let Some(found) = lowest_aggregate(child, slot, tables) {
            return Some(found);
        }
    }
    (plan.name() == "AggregateExec" && reaches(plan.children().first()?, slot, tables))
        .then(|| Arc::clone(plan))
}

fn reaches(plan: &Arc<dyn ExecutionPlan>, slot: &Slot, tables: &[&Slot]) -> bool {
    if let Some(leaf) = as_slot(plan) {
        return leaf.slot().is(slot);
    }
    let row_wise = [
        "FilterExec",
        "ProjectionExec",
        "SortExec",
        "CoalesceBatchesExec",
        "CooperativeExec",
    ];
    match plan.children().as_slice() {
        [child] if row_wise.contains(&plan.name()) => reaches(child, slot, tables),
        [left, right] => match (reads(left, slot), reads(right, slot)) {
            (true, false) => meets(plan, right, tables, true) && reaches(left, slot, tables),
            (false, true) => meets(plan, left, tables, false) && reaches(right, slot, tables),
            _ => false,
        },
        _ => false,
    }
}

fn reads(plan: &Arc<dyn ExecutionPlan>, slot: &Slot) -> bool {
    let leaves = leaves(plan);
    let mut slots = leaves.iter().filter_map(as_slot);
    slots.any(|leaf| leaf.slot().is(slot))
}

/// True if `plan` joins each windowed row by itself with the versions of `tables` that hold at its time, whatever its window.
/// `is_left`: the windowed rows are the left ones.
fn meets(
    plan: &Arc<dyn ExecutionPlan>,
    aside: &Arc<dyn ExecutionPlan>,
    tables: &[&Slot],
    is_left: bool,
) -> bool {
    let mut compared: Vec<_> = keys_of(plan).collect();
    let filter = as_join(plan).and_then(|join| join.filter);
    compared.extend(filter.map(JoinFilter::expression));
    let is_bound = |column: &Column| [WINDOW_START, WINDOW_END].contains(&column.name());
    as_of(plan, aside, tables, is_left).is_some()
        && !(compared.iter()).any(|expression| collect_columns(expression).iter().any(is_bound))
}

/// What a join compares for equality.
fn keys_of(plan: &Arc<dyn ExecutionPlan>) -> impl Iterator<Item = &Arc<dyn PhysicalExpr>> {
    let join = (plan.as_ref() as &dyn Any).downcast_ref::<HashJoinExec>();
    let pairs = join.map_or(&[][..], |join| join.on()).iter();
    pairs.flat_map(|(left, right)| [left, right])
}

/// What two kinds of joins have in common: those of equal keys, and those of a filter alone.
pub struct AnyJoin<'a> {
    /// Which rows it gives.
    pub kind: JoinType,
    /// What has to hold beside the keys.
    pub filter: Option<&'a JoinFilter>,
    /// The columns that it shows, if not all.
    pub projection: Option<&'a [usize]>,
}

/// `plan` if it is a join that compares.
pub fn as_join(plan: &Arc<dyn ExecutionPlan>) -> Option<AnyJoin<'_>> {
    let node = plan.as_ref() as &dyn Any;
    if let Some(join) = node.downcast_ref::<HashJoinExec>() {
        return Some(AnyJoin {
            kind: *join.join_type(),
            filter: join.filter(),
            projection: join.projection.as_deref(),
        });
    }
    let join = node.downcast_ref::<NestedLoopJoinExec>()?;
    Some(AnyJoin {
        kind: *join.join_type(),
        filter: join.filter(),
        projection: join.projection().as_deref(),
    })
}

/// The column of rows as of which a join meets the versions of one of `tables`, which is its input `aside`, each row by itself. `is_left`:
/// the rows are the left input. None if it is another join.
pub fn as_of(
    plan: &Arc<dyn ExecutionPlan>,
    aside: &Arc<dyn ExecutionPlan>,
    tables: &[&Slot],
    is_left: bool,
) -> Option<usize> {
    let join = as_join(plan)?;
    // Of the other joins rows come that no windowed row has a part in.
    let is_row_by_row = match join.kind {
        JoinType::Inner => true,
        JoinType::Left | JoinType::LeftSemi | JoinType::LeftAnti => is_left,
        JoinType::Right | JoinType::RightSemi | JoinType::RightAnti => !is_left,
        _ => false,
    };
    let is_table = tables.iter().any(|table| reaches(aside, table, &[])) && names_bounds(aside);
    // What a version's end is may yet be learnt.
    let shows_end = plan.schema().index_of(VALID_TO).is_ok()
        || reads_end(aside)
        || keys_of(plan).any(|key| collect_columns(key).iter().any(is_end));
    if !is_row_by_row || shows_end || !is_table {
        return None;
    }
    let side = if is_left {
        JoinSide::Left
    } else {
        JoinSide::Right
    };
    time_of(join.filter?, side)
}

fn is_end(column: &Column) -> bool {
    column.name() == VALID_TO
}

/// True if the bounds of a table's versions have their own names, and nothing else has.
fn names_bounds(table: &Arc<dyn ExecutionPlan>) -> bool {
    let schema = table.schema();
    let mut fields = schema.fields().iter().enumerate();
    fields.all(|(index, field)| {
        let read = read_as_it_is(table, index);
        let is = |bound: &str| (field.name() == bound) == (read.as_deref() == Some(bound));
        is(VALID_FROM) && is(VALID_TO)
    })
}

/// True if something is made of when a version ends.
fn reads_end(table: &Arc<dyn ExecutionPlan>) -> bool {
    let mut reads = false;
    let walked = table.apply(|node| {
        node.apply_expressions(&mut |expression| {
            reads |= is_column(expression.as_ref()).is_none()
                && collect_columns(expression).iter().any(is_end);
            Ok(TreeNodeRecursion::Continue)
        })
    });
    debug_assert!(walked.is_ok());
    reads
}

/// The column of the rows as of which a filter asks for a version. `side`: that of the rows.
fn time_of(filter: &JoinFilter, side: JoinSide) -> Option<usize> {
    let place = |expression: &Arc<dyn PhysicalExpr>, name: &str, of_rows: bool| {
        let column = (expression.as_ref() as &dyn Any).downcast_ref::<Column>()?;
        let place = filter.column_indices().get(column.index())?;
        (column.name() == name && (place.side == side) == of_rows).then_some(place.index)
    };
    let terms = split_conjunction(filter.expression());
    // Columns of the rows of which a comparison with a bound of the version says so.
    let compared = |operator: Operator, bound: &str, is_less: bool| -> Vec<usize> {
        let of = |term: &&Arc<dyn PhysicalExpr>| {
            let term = (term.as_ref() as &dyn Any).downcast_ref::<BinaryExpr>()?;
            let (less, more) = match (*term.op() == operator, term.op().swap() == Some(operator)) {
                (true, _) => (term.left(), term.right()),
                (_, true) => (term.right(), term.left()),
                _ => return None,
            };
            let (bound_at, time_at) = if is_less { (less, more) } else { (more, less) };
            place(bound_at, bound, false).and(place(time_at, ROW_TIME, true))
        };
        terms.iter().filter_map(of).collect()
    };
    let from = compared(Operator::LtEq, VALID_FROM, true);
    let to = compared(Operator::Lt, VALID_TO, false);
    let reads_end = |term: &&&Arc<dyn PhysicalExpr>| {
        let read = collect_columns(term);
        let mut read = read.iter().map(|column| {
            filter
                .column_indices()
                .get(column.index())
                .map(|at| (at.side, column.name()))
        });
        read.any(|read| read.is_some_and(|(of, name)| of != side && name == VALID_TO))
    };
    match (to.as_slice(), terms.iter().filter(reads_end).count()) {
        ([column], 1) => from.contains(column).then_some(*column),
        _ => None,
    }
}

/// An aggregate over panes gives the aggregate over windows only if the bounds of the window are nothing but keys.
fn can_be_split(aggregate: &AggregateExec) -> Result<bool> {
    let is_bound = |name: &str| name == WINDOW_START || name == WINDOW_END;
    let keyed_by_start = aggregate
        .group_expr()
        .expr()
        .iter()
        .any(|(expression, name)| {
            name == WINDOW_START
                && is_column(expression.as_ref()).is_some_and(|column| column == WINDOW_START)
        });
    if *aggregate.mode() != AggregateMode::Single
        || !aggregate.group_expr().is_single()
        || !keyed_by_start
    {
        return Ok(false);
    }
    let mut only_keys = true;
    for (expression, name) in aggregate.group_expr().expr() {
        let reads = collect_columns(expression);
        let touches = is_bound(name) || reads.iter().any(|column| is_bound(column.name()));
        only_keys &= !touches || is_column(expression.as_ref()) == Some(name);
    }
    let arguments = aggregate
        .aggr_expr()
        .iter()
        .flat_map(|function| function.expressions());
    let filters = aggregate.filter_expr().iter().flatten().cloned();
    for expression in arguments.chain(filters) {
        only_keys &= !collect_columns(&expression)
            .iter()
            .any(|column| is_bound(column.name()));
    }
    aggregate.input().apply(|node| {
        if let Some(projection) = (node.as_ref() as &dyn Any).downcast_ref::<ProjectionExec>() {
            for output in projection.expr() {
                let source = is_column(output.expr.as_ref());
                let touches = is_bound(&output.alias) || source.is_some_and(is_bound);
                only_keys &= !touches || source == Some(output.alias.as_str());
            }
        }
        node.apply_expressions(&mut |expression| {
            let computes = is_column(expression.as_ref()).is_none()
                && collect_columns(expression)
                    .iter()
                    .any(|column| is_bound(column.name()));
            only_keys &= !computes;
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(only_keys)
}

/// The column of the leaf that column `index` of a plan is, where it is that column as it stands.
pub fn read_as_it_is(plan: &Arc<dyn ExecutionPlan>, index: usize) -> Option<String> {
    if as_slot(plan).is_some() {
        let schema = plan.schema();
        return schema.fields().get(index).map(|field| field.name().clone());
    }
    let child = *plan.children().first()?;
    let node = plan.as_ref() as &dyn Any;
    let of_column = |expression: &dyn Any| Some(expression.downcast_ref::<Column>()?.index());
    let index = if let Some(projection) = node.downcast_ref::<ProjectionExec>() {
        of_column(projection.expr().get(index)?.expr.as_ref())?
    } else if let Some(filter) = node.downcast_ref::<FilterExec>() {
        match filter.projection().as_ref() {
            Some(shown) => *shown.get(index)?,
            None => index,
        }
    } else if let Some(aggregate) = node.downcast_ref::<AggregateExec>() {
        of_column(aggregate.group_expr().expr().get(index)?.0.as_ref())?
    } else {
        index
    };
    read_as_it_is(child, index)
}

fn is_column(expression: &dyn Any) -> Option<&str> {
    expression.downcast_ref::<Column>().map(Column::name)
}

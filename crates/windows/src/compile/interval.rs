//! Joins of streams by time: which rows of each stream can meet a row of a window.
//!
//! `a.row_time BETWEEN b.row_time - x AND b.row_time + y` bounds how far apart two rows lie that are joined. All such bounds
//! together say, for every stream, how long before and after a row of the window its rows may lie that have a say in it
//! ([`reach`]). Without a bound on both sides a row would have to be kept for ever.
//! Tables that are read as of a row_time widen nothing: each row meets its version by itself.

mod bounds;
mod comparisons;
mod numbers;
mod reach;
#[cfg(test)]
mod tests;
mod times;

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, plan_err};
use datafusion::physical_plan::ExecutionPlan;

use super::checks::is_row_wise;
use crate::sql::call::ROW_TIME;
use crate::sql::cut::{as_slot, leaves, read_as_it_is};
use crate::sql::slot::{Slot, SlotExec};
use crate::state::joined::{Place, Reach};
use reach::Reader;
use times::Instant;

/// A join of streams, cut below: what is row by row runs in fold.
pub struct IntervalJoin {
    /// The streams.
    pub sides: Vec<JoinSideCut>,
    /// Where a joined row lies in time: each row_time is that of a row of one of these.
    pub places: Vec<Place>,
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
    /// How far from a joined row's time its rows have a say in it.
    pub reach: Reach,
}

const HINT: &str = "bound it on both sides in the ON clause, such as a.row_time BETWEEN b.row_time - INTERVAL '2' HOUR AND b.row_time";

/// Cuts a join of streams, and of tables as of their rows' times. `name` gives the stream that a leaf reads, `histories` the tables.
pub fn cut_join(
    plan: &Arc<dyn ExecutionPlan>,
    name: &dyn Fn(&Slot) -> Option<String>,
    histories: &[&Slot],
) -> Result<IntervalJoin> {
    let mut selects = Vec::new();
    find(plan, name, histories, &mut selects)?;
    let mut sides = leaves(plan);
    sides.retain(|leaf| slot_of(leaf).and_then(name).is_some());
    let mut reader = Reader::new(sides, histories);
    let rows = reader.rows(plan)?;
    let Some(at) = rows.time(plan.schema().index_of(ROW_TIME)?) else {
        return plan_err!(
            "row_time of the joined rows is not made of the streams' row_times: select the row_time of one of them, or COALESCE, GREATEST, LEAST or CASE of several, plus or minus an interval"
        );
    };
    let places = reader.places(at);
    let named = |side: usize| {
        let slot = slot_of(&selects[side]);
        slot.and_then(name).unwrap_or_default()
    };
    let mut sides = Vec::new();
    for (side, select) in selects.iter().enumerate() {
        let Some(reach) = rows.reach(side, at) else {
            let lacks = |place: &&Place| rows.reach(side, Instant::of(place.side)).is_none();
            let other = places.iter().find(lacks).or(places.first());
            return plan_err!(
                "no bound in time between {} and {}, so their rows would be kept for ever: {HINT}",
                other.map(|place| named(place.side)).unwrap_or_default(),
                named(side)
            );
        };
        let mut columns = 0..select.schema().fields().len();
        let Some(time) = columns.find(|&column| is_time(select, column)) else {
            return plan_err!(
                "row_time of {} is not among its columns: select it",
                named(side)
            );
        };
        sides.push(JoinSideCut {
            select: Arc::clone(select),
            time: select.schema().field(time).name().clone(),
            slot: Slot::default(),
            reach,
        });
    }
    let plan = over_slots(plan, &sides)?;
    Ok(IntervalJoin {
        sides,
        places,
        plan,
    })
}

/// The parts that are row by row over one stream.
fn find(
    plan: &Arc<dyn ExecutionPlan>,
    name: &dyn Fn(&Slot) -> Option<String>,
    histories: &[&Slot],
    selects: &mut Vec<Arc<dyn ExecutionPlan>>,
) -> Result<()> {
    if is_row_wise(plan) {
        let slot = slot_of(plan);
        if slot.and_then(name).is_some() {
            selects.push(Arc::clone(plan));
        } else if !is_history(plan, histories) {
            return plan_err!(
                "a table under the window, where its rows have no time: join NAME_history as of row_time, or tables to the windowed relation outside"
            );
        }
        return Ok(());
    }
    match plan.name() {
        "HashJoinExec" | "NestedLoopJoinExec" | "CrossJoinExec" => {}
        "ProjectionExec" | "FilterExec" | "CoalesceBatchesExec" | "CooperativeExec" => {}
        _ => {
            return plan_err!(
                "aggregates and sorts under the window would run over each commit's rows alone: use columns, WHERE and JOIN only"
            );
        }
    }
    plan.children()
        .into_iter()
        .try_for_each(|child| find(child, name, histories, selects))
}

/// True if a plan is row by row over the versions of a table.
fn is_history(plan: &Arc<dyn ExecutionPlan>, histories: &[&Slot]) -> bool {
    let slot = slot_of(plan);
    is_row_wise(plan) && slot.is_some_and(|slot| histories.iter().any(|history| history.is(slot)))
}

/// The slot that a plan over one leaf reads.
fn slot_of(plan: &Arc<dyn ExecutionPlan>) -> Option<&Slot> {
    match plan.children().as_slice() {
        [] => as_slot(plan).map(SlotExec::slot),
        [child] => slot_of(child),
        _ => None,
    }
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

/// True if column `index` of a plan that is row by row is the stream's row_time.
fn is_time(plan: &Arc<dyn ExecutionPlan>, index: usize) -> bool {
    read_as_it_is(plan, index).as_deref() == Some(ROW_TIME)
}

//! Queries over several streams: joined by time under one windowed relation, or each under its own and joined window by window.

use std::sync::Arc;

use datafusion::common::{DataFusionError, Result, plan_err};
use datafusion::physical_plan::ExecutionPlan;

use super::Compiler;
use super::checks::reads;
use super::interval::{JoinSideCut, cut_join};
use super::query::wanted_of;
use super::same_window::{self, Fault};
use crate::error::misuse;
use crate::fold::{FoldPlan, Frame, with_bounds};
use crate::joining::{Join, Makes, Versions};
use crate::program::{Input, Query, Strategy};
use crate::sql::call::{Kind, ROW_TIME};
use crate::sql::cut::cut;
use crate::sql::parse::SqlFile;
use crate::sql::relation::Captured;
use crate::sql::slot::{Slot, SlotExec};
use crate::state::gathered::panes;
use crate::state::joined::{Place, Reach};
use crate::window::Windows;

impl Compiler {
    /// Streams joined by time under the window: whole rows go to merge, and are aggregated there in parts where that can be.
    /// `changes` are what a level is made of.
    pub(super) fn joined(
        &self,
        file: &SqlFile,
        captured: &Captured,
        plan: &Arc<dyn ExecutionPlan>,
        select: &Arc<dyn ExecutionPlan>,
        changes: Option<(Slot, Arc<dyn ExecutionPlan>)>,
    ) -> Result<Query> {
        let histories: Vec<&Slot> = self.tables.iter().map(|table| &table.history).collect();
        let joined = cut_join(select, &|slot| self.stream_named(slot), &histories);
        let joined = joined.map_err(|error| at_call(captured, &error))?;
        let reaches = joined.sides.iter().map(|side| side.reach);
        let windows = match &captured.call.kind {
            Kind::Windows(windows) => Some(windows.clone()),
            Kind::Session(rule) => panes(rule, reaches),
            Kind::Level { every_us, .. } => Windows::new(*every_us, *every_us),
            Kind::Tick { .. } => None,
        };
        let Some(windows) = windows else {
            return plan_err!("streams are joined under a window");
        };
        let mut query = self.blank(file, captured, plan, with_bounds(&select.schema()));
        query.strategy = Strategy::Joined;
        let side = |side: &JoinSideCut| self.side(file, &side.select, &windows, &side.time);
        query.inputs = joined.sides.iter().map(side).collect::<Result<_>>()?;
        let reads = |slot: &&Slot| reads(select, slot);
        let versions = histories.iter().any(reads).then_some(Versions::OfPane);
        let makes = match (&captured.call.kind, changes) {
            (Kind::Session(rule), _) => Makes::Sessions(rule.clone()),
            (_, Some((slot, changes))) => {
                query.partial_schema = changes.schema();
                Makes::Parts(slot, changes)
            }
            // Versions may yet come that change what was made of a pane.
            _ if versions.is_some() => Makes::Rows,
            _ => match cut(plan, &captured.slot, &[])? {
                Some(parts) => {
                    query.reduce = Some((parts.reduce_slot, parts.reduce));
                    query.finish = (parts.merge_slot, parts.merge);
                    Makes::Parts(captured.slot.clone(), parts.fold)
                }
                None => Makes::Rows,
            },
        };
        query.join = Some(Join {
            plan: joined.plan,
            slots: (joined.sides.iter().map(|side| side.slot.clone())).collect(),
            reaches: (joined
                .sides
                .iter()
                .map(|side| (side.reach, side.time.clone())))
            .collect(),
            places: joined.places,
            windows,
            versions,
            makes,
        });
        Ok(query)
    }

    /// Several windowed relations over the same windows: merge runs the whole query over the rows of each window.
    pub(super) fn side_by_side(
        &self,
        file: &SqlFile,
        relations: &[Captured],
        plan: &Arc<dyn ExecutionPlan>,
    ) -> Result<Query> {
        let (first, others) = match relations {
            [first, others @ ..] => (first, others),
            [] => return plan_err!("no windowed relation"),
        };
        let Kind::Windows(windows) = &first.call.kind else {
            return Err(misuse(first.at, NOT_SIDE_BY_SIDE.0, NOT_SIDE_BY_SIDE.1));
        };
        if let Some(other) = others
            .iter()
            .find(|other| other.call.kind != first.call.kind)
        {
            return Err(misuse(other.at, NOT_SIDE_BY_SIDE.0, NOT_SIDE_BY_SIDE.1));
        }
        let slots: Vec<Slot> = (relations.iter().map(|relation| relation.slot.clone())).collect();
        same_window::check(plan, &slots, windows).map_err(|fault| {
            let at = others.first().map_or(first.at, |other| other.at);
            match fault {
                Fault::Meet => misuse(
                    at,
                    "rows of different windows meet here, so they would be kept for ever",
                    "join windowed relations ON a.window_start = b.window_start AND a.window_end = b.window_end",
                ),
                Fault::Bound(bound) => misuse(
                    at,
                    format!("{bound} of the rows may be NULL, or is not that of their window"),
                    "select it of a relation that always has a row; with FULL JOIN coalesce(a.window_start, b.window_start) AS window_start, and the ends so",
                ),
            }
        })?;
        let mut query = self.blank(file, first, plan, plan.schema());
        query.strategy = Strategy::Joined;
        for relation in relations {
            let select = self.select(relation, &wanted_of(relation, plan))?;
            let input = self.side(file, &select, windows, ROW_TIME);
            let input = input.map_err(|error| at_call(relation, &error));
            query.inputs.push(input?);
        }
        let told = Slot::default();
        let leaf = SlotExec::new("told", plan.schema(), told.clone());
        query.finish = (told, Arc::new(leaf));
        query.finish_reads_tables = false;
        query.join = Some(Join {
            plan: Arc::clone(plan),
            places: (0..slots.len())
                .map(|side| Place {
                    side,
                    from_us: 0,
                    to_us: 0,
                })
                .collect(),
            reaches: vec![(Reach::default(), ROW_TIME.to_owned()); slots.len()],
            slots,
            windows: windows.clone(),
            versions: Some(Versions::All),
            makes: Makes::All,
        });
        Ok(query)
    }

    /// One stream of a query over several.
    fn side(
        &self,
        file: &SqlFile,
        select: &Arc<dyn ExecutionPlan>,
        windows: &Windows,
        time: &str,
    ) -> Result<Input> {
        let fold = FoldPlan {
            query: file.name.clone(),
            select: Arc::clone(select),
            frame: Frame::Panes {
                windows: windows.clone(),
                time: time.to_owned(),
            },
            aggregate: None,
            task: self.session.task(),
        };
        Ok(Input::new(self.only_stream(select)?, fold))
    }

    fn stream_named(&self, slot: &Slot) -> Option<String> {
        let mut streams = self.streams.iter();
        let found = streams.find(|(_, (stream, _))| stream.is(slot));
        found.map(|(name, _)| name.clone())
    }
}

/// An error, `what: how to mend it`, in the place of a call.
fn at_call(captured: &Captured, error: &DataFusionError) -> DataFusionError {
    let message = error.message().into_owned();
    let (message, hint) = message.split_once(": ").unwrap_or((&message, ""));
    misuse(captured.at, message, hint)
}

/// Of relations whose windows do not lie side by side.
const NOT_SIDE_BY_SIDE: (&str, &str) = (
    "windowed relations of one query have the same windows",
    "take TUMBLE, HOP or CUMULATE of equal lengths for each, or join the streams by time under one",
);

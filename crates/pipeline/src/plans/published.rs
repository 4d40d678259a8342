//! What a planner has written, so that it writes only what changed; and the one way in which plans leave.

mod saved;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use events::{Message, v1};

use super::Planned;
use crate::log::Outgoing;
use crate::outcome::PlanReport;
use crate::settings::Topics;

/// A row of a plan.
pub trait PlanRow: Message + Clone {
    /// True if nothing but the plan's number and instant, and what is not worth a record, differs.
    fn is_same(before: &Self, after: &Self) -> bool;

    /// Where it is planned, in words; "" without a row.
    fn in_words(row: Option<&Self>) -> String;

    /// True if somebody has to act otherwise than the last plan said: another place, a time further off than is tolerated,
    /// none any more.
    fn is_moved(before: &Self, after: &Self, tolerance_us: i64) -> bool;

    /// What the two rows themselves say of the change.
    fn why(before: Option<&Self>, after: Option<&Self>) -> String;
}

/// One planning run, ready to leave.
#[derive(Debug)]
pub struct Run<R> {
    /// Event time that it was made for, microseconds since 1970.
    pub planned_at_us: i64,
    /// What made the planner plan between its ticks; empty for a plan at its tick.
    pub causes: Vec<String>,
    /// Objective.
    pub value: i64,
    /// Its proven lower bound.
    pub bound: i64,
    /// Iterations spent.
    pub iterations: u64,
    /// Objects with a place.
    pub assigned: usize,
    /// Objects without.
    pub unassigned: usize,
    /// Every row, by its key.
    pub rows: BTreeMap<String, R>,
    /// What the solver's side knows of why rows moved, by key.
    pub whys: BTreeMap<String, String>,
    /// Why rows are as they are, by object.
    pub explanations: BTreeMap<String, v1::PlanExplanation>,
}

/// Writes the plans of one planner.
#[derive(Debug)]
pub struct Publisher<R> {
    planner: &'static str,
    topic: fn(&Topics) -> &Arc<str>,
    /// A time may shift by so much before its row counts as moved.
    tolerance_us: i64,
    plan_seq: u64,
    rows: Published<R>,
    explanations: Published<v1::PlanExplanation>,
    /// Object and reason of every row left out so far that still is, so that it is told once.
    told: BTreeSet<(String, String)>,
}

impl<R: PlanRow> Publisher<R> {
    /// Nothing is written yet. `topic` names the topic of the rows.
    pub fn new(planner: &'static str, topic: fn(&Topics) -> &Arc<str>) -> Self {
        Publisher {
            planner,
            topic,
            tolerance_us: 0,
            plan_seq: 0,
            rows: Published::default(),
            explanations: Published::default(),
            told: BTreeSet::new(),
        }
    }

    /// The same, with a shift of time that does not count as a move.
    pub fn tolerating(self, tolerance_us: i64) -> Self {
        Publisher {
            tolerance_us,
            ..self
        }
    }

    /// True if no row is published.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Number of the plan that is to be published next.
    pub fn next_seq(&self) -> u64 {
        self.plan_seq + 1
    }

    /// The records of a run: what changed, the delta, and the explanations that changed.
    pub fn publish(&mut self, run: Run<R>, topics: &Topics) -> Planned {
        self.plan_seq += 1;
        let changes = self.rows.changes(&run.rows, R::is_same);
        let tolerance_us = self.tolerance_us;
        let is_move = |change: &&Change<'_, R>| change.is_move(tolerance_us);
        let moved = changes.iter().filter(is_move).count();
        let why = |change: &Change<'_, R>| {
            let said = R::why(change.before, change.after);
            match run.whys.get(change.key) {
                Some(found) if change.is_move(tolerance_us) => format!("{found}; {said}"),
                _ => said,
            }
        };
        let delta = v1::PlanDelta {
            planner: self.planner.to_owned(),
            plan_seq: self.plan_seq,
            planned_at_us: run.planned_at_us,
            value: run.value,
            bound: run.bound,
            iterations: run.iterations,
            assigned: count(run.assigned),
            unassigned: count(run.unassigned),
            changes: changes
                .iter()
                .map(|change| v1::PlanChange {
                    object_id: change.key.to_owned(),
                    before: R::in_words(change.before),
                    after: R::in_words(change.after),
                    why: why(change),
                })
                .collect(),
            causes: run.causes,
            moved: count(moved),
        };
        let report = PlanReport {
            plan_seq: self.plan_seq,
            planned_at_us: run.planned_at_us,
            assigned: run.assigned,
            unassigned: run.unassigned,
            value: run.value,
            bound: run.bound,
            iterations: run.iterations,
            changes: changes.len(),
            moved,
            is_triggered: !delta.causes.is_empty(),
        };
        let mut records = self
            .rows
            .write((self.topic)(topics), "", &run.rows, R::is_same);
        records.push(record(&topics.plan_deltas, self.planner, Some(&delta)));
        let prefix = format!("{}/", self.planner);
        let explanations = run.explanations;
        records.extend(self.explanations.write(
            &topics.plan_explanations,
            &prefix,
            &explanations,
            is_same_explanation,
        ));
        Planned { records, report }
    }

    /// Warns once of each object that cannot be planned.
    pub fn tell(&mut self, left_out: impl Iterator<Item = (String, String)>) {
        let told: BTreeSet<(String, String)> = left_out.collect();
        for (object, reason) in told.difference(&self.told) {
            tracing::warn!(
                planner = self.planner,
                object,
                reason,
                "left out of the plan"
            );
        }
        self.told = told;
    }
}

fn is_same_explanation(before: &v1::PlanExplanation, after: &v1::PlanExplanation) -> bool {
    let renumbered = v1::PlanExplanation {
        plan_seq: after.plan_seq,
        ..before.clone()
    };
    renumbered == *after
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// The newest row of each key.
#[derive(Debug)]
pub struct Published<R> {
    rows: BTreeMap<String, R>,
}

/// What became of one row.
#[derive(Debug, Clone, Copy)]
pub struct Change<'r, R> {
    /// Its key.
    pub key: &'r str,
    /// As it was; none if it is new.
    pub before: Option<&'r R>,
    /// As it is; none if it is gone.
    pub after: Option<&'r R>,
}

impl<R: PlanRow> Change<'_, R> {
    /// True if the row was there before and says something else to those who work by it.
    fn is_move(&self, tolerance_us: i64) -> bool {
        match (self.before, self.after) {
            (Some(before), Some(after)) => R::is_moved(before, after, tolerance_us),
            _ => false,
        }
    }
}

impl<R> Default for Published<R> {
    fn default() -> Self {
        Published {
            rows: BTreeMap::new(),
        }
    }
}

impl<R: Message + Clone> Published<R> {
    /// True if nothing is published.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The rows that differ from what was written, in the order of their keys.
    pub fn changes<'r>(
        &'r self,
        rows: &'r BTreeMap<String, R>,
        is_same: impl Fn(&R, &R) -> bool,
    ) -> Vec<Change<'r, R>> {
        let gone = self.rows.iter().filter(|(key, _)| !rows.contains_key(*key));
        let gone = gone.map(|(key, before)| Change {
            key,
            before: Some(before),
            after: None,
        });
        let here = rows.iter().map(|(key, after)| Change {
            key,
            before: self.rows.get(key),
            after: Some(after),
        });
        let differs = |change: &Change<'r, R>| match (change.before, change.after) {
            (Some(before), Some(after)) => !is_same(before, after),
            _ => true,
        };
        let mut changes: Vec<Change<'r, R>> = here.chain(gone).filter(differs).collect();
        changes.sort_by_key(|change| change.key);
        changes
    }

    /// Records for what changed, which counts as written from now on; keys get a prefix.
    pub fn write(
        &mut self,
        topic: &Arc<str>,
        prefix: &str,
        rows: &BTreeMap<String, R>,
        is_same: impl Fn(&R, &R) -> bool,
    ) -> Vec<Outgoing> {
        let changes = self.changes(rows, is_same);
        let key = |change: &Change<'_, R>| format!("{prefix}{}", change.key);
        let records = changes
            .iter()
            .map(|change| record(topic, &key(change), change.after))
            .collect();
        let changed: Vec<(String, Option<R>)> = changes
            .iter()
            .map(|change| (change.key.to_owned(), change.after.cloned()))
            .collect();
        for (key, row) in changed {
            match row {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
        records
    }
}

/// A record for a row; a tombstone without one.
pub fn record<R: Message>(topic: &Arc<str>, key: &str, row: Option<&R>) -> Outgoing {
    Outgoing {
        topic: Arc::clone(topic),
        partition: None,
        key: Some(key.as_bytes().to_vec()),
        value: row.map(Message::encode_to_vec),
        timestamp_ms: 0,
        headers: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use events::v1::BerthPlan;

    use super::*;

    fn row(plan_seq: u64, berth_id: &str) -> BerthPlan {
        BerthPlan {
            plan_seq,
            berth_id: berth_id.to_owned(),
            ..BerthPlan::default()
        }
    }

    #[test]
    fn only_new_changed_and_vanished_rows_are_written() {
        let topic: Arc<str> = "berth-plan".into();
        let is_same = |before: &BerthPlan, after: &BerthPlan| before.berth_id == after.berth_id;
        let rows = |seq, berths: [(&str, &str); 3]| {
            let keyed = berths.map(|(key, berth)| (key.to_owned(), row(seq, berth)));
            BTreeMap::from(keyed)
        };
        let mut published = Published::default();
        let old = rows(1, [("a", "B1"), ("b", "B1"), ("c", "B1")]);
        assert_eq!(published.write(&topic, "", &old, is_same).len(), 3);
        let new = rows(2, [("a", "B1"), ("b", "B2"), ("d", "B1")]);
        let kinds: Vec<(&str, bool, bool)> = published
            .changes(&new, is_same)
            .iter()
            .map(|change| (change.key, change.before.is_some(), change.after.is_some()))
            .collect();
        assert_eq!(
            kinds,
            [("b", true, true), ("c", true, false), ("d", false, true)]
        );
        let written = published.write(&topic, "x/", &new, is_same);
        let keys: Vec<&[u8]> = written
            .iter()
            .filter_map(|one| one.key.as_deref())
            .collect();
        assert_eq!(keys, [&b"x/b"[..], b"x/c", b"x/d"]);
        assert_eq!(written[1].value, None, "a tombstone");
        assert!(published.changes(&new, is_same).is_empty());
    }
}

//! What a planner has written, so that it writes only what changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use events::Message;

use crate::log::Outgoing;

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

    /// Takes the changed rows over.
    pub fn replace(&mut self, changed: Vec<(String, Option<R>)>) {
        for (key, row) in changed {
            match row {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
        }
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
    fn only_new_changed_and_vanished_rows_are_changes() {
        let mut published = Published::default();
        let old = [("a", "B1"), ("b", "B1"), ("c", "B1")];
        published.replace(
            old.map(|(key, berth)| (key.to_owned(), Some(row(1, berth))))
                .to_vec(),
        );
        let new = [("a", "B1"), ("b", "B2"), ("d", "B1")];
        let rows = new
            .map(|(key, berth)| (key.to_owned(), row(2, berth)))
            .into();
        let changes = published.changes(&rows, |before, after| before.berth_id == after.berth_id);
        let kinds: Vec<(&str, bool, bool)> = changes
            .iter()
            .map(|change| (change.key, change.before.is_some(), change.after.is_some()))
            .collect();
        assert_eq!(
            kinds,
            [("b", true, true), ("c", true, false), ("d", false, true)]
        );
        let tombstone = record::<BerthPlan>(&"berth-plan".into(), "c", None);
        assert_eq!(
            (tombstone.key, tombstone.value),
            (Some(b"c".to_vec()), None)
        );
    }
}

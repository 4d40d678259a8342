//! What fold says of its input partitions: offsets covered, and how far each source has come.

use std::collections::BTreeMap;
use std::time::Duration;

use events::Stream;
use events::internal::{Covered, Frontier, FrontierState};

use super::Fold;
use crate::intake::partition::PartitionIntake;
use crate::settings::{Bounded, micros};

/// An owned input partition.
pub(super) struct Owned {
    pub intake: PartitionIntake,
    pub stream: Stream,
    /// Offset behind the last record, once it has been reached.
    pub end: Option<i64>,
    pub has_ended: bool,
    pub heard: BTreeMap<String, Duration>,
}

impl Fold {
    pub(super) fn covered(&self) -> Vec<Covered> {
        let owned = self
            .owned
            .iter()
            .filter(|owned| owned.intake.next_offset > owned.intake.covered_from);
        let covered = owned.map(|owned| Covered {
            topic: owned.intake.partition.topic.to_string(),
            partition: owned.intake.partition.index,
            from: owned.intake.covered_from,
            to: owned.intake.next_offset,
        });
        covered.collect()
    }

    /// Marks sources idle that have been silent in a partition that is read to its end.
    pub(super) fn note_silence(&mut self) {
        if self.settings.bounded == Bounded::UntilEnd {
            return;
        }
        let (now, timeout) = (self.clock.elapsed(), self.settings.idle_timeout);
        for owned in self.owned.iter_mut().filter(|owned| owned.end.is_some()) {
            for (name, source) in &mut owned.intake.sources {
                let heard = owned.heard.get(name).copied().unwrap_or_default();
                if !source.is_idle && now.saturating_sub(heard) >= timeout {
                    source.is_idle = true;
                    source.is_changed = true;
                }
            }
        }
    }

    pub(super) fn frontiers(&self) -> Vec<Frontier> {
        let correction_us = micros(self.settings.correction_max);
        let mut frontiers = Vec::new();
        for owned in &self.owned {
            let ends_now = self.settings.bounded == Bounded::UntilEnd
                && owned.end.is_some()
                && !owned.has_ended;
            for (name, source) in &owned.intake.sources {
                if !source.is_changed && !ends_now {
                    continue;
                }
                let complete_to_us = source.complete_to_us(correction_us);
                let state = match (ends_now, source.is_idle, complete_to_us) {
                    (true, ..) => FrontierState::Ended,
                    (_, true, _) => FrontierState::Idle,
                    (.., Some(_)) => FrontierState::Active,
                    (.., None) => continue,
                };
                frontiers.push(Frontier {
                    topic: owned.intake.partition.topic.to_string(),
                    partition: owned.intake.partition.index,
                    source: name.clone(),
                    complete_to_us: complete_to_us.unwrap_or_default(),
                    state: state.into(),
                    begin_us: source.begin_us(correction_us),
                    row_time_max_us: source.row_time_max_us,
                });
            }
        }
        frontiers
    }
}

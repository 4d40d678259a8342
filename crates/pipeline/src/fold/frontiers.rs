//! What fold says of its input partitions: offsets covered, and how far each source has come.

use std::collections::BTreeMap;
use std::time::Duration;

use events::Stream;
use events::internal::{Covered, Frontier, FrontierState};

use super::Fold;
use crate::intake::partition::{PartitionIntake, SourceState};
use crate::log::Partition;
use crate::planted::{Bug, has};
use crate::settings::{Bounded, micros};

/// The longest time between two fetches that counts as listening.
const LISTENED_MAX: Duration = Duration::from_secs(1);

/// An owned input partition.
pub(super) struct Owned {
    pub intake: PartitionIntake,
    pub stream: Stream,
    /// Offset behind the last record, once it has been reached.
    pub end: Option<i64>,
    pub has_ended: bool,
    /// When each source was heard last, in time listened.
    pub heard: BTreeMap<String, Duration>,
    /// Asked when a source had been silent for the timeout, and not reached yet.
    pub probe: Option<Probe>,
    /// Latest row time when the last commit was made.
    pub seen_us: Option<i64>,
    /// Merge was told that this fold has the partition.
    pub is_told: bool,
}

/// The end of a partition at some moment: once it has been read up to there, who was not heard was silent then.
///
/// A partition that is always being written to is never read to its end as it is now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probe {
    end: i64,
    /// The moment, in time listened.
    at: Duration,
}

impl Fold {
    pub(super) fn covered(&self) -> Vec<Covered> {
        let owned = self
            .owned
            .iter()
            .filter(|owned| !owned.is_told || owned.intake.next_offset > owned.intake.covered_from);
        let covered = owned.map(|owned| Covered {
            topic: owned.intake.partition.topic.to_string(),
            partition: owned.intake.partition.index,
            from: owned.intake.covered_from,
            to: owned.intake.next_offset,
            seen_us: owned.seen_us,
        });
        covered.collect()
    }

    /// A fetch came back. Silence counts while fold listens: a process that was stopped, or busy with a commit for long,
    /// has not heard that there was nothing.
    pub fn listen(&mut self) {
        let now = self.clock.elapsed();
        let since = now.saturating_sub(self.listened_at);
        self.listened_at = now;
        if !self.is_deaf {
            self.listened += since.min(LISTENED_MAX);
        }
    }

    /// The log cannot be reached, or can be again.
    pub fn set_deaf(&mut self, is_deaf: bool) {
        self.is_deaf = is_deaf;
    }

    fn idle_timeout(&self) -> Duration {
        match has(Bug::IdleTooEarly) {
            true => self.settings.idle_timeout / 50,
            false => self.settings.idle_timeout,
        }
    }

    /// The partitions in which a source has been silent for the timeout, as far as fold has read: where they end now is
    /// to be asked (see [`Self::probe`]).
    pub fn silent(&self) -> Vec<Partition> {
        if self.settings.bounded == Bounded::UntilEnd {
            return Vec::new();
        }
        let is_candidate = |owned: &&Owned| {
            let mut sources = owned.intake.sources.iter();
            owned.probe.is_none()
                && sources.any(|(name, source)| self.is_silent(owned, name, source, self.listened))
        };
        let silent = self.owned.iter().filter(is_candidate);
        silent.map(|owned| owned.intake.partition.clone()).collect()
    }

    /// The brokers say that a partition ends at `end` now.
    pub fn probe(&mut self, partition: &Partition, end: i64) {
        let at = self.listened;
        let is_it = |owned: &&mut Owned| owned.intake.partition == *partition;
        if let Some(owned) = self.owned.iter_mut().find(is_it) {
            owned.probe = Some(Probe { end, at });
        }
    }

    /// Had this source been silent for the timeout at a moment, and is not known as idle?
    fn is_silent(&self, owned: &Owned, name: &str, source: &SourceState, at: Duration) -> bool {
        let heard = owned.heard.get(name).copied().unwrap_or_default();
        !source.is_idle && at.saturating_sub(heard) >= self.idle_timeout()
    }

    /// Marks as idle the sources that were silent at the moment of a probe and in everything that was written before it.
    pub fn note_silence(&mut self) {
        for place in 0..self.owned.len() {
            let owned = &self.owned[place];
            let Some(probe) = owned.probe else {
                continue;
            };
            if owned.intake.next_offset < probe.end && !has(Bug::IdleTooEarly) {
                continue;
            }
            let silent: Vec<String> = owned
                .intake
                .sources
                .iter()
                .filter(|(name, source)| self.is_silent(owned, name, source, probe.at))
                .map(|(name, _)| name.clone())
                .collect();
            self.owned[place].probe = None;
            for name in silent {
                if let Some(source) = self.owned[place].intake.sources.get_mut(&name) {
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

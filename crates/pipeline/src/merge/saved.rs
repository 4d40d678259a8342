//! All of merge's state out to a snapshot and back.

use std::collections::BTreeMap;

use events::internal::{MergeProgress, OwnFrontier, UnknownPartials};

use super::Merge;
use super::absorb::Unknown;
use crate::depot::objects::{self, Unread};
use crate::depot::{Depot, Stored};
use crate::error::EngineError;
use crate::partials;
use crate::snapshot::pieces::{self, Decoded, Decoder};
use crate::snapshot::{self, State};

impl Merge {
    /// Kafka timestamp of the newest partials.
    pub fn timestamp_ms(&self) -> i64 {
        self.timestamp_ms
    }

    /// The state as it is now, which stands for all partials below [`Self::next_offset`].
    pub fn save(&self) -> Result<Vec<State>, EngineError> {
        let heard = self.frontier.origins();
        let heard = heard.filter_map(|(origin, progress)| snapshot::told(origin, progress));
        let own = self.frontier.own();
        let own = own.filter_map(|(query, reached_us)| {
            Some(OwnFrontier {
                query: query.to_owned(),
                reached_us: reached_us?,
            })
        });
        let unknown = self.unknown.iter().map(|(name, first)| UnknownPartials {
            name: name.clone(),
            offset: first.offset,
            timestamp_ms: first.timestamp_ms,
        });
        let progress = MergeProgress {
            frontiers: heard.collect(),
            begin_us: self.frontier.begin_us(),
            reached_us: self.frontier.reached_us(),
            covered: snapshot::covered(self.covered.iter()),
            timestamp_ms: self.timestamp_ms,
            has_flushed: self.has_flushed,
            tick: self.ticks.applied(),
            own_frontiers: own.collect(),
            coverage: self.coverage.save(),
            fired_us: self.state.fired_us(),
            awaiting_past: self.await_past().collect(),
            unknown: unknown.collect(),
        };
        let rows = self.state.save()?.into_iter().map(State::Rows);
        let planners = self.planners.iter().flat_map(|planners| planners.save());
        let planners =
            planners.map(|(name, memory)| State::Planner(name.to_owned(), Box::new(memory)));
        Ok(rows
            .chain(planners)
            .chain([State::Progress(progress)])
            .collect())
    }

    /// Fingerprints of the queries whose past is not here yet, and of the tables that come with them.
    fn await_past(&self) -> impl Iterator<Item = u64> {
        let is_awaited = self.state.deaf().next().is_some();
        let tables = self.state.program().tables.iter();
        let tables = tables.filter(move |table| is_awaited && self.waits_for_past(&table.name));
        self.state
            .deaf()
            .chain(tables.map(|table| table.fingerprint))
    }

    /// Takes up where a snapshot was taken, before the first record: from the values of its pieces in the topic.
    pub fn restore(&mut self, next_offset: i64, pieces: Vec<Vec<u8>>) -> Result<(), EngineError> {
        let mut restoring = Restoring::default();
        for value in pieces {
            let decoded = pieces::read(&value)?;
            restoring.take(self, decoded)?;
        }
        self.finish(next_offset, restoring)
    }

    /// As [`Self::restore`], from objects of a store. If that fails, what was taken up is of no use.
    pub fn restore_from(
        &mut self,
        next_offset: i64,
        depot: &Depot,
        stored: &Stored,
    ) -> Result<(), Unread> {
        let mut restoring = Restoring::default();
        let stop = self.stop.clone();
        objects::read(depot, stored, &mut |decoded| {
            if stop.is_requested() {
                return Err(EngineError::Stopped);
            }
            restoring.take(self, decoded)
        })?;
        Ok(self.finish(next_offset, restoring)?)
    }

    fn finish(&mut self, next_offset: i64, restoring: Restoring) -> Result<(), EngineError> {
        for query in restoring.unknown.keys() {
            tracing::warn!(
                query,
                "the snapshot holds state of a query or table that does not run here, or no longer so; it is left out"
            );
        }
        let (progress, planners) = restoring.decoder.finish()?;
        self.state.begin(progress.reached_us, progress.fired_us);
        if let Some(own) = &mut self.planners {
            own.restore(planners, progress.reached_us)?;
        }
        self.resume(progress);
        self.next_offset = next_offset;
        Ok(())
    }

    fn resume(&mut self, progress: MergeProgress) {
        let heard = progress.frontiers.into_iter().filter_map(partials::heard);
        self.frontier
            .resume(heard, progress.begin_us, progress.reached_us);
        let covered = progress.covered.into_iter();
        self.covered = covered
            .map(|covered| ((covered.topic, covered.partition), covered.to))
            .collect();
        self.timestamp_ms = progress.timestamp_ms;
        self.has_flushed = progress.has_flushed;
        self.ticks.resume(progress.tick);
        self.coverage.restore(progress.coverage);
        self.awaiting_past = progress.awaiting_past.into_iter().collect();
        for first in progress.unknown {
            if !self.runs(&first.name) {
                let (offset, timestamp_ms) = (first.offset, first.timestamp_ms);
                let known = Unknown {
                    offset,
                    timestamp_ms,
                };
                self.unknown.insert(first.name, known);
            }
        }
        for own in progress.own_frontiers {
            self.frontier.resume_own(&own.query, own.reached_us);
            self.state.set_done(&own.query, own.reached_us);
        }
    }
}

/// Pieces on their way back into state.
#[derive(Debug, Default)]
struct Restoring {
    decoder: Decoder,
    unknown: BTreeMap<String, u64>,
}

impl Restoring {
    fn take(&mut self, merge: &mut Merge, decoded: Decoded) -> Result<(), EngineError> {
        if let Some(piece) = self.decoder.gather(decoded) {
            merge.grew(piece.bytes());
            if !merge.state.restore(&piece)? {
                *self.unknown.entry(piece.name).or_default() += 1;
            }
        }
        Ok(())
    }
}

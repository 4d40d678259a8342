//! A merge beside: it takes in partials of other offsets than the one whose place it prepares.

use std::collections::BTreeMap;
use std::sync::Arc;

use events::internal::Partials;
use events::ipc;
use windows::error::QueryError;
use windows::frontier::Frontier;
use windows::merge::{Absorbed, Merge as Windows, Output, Piece, Refused};

use crate::budget::{Account, Memory};
use crate::error::EngineError;
use crate::log::{Batch, Outgoing, Partition};
use crate::merge::{make_room, outgoing, reached, settle};
use crate::partials::{self, HalfRead};
use crate::settings::Settings;

/// Memory is measured again once so many bytes were taken in.
const MEASURE_BYTES: usize = 1 << 20;

/// A query's or table's name and fingerprint.
pub type Named = (String, u64);

/// State beside, and how far time has come for it.
pub struct Past {
    settings: Arc<Settings>,
    partition: Partition,
    pub(crate) state: Windows,
    pub(crate) frontier: Frontier,
    /// Kafka timestamp of the newest input.
    timestamp_ms: i64,
    /// Queries that stopped; the others go on.
    pub failures: Vec<QueryError>,
    /// Rows of the last message that came for final windows, by query or table.
    pub refused: Vec<(String, Refused)>,
    /// By query or table: rows of all that was read that were left out, since as many keys were open as may be.
    pub left_out: BTreeMap<String, usize>,
    /// To be told of each message that was read.
    pub half_read: HalfRead,
    account: Account,
    /// Bytes taken in since memory was measured.
    unmeasured: usize,
}

/// Rows of one instant, in order: they leave in one commit.
#[derive(Debug)]
pub struct Told {
    /// The instant.
    pub at_us: i64,
    /// Rows by query.
    pub rows: Vec<(Named, Vec<Outgoing>)>,
}

impl Told {
    /// Bytes of its records.
    pub fn bytes(&self) -> usize {
        let records = self.rows.iter().flat_map(|(_, records)| records);
        records.map(Outgoing::bytes).sum()
    }
}

impl Past {
    /// Goes on from this state.
    pub fn new(
        settings: Arc<Settings>,
        partition: Partition,
        state: Windows,
        frontier: Frontier,
        memory: &Memory,
    ) -> Self {
        Past {
            settings,
            partition,
            state,
            frontier,
            timestamp_ms: 0,
            failures: Vec::new(),
            refused: Vec::new(),
            left_out: BTreeMap::new(),
            half_read: HalfRead::default(),
            account: Account::new(&memory.budget),
            unmeasured: 0,
        }
    }

    /// Takes records of the partials log in, and computes nothing.
    pub fn read(
        &mut self,
        batch: &Batch,
        visit: &mut dyn FnMut(&mut Past, i64, &Partials) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        for entry in batch.entries() {
            if *batch.partition(entry) == self.partition {
                let value = batch.value(entry).unwrap_or_default();
                let message = partials::read(&self.partition, entry.offset, value)?;
                let message = self.absorb(message, entry.timestamp_ms)?;
                visit(self, entry.offset, &message)?;
            }
        }
        Ok(())
    }

    /// Takes one message in; what is left of it are its offsets and who ran.
    pub fn absorb(
        &mut self,
        mut message: Partials,
        timestamp_ms: i64,
    ) -> Result<Partials, EngineError> {
        self.timestamp_ms = self.timestamp_ms.max(timestamp_ms);
        self.refused.clear();
        for delta in std::mem::take(&mut message.deltas) {
            self.unmeasured += delta.ipc.len();
            for rows in ipc::read(delta.ipc)? {
                match self.state.absorb(&delta.query, delta.fingerprint, &rows) {
                    Absorbed::Failed(failure) => self.fail(vec![failure])?,
                    Absorbed::But(refused) => self.note(vec![(delta.query.clone(), refused)]),
                    Absorbed::Kept(outcome) => {
                        self.fail(outcome.failures)?;
                        self.note(outcome.refused);
                    }
                    Absorbed::All | Absorbed::Stopped | Absorbed::Unknown => {}
                }
            }
        }
        partials::update(&mut self.frontier, std::mem::take(&mut message.frontiers));
        self.settle()?;
        if self.unmeasured >= MEASURE_BYTES {
            self.unmeasured = 0;
            make_room(&mut self.state, 0, &mut self.account);
        }
        Ok(message)
    }

    fn note(&mut self, refused: Vec<(String, Refused)>) {
        for (name, refused) in refused {
            if refused.full > 0 {
                *self.left_out.entry(name.clone()).or_default() += refused.full;
            }
            if refused.late > 0 {
                self.refused.push((name, Refused { full: 0, ..refused }));
            }
        }
    }

    fn fail(&mut self, failures: Vec<QueryError>) -> Result<(), EngineError> {
        for failure in failures {
            if failure.is_spill() {
                return Err(EngineError::Query(failure));
            }
            self.failures.push(failure);
        }
        Ok(())
    }

    /// Time has come as far as it had for another.
    pub fn reach(&mut self, frontier: Frontier) -> Result<(), EngineError> {
        self.frontier = frontier;
        self.settle()
    }

    fn settle(&mut self) -> Result<(), EngineError> {
        let outcome = settle(&self.settings, &self.frontier, &mut self.state)?;
        self.note(outcome.refused);
        self.fail(outcome.failures)
    }

    /// Computes what is due, instant by instant.
    pub fn tell(
        &mut self,
        visit: &mut dyn FnMut(Told) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let horizon_us = self.frontier.ended().flatten();
        let Some(reached) = reached(&self.frontier, self.frontier.reached_us(), horizon_us) else {
            return Ok(());
        };
        while let Some(at_us) = self.state.next_at(&reached) {
            let fired = self.state.fire(at_us, &reached);
            let full = self.state.take_full().into_iter();
            self.note(
                full.map(|(name, full)| (name, Refused { late: 0, full }))
                    .collect(),
            );
            self.fail(fired.failures)?;
            let mut rows: BTreeMap<Named, Vec<Outgoing>> = BTreeMap::new();
            for output in fired.outputs {
                let (named, records) = self.rows(&output)?;
                rows.entry(named).or_default().extend(records);
            }
            visit(Told {
                at_us,
                rows: rows.into_iter().collect(),
            })?;
        }
        self.state.pass(&reached);
        Ok(())
    }

    fn rows(&self, output: &Output) -> Result<(Named, Vec<Outgoing>), EngineError> {
        let query = &self.state.program().queries[output.query];
        let records = outgoing(&self.settings, query, &output.rows, self.timestamp_ms)?;
        Ok(((query.name.clone(), query.fingerprint), records))
    }

    /// The state of some queries and tables.
    pub fn save(&self, is_wanted: impl Fn(&str, u64) -> bool) -> Result<Vec<Piece>, EngineError> {
        let mut pieces = self.state.save()?;
        pieces.retain(|piece| is_wanted(&piece.name, piece.fingerprint));
        Ok(pieces)
    }
}

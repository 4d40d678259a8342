//! Rows that may be corrected: merge keeps them, and does fold's work on them. What can be undone is done at once; panes and
//! sessions see them once nothing can take them back.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::Result;

use super::{Absorbed, Merge, Refused};
use crate::error::QueryError;
use crate::fold::with_pane_of;
use crate::program::{Input, MergeKey, Query};
use crate::running::State;
use crate::sql::call::ROW_TIME;
use crate::state::instants;
use crate::state::schedule::Due;
use crate::state::waiting::{self, FINGERPRINT, KEPT, Passed, Reader, RowsOf, TAKEN_BACK};

/// The rows of a query's partials that belong to this place of merge.
pub type Home = Arc<dyn Fn(&MergeKey, RecordBatch) -> Result<RecordBatch> + Send + Sync>;

/// What became of rows.
#[derive(Debug, Default)]
pub struct Outcome {
    /// By query or table: rows that were not taken.
    pub refused: Vec<(String, Refused)>,
    /// Queries that stopped at rows; the others go on.
    pub failures: Vec<QueryError>,
}

/// What is done with rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// They came, and may be taken back.
    Arrive,
    /// They are taken back.
    Leave,
    /// They can be taken back no more.
    Settle,
}

impl Merge {
    /// Says which partials belong here, where merge is spread over several places.
    pub fn live_at(&mut self, home: Home) {
        self.home = Some(home);
    }

    /// Takes in what is not of one query: rows that may be taken back, and those that are. None if it is neither.
    pub(super) fn absorb_kept(
        &mut self,
        name: &str,
        fingerprint: u64,
        batch: &RecordBatch,
    ) -> Result<Option<Absorbed>> {
        let (kept, taken_back) = (name.strip_prefix(KEPT), name.strip_prefix(TAKEN_BACK));
        if (kept.is_some() || taken_back.is_some()) && fingerprint != FINGERPRINT {
            return Ok(Some(Absorbed::Unknown));
        }
        let mut outcome = Outcome::default();
        if let Some(place) = kept {
            self.waiting.absorb(place, batch)?;
            let rows = RowsOf::arrived(place, batch.clone());
            self.take(&rows, Step::Arrive, &mut outcome);
        } else if let Some(stream) = taken_back {
            let mut late = 0;
            for version in waiting::heard(batch)? {
                let found = self.waiting.take_back(stream, version)?;
                // Its source had been idle, and its windows have become final.
                let is_late = found.is_empty() && version.row_time_us < self.settled_us;
                late += usize::from(is_late);
                for rows in found {
                    self.take(&rows, Step::Leave, &mut outcome);
                }
            }
            if late > 0 {
                outcome
                    .refused
                    .push((name.to_owned(), Refused { late, full: 0 }));
            }
        } else {
            return Ok(None);
        }
        Ok(Some(Absorbed::Kept(outcome)))
    }

    /// Computes with the rows that nothing can take back any more. All rows before `frontier_us` are among them.
    ///
    /// # Errors
    /// If waiting rows are not of the form in which fold sends them.
    pub fn settle(
        &mut self,
        frontier_us: Option<i64>,
        passed: &Passed<'_>,
    ) -> Result<Outcome, QueryError> {
        self.settled_us = self.settled_us.max(frontier_us.unwrap_or(i64::MIN));
        let settled = self.waiting.settle(passed);
        let settled = settled.map_err(|error| QueryError::new(KEPT, error))?;
        let mut outcome = Outcome::default();
        for rows in settled {
            self.take(&rows, Step::Settle, &mut outcome);
        }
        Ok(outcome)
    }

    fn take(&mut self, rows: &RowsOf, step: Step, outcome: &mut Outcome) {
        if step != Step::Settle {
            self.take_into_tables(rows, step, outcome);
        }
        let program = Arc::clone(&self.program);
        let queries = program.queries.iter().enumerate();
        for (index, query) in queries.filter(|(_, query)| rows.readers.has(query.fingerprint)) {
            let inputs = query.inputs.iter().enumerate();
            for (side, input) in inputs.filter(|(_, input)| input.stream == rows.table) {
                match self.take_into(index, side, rows, step) {
                    Ok(refused) if refused == Refused::default() => {}
                    Ok(refused) => outcome.refused.push((query.name.clone(), refused)),
                    Err(error) => {
                        self.running[index].stop();
                        outcome
                            .failures
                            .push(QueryError::new(&input.fold.query, error));
                    }
                }
            }
        }
    }

    fn take_into_tables(&mut self, rows: &RowsOf, step: Step, outcome: &mut Outcome) {
        let program = Arc::clone(&self.program);
        for (place, query) in program.tables.iter().enumerate() {
            if query.stream != rows.table || !rows.readers.has(query.fingerprint) {
                continue;
            }
            let readable = rows.rows.iter();
            let readable = readable.filter(|batch| query.can_use(&rows.table, batch.schema_ref()));
            // Rows with which it cannot compute were rejected by fold.
            let computed = program.compute(&query.fold, &rows.table, readable.cloned().collect());
            for batch in computed.batches {
                let table = &mut self.tables[place];
                let taken = match step {
                    Step::Leave => table.take_back(&batch).map(|()| 0),
                    _ => table.absorb(&batch),
                };
                let noted = self.table_changed(place, &batch);
                match noted.and(taken) {
                    Ok(0) => {}
                    Ok(full) => {
                        let refused = Refused { late: 0, full };
                        outcome.refused.push((query.name.clone(), refused));
                    }
                    Err(error) => outcome.failures.push(QueryError::new(&query.name, error)),
                }
            }
        }
    }

    /// Rows of a table came or went: what was made with the versions of their times is made again.
    pub(super) fn table_changed(&mut self, place: usize, batch: &RecordBatch) -> Result<()> {
        let Some(&from_us) = instants(batch, ROW_TIME)?.iter().min() else {
            return Ok(());
        };
        let name = &self.program.tables[place].name;
        for (query, running) in self.program.queries.iter().zip(&mut self.running) {
            if query.tables.contains(name) {
                running.table_changed(from_us);
            }
        }
        Ok(())
    }

    fn take_into(
        &mut self,
        index: usize,
        side: usize,
        rows: &RowsOf,
        step: Step,
    ) -> Result<Refused> {
        let program = Arc::clone(&self.program);
        let query = &program.queries[index];
        if self.running[index].standing.is_deaf {
            return Ok(Refused::default());
        }
        let mut is_late = false;
        let waits = match &mut self.running[index].state {
            State::Stopped | State::Ticks { .. } => return Ok(Refused::default()),
            State::Windows(panes) => {
                if step != Step::Settle {
                    is_late = panes.expect(&rows.times()?);
                }
                true
            }
            State::Sessions(_) => true,
            State::Joined(_) | State::Gathered(_) | State::Levels(_) => false,
        };
        if is_late && step == Step::Arrive {
            return self.late_of(index, side, rows);
        }
        if waits != (step == Step::Settle) {
            return Ok(Refused::default());
        }
        let mut refused = Refused::default();
        for batch in self.computed(query, &query.inputs[side], &rows.rows)? {
            if step == Step::Leave {
                self.running[index].take_back(side, &batch)?;
                continue;
            }
            let is_news = step == Step::Arrive;
            let more = self.running[index].absorb(query, &program.task, side, &batch, is_news)?;
            refused.late += more.late;
            refused.full += more.full;
        }
        if step == Step::Settle && matches!(self.running[index].state, State::Windows(_)) {
            // They were told when they came; of those that came in time the windows that are final had them.
            refused.late = 0;
        }
        Ok(refused)
    }

    /// How much of rows that have just come belongs to windows that are final.
    fn late_of(&self, index: usize, side: usize, rows: &RowsOf) -> Result<Refused> {
        let query = &self.program.queries[index];
        let mut refused = Refused::default();
        if let State::Windows(panes) = &self.running[index].state {
            for batch in self.computed(query, &query.inputs[side], &rows.rows)? {
                refused.late += panes.late(&batch)?;
            }
        }
        Ok(refused)
    }

    /// What a query's first stage makes of rows, as far as it belongs here.
    fn computed(
        &self,
        query: &Query,
        input: &Input,
        rows: &[RecordBatch],
    ) -> Result<Vec<RecordBatch>> {
        let readable = rows.iter();
        let readable = readable.filter(|batch| query.can_use(&input.stream, batch.schema_ref()));
        let readable: Vec<RecordBatch> = readable.cloned().collect();
        if readable.is_empty() {
            return Ok(Vec::new());
        }
        let computed = self.program.compute(&input.fold, &input.stream, readable);
        let batches = computed.batches.into_iter().map(|batch| match &self.home {
            Some(home) => home(&query.merge_key, batch),
            None => Ok(batch),
        });
        batches.collect()
    }

    /// What a query with panes would have of the rows that wait.
    pub(super) fn waiting_of(&self, index: usize) -> Result<Vec<RecordBatch>> {
        let query = &self.program.queries[index];
        if !matches!(self.running[index].state, State::Windows(_)) {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        for input in &query.inputs {
            let rows = self.waiting.rows(&input.stream, query.fingerprint)?;
            found.extend(self.computed(query, input, &rows)?);
        }
        Ok(found)
    }
}

/// Those of some rows that lie in a window.
pub(super) fn within(rows: &[RecordBatch], due: Due) -> Result<Vec<RecordBatch>> {
    let mut found = Vec::new();
    for batch in rows {
        found.extend(with_pane_of(batch, due.start_us, due.end_us)?);
    }
    Ok(found)
}

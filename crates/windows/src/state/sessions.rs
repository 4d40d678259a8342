//! Sessions: rows of one key with no silence between them. Fold sends the sessions of each commit; here they grow together
//! when they touch, and are told when no row can come any more that belongs to them.

mod open;
mod saved;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
use arrow::compute::interleave_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::row::{RowConverter, SortField};
use datafusion::common::Result;

use super::held::batch_bytes;
use super::revisions::StatKind;
use super::schedule::Due;
use super::sums::Reduce;
use super::{instants, tiers};
use crate::merge::Refused;
use crate::sql::call::{SessionRule, WINDOW_END, WINDOW_START};
use open::{Joined, OpenSessions, Session};

/// Rows are added up once there are so many more than the last time.
const ROWS_SLACK: usize = 4096;

/// The open sessions of one query.
#[derive(Debug)]
pub struct Sessions {
    columns: Vec<usize>,
    converter: RowConverter,
    keys_max: usize,
    /// Sessions are told of many at once; else those of the same bounds alone.
    is_together: bool,
    batches: Vec<RecordBatch>,
    /// Rows in `batches`, those of closed sessions among them.
    stored: usize,
    /// What `batches` take in memory.
    batch_bytes: usize,
    /// Rows when they were added up last.
    added_up: usize,
    open: OpenSessions,
    /// All sessions that end here or before are final.
    closed_us: i64,
}

impl Sessions {
    /// No sessions yet. `schema` is of the rows that fold sends. `is_together`: the query makes each of its rows from rows
    /// of one session, so that many may be computed in one go.
    pub fn new(
        rule: &SessionRule,
        schema: &SchemaRef,
        keys_max: usize,
        is_together: bool,
    ) -> Result<Self> {
        let columns = rule
            .keys
            .iter()
            .map(|key| Ok(schema.index_of(key)?))
            .collect::<Result<Vec<usize>>>()?;
        let fields = columns
            .iter()
            .map(|&column| SortField::new(schema.field(column).data_type().clone()));
        Ok(Sessions {
            converter: RowConverter::new(fields.collect())?,
            columns,
            keys_max,
            is_together,
            batches: Vec::new(),
            stored: 0,
            batch_bytes: 0,
            added_up: 0,
            open: OpenSessions::default(),
            closed_us: i64::MIN,
        })
    }

    /// Takes sessions of one commit in.
    pub fn absorb(&mut self, batch: &RecordBatch, reduce: &mut Reduce<'_>) -> Result<Refused> {
        let refused = self.store(batch)?;
        if self.stored > 2 * self.added_up + ROWS_SLACK {
            self.add_up(reduce)?;
        } else {
            self.put_together()?;
        }
        Ok(refused)
    }

    fn store(&mut self, batch: &RecordBatch) -> Result<Refused> {
        let columns: Vec<ArrayRef> = self
            .columns
            .iter()
            .map(|&column| Arc::clone(batch.column(column)))
            .collect();
        let keys = self.converter.convert_columns(&columns)?;
        let starts = instants(batch, WINDOW_START)?;
        let ends = instants(batch, WINDOW_END)?;
        let mut refused = Refused::default();
        for (row, (&start_us, &end_us)) in starts.iter().zip(ends).enumerate() {
            let part = Session {
                start_us,
                end_us,
                rows: vec![self.stored + row],
            };
            let key = keys.row(row);
            match self
                .open
                .join(key.as_ref(), part, self.closed_us, self.keys_max)
            {
                // Nothing in time begins there: a final session may have ended where this one goes on.
                Joined::Open => refused.late += usize::from(start_us < self.closed_us),
                Joined::Late => refused.late += 1,
                Joined::Full => refused.full += 1,
            }
        }
        self.batches.push(batch.clone());
        self.batch_bytes += batch_bytes(batch);
        self.stored += batch.num_rows();
        Ok(refused)
    }

    /// The next instant at which [`Self::close`] has something to say, if it is not after `frontier_us`.
    pub fn next_at(&self, frontier_us: i64) -> Option<i64> {
        let mut ends = self.open.ends(frontier_us);
        if self.is_together {
            ends.next_back()
        } else {
            ends.next()
        }
    }

    /// The end of the first session, as far as it is known.
    pub fn first_end(&self) -> Option<i64> {
        self.open.ends(i64::MAX).next()
    }

    /// The start of the oldest session that is open.
    pub fn oldest_us(&self) -> Option<i64> {
        self.open.iter().map(|session| session.start_us).min()
    }

    /// Closes the sessions that end at `at_us` or before, and returns the rows of those that are told, with the bounds of
    /// their sessions.
    pub fn close(
        &mut self,
        at_us: i64,
        is_told: &dyn Fn(Due) -> bool,
    ) -> Result<Vec<(Due, RecordBatch)>> {
        self.closed_us = self.closed_us.max(at_us);
        let mut closed: BTreeMap<(i64, i64), Vec<Session>> = BTreeMap::new();
        for session in self.open.take(at_us) {
            let due = Due {
                start_us: session.start_us,
                end_us: session.end_us,
                kind: StatKind::Final,
            };
            let bounds = if self.is_together {
                (0, 0)
            } else {
                (due.start_us, due.end_us)
            };
            if is_told(due) {
                closed.entry(bounds).or_default().push(session);
            }
        }
        let is_together = self.is_together;
        let due = |sessions: &[Session]| {
            let starts = sessions.iter().map(|session| session.start_us);
            let end = sessions.first().filter(|_| !is_together);
            Due {
                start_us: starts.min().unwrap_or(at_us),
                end_us: end.map_or(at_us, |session| session.end_us),
                kind: StatKind::Final,
            }
        };
        let closed = closed.into_values();
        let rows = closed.map(|sessions| Ok((due(&sessions), self.gather(&sessions)?)));
        let rows = rows.collect::<Result<Vec<_>>>()?;
        if self.open.is_empty() {
            self.forget();
            self.added_up = 0;
        }
        Ok(rows)
    }

    /// The rows of these sessions, with the bounds of their sessions.
    fn gather<'a>(&self, sessions: impl IntoIterator<Item = &'a Session>) -> Result<RecordBatch> {
        let mut firsts = Vec::with_capacity(self.batches.len());
        let mut before = 0;
        for batch in &self.batches {
            firsts.push(before);
            before += batch.num_rows();
        }
        let (mut places, mut starts, mut ends) = (Vec::new(), Vec::new(), Vec::new());
        for session in sessions {
            for &row in &session.rows {
                let batch = firsts.partition_point(|&first| first <= row) - 1;
                places.push((batch, row - firsts[batch]));
                starts.push(session.start_us);
                ends.push(session.end_us);
            }
        }
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        let rows = interleave_record_batch(&batches, &places)?;
        let schema = rows.schema();
        let mut columns = rows.columns().to_vec();
        for (name, bounds) in [(WINDOW_START, starts), (WINDOW_END, ends)] {
            if let Ok(column) = schema.index_of(name) {
                let bounds = TimestampMicrosecondArray::from(bounds).with_timezone("UTC");
                columns[column] = Arc::new(bounds);
            }
        }
        Ok(RecordBatch::try_new(schema, columns)?)
    }

    /// Adds the rows of each session up, so that memory follows the sessions and not the commits.
    fn add_up(&mut self, reduce: &mut Reduce<'_>) -> Result<()> {
        let reduced = match self.open.is_empty() {
            true => Vec::new(),
            false => reduce(vec![self.gather(self.open.iter())?])?,
        };
        self.forget();
        let reduced = tiers::together(reduced)?;
        let stored = reduced.iter().try_for_each(|batch| self.store_again(batch));
        self.added_up = self.stored;
        stored
    }

    fn forget(&mut self) {
        self.batches.clear();
        self.batch_bytes = 0;
        self.stored = 0;
        self.open = OpenSessions::default();
    }

    /// Makes fewer batches of the last ones, if they are many: rows keep their numbers.
    fn put_together(&mut self) -> Result<()> {
        let last = tiers::tail(self.batches.iter().rev().map(RecordBatch::num_rows));
        if last > 0 {
            let last = self.batches.split_off(self.batches.len() - last);
            let before: usize = last.iter().map(batch_bytes).sum();
            let last = tiers::together(last)?;
            let after: usize = last.iter().map(batch_bytes).sum();
            self.batch_bytes = self.batch_bytes + after - before;
            self.batches.extend(last);
        }
        Ok(())
    }

    /// Stores rows of sessions that were open before, as they were.
    fn store_again(&mut self, batch: &RecordBatch) -> Result<()> {
        let (closed_us, keys_max) = (self.closed_us, self.keys_max);
        (self.closed_us, self.keys_max) = (i64::MIN, usize::MAX);
        let stored = self.store(batch);
        (self.closed_us, self.keys_max) = (closed_us, keys_max);
        stored.map(drop)
    }

    /// What they take in memory.
    pub fn bytes(&self) -> usize {
        self.open.bytes() + self.stored * std::mem::size_of::<usize>() + self.batch_bytes
    }

    /// Keys with open sessions, and rows held.
    pub fn size(&self) -> (usize, usize) {
        (self.open.len(), self.stored)
    }
}

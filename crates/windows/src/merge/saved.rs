//! All of merge's state in pieces, for snapshots.

use arrow::array::RecordBatch;
use datafusion::common::Result;

use super::Merge;
use crate::error::QueryError;
use crate::running::{Running, State};
use crate::state::activity;
use crate::state::saved::{Part, Piece, Saved, some, unknown};

impl Merge {
    /// The state as it is now. Rows are shared, not copied, where they can be.
    pub fn save(&self) -> Result<Vec<Piece>, QueryError> {
        let mut pieces = vec![Piece {
            name: activity::NAME.to_owned(),
            fingerprint: activity::FINGERPRINT,
            part: Part::Numbers,
            numbers: self.activity.save(),
            rows: None,
        }];
        let mut add = |name: &str, fingerprint: u64, saved: Result<Vec<Saved>>| {
            let saved = saved.map_err(|error| QueryError::new(name, error))?;
            let pieces_of = saved.into_iter().map(|(part, numbers, rows)| Piece {
                name: name.to_owned(),
                fingerprint,
                part,
                numbers,
                rows,
            });
            pieces.extend(pieces_of);
            Ok::<(), QueryError>(())
        };
        for (query, table) in self.program.tables.iter().zip(&self.tables) {
            add(&query.name, query.fingerprint, table.save())?;
        }
        for (query, running) in self.program.queries.iter().zip(&self.running) {
            add(&query.name, query.fingerprint, running.save())?;
        }
        Ok(pieces)
    }

    /// Takes one piece of [`Self::save`] back; in their order, into a merge without rows. False if no query of this name
    /// and fingerprint runs here.
    pub fn restore(&mut self, piece: &Piece) -> Result<bool, QueryError> {
        let known = match self.try_restore(piece) {
            Ok(is_known) => is_known,
            Err(error) => return Err(QueryError::new(&piece.name, error)),
        };
        Ok(known)
    }

    fn try_restore(&mut self, piece: &Piece) -> Result<bool> {
        let is = |name: &str, print: u64| name == piece.name && print == piece.fingerprint;
        if is(activity::NAME, activity::FINGERPRINT) {
            self.activity.restore(&piece.numbers);
            return Ok(true);
        }
        let rows = piece.rows.as_ref();
        for (query, table) in self.program.tables.iter().zip(&mut self.tables) {
            if is(&query.name, query.fingerprint) {
                table.restore(piece.part, rows)?;
                return Ok(true);
            }
        }
        for (query, running) in self.program.queries.iter().zip(&mut self.running) {
            if is(&query.name, query.fingerprint) {
                running.restore(piece.part, &piece.numbers, rows)?;
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Running {
    fn save(&self) -> Result<Vec<Saved>> {
        let mut saved = match &self.state {
            State::Windows(panes) => panes.save()?,
            State::Levels(levels) => levels.save()?,
            State::Ticks { last_us, .. } => vec![(Part::Numbers, some(*last_us), None)],
            // Nothing is held, and that is what is said.
            State::Stopped => return Ok(vec![(Part::Live, Vec::new(), None)]),
        };
        saved.extend(self.revisions.save()?);
        Ok(saved)
    }

    fn restore(&mut self, part: Part, numbers: &[i64], rows: Option<&RecordBatch>) -> Result<()> {
        if part == Part::Live && rows.is_none() {
            self.stop();
            return Ok(());
        }
        if let (Part::Revisions, Some(rows)) = (part, rows) {
            return self.revisions.restore(rows);
        }
        match &mut self.state {
            State::Windows(panes) => panes.restore(part, numbers, rows),
            State::Levels(levels) => levels.restore(part, numbers, rows),
            State::Ticks { last_us, .. } => {
                *last_us = numbers.first().copied();
                Ok(())
            }
            State::Stopped => unknown(part),
        }
    }
}

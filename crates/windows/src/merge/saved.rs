//! All of merge's state in pieces, for snapshots.

use arrow::array::RecordBatch;
use datafusion::common::Result;

use super::Merge;
use crate::error::QueryError;
use crate::running::{Running, State};
use crate::state::saved::{self, Part, Piece, Saved, unknown};
use crate::state::{activity, waiting};

impl Merge {
    /// The state as it is now; it may go on while the pieces are written.
    pub fn save(&self) -> Result<Vec<Piece>, QueryError> {
        let mut pieces = Vec::new();
        let mut add = |name: &str, fingerprint: u64, saved: Result<Vec<Saved>>| {
            let saved = saved.map_err(|error| QueryError::new(name, error))?;
            pieces.extend(saved.into_iter().map(|saved| Piece {
                name: name.to_owned(),
                fingerprint,
                part: saved.part,
                numbers: saved.numbers,
                rows: saved.rows,
            }));
            Ok::<(), QueryError>(())
        };
        let hours = saved::numbers(Part::Numbers, &self.activity.save());
        add(activity::NAME, activity::FINGERPRINT, Ok(hours))?;
        for (name, rows) in self.waiting.save() {
            add(&name, waiting::FINGERPRINT, Ok(rows))?;
        }
        for (query, table) in self.program.tables.iter().zip(&self.tables) {
            add(&query.name, query.fingerprint, table.save())?;
        }
        for (query, running) in self.program.queries.iter().zip(&self.running) {
            add(&query.name, query.fingerprint, running.save())?;
        }
        Ok(pieces)
    }

    /// Takes one piece of [`Self::save`] back; in their order, into a merge without rows, and [`Self::begin`] after the
    /// last. False if no query of this name and fingerprint runs here.
    pub fn restore(&mut self, piece: &Piece) -> Result<bool, QueryError> {
        self.try_restore(piece)
            .map_err(|error| QueryError::new(&piece.name, error))
    }

    fn try_restore(&mut self, piece: &Piece) -> Result<bool> {
        let is = |name: &str, print: u64| name == piece.name && print == piece.fingerprint;
        if is(activity::NAME, activity::FINGERPRINT) {
            self.activity.restore(&piece.numbers);
            return Ok(true);
        }
        if piece.fingerprint == waiting::FINGERPRINT && self.waiting.restore(piece)? {
            return Ok(true);
        }
        let rows = piece.batch()?;
        let mut tables = self.program.tables.iter();
        if let Some(place) = tables.position(|table| is(&table.name, table.fingerprint)) {
            self.restored_tables[place] = true;
            self.tables[place].restore(piece.part, rows.as_ref())?;
            return Ok(true);
        }
        for (query, running) in self.program.queries.iter().zip(&mut self.running) {
            if is(&query.name, query.fingerprint) {
                running.is_new = false;
                running.restore(piece.part, &piece.numbers, rows.as_ref())?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// All pieces are back. `fired_us` was the last instant computed of every query of which there was one: a row of a
    /// source that had been idle may still be due between it and the frontier. Queries without pieces are as they were.
    pub fn begin(&mut self, frontier_us: Option<i64>, fired_us: Option<i64>) {
        self.settled_us = frontier_us.unwrap_or(i64::MIN);
        for running in self.running.iter_mut().filter(|running| !running.is_new) {
            if let Some(frontier_us) = frontier_us {
                running.begin_ahead(frontier_us);
            }
            running.standing.passed_us = fired_us.unwrap_or(i64::MIN);
            // A frontier of its own may lie ahead of the others' or behind them: `set_done` tells.
            if !running.is_apart {
                running.standing.done_us = running.standing.passed_us;
            }
        }
    }
}

impl Running {
    fn save(&self) -> Result<Vec<Saved>> {
        let mut saved = match &self.state {
            State::Windows(panes) => panes.save(),
            State::Joined(joined) => joined.save(),
            State::Gathered(gathered) => gathered.save()?,
            State::Sessions(sessions) => sessions.save()?,
            State::Levels(levels) => levels.save()?,
            State::Ticks { last_us, .. } => {
                let last: Vec<i64> = last_us.iter().copied().collect();
                saved::numbers(Part::Numbers, &last)
            }
            State::Stopped => return Ok(saved::numbers(Part::Stopped, &[])),
        };
        saved.extend(self.revisions.save()?);
        Ok(saved)
    }

    fn restore(&mut self, part: Part, numbers: &[i64], rows: Option<&RecordBatch>) -> Result<()> {
        match (part, rows) {
            (Part::Stopped, _) => {
                self.stop();
                return Ok(());
            }
            (Part::Revisions, Some(rows)) => return self.revisions.restore(rows),
            _ => {}
        }
        match &mut self.state {
            State::Windows(panes) => panes.restore(part, numbers, rows),
            State::Joined(joined) => joined.restore(part, numbers, rows),
            State::Gathered(gathered) => gathered.restore(part, numbers, rows),
            State::Sessions(sessions) => sessions.restore(part, numbers, rows),
            State::Levels(levels) => levels.restore(part, numbers, rows),
            State::Ticks { last_us, .. } => {
                *last_us = numbers.first().copied();
                Ok(())
            }
            State::Stopped => unknown(part),
        }
    }

    /// The snapshot may be of a version, or of options, by which levels were told of as they closed alone.
    pub(super) fn begin_ahead(&mut self, frontier_us: i64) {
        if let State::Levels(levels) = &mut self.state {
            levels.begin_ahead(frontier_us);
        }
    }
}

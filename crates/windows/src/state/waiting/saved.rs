//! Waiting rows in snapshots, as fold sent them.

use datafusion::common::Result;

use super::{KEPT, Waiting};
use crate::state::saved::{self, Part, Piece, Saved};

impl Waiting {
    /// By name, as a query's state.
    pub(crate) fn save(&self) -> Vec<(String, Vec<Saved>)> {
        let rooms = self.rooms.iter().map(|(place, room)| {
            let held = room.origins.values().flatten();
            let rows = held.flat_map(|held| held.rows.iter().cloned());
            let rows = saved::rows(Part::Rows(0), rows);
            (format!("{KEPT}{place}"), rows)
        });
        rooms.collect()
    }

    /// Takes a piece back; false if it is none of these.
    pub(crate) fn restore(&mut self, piece: &Piece) -> Result<bool> {
        let Some(place) = piece.name.strip_prefix(KEPT) else {
            return Ok(false);
        };
        for rows in &piece.rows {
            self.absorb(place, &rows.load()?)?;
        }
        Ok(true)
    }
}

//! What joined streams hold in memory, and which of their rows may be kept away: those of each side, and behind them what was
//! made of them pane by pane.

use super::Joined;
use crate::state::held::{Bytes, Held, Wanted, here_bytes};
use crate::state::panes::Panes;

impl Joined {
    /// Open panes and the rows in them.
    pub fn size(&self) -> (usize, usize) {
        let panes = || self.sides.iter().flat_map(|side| side.panes.values());
        let rows: usize = panes().flatten().map(Held::num_rows).sum();
        let parts = self.parts.as_ref().map_or(0, |parts| parts.size().1);
        (panes().count(), rows + parts)
    }

    /// What they take in memory.
    pub fn bytes(&self) -> Bytes {
        let panes = self.sides.iter().flat_map(|side| side.panes.values());
        let here: usize = panes.flatten().map(Held::bytes).sum();
        let parts = self.parts.as_ref().map(Panes::bytes).unwrap_or_default();
        Bytes {
            here: here + parts.here,
            movable: here + parts.movable,
        }
    }

    /// The rows that may be kept away, `bytes_min` at least at one place.
    pub fn wanted(&self, bytes_min: usize) -> Vec<Wanted> {
        let mut all = Vec::new();
        for (list, side) in self.sides.iter().enumerate() {
            all.extend(side.panes.iter().map(|(&start_us, held)| {
                let first_us = start_us.saturating_sub(side.reach.after_us);
                let end_us = self.schedule.next_final(first_us);
                Wanted {
                    at_us: end_us.saturating_add(self.delay_us()),
                    list,
                    start_us,
                    bytes: here_bytes(held),
                }
            }));
        }
        all.retain(|wanted| wanted.bytes >= bytes_min);
        let parts = self.parts.iter().flat_map(|parts| parts.wanted(bytes_min));
        all.extend(parts.map(|wanted| Wanted {
            at_us: wanted.at_us.saturating_add(self.delay_us()),
            list: self.sides.len() + wanted.list,
            ..wanted
        }));
        all
    }

    /// The rows at one place.
    pub fn rows_at(&mut self, wanted: &Wanted) -> Option<&mut Vec<Held>> {
        match wanted.list.checked_sub(self.sides.len()) {
            None => self
                .sides
                .get_mut(wanted.list)?
                .panes
                .get_mut(&wanted.start_us),
            Some(list) => self.parts.as_mut()?.rows_at(&Wanted { list, ..*wanted }),
        }
    }
}

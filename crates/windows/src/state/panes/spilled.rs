//! What panes hold in memory, and which of their rows may be kept away.

use super::Panes;
use crate::state::held::{Bytes, Held, Wanted, here_bytes};
use crate::state::sums::Sums;

/// The panes themselves; behind them three lists for final rows, and three for those ahead of them; behind these the same of
/// what was made of the rows, for final rows and for those ahead.
const PANES: usize = 0;
/// All lists of panes that nothing is made of.
const ALL: usize = PANES + 1 + 2 * LISTS;
/// Lists of one of the sums.
const LISTS: usize = 3;
/// Sums of panes in front of the split.
const FRONT: usize = 0;
/// The sum behind it.
const BACK: usize = 1;
/// What waits to be added to that.
const WAITING: usize = 2;

impl Panes {
    fn all_sums(&self) -> impl Iterator<Item = (usize, &Sums)> {
        let all = [&self.sums, &self.sums_ahead].into_iter().enumerate();
        all.filter_map(|(place, sums)| Some((PANES + 1 + place * LISTS, sums.as_ref()?)))
    }

    pub(super) fn all_parts(&self) -> impl Iterator<Item = (usize, &Panes)> {
        let both = self
            .parts
            .iter()
            .flat_map(|parts| [&parts.settled, &parts.ahead]);
        both.enumerate()
            .map(|(place, parts)| (ALL * (place + 1), parts))
    }

    /// What they take in memory.
    pub fn bytes(&self) -> Bytes {
        let panes: usize = self.panes.values().flatten().map(Held::bytes).sum();
        let sums: usize = self.all_sums().map(|(_, sums)| sums.bytes()).sum();
        let parts: usize = self.all_parts().map(|(_, parts)| parts.bytes().here).sum();
        let here = panes + sums + parts;
        Bytes {
            here,
            movable: here,
        }
    }

    /// The rows that may be kept away, `bytes_min` at least at one place.
    pub fn wanted(&self, bytes_min: usize) -> Vec<Wanted> {
        let (schedule, size_us) = (&self.schedule, self.schedule.windows().size_us());
        let panes = self.panes.iter().map(|(&start_us, held)| Wanted {
            at_us: schedule.next_final(start_us),
            list: PANES,
            start_us,
            bytes: here_bytes(held),
        });
        let mut wanted: Vec<Wanted> = panes.collect();
        for (list, sums) in self.all_sums() {
            wanted.extend(sums.front.iter().map(|(&start_us, held)| Wanted {
                at_us: start_us.saturating_add(size_us),
                list: list + FRONT,
                start_us,
                bytes: here_bytes(held),
            }));
            let back = [(BACK, &sums.back.rows), (WAITING, &sums.back.waiting)];
            wanted.extend(back.map(|(place, held)| Wanted {
                // The next window needs it.
                at_us: schedule.closed_us(),
                list: list + place,
                start_us: schedule.closed_us(),
                bytes: here_bytes(held),
            }));
        }
        wanted.retain(|wanted| wanted.bytes >= bytes_min);
        for (list, parts) in self.all_parts() {
            let of_parts = parts.wanted(bytes_min).into_iter();
            wanted.extend(of_parts.map(|wanted| Wanted {
                list: list + wanted.list,
                ..wanted
            }));
        }
        wanted
    }

    /// The rows at one place.
    pub fn rows_at(&mut self, wanted: &Wanted) -> Option<&mut Vec<Held>> {
        if let Some(list) = wanted.list.checked_sub(ALL) {
            let mut both = self.parts.as_mut()?.both().into_iter();
            let list_of_it = list % ALL;
            return both.nth(list / ALL)?.rows_at(&Wanted {
                list: list_of_it,
                ..*wanted
            });
        }
        let Some(list) = wanted.list.checked_sub(PANES + 1) else {
            return self.panes.get_mut(&wanted.start_us);
        };
        let sums = match list / LISTS {
            0 => &mut self.sums,
            _ => &mut self.sums_ahead,
        };
        let sums = sums.as_mut()?;
        match list % LISTS {
            FRONT => sums.front.get_mut(&wanted.start_us),
            BACK => Some(&mut sums.back.rows),
            _ => Some(&mut sums.back.waiting),
        }
    }
}

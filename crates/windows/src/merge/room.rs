//! What merge holds in memory, and what of it can be kept away until it is wanted.

use super::Merge;
use crate::state::held::{Bytes, Held, SpillError, Wanted, leaving, put_away};

/// Rows that are kept away in one go, bytes.
const ROUND_BYTES: usize = 8 << 20;

/// What one query or table holds in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding<'a> {
    /// Its name.
    pub name: &'a str,
    /// How much.
    pub bytes: Bytes,
}

/// Whose rows may be kept away.
#[derive(Debug, Clone, Copy)]
enum Place {
    Query(usize),
    /// Rows that may be taken back.
    Waiting,
}

impl Merge {
    fn rows_at(&mut self, place: Place, wanted: &Wanted) -> Option<&mut Vec<Held>> {
        match place {
            Place::Query(index) => self.running[index].rows_at(wanted),
            Place::Waiting => self.waiting.rows_at(wanted),
        }
    }

    /// What each query and table holds.
    pub fn holdings(&self) -> Vec<Holding<'_>> {
        let queries = self.program.queries.iter().zip(&self.running);
        let queries = queries.map(|(query, running)| Holding {
            name: &query.name,
            bytes: running.bytes(),
        });
        let tables = self.program.tables.iter().zip(&self.tables);
        let tables = tables.map(|(query, table)| Holding {
            name: &query.name,
            bytes: Bytes {
                here: table.bytes(),
                movable: 0,
            },
        });
        let waiting = self.waiting.bytes().map(|(name, here)| Holding {
            name,
            bytes: Bytes {
                here,
                movable: here,
            },
        });
        queries.chain(tables).chain(waiting).collect()
    }

    /// Each query, and whether it has stopped at an error.
    pub fn stopped(&self) -> impl Iterator<Item = (&str, bool)> {
        let queries = self.program.queries.iter().zip(&self.running);
        queries.map(|(query, running)| (query.name.as_str(), running.has_stopped()))
    }

    /// Makes room for so many bytes: rows are kept away, those first that are wanted last. Fewer than `bytes_min` at one
    /// place are not worth the way. Returns how many bytes are free now that were not, which may be fewer. Nothing that
    /// leaves hangs on it.
    pub fn make_room(&mut self, bytes: usize, bytes_min: usize) -> Result<usize, SpillError> {
        let Some(spill) = self.spill.clone() else {
            return Ok(0);
        };
        let running = self.running.iter().enumerate();
        let mut all: Vec<(Wanted, Place)> = running
            .flat_map(|(place, running)| {
                let wanted = running.wanted(bytes_min).into_iter();
                wanted.map(move |wanted| (wanted, Place::Query(place)))
            })
            .collect();
        let waiting = self.waiting.wanted(bytes_min).into_iter();
        all.extend(waiting.map(|wanted| (wanted, Place::Waiting)));
        // Of those that are wanted at one instant the oldest first: it gets no more rows.
        all.sort_by_key(|(wanted, _)| (std::cmp::Reverse(wanted.at_us), wanted.start_us));
        let mut freed = 0;
        let mut chosen = all.into_iter();
        while freed < bytes {
            let mut round = Vec::new();
            let mut batches = Vec::new();
            let mut round_bytes = 0;
            for (wanted, place) in chosen.by_ref() {
                let Some(held) = self.rows_at(place, &wanted) else {
                    continue;
                };
                let leaving = leaving(held)?;
                batches.extend(leaving.batches.iter().cloned());
                round.push((wanted, place, leaving));
                round_bytes += wanted.bytes;
                if round_bytes >= ROUND_BYTES || freed + round_bytes >= bytes {
                    break;
                }
            }
            if round.is_empty() {
                break;
            }
            let mut kept = spill.keep(&batches)?.into_iter();
            for (wanted, place, leaving) in round {
                let own = kept.by_ref().take(leaving.batches.len()).collect();
                if let Some(held) = self.rows_at(place, &wanted) {
                    put_away(held, &leaving, own);
                }
            }
            freed += round_bytes;
        }
        Ok(freed)
    }
}

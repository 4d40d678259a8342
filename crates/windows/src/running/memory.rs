//! What a query's state takes in memory, and which of its rows may be kept away.

use super::{Running, State};
use crate::state::held::{Bytes, Held, Wanted};

impl Running {
    /// What it takes in memory.
    pub fn bytes(&self) -> Bytes {
        let fixed = |here| Bytes { here, movable: 0 };
        let state = match &self.state {
            State::Windows(panes) => panes.bytes(),
            State::Joined(joined) => joined.bytes(),
            State::Gathered(gathered) => gathered.bytes(),
            State::Sessions(sessions) => fixed(sessions.bytes()),
            State::Levels(levels) => fixed(levels.bytes()),
            State::Ticks { .. } | State::Stopped => Bytes::default(),
        };
        Bytes {
            here: state.here + self.revisions.bytes() + self.keys.bytes(),
            ..state
        }
    }

    /// The rows that may be kept away, `bytes_min` at least at one place.
    pub fn wanted(&self, bytes_min: usize) -> Vec<Wanted> {
        match &self.state {
            State::Windows(panes) => panes.wanted(bytes_min),
            State::Joined(joined) => joined.wanted(bytes_min),
            State::Gathered(gathered) => gathered.wanted(bytes_min),
            _ => Vec::new(),
        }
    }

    /// The rows at one place.
    pub fn rows_at(&mut self, wanted: &Wanted) -> Option<&mut Vec<Held>> {
        match &mut self.state {
            State::Windows(panes) => panes.rows_at(wanted),
            State::Joined(joined) => joined.rows_at(wanted),
            State::Gathered(gathered) => gathered.rows_at(wanted),
            _ => None,
        }
    }
}

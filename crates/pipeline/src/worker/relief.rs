//! What fold does where pausing gives no memory back.

use std::time::Duration;

use super::Shared;
use crate::error::EngineError;

/// While reading pauses what waits goes out, and gives its memory back. If none has come for so long, none will: it is
/// held until time passes, which it does only as fold reads.
const PATIENCE: Duration = Duration::from_secs(5);
/// What comes back counts if it is more than this part of the bound.
const WORTH: usize = 64;

/// Whether reading goes on although memory is short.
#[derive(Debug, Default)]
pub(super) struct Relief {
    /// The least that was held since reading pauses, and since when.
    least: Option<(usize, Duration)>,
    /// It reads until it has something.
    is_on: bool,
    /// That was told, of this pause.
    is_told: bool,
    /// Ids hold much, and that was told.
    has_many_ids: bool,
}

impl Relief {
    /// Says what the ids of events that are not yet late hold. More than all that a process may hold is an error: no reading
    /// on and no waiting could keep to the bound.
    pub fn judge_ids(&mut self, shared: &Shared) -> Result<(), EngineError> {
        let budget = &shared.memory.budget;
        let (ids, bytes_max) = (budget.ids(), budget.bytes_max());
        shared.tally.ids(ids);
        if ids > bytes_max {
            return Err(EngineError::State(format!(
                "the ids of events that are not yet late hold {ids} bytes, more than the {bytes_max} that limits.memory_bytes_max leaves to the engine: raise it, lower time.correction_max_s or the out_of_order_max_s of the sources, or share the input among more processes"
            )));
        }
        let is_much = ids > bytes_max / 2;
        if is_much && !self.has_many_ids {
            tracing::warn!(
                ids,
                bytes_max,
                "the ids of events that are not yet late hold most of the memory: raise limits.memory_bytes_max, or lower time.correction_max_s or the out_of_order_max_s of the sources"
            );
        }
        // Told again only once they were few.
        self.has_many_ids = is_much || (self.has_many_ids && ids > bytes_max / 4);
        Ok(())
    }

    /// Whether to read, though reading pauses, until there is something: nothing came back, and there is room.
    pub fn reads_on(&mut self, is_paused: bool, has_read: bool, shared: &Shared) -> bool {
        if !is_paused {
            (self.least, self.is_on, self.is_told) = (None, false, false);
            return false;
        }
        let budget = &shared.memory.budget;
        let (held, now) = (budget.bytes(), shared.clock.elapsed());
        let (least, since) = *self.least.get_or_insert((held, now));
        let is_worth = held + budget.bytes_max() / WORTH < least;
        if has_read || is_worth || !budget.has_room() {
            self.least = Some((held, now));
            self.is_on = false;
        } else if now.saturating_sub(since) >= PATIENCE {
            self.is_on = true;
        }
        if self.is_on && !self.is_told {
            self.is_told = true;
            tracing::warn!(
                bytes = held,
                bytes_max = budget.bytes_max(),
                "pausing gives no memory back: reading goes on step by step; raise limits.memory_bytes_max, or lower the bounds on keys"
            );
        }
        self.is_on
    }
}

//! Ticks of the wall clock, for planners that plan by it.
//!
//! The owner of the port's partition of merge writes them, numbered, into that partition of the partials log, in a
//! transaction of its own; whoever reads a tick there plans in the step that reads it, and commits the plan with the
//! position behind it. So plans are a function of the partials log, and a tick that was written twice (by two owners, one
//! after the other) counts once. One tick at most is under way: a process that slept, or is busy with what it missed,
//! makes one tick of all that were due. Ticks never go back, whatever the clock does.

use events::Message;
use events::internal::{Partials, Tick};

use crate::log::{Outgoing, Partition};
use crate::partials::FORMAT;

/// When planners plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TickBy {
    /// At a tick once the frontier has passed it: plans are a function of the event log.
    #[default]
    Watermark,
    /// At a tick of the wall clock, with what is known then: plans are a function of the partials log, ticks included.
    Clock,
}

/// The ticks of one partition of merge.
#[derive(Debug, Clone, Copy)]
pub struct Ticks {
    every_us: i64,
    applied: Tick,
    /// Number of the last one that this instance wrote.
    written: u64,
    is_behind: bool,
}

impl Ticks {
    /// None yet. They lie at multiples of `every_us`.
    pub fn new(every_us: i64) -> Self {
        Ticks {
            every_us: every_us.max(1),
            applied: Tick::default(),
            written: 0,
            is_behind: false,
        }
    }

    /// The last one that was applied, if there was one.
    pub fn applied(&self) -> Option<Tick> {
        (self.applied.number > 0).then_some(self.applied)
    }

    /// Takes up behind a tick.
    pub fn resume(&mut self, applied: Option<Tick>) {
        self.applied = applied.unwrap_or_default();
    }

    /// The tick to write, if one is due at `now_us`.
    pub fn due(&mut self, now_us: i64) -> Option<Tick> {
        let is_under_way = self.written > self.applied.number;
        let at_us = now_us - now_us.rem_euclid(self.every_us);
        if is_under_way || !self.is_after(at_us) {
            self.warn_if_behind(now_us);
            return None;
        }
        self.is_behind = false;
        let number = self.applied.number + 1;
        self.written = number;
        Some(Tick { number, at_us })
    }

    /// True if a tick that was read counts; it counts once.
    pub fn apply(&mut self, tick: Tick) -> bool {
        let is_new = tick.number > self.applied.number && self.is_after(tick.at_us);
        if is_new {
            self.applied = tick;
        }
        is_new
    }

    fn is_after(&self, at_us: i64) -> bool {
        self.applied.number == 0 || at_us > self.applied.at_us
    }

    fn warn_if_behind(&mut self, now_us: i64) {
        let behind_us = self.applied.at_us.saturating_sub(now_us);
        if self.applied.number > 0 && behind_us > self.every_us && !self.is_behind {
            self.is_behind = true;
            tracing::warn!(
                behind_s = behind_us / 1_000_000,
                "the clock stands before the last tick of the planners: they plan again once it has passed it; set the clock right"
            );
        }
    }
}

/// A tick as a record of the partials log.
pub fn record(home: &Partition, tick: Tick, timestamp_ms: i64) -> Outgoing {
    let message = Partials {
        format: FORMAT,
        parts: 1,
        tick: Some(tick),
        ..Partials::default()
    };
    Outgoing {
        topic: std::sync::Arc::clone(&home.topic),
        partition: Some(home.index),
        key: None,
        value: Some(message.encode_to_vec()),
        timestamp_ms,
        headers: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_US: i64 = 60_000_000;

    fn tick(number: u64, minute: i64) -> Tick {
        Tick {
            number,
            at_us: minute * MINUTE_US,
        }
    }

    fn applied(ticks: &mut Ticks, tick: Option<Tick>) -> Option<(u64, i64)> {
        let tick = tick?;
        ticks
            .apply(tick)
            .then_some((tick.number, tick.at_us / MINUTE_US))
    }

    #[test]
    fn one_tick_is_under_way_and_a_long_sleep_makes_one() {
        let mut ticks = Ticks::new(10 * MINUTE_US);
        let first = ticks.due(64 * MINUTE_US);
        assert_eq!(first, Some(tick(1, 60)));
        assert_eq!(ticks.due(200 * MINUTE_US), None, "the first is under way");
        assert_eq!(applied(&mut ticks, first), Some((1, 60)));
        let second = ticks.due(1_009 * MINUTE_US);
        assert_eq!(applied(&mut ticks, second), Some((2, 1_000)));
        assert_eq!(ticks.due(1_009 * MINUTE_US), None);
    }

    #[test]
    fn ticks_never_go_back_and_go_on_once_the_clock_has_passed_the_last() {
        let mut ticks = Ticks::new(10 * MINUTE_US);
        ticks.resume(Some(tick(7, 600)));
        for minute in [599, 0, 600, 609] {
            assert_eq!(ticks.due(minute * MINUTE_US), None, "{minute}");
        }
        assert_eq!(ticks.due(611 * MINUTE_US), Some(tick(8, 610)));
    }

    #[test]
    fn of_two_owners_ticks_of_one_number_the_first_counts() {
        let mut ticks = Ticks::new(10 * MINUTE_US);
        let read = [
            (tick(1, 60), true),
            (tick(2, 70), true),
            // Of the next owner, which had not read the one before.
            (tick(2, 80), false),
            // Of one whose clock is behind.
            (tick(3, 70), false),
            (tick(3, 90), true),
        ];
        for (tick, counts) in read {
            assert_eq!(ticks.apply(tick), counts, "{tick:?}");
        }
        assert_eq!(ticks.due(104 * MINUTE_US), Some(tick(4, 100)));
    }
}

//! A clock that is set by hand.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

/// Time that went by, and the hands of the clock.
#[derive(Debug, Default)]
struct Hands {
    elapsed: Duration,
    now_us: i64,
}

/// A clock that is set by hand. It begins at 1970-01-01T00:00:00Z.
#[derive(Debug, Default)]
pub struct HandClock(Mutex<Hands>);

impl HandClock {
    /// Moves time on.
    pub fn advance(&self, by: Duration) {
        let mut hands = self.hands();
        hands.elapsed += by;
        hands.now_us += i64::try_from(by.as_micros()).unwrap_or(i64::MAX);
    }

    /// Sets the wall clock, forward or back, as somebody who corrects it does; no time goes by.
    pub fn shift(&self, by_us: i64) {
        self.hands().now_us += by_us;
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for HandClock {
    fn elapsed(&self) -> Duration {
        self.hands().elapsed
    }

    fn now_us(&self) -> i64 {
        self.hands().now_us
    }
}

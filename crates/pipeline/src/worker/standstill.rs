//! Says who holds the port back while records come and event time stands still.

use std::time::Duration;

/// Event time that stands still for so long while records come is worth a line in the log, and again after as long.
const TELL_AFTER: Duration = Duration::from_secs(120);

/// Since when event time stands still.
#[derive(Debug, Default)]
pub(super) struct Standstill {
    frontier_us: Option<i64>,
    since: Duration,
}

impl Standstill {
    /// Records came, and event time has reached `frontier_us`. `slowest` names who lies furthest behind.
    pub fn look(
        &mut self,
        frontier_us: Option<i64>,
        now: Duration,
        slowest: impl FnOnce() -> Option<String>,
    ) {
        if self.frontier_us != frontier_us {
            self.frontier_us = frontier_us;
            self.since = now;
            return;
        }
        let stood = now.saturating_sub(self.since);
        if stood >= TELL_AFTER
            && let Some(slowest) = slowest()
        {
            self.since = now;
            tracing::warn!(
                seconds = stood.as_secs(),
                slowest,
                "records come and event time stands still: see which source holds it back, time.past_max_s and [waits_for]"
            );
        }
    }
}

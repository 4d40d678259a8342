//! One line on standard error that is written over again and again; lines below each other where that is no terminal.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use pipeline::outcome::Tally;

/// Between two lines where they cannot be written over.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Progress for people.
#[derive(Debug)]
pub struct Progress {
    is_terminal: bool,
    told_at: Option<Instant>,
    began: Instant,
}

impl Default for Progress {
    fn default() -> Self {
        Progress {
            is_terminal: std::io::stderr().is_terminal(),
            told_at: None,
            began: Instant::now(),
        }
    }
}

impl Progress {
    /// Shows a state, unless one was shown just before.
    pub fn show(&mut self, text: impl FnOnce(Duration) -> String) {
        let every = if self.is_terminal {
            Duration::from_millis(200)
        } else {
            PLAIN_EVERY
        };
        if self.told_at.is_none_or(|at| at.elapsed() >= every) {
            self.told_at = Some(Instant::now());
            let text = text(self.began.elapsed());
            let mut out = std::io::stderr().lock();
            let _ = if self.is_terminal {
                write!(out, "\r\x1b[2K{text}")
            } else {
                writeln!(out, "{text}")
            };
            let _ = out.flush();
        }
    }

    /// Shows the last state of a part, and leaves it.
    pub fn finish(&mut self, text: &str) {
        let start = if self.is_terminal { "\r\x1b[2K" } else { "" };
        let _ = writeln!(std::io::stderr().lock(), "{start}{text}");
        *self = Progress::default();
    }

    /// Shows what the processor has come to.
    pub fn show_tally(&mut self, tally: &Tally) {
        self.show(|elapsed| {
            let counts = tally.intake_counts();
            let rejects: u64 = tally.rejects().values().sum();
            let reached = match tally.frontier_us() {
                0 => "-".to_owned(),
                frontier_us => events::describe::rfc3339(frontier_us - frontier_us % 1_000_000),
            };
            let per_second = counts.records as f64 / elapsed.as_secs_f64().max(1e-3);
            format!(
                "processing: event time {reached}, {} records, {per_second:.0}/s, {} rows out, {rejects} rejects",
                counts.records,
                tally.rows_out()
            )
        });
    }
}

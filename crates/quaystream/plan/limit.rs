//! The options that say how long a planner may search.

use super::clock::CpuDeadline;
use optimise::budget::Budget;

/// How long to search, and from which seed.
#[derive(Debug, Clone, clap::Args)]
pub struct LimitArgs {
    /// Processor seconds of the solving thread
    #[arg(long, value_name = "S", conflicts_with = "iterations", value_parser = positive_seconds)]
    pub seconds: Option<f64>,
    /// Iterations of the search: the same plan on every machine
    #[arg(long, value_name = "N")]
    pub iterations: Option<u64>,
    /// Seed of every random choice
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// Seconds when neither seconds nor iterations are given.
pub const SECONDS_DEFAULT: f64 = 1.0;

impl LimitArgs {
    /// The deadline, counted from now on this thread.
    pub fn deadline(&self) -> CpuDeadline {
        let seconds = self
            .seconds
            .or(self.iterations.is_none().then_some(SECONDS_DEFAULT));
        CpuDeadline::after(seconds)
    }

    /// The solver's budget under that deadline.
    pub fn budget<'a>(&self, deadline: &'a CpuDeadline) -> Budget<'a> {
        Budget {
            iterations: self.iterations.unwrap_or(u64::MAX),
            stop: deadline,
        }
    }
}

fn positive_seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds.is_finite() => Ok(seconds),
        _ => Err("give a positive number of seconds".to_owned()),
    }
}

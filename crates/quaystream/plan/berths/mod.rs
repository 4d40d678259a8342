//! `quaystream plan berths`: solves an instance file, or a folder of them. [`run()`] does the work and returns the text to
//! print; [`json`] is the versioned file format, [`convert`] maps it to the domain.

pub mod bench;
pub mod convert;
pub mod crossing;
pub mod error;
pub mod gantt;
pub mod generate;
pub mod json;
pub mod locate;
pub mod run;
pub mod scale;
pub mod warm;
pub mod week;
pub mod week_port;
pub mod week_run;

use super::limit::LimitArgs;
use std::path::PathBuf;

pub use error::PlanError;
pub use run::{check_files, run};

/// Options of `quaystream plan berths`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Instance file: JSON with all rules, or the text format of the public berth sets
    #[arg(required_unless_present_any = ["bench", "generate", "scale", "week"])]
    pub file: Option<PathBuf>,
    /// Format of the file; by its extension if not given
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// How long to search
    #[command(flatten)]
    pub limit: LimitArgs,
    /// What to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub out: Output,
    /// Say for each stay why it is so, and what the next best would cost
    #[arg(long)]
    pub explain: bool,
    /// Run every instance of a folder against its best_known.csv
    #[arg(long, value_name = "DIR", conflicts_with = "file")]
    pub bench: Option<PathBuf>,
    /// With --bench: delay ships and plan again within 30 ms from the last plan
    #[arg(long, requires = "bench")]
    pub warm: bool,
    /// Solve so many generated ports with all rules, the first of them named by --seed, and count where each rule binds
    #[arg(long, value_name = "COUNT")]
    pub generate: Option<u64>,
    /// Solve instances from 10 to 500 calls and print the curve
    #[arg(long)]
    pub scale: bool,
    /// Plan a simulated week with so many seeds, against first come first served and planning without a change penalty
    #[arg(long, value_name = "SEEDS")]
    pub week: Option<u64>,
    /// With --bench: run an instance with so many successive seeds; the median by value counts. With --week: live through a
    /// week with so many seeds of the searches; the mean counts
    #[arg(long, default_value_t = 1)]
    pub runs: u64,
}

/// Formats of instance files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Plain numbers: ships, berths, arrivals, openings, handling times, closings, latest departures
    Dbap,
    /// The versioned JSON with all rules
    Json,
}

/// Forms of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Output {
    /// A Gantt chart and figures
    Text,
    /// One JSON object
    Json,
}

#[cfg(test)]
mod tests;

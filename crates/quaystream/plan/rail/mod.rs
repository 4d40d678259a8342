//! `quaystream plan rail`: containers to train slots, from an instance file or a folder of them.
//!
//! Three formats: `json` carries the full rules ([`json`], version 1); `slots` and `gap` are the bare text formats of the
//! benchmark sets. Every plan that is printed has passed the independent checker.

pub mod bare;
pub mod bench;
pub mod draw;
pub mod error;
pub mod faulty;
pub mod full;
pub mod given;
pub mod json;
pub mod output;
pub mod warm;
pub mod week;

use std::path::{Path, PathBuf};

use super::limit::LimitArgs;
pub use error::RailError;

/// Plan containers onto train slots
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The instance file
    #[arg(required_unless_present_any = ["bench", "generate", "scale", "week", "loads"])]
    pub file: Option<PathBuf>,
    /// The file's format; by its ending if not given (.json is json, .txt slots, none gap)
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// How long to search
    #[command(flatten)]
    pub limit: LimitArgs,
    /// Print one JSON object instead of text
    #[arg(long, value_enum)]
    pub out: Option<Out>,
    /// Check this plan (JSON, as printed by --out json) instead of making one
    #[arg(long, value_name = "PLAN")]
    pub check: Option<PathBuf>,
    /// Explain one unit of the plan: its alternatives, their prices, what stands in their way
    #[arg(long, value_name = "UNIT")]
    pub explain: Option<String>,
    /// Solve every instance of a folder and print a table against its best_known.csv
    #[arg(long, value_name = "DIR")]
    pub bench: Option<PathBuf>,
    /// With --bench: then take 2 % of the containers off their trains and re-plan within 60 ms from the last plan
    #[arg(long, requires = "bench")]
    pub warm: bool,
    /// Solve so many generated full-rule problems of 800 units and 24 trains and print a table
    #[arg(long, value_name = "COUNT")]
    pub generate: Option<u64>,
    /// Solve generated full-rule problems of 100 to 20,000 units and print a table
    #[arg(long)]
    pub scale: bool,
    /// Plan a simulated week every four hours over so many seeds, against first come first served
    #[arg(long, value_name = "SEEDS")]
    pub week: Option<u64>,
    /// Load so many generated trains of 20 to 40 wagons, against first fit
    #[arg(long, value_name = "COUNT")]
    pub loads: Option<u64>,
}

/// Input formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Containers and slots, two capacities
    Slots,
    /// Generalised assignment
    Gap,
    /// Full rules
    Json,
}

/// Output formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Out {
    /// One JSON object
    Json,
}

/// Runs the command; what it returns goes to standard output.
pub fn run(args: &Args) -> Result<String, RailError> {
    if let Some(folder) = &args.bench {
        return if args.warm {
            warm::folder(folder, &args.limit)
        } else {
            bench::folder(folder, &args.limit)
        };
    }
    if let Some(count) = args.generate {
        return bench::generated(count, &args.limit);
    }
    if args.scale {
        return bench::scale(&args.limit);
    }
    if let Some(seeds) = args.week {
        return week::run(seeds, &args.limit);
    }
    if let Some(count) = args.loads {
        return bench::loads(count, &args.limit);
    }
    let file = args.file.as_ref().ok_or(RailError::NoFile)?;
    let text = error::read(file)?;
    if let Some(plan) = &args.check {
        return check_texts((file, &text), args.format, (plan, &error::read(plan)?));
    }
    match format(args.format, file) {
        Format::Json => full::run(args, file, &text),
        Format::Slots => bare::run(args, file, optimise::rail::read::slots::read(&text)),
        Format::Gap => bare::run(args, file, optimise::rail::read::gap::read(&text)),
    }
}

/// Checks a plan file (the object of `--out json`, or its `plan` alone) against a problem file.
pub fn check_texts(
    (file, text): (&Path, &str),
    given: Option<Format>,
    plan: (&Path, &str),
) -> Result<String, RailError> {
    match format(given, file) {
        Format::Json => full::check_plan(file, text, plan),
        Format::Slots => bare::check_plan(file, optimise::rail::read::slots::read(text), plan),
        Format::Gap => bare::check_plan(file, optimise::rail::read::gap::read(text), plan),
    }
}

fn format(given: Option<Format>, file: &Path) -> Format {
    given.unwrap_or_else(
        || match file.extension().and_then(|ending| ending.to_str()) {
            Some("json") => Format::Json,
            Some("txt") => Format::Slots,
            _ => Format::Gap,
        },
    )
}

#[cfg(test)]
mod tests;

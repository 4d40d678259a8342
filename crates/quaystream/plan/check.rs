//! `quaystream plan check`: a plan file against its problem file, by the checker of the planner that the two belong to.

use std::path::PathBuf;

use super::{berths, rail};

/// Options of `quaystream plan check`.
#[derive(Debug, Clone, clap::Args)]
pub struct CheckArgs {
    /// Instance file of either planner
    pub file: PathBuf,
    /// Plan file: the output of `--out json`, or its `plan` alone
    pub plan: PathBuf,
    /// Format of the instance file; if not given, by its ending and by what the two files contain
    #[arg(long, value_enum)]
    pub format: Option<Format>,
}

/// Formats of instance files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Berths, plain numbers
    Dbap,
    /// Containers and slots, two capacities
    Slots,
    /// Generalised assignment
    Gap,
    /// Full rules of either planner
    Json,
}

/// Why a plan is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// As a berth plan.
    #[error(transparent)]
    Berths(#[from] berths::PlanError),
    /// As a rail plan.
    #[error(transparent)]
    Rail(#[from] rail::RailError),
}

/// Checks the plan; what it returns goes to standard output.
pub fn run(args: &CheckArgs) -> Result<String, CheckError> {
    let (file, plan) = (&args.file, &args.plan);
    let (text, plan_text) = (rail::error::read(file)?, rail::error::read(plan)?);
    let rail = |format| {
        Ok(rail::check_texts(
            (file, &text),
            format,
            (plan, &plan_text),
        )?)
    };
    let berths = |format| Ok(berths::check_files(file, format, plan)?);
    match args.format {
        Some(Format::Dbap) => berths(Some(berths::Format::Dbap)),
        Some(Format::Slots) => rail(Some(rail::Format::Slots)),
        Some(Format::Gap) => rail(Some(rail::Format::Gap)),
        Some(Format::Json) if is_rail(&text, "trains") => rail(Some(rail::Format::Json)),
        Some(Format::Json) => berths(Some(berths::Format::Json)),
        None if is_rail(&text, "trains") || is_rail(&plan_text, "train") => rail(None),
        None => berths(None),
    }
}

/// True if a text is JSON with this key, itself or in its `plan`: rail problems have trains, plans of bare instances a
/// train for each item. What is no JSON is left to the berth planner's reader, which says why.
fn is_rail(text: &str, key: &str) -> bool {
    let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    value.get(key).is_some()
        || value
            .get("plan")
            .is_some_and(|plan| plan.get(key).is_some())
}

//! `quaystream plan`: the optimisers on instance files.

use clap::Subcommand;

use super::{CliError, print};
use crate::plan::{berths, check, rail};

#[derive(Debug, Subcommand)]
pub(super) enum PlanCommand {
    /// Put vessels and barges at berths
    Berths(Box<berths::Args>),
    /// Check a berth plan or a rail plan against its instance, independently of the solver
    Check(check::CheckArgs),
    /// Put containers on train slots
    Rail(Box<rail::Args>),
}

pub(super) fn plan(command: &PlanCommand) -> Result<(), CliError> {
    let text = match command {
        PlanCommand::Berths(args) => berths::run(args)?,
        PlanCommand::Check(args) => check::run(args)?,
        PlanCommand::Rail(args) => rail::run(args)?,
    };
    print(text);
    Ok(())
}

//! `quaystream plan`: the optimisers on instance files.

use clap::Subcommand;

use super::{CliError, print};
use crate::plan::rail;

#[derive(Debug, Subcommand)]
pub(super) enum PlanCommand {
    /// Put containers on train slots
    Rail(Box<rail::Args>),
}

pub(super) fn plan(command: &PlanCommand) -> Result<(), CliError> {
    let text = match command {
        PlanCommand::Rail(args) => rail::run(args)?,
    };
    print(text);
    Ok(())
}

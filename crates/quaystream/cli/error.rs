//! Why a subcommand ended with another status than 0.

use std::process::ExitCode;

use windows::error::Fault;

use crate::config::ConfigError;
use crate::wiring::metrics::MetricsError;
use crate::wiring::processor::WorkerError;

/// Errors of the command line.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The SQL files.
    #[error("the queries have {} faults; `quaystream check` lists them: {}", .0.len(), first(.0))]
    Queries(Vec<Fault>),
    /// `check` found faults, and has printed them.
    #[error("{0} faults")]
    Checked(usize),
    /// A worker.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// Kafka.
    #[error("kafka")]
    Kafka(#[from] kafka::Error),
    /// The embedded broker.
    #[error("the embedded broker did not start")]
    Broker(#[from] broker::Error),
    /// The metrics endpoint.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The simulated port.
    #[error("the simulation cannot start")]
    Simulation(#[from] portsim::SettingsError),
    /// A message cannot be shown.
    #[error("a record cannot be shown")]
    Describe(#[from] events::describe::DescribeError),
    /// The operating system.
    #[error("{doing}")]
    System {
        /// What was tried.
        doing: String,
        /// What it said.
        source: std::io::Error,
    },
    /// A file cannot be imported.
    #[error("cannot import {path}")]
    Import {
        /// The file.
        path: String,
        /// Why.
        source: imports::ImportError,
    },
    /// The berth planner on files.
    #[error(transparent)]
    PlanBerths(#[from] crate::plan::berths::PlanError),
    /// The rail planner on files.
    #[error(transparent)]
    PlanRail(#[from] crate::plan::rail::RailError),
    /// `plan check` cannot read a file, or the plan breaks rules.
    #[error(transparent)]
    PlanCheck(#[from] crate::plan::check::CheckError),
    /// Something that the user can mend.
    #[error("{0}")]
    Usage(String),
    /// The demo's recount.
    #[error(
        "the independent recount differs from the processor's figures: {0}; please report this"
    )]
    Recount(String),
}

fn first(faults: &[Fault]) -> String {
    faults.first().map(ToString::to_string).unwrap_or_default()
}

impl CliError {
    /// For `map_err` on what the operating system refused.
    pub fn system(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> CliError {
        let doing = doing.into();
        move |source| CliError::System { doing, source }
    }

    /// Exit status, as documented in the help.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            CliError::Usage(_) => 2,
            CliError::Config(_) | CliError::Queries(_) | CliError::Checked(_) => 3,
            CliError::Recount(_) => 4,
            _ => 1,
        })
    }
}

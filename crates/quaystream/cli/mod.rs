//! The command line: one file a subcommand. Errors come here, and are printed once.

mod broker;
mod check;
mod demo;
mod error;
mod explain;
mod import;
mod plan;
mod run;
mod simulate;
mod tail;
mod topics;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub use error::CliError;

use crate::config::Config;

/// A stream processor for ports: container, vessel and rail events in, windowed figures, berth and rail-slot plans out.
///
/// Without a subcommand it runs the demo. Exit status: 0 done or stopped in good order, 1 failed, 2 wrong usage, 3 faults
/// in the configuration or the SQL, 4 the demo's recount differs, 130 stopped at once by a second signal.
#[derive(Debug, Parser)]
#[command(name = "quaystream", version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Simulate a port day through Kafka and the processor, and show what came out
    Demo(demo::DemoArgs),
    /// Run the processor against a Kafka
    Run(run::RunArgs),
    /// Produce the simulated port into the input topics
    Simulate(simulate::SimulateArgs),
    /// Check configuration and SQL, and list all faults
    Check(ConfigArgs),
    /// Show what each query does where
    Explain(ConfigArgs),
    /// Decode a topic to readable lines
    Tail(tail::TailArgs),
    /// Create or describe the topics
    Topics(topics::TopicsArgs),
    /// Run the embedded broker on its own (in memory, loopback, for development)
    Broker(broker::BrokerArgs),
    /// Read public formats into the input topics
    Import(import::ImportArgs),
    /// Run an optimiser on instance files
    #[command(subcommand)]
    Plan(plan::PlanCommand),
}

/// Which configuration.
#[derive(Debug, Clone, Default, Args)]
struct ConfigArgs {
    /// Configuration file; without it the shipped one (deploy/quaystream.toml)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Which configuration, and which Kafka.
#[derive(Debug, Clone, Default, Args)]
struct ClusterArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// Kafka to use instead of the configuration's
    #[arg(long, value_name = "HOST:PORT")]
    broker: Option<String>,
}

impl ConfigArgs {
    fn load(&self) -> Result<Config, CliError> {
        Ok(Config::load_or_shipped(self.config.as_deref())?)
    }
}

impl ClusterArgs {
    fn load(&self) -> Result<Config, CliError> {
        let mut config = self.config.load()?;
        if let Some(broker) = &self.broker {
            config.kafka.bootstrap.clone_from(broker);
        }
        Ok(config)
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let command = Cli::parse()
        .command
        .unwrap_or(Command::Demo(demo::DemoArgs::default()));
    let result = match command {
        Command::Demo(args) => demo::demo(&args),
        Command::Run(args) => run::run(&args),
        Command::Simulate(args) => simulate::simulate(&args),
        Command::Check(args) => check::check(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Tail(args) => tail::tail(&args),
        Command::Topics(args) => topics::topics(&args),
        Command::Broker(args) => broker::broker(&args),
        Command::Import(args) => import::import(&args),
        Command::Plan(command) => plan::plan(&command),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&error);
            error.exit_code()
        }
    }
}

/// Prints an error with all its causes, once.
fn report(error: &CliError) {
    let mut text = format!("quaystream: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let line = inner.to_string();
        // Some errors repeat their cause in their own text.
        if !text.contains(&line) {
            text.push_str("\n  because: ");
            text.push_str(&line);
        }
        cause = inner.source();
    }
    eprintln!("{text}");
}

/// Writes to standard output; a reader that went away is no error.
fn print(text: impl AsRef<str>) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let _ = out
        .write_all(text.as_ref().as_bytes())
        .and_then(|()| out.flush());
}

/// As [`print()`], and says whether the reader is still there.
fn print_line(text: &str) -> bool {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}").and_then(|()| out.flush()).is_ok()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}

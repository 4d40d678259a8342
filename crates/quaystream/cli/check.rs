//! `quaystream check`: all faults of configuration and SQL.

use super::{CliError, ConfigArgs, print};
use crate::config::ConfigError;

pub(super) fn check(args: &ConfigArgs) -> Result<(), CliError> {
    let config = match args.load() {
        Err(CliError::Config(ConfigError::Faults(faults))) => return Err(list(&faults)),
        other => other?,
    };
    let faults = config.query_faults();
    if !faults.is_empty() {
        return Err(list(&faults));
    }
    print(format!(
        "sound: {} topics, {} sources, {} SQL files of tables and queries, {} of planners' inputs\nstreams: {}\n",
        config.topics.len(),
        config.engine.sources.len(),
        config.engine.queries.len(),
        config.engine.planners.berths.inputs.len() + config.engine.planners.rail.inputs.len(),
        pipeline::fold::streams()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
            .join(", "),
    ));
    Ok(())
}

fn list(faults: &[windows::error::Fault]) -> CliError {
    for fault in faults {
        print(format!("{fault}\n"));
    }
    CliError::Checked(faults.len())
}

//! `quaystream topics`: create and describe the topics of a configuration.

use std::time::Duration;

use clap::{Args, ValueEnum};
use kafka::admin::{Admin, Ensured};

use super::{CliError, ClusterArgs, print};
use crate::config::Config;
use crate::plan::table::Table;
use crate::wiring::logging;

const WAIT: Duration = Duration::from_secs(15);

/// `quaystream topics`
#[derive(Debug, Args)]
pub(super) struct TopicsArgs {
    /// What to do
    #[arg(value_enum, default_value_t = Action::Describe)]
    action: Action,
    #[command(flatten)]
    cluster: ClusterArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Action {
    /// Create the topics that are missing; tell where others differ
    Create,
    /// Show all topics of the configuration
    Describe,
}

pub(super) fn topics(args: &TopicsArgs) -> Result<(), CliError> {
    logging::start("warn");
    let config = args.cluster.load()?;
    let admin = Admin::connect(&config.kafka, WAIT)?;
    match args.action {
        Action::Create => create(&config, &admin),
        Action::Describe => describe(&config, &admin),
    }
}

fn create(config: &Config, admin: &Admin) -> Result<(), CliError> {
    let ensured = admin.ensure(&config.topics)?;
    for (topic, ensured) in config.topics.iter().zip(ensured) {
        let text = match ensured {
            Ensured::Created => "created".to_owned(),
            Ensured::Existed => "is there".to_owned(),
            Ensured::Differs(differences) => {
                let told = differences.iter().map(|difference| {
                    let found = difference.found.as_deref().unwrap_or("unknown");
                    format!(
                        "{} is {found}, configured is {}",
                        difference.setting, difference.wanted
                    )
                });
                format!(
                    "is there and was left as it is: {}",
                    told.collect::<Vec<_>>().join("; ")
                )
            }
        };
        print(format!("{}: {text}\n", topic.name));
    }
    Ok(())
}

fn describe(config: &Config, admin: &Admin) -> Result<(), CliError> {
    let mut table = Table::new(&[
        "topic",
        "message",
        "partitions",
        "copies",
        "records",
        "settings",
    ]);
    for topic in &config.topics {
        let message = config
            .messages
            .get(&topic.name)
            .copied()
            .unwrap_or_default()
            .to_owned();
        let Some(found) = admin.describe(&topic.name)? else {
            let missing = "missing: `quaystream topics create`".to_owned();
            table.row([
                topic.name.clone(),
                message,
                String::new(),
                String::new(),
                String::new(),
                missing,
            ]);
            continue;
        };
        let records: i64 = admin
            .offsets(&topic.name)?
            .values()
            .map(|(oldest, end)| end - oldest)
            .sum();
        let settings = found
            .settings
            .iter()
            .map(|(key, value)| format!("{key}={value}"));
        table.row([
            topic.name.clone(),
            message,
            found.partitions.to_string(),
            found.replication.to_string(),
            records.to_string(),
            settings.collect::<Vec<_>>().join(" "),
        ]);
    }
    print(table.render());
    Ok(())
}

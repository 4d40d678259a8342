//! `quaystream import`: public formats into the input topics.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;
use events::Event;
use imports::{Fate, Format, Outcome};
use kafka::feed::Feeder;

use super::{CliError, ClusterArgs, print_line};
use crate::config::Config;
use crate::wiring::{feed, logging};

/// Problems printed of one file; the others are counted.
const PROBLEMS_SHOWN: usize = 1_000;

/// `quaystream import`
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// Files to read
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Format of the files; recognised by their content if not given
    #[arg(long, value_parser = format_named)]
    format: Option<Format>,
    /// List what is understood and what is not, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
}

fn format_named(name: &str) -> Result<Format, String> {
    Format::from_name(name).ok_or_else(|| format!("the formats are {}", Format::names()))
}

pub(super) fn import(args: &ImportArgs) -> Result<(), CliError> {
    let config = args.cluster.load()?;
    logging::start("warn");
    let mut feeder = match args.dry_run {
        true => None,
        false => Some(Feeder::connect(
            &config.kafka,
            config.engine.record_bytes_max,
            config.patience,
        )?),
    };
    // A file that cannot be read does not keep the others out.
    let mut failed = 0;
    for path in &args.files {
        match read(path, args.format, &config, feeder.as_mut()) {
            Ok(told) => {
                print_line(&told);
            }
            Err(error @ (CliError::Import { .. } | CliError::System { .. })) => {
                let cause = error
                    .source()
                    .map_or(String::new(), |cause| format!(": {cause}"));
                print_line(&format!("{}: not imported{cause}", path.display()));
                failed += 1;
            }
            Err(error) => return Err(error),
        }
    }
    if let Some(feeder) = &mut feeder {
        feeder.flush()?;
    }
    match failed {
        0 => Ok(()),
        _ => Err(CliError::Usage(format!(
            "{failed} of {} files were not imported; the lines above say why",
            args.files.len()
        ))),
    }
}

/// Counts of one file.
#[derive(Debug, Default)]
struct Counts {
    events: BTreeMap<&'static str, u64>,
    skipped: u64,
    kept: u64,
}

fn read(
    path: &Path,
    format: Option<Format>,
    config: &Config,
    feeder: Option<&mut Feeder>,
) -> Result<String, CliError> {
    let shown = path.display().to_string();
    let file = File::open(path).map_err(CliError::system(format!(
        "cannot read {shown}: check the path"
    )))?;
    let mut writer = Writer {
        topics: feed::topics(config),
        feeder,
        failure: None,
    };
    let mut counts = Counts::default();
    let format = imports::read(format, BufReader::new(file), &mut |outcome| match outcome {
        Outcome::Event(event) => {
            *counts.events.entry(event.stream().name()).or_default() += 1;
            writer.write(&event);
        }
        Outcome::Problem(problem) => {
            if counts.skipped + counts.kept < PROBLEMS_SHOWN as u64 {
                print_line(&format!("{shown}: {problem}"));
            }
            match problem.fate {
                Fate::Skipped => counts.skipped += 1,
                Fate::Kept => counts.kept += 1,
            }
        }
    })
    .map_err(|source| CliError::Import {
        path: shown.clone(),
        source,
    })?;
    if let Some(failure) = writer.failure {
        return Err(failure.into());
    }
    let events: Vec<String> = counts
        .events
        .iter()
        .map(|(stream, count)| format!("{count} {stream}"))
        .collect();
    let events = if events.is_empty() {
        "no".to_owned()
    } else {
        events.join(", ")
    };
    Ok(format!(
        "{shown}: {format}; {events} events; {} skipped, {} kept with a doubt",
        counts.skipped, counts.kept
    ))
}

/// Writes events until one fails.
struct Writer<'a> {
    topics: feed::Topics,
    feeder: Option<&'a mut Feeder>,
    failure: Option<kafka::Error>,
}

impl Writer<'_> {
    fn write(&mut self, event: &Event) {
        let (Some(feeder), None) = (&mut self.feeder, &self.failure) else {
            return;
        };
        self.failure = feed::event(feeder, &self.topics, event).err();
    }
}

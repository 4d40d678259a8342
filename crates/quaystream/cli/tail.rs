//! `quaystream tail`: any of our topics in words.

use std::time::Duration;

use clap::Args;
use events::describe;
use kafka::Isolation;
use kafka::tail::{From, Tail, TailRecord};
use serde_json::json;

use super::{CliError, ClusterArgs, print_line};
use crate::wiring::logging;
use crate::wiring::signals::StopRequest;

/// `quaystream tail`
#[derive(Debug, Args)]
pub(super) struct TailArgs {
    /// Topic to read
    topic: String,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Begin at the next record instead of the oldest
    #[arg(long, conflicts_with = "since")]
    new: bool,
    /// Begin at the first record with this Kafka timestamp or a later one, seconds since 1970
    #[arg(long, value_name = "S")]
    since: Option<i64>,
    /// Of this partition only
    #[arg(long, value_name = "P")]
    partition: Option<i32>,
    /// Stop after so many records
    #[arg(long, short = 'n', value_name = "N")]
    count: Option<u64>,
    /// Wait for further records at the end of the topic
    #[arg(long, short = 'f')]
    follow: bool,
    /// Message in the topic, where the configuration does not know it: "vessel", "window_stat", "quaystream.v1.Reject"
    #[arg(long, value_name = "NAME")]
    message: Option<String>,
}

pub(super) fn tail(args: &TailArgs) -> Result<(), CliError> {
    let config = args.cluster.load()?;
    logging::start("warn");
    let message = match args
        .message
        .as_deref()
        .or(config.messages.get(&args.topic).copied())
    {
        Some(message) => message.to_owned(),
        None => {
            let known = config
                .messages
                .keys()
                .cloned()
                .collect::<Vec<_>>()
                .join(", ");
            return Err(CliError::Usage(format!(
                "the configuration does not know topic {}: give --message, or one of {known}",
                args.topic
            )));
        }
    };
    describe::resolve(&message)?;
    let from = match (args.new, args.since) {
        (true, _) => From::End,
        (_, Some(since_s)) => From::Time(since_s.saturating_mul(1_000)),
        _ => From::Beginning,
    };
    let stop = StopRequest::default();
    stop.on_signals()
        .map_err(CliError::system("cannot listen for signals"))?;
    let mut tail = Tail::open(
        &config.kafka,
        &args.topic,
        args.partition,
        from,
        Isolation::ReadCommitted,
    )?;
    let follows = args.follow || args.new;
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 && !stop.is_requested() {
        match tail.next(Duration::from_millis(200))? {
            Some(record) => {
                let text = if args.json {
                    in_json(&message, &record)
                } else {
                    in_words(&message, &record)
                };
                if !print_line(&text) {
                    return Ok(());
                }
                left -= 1;
            }
            None if tail.at_end() && !follows => break,
            None => {}
        }
    }
    Ok(())
}

fn in_words(message: &str, record: &TailRecord) -> String {
    let value = match &record.value {
        None => "(tombstone)".to_owned(),
        Some(value) => describe::line(message, value).unwrap_or_else(|error| format!("({error})")),
    };
    let key = key_text(record.key.as_deref());
    let time = describe::rfc3339(record.timestamp_ms.saturating_mul(1_000));
    format!(
        "{}@{} {time} {key}: {value}",
        record.partition, record.offset
    )
}

fn in_json(message: &str, record: &TailRecord) -> String {
    let mut line = json!({
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": describe::rfc3339(record.timestamp_ms.saturating_mul(1_000)),
        "key": record.key.as_deref().map(|key| key_text(Some(key))),
    });
    match record
        .value
        .as_deref()
        .map(|value| describe::json(message, value))
    {
        None => line["value"] = serde_json::Value::Null,
        Some(Ok(value)) => line["value"] = value,
        Some(Err(error)) => line["error"] = error.to_string().into(),
    }
    line.to_string()
}

fn key_text(key: Option<&[u8]>) -> String {
    match key {
        None => "-".to_owned(),
        Some(key) => match std::str::from_utf8(key) {
            Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
            _ => key.iter().map(|byte| format!("{byte:02x}")).collect(),
        },
    }
}

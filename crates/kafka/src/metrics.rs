//! Metrics and the log lines that belong to them.
//!
//! | name | kind | labels | meaning |
//! |---|---|---|---|
//! | `quaystream_kafka_fetched_records_total` | counter | - | records given to the engine |
//! | `quaystream_kafka_fetched_bytes_total` | counter | - | bytes of their keys and values |
//! | `quaystream_kafka_lag_records` | gauge | `topic`, `partition` | log end minus committed offset, once a second |
//! | `quaystream_kafka_commits_total` | counter | `outcome`: committed, aborted, fenced, fatal | commits ended |
//! | `quaystream_kafka_commit_seconds` | histogram | - | time of a commit that succeeded, seconds |
//! | `quaystream_kafka_produced_records_total` | counter | - | records of commits that succeeded, and of feeders |
//! | `quaystream_kafka_produced_bytes_total` | counter | - | bytes of their keys and values |
//! | `quaystream_kafka_undelivered_records_total` | counter | - | records that the brokers did not take |
//! | `quaystream_kafka_producer_renewals_total` | counter | - | producers replaced after a commit of unknown fate or a fence |
//! | `quaystream_kafka_rebalances_total` | counter | `kind`: assigned, revoked, lost | what the group did |
//! | `quaystream_kafka_reachable` | gauge | - | 1 while a broker can be reached |
//! | `quaystream_kafka_client_errors_total` | counter | - | errors reported by librdkafka |

use std::time::Duration;

use metrics::{counter, gauge, histogram};
use pipeline::log::Partition;
use rdkafka::error::RDKafkaErrorCode;

/// Every name above, for the table in the documentation to be compared with.
pub const NAMES: [&str; 12] = [
    "quaystream_kafka_fetched_records_total",
    "quaystream_kafka_fetched_bytes_total",
    "quaystream_kafka_lag_records",
    "quaystream_kafka_commits_total",
    "quaystream_kafka_commit_seconds",
    "quaystream_kafka_produced_records_total",
    "quaystream_kafka_produced_bytes_total",
    "quaystream_kafka_undelivered_records_total",
    "quaystream_kafka_producer_renewals_total",
    "quaystream_kafka_rebalances_total",
    "quaystream_kafka_reachable",
    "quaystream_kafka_client_errors_total",
];

/// What happened: one log line and one metric each.
#[derive(Debug)]
pub(crate) enum Outcome<'a> {
    Committed {
        records: usize,
        bytes: usize,
        took: Duration,
    },
    Aborted {
        reason: &'a str,
    },
    Fenced {
        reason: &'a str,
    },
    CommitFatal {
        reason: &'a str,
    },
    Renewed {
        reason: &'a str,
    },
    Assigned {
        partitions: usize,
    },
    Revoked {
        partitions: usize,
    },
    Lost {
        partitions: usize,
    },
    Unreachable {
        reason: &'a str,
    },
    Reachable,
    ClientError {
        code: RDKafkaErrorCode,
        reason: &'a str,
    },
}

impl Outcome<'_> {
    pub(crate) fn emit(self) {
        match self {
            Outcome::Committed {
                records,
                bytes,
                took,
            } => {
                tracing::trace!(records, bytes, ?took, "committed");
                commit_ended("committed");
                histogram!("quaystream_kafka_commit_seconds").record(took.as_secs_f64());
                produced(records, bytes);
            }
            Outcome::Aborted { reason } => {
                tracing::warn!(reason, "commit aborted, rolling back");
                commit_ended("aborted");
            }
            Outcome::Fenced { reason } => {
                tracing::error!(reason, "fenced off by a newer instance");
                commit_ended("fenced");
            }
            Outcome::CommitFatal { reason } => {
                tracing::error!(reason, "commit failed for good");
                commit_ended("fatal");
            }
            Outcome::Renewed { reason } => {
                tracing::warn!(reason, "producer renewed");
                counter!("quaystream_kafka_producer_renewals_total").increment(1);
            }
            Outcome::Assigned { partitions } => {
                tracing::info!(partitions, "partitions assigned");
                rebalanced("assigned");
            }
            Outcome::Revoked { partitions } => {
                tracing::info!(partitions, "partitions revoked");
                rebalanced("revoked");
            }
            Outcome::Lost { partitions } => {
                tracing::warn!(partitions, "partitions lost");
                rebalanced("lost");
            }
            Outcome::Unreachable { reason } => {
                tracing::warn!(reason, "no broker can be reached, waiting");
                gauge!("quaystream_kafka_reachable").set(0.0);
            }
            Outcome::Reachable => {
                tracing::info!("a broker can be reached again");
                gauge!("quaystream_kafka_reachable").set(1.0);
            }
            Outcome::ClientError { code, reason } => {
                tracing::debug!(%code, reason, "kafka client error");
                counter!("quaystream_kafka_client_errors_total").increment(1);
            }
        }
    }
}

fn commit_ended(outcome: &'static str) {
    counter!("quaystream_kafka_commits_total", "outcome" => outcome).increment(1);
}

fn rebalanced(kind: &'static str) {
    counter!("quaystream_kafka_rebalances_total", "kind" => kind).increment(1);
}

pub(crate) fn produced(records: usize, bytes: usize) {
    counter!("quaystream_kafka_produced_records_total").increment(records as u64);
    counter!("quaystream_kafka_produced_bytes_total").increment(bytes as u64);
}

pub(crate) fn undelivered() {
    counter!("quaystream_kafka_undelivered_records_total").increment(1);
}

pub(crate) fn fetched(records: usize, bytes: usize) {
    counter!("quaystream_kafka_fetched_records_total").increment(records as u64);
    counter!("quaystream_kafka_fetched_bytes_total").increment(bytes as u64);
}

pub(crate) fn lag(partition: &Partition, records: i64) {
    gauge!(
        "quaystream_kafka_lag_records",
        "topic" => partition.topic.to_string(),
        "partition" => partition.index.to_string()
    )
    .set(records as f64);
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_name_is_in_the_table_and_in_use() {
        let text = include_str!("metrics.rs");
        for name in super::NAMES {
            assert!(text.contains(&format!("//! | `{name}`")), "{name}");
            assert!(text.matches(&format!("\"{name}\"")).count() >= 2, "{name}");
        }
    }
}

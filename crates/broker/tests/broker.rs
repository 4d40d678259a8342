//! The embedded broker as clients see it. The behaviour suite runs on it always, and on Apache Kafka as well where
//! `KAFKA_BOOTSTRAP` is set: then the outcomes must be the same.

#![allow(
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs
)]

mod abuse;
mod behaviour;
mod clients;
mod versions;
mod wire;

use std::io::Write;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Once, OnceLock};
use std::time::Duration;

use behaviour::{Outcome, Target};
use broker::{Broker, Settings};

/// The longest case takes 20 s.
const CASE_MAX: Duration = Duration::from_secs(240);

/// One embedded broker for all cases of this process.
fn embedded() -> Target {
    static BROKER: OnceLock<Broker> = OnceLock::new();
    let broker = BROKER.get_or_init(|| {
        let settings = Settings {
            retention_check_interval: Duration::from_millis(300),
            compaction_check_interval: Duration::from_millis(500),
            ..Settings::default()
        };
        Broker::start(settings).unwrap()
    });
    Target {
        bootstrap: broker.bootstrap(),
        is_embedded: true,
    }
}

fn apache() -> Option<Target> {
    static SKIP: Once = Once::new();
    match std::env::var("KAFKA_BOOTSTRAP") {
        Ok(bootstrap) => Some(Target {
            bootstrap,
            is_embedded: false,
        }),
        Err(_) => {
            let count = behaviour::CASES.len();
            SKIP.call_once(|| {
                skip(&format!(
                    "{count} cases on Apache Kafka: KAFKA_BOOTSTRAP is not set (deploy/kafka/kafka.sh up)"
                ));
            });
            None
        }
    }
}

/// What a case gives on this broker. A client that never returns fails its case, and not the whole suite by standing still.
fn run(name: &'static str, target: Target) -> Outcome {
    let (give, take) = mpsc::channel();
    let case = behaviour::case(name);
    let thread = std::thread::spawn(move || give.send(case(&target)));
    match take.recv_timeout(CASE_MAX) {
        Ok(outcome) => outcome,
        Err(RecvTimeoutError::Timeout) => panic!("{name} has no end after {CASE_MAX:?}"),
        Err(RecvTimeoutError::Disconnected) => match thread.join() {
            Err(failure) => std::panic::resume_unwind(failure),
            Ok(_) => panic!("{name} gives nothing"),
        },
    }
}

/// Says what is not tested here, past the harness, which hides the output of tests that pass.
fn skip(what: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
}

macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        mod embedded {
            $(#[test]
            fn $name() {
                super::run(stringify!($name), super::embedded());
            })+
        }

        /// The same cases on Apache Kafka, with the same outcomes.
        mod apache {
            $(#[test]
            fn $name() {
                let Some(apache) = super::apache() else { return };
                let theirs = super::run(stringify!($name), apache);
                let ours = super::run(stringify!($name), super::embedded());
                assert_eq!(theirs, ours, "Apache Kafka left, the embedded broker right");
            })+
        }

        #[test]
        fn every_case_runs() {
            let named = [$(stringify!($name)),+];
            assert!(behaviour::CASES.iter().map(|(name, _)| *name).eq(named));
        }
    };
}

cases!(
    topics,
    admin,
    invalid_topics,
    headers_and_timestamps,
    codecs,
    offsets_by_time,
    idle_latency,
    message_sizes,
    invalid_records,
    group_resume,
    rebalance,
    cooperative_rebalance,
    static_membership,
    stale_generation,
    consumer_protocol,
    idempotence,
    transactions_with_offsets,
    abort_isolation,
    last_stable_offset,
    fencing,
    transaction_timeout,
    retention,
    delete_records,
    compaction,
    compaction_keeps_the_end,
    sequence_codes,
    produce_codes,
    transaction_codes,
    transactional_offset_codes,
    group_codes,
    read_codes,
);

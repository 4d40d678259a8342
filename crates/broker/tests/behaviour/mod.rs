//! What we need of a broker, as cases that run on any: each gives its outcome as lines, which must be the same on the
//! embedded broker and on Apache Kafka.

pub mod client;

mod cleaning;
mod codes;
mod group_codes;
mod groups;
mod producers;
mod read_codes;
mod records;
mod topics;
mod transactions;

pub use client::Target;

/// What a case saw.
pub type Outcome = Vec<String>;

/// A case: its name and what it does.
pub type Case = fn(&Target) -> Outcome;

/// The cases by name.
pub const CASES: &[(&str, Case)] = &[
    ("topics", topics::topics),
    ("admin", topics::admin),
    ("invalid_topics", topics::invalid_topics),
    ("headers_and_timestamps", records::headers_and_timestamps),
    ("codecs", records::codecs),
    ("offsets_by_time", records::offsets_by_time),
    ("idle_latency", records::idle_latency),
    ("message_sizes", records::message_sizes),
    ("invalid_records", records::invalid_records),
    ("group_resume", groups::group_resume),
    ("rebalance", groups::rebalance),
    ("cooperative_rebalance", groups::cooperative_rebalance),
    ("static_membership", groups::static_membership),
    ("stale_generation", groups::stale_generation),
    ("consumer_protocol", groups::consumer_protocol),
    ("idempotence", producers::idempotence),
    ("transactions_with_offsets", transactions::with_offsets),
    ("abort_isolation", transactions::abort_isolation),
    ("last_stable_offset", transactions::last_stable_offset),
    ("fencing", transactions::fencing),
    ("transaction_timeout", transactions::timeout),
    ("retention", cleaning::retention),
    ("delete_records", cleaning::delete_records),
    ("compaction", cleaning::compaction),
    (
        "compaction_keeps_the_end",
        cleaning::compaction_keeps_the_end,
    ),
    ("sequence_codes", codes::sequence_codes),
    ("produce_codes", codes::produce_codes),
    ("transaction_codes", codes::transaction_codes),
    (
        "transactional_offset_codes",
        codes::transactional_offset_codes,
    ),
    ("group_codes", group_codes::group_codes),
    ("read_codes", read_codes::read_codes),
];

/// The case of this name.
pub fn case(name: &str) -> Case {
    CASES
        .iter()
        .find(|(one, _)| *one == name)
        .unwrap_or_else(|| panic!("no case {name}"))
        .1
}

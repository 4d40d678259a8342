//! What the reject topic keeps of records that are longer than a reject may be.

use events::v1::container_event::Body;
use events::v1::{
    Classifier, ContainerEvent, CustomsState, CustomsStatus, Envelope, Reject, RejectReason,
};
use events::{Event, Stream};
use pipeline::log::Outgoing;
use pipeline::memory::{MemoryLog, Stored};
use pipeline::settings::{Doubt, Settings};
use sha2::{Digest, Sha256};

use crate::fixture::{self, run, settings, topics};

const WHOLE_MAX: usize = 256 * 1024;
const CUT: usize = 64 * 1024;
const NOW_US: i64 = 1_772_409_600_000_000;
const DAY_US: i64 = 86_400_000_000;

/// A customs record whose value has exactly so many bytes.
fn customs(event_id: &str, container_id: &str, ahead_us: i64, bytes: usize) -> Vec<u8> {
    let with = |mrn: usize| {
        Event::Container(ContainerEvent {
            envelope: Some(Envelope {
                event_id: event_id.to_owned(),
                source: "customs".to_owned(),
                event_time_us: NOW_US + ahead_us,
                record_time_us: NOW_US + ahead_us,
                classifier: Classifier::Act.into(),
                terminal_id: "DGT".to_owned(),
                ..Envelope::default()
            }),
            body: Some(Body::CustomsStatus(CustomsStatus {
                container_id: container_id.to_owned(),
                state: CustomsState::Hold.into(),
                mrn: "x".repeat(mrn),
                ..CustomsStatus::default()
            })),
        })
        .encode_to_vec()
    };
    let fixed = with(bytes).len() - bytes;
    let value = with(bytes - fixed);
    assert_eq!(value.len(), bytes);
    value
}

fn write(log: &MemoryLog, value: Vec<u8>) {
    let record = Outgoing {
        topic: Stream::Container.name().into(),
        partition: Some(0),
        key: Some(b"CSQU3054383".to_vec()),
        value: Some(value),
        timestamp_ms: NOW_US / 1_000,
        headers: Vec::new(),
    };
    log.append(record).expect("the topic exists");
}

/// Whether the reject keeps what it should of the record that it names.
fn assert_kept(reject: &Reject, record: &Stored) {
    let value = record.value.as_deref().expect("a value");
    let reason = reject.reason();
    assert_eq!(reject.raw_length, value.len() as u64, "{reason:?}");
    assert_eq!(reject.key, record.key.as_deref().expect("a key"));
    if value.len() <= WHOLE_MAX {
        assert!(reject.raw == value, "{reason:?}");
        assert!(reject.raw_sha256.is_empty(), "{reason:?}");
    } else {
        assert!(reject.raw == value[..CUT], "{reason:?}");
        let digest = Sha256::digest(value).to_vec();
        assert_eq!(reject.raw_sha256, digest, "{reason:?}");
    }
}

#[test]
fn long_records_are_rejected_whole_up_to_the_bound_and_named_by_digest_above() {
    let settings = Settings {
        check_digits: Doubt::Reject,
        ..settings(1, 1)
    };
    let log = topics(&settings);
    let (good, bad) = ("CSQU3054383", "CSQU3054384");
    for bytes in [WHOLE_MAX, WHOLE_MAX + 1] {
        let mut cut_off = customs("cut", good, 0, bytes + 3);
        cut_off.truncate(bytes);
        // Refused by the decoder, by its envelope, and behind intake.
        write(&log, cut_off);
        write(&log, customs("future", good, 400 * DAY_US, bytes));
        write(&log, customs("digit", bad, bytes as i64, bytes));
        // Length alone is no fault.
        write(&log, customs(&format!("good {bytes}"), good, 0, bytes));
    }
    let tally = run(&log, settings, 3, 4);
    let rejects = fixture::rejects(&log);
    let inputs = &log.records(Stream::Container.name())[0];
    let mut found: Vec<(i64, RejectReason)> = Vec::new();
    for reject in &rejects {
        assert_eq!((reject.topic.as_str(), reject.partition), ("container", 0));
        assert_kept(reject, &inputs[reject.offset as usize]);
        found.push((reject.offset, reject.reason()));
    }
    found.sort_unstable();
    let expected = [0, 4].map(|first| {
        [
            (first, RejectReason::Truncated),
            (first + 1, RejectReason::Future),
            (first + 2, RejectReason::CheckDigit),
        ]
    });
    assert_eq!(found, expected.concat());
    // Those with a wrong check digit were accepted, before their rows were refused.
    assert_eq!(tally.intake_counts().accepted, 4);
}

//! Ten kinds of bad input between good records: each ends in a reject or a flag with its reason, and all good ones count.

use std::collections::BTreeMap;
use std::time::Duration;

use events::v1::{self, RejectReason, container_event::Body};
use events::{Event, Message};
use kafka::feed::Feeder;
use quaystream::demo::outputs::Outputs;
use quaystream::demo::scene::Scene;
use quaystream::wiring::signals::StopRequest;

use super::cluster;

const START_US: i64 = 1_772_409_600_000_000;
const LONG_BYTES: usize = 10 * 1024 * 1024;

/// A customs record, the `n`th of its source, a second after the one before.
fn good(n: i64) -> v1::ContainerEvent {
    let at_us = START_US + n * 1_000_000;
    v1::ContainerEvent {
        envelope: Some(v1::Envelope {
            event_id: format!("c-{n}"),
            source: "customs".to_owned(),
            event_time_us: at_us,
            record_time_us: at_us,
            classifier: v1::Classifier::Act.into(),
            terminal_id: "DGT".to_owned(),
            ..v1::Envelope::default()
        }),
        body: Some(Body::CustomsStatus(v1::CustomsStatus {
            container_id: "CSQU3054383".to_owned(),
            state: v1::CustomsState::Hold.into(),
            ..v1::CustomsStatus::default()
        })),
    }
}

fn with_envelope(n: i64, change: impl FnOnce(&mut v1::Envelope)) -> Vec<u8> {
    let mut event = good(n);
    change(event.envelope.get_or_insert_default());
    event.encode_to_vec()
}

fn with_body(n: i64, change: impl FnOnce(&mut v1::CustomsStatus)) -> Vec<u8> {
    let mut event = good(n);
    if let Some(Body::CustomsStatus(status)) = &mut event.body {
        change(status);
    }
    event.encode_to_vec()
}

/// The ten kinds, with the reason of the reject; none where the record is used and flagged.
fn bad(n: i64) -> Vec<(&'static str, Vec<u8>, Option<RejectReason>)> {
    let whole = good(n).encode_to_vec();
    // Master data has kinds of messages that the container topic does not know.
    let master = Event::from(v1::ReferenceEvent {
        envelope: good(n).envelope,
        body: Some(v1::reference_event::Body::SourceProfile(
            v1::SourceProfile::default(),
        )),
    });
    let long = with_body(n, |status| status.mrn = "x".repeat(LONG_BYTES));
    vec![
        (
            "random bytes",
            vec![0x07, 0xff, 0x13, 0x99, 0x01, 0x02],
            Some(RejectReason::BadWireType),
        ),
        (
            "truncated",
            whole[..whole.len() - 3].to_vec(),
            Some(RejectReason::Truncated),
        ),
        (
            "wrong message",
            master.encode_to_vec(),
            Some(RejectReason::UnknownMessage),
        ),
        (
            "unknown enum",
            with_body(n, |status| status.state = 77),
            None,
        ),
        (
            "missing time",
            with_envelope(n, |envelope| envelope.event_time_us = 0),
            Some(RejectReason::MissingTime),
        ),
        (
            "future date",
            with_envelope(n, |envelope| envelope.event_time_us += 400 * 86_400_000_000),
            Some(RejectReason::Future),
        ),
        (
            "wrong check digit",
            with_body(n, |status| status.container_id = "CSQU3054384".to_owned()),
            None,
        ),
        ("10 MB record", long, Some(RejectReason::TooLong)),
        ("empty value", Vec::new(), Some(RejectReason::EmptyValue)),
        (
            "unknown terminal",
            with_envelope(n, |envelope| envelope.terminal_id = "ATLANTIS".to_owned()),
            None,
        ),
    ]
}

#[test]
fn ten_kinds_of_bad_input_end_in_a_reject_or_a_flag_and_every_good_record_counts() {
    cluster::on_each("bad input", "", check);
}

fn check(scene: &Scene, place: &str) {
    allow_long_records(scene);
    let topic = scene
        .config
        .topic_of(events::Stream::Container)
        .expect("a container topic")
        .to_owned();
    let mut feeder = Feeder::connect(
        &scene.config.kafka,
        16 * 1024 * 1024,
        Duration::from_secs(20),
    )
    .expect("feeder");
    let mut send = |n: i64, value: &[u8]| {
        let timestamp_ms = (START_US + n * 1_000_000) / 1_000;
        feeder
            .send(
                &topic,
                Some(0),
                Some(b"CSQU3054383"),
                Some(value),
                timestamp_ms,
            )
            .expect("sent");
    };
    let mut n = 0;
    let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
    let mut used = 0;
    send(n, &good(n).encode_to_vec());
    for (kind, value, reason) in bad(0) {
        // The record is made anew with an id of its own.
        n += 1;
        let value = bad(n)
            .into_iter()
            .find(|(name, ..)| *name == kind)
            .map_or(value, |(_, value, _)| value);
        send(n, &value);
        match reason {
            Some(reason) => {
                *expected
                    .entry(pipeline::intake::rejects::reason_name(reason))
                    .or_default() += 1
            }
            None => used += 1,
        }
        n += 1;
        send(n, &good(n).encode_to_vec());
    }
    feeder.flush().expect("flushed");
    let processed = scene
        .process(&StopRequest::default(), |_| {})
        .expect("processed");
    let tally = &processed.tally;
    assert_eq!(tally.rejects(), expected, "{place}");
    let flags = BTreeMap::from([
        ("check_digit", 1),
        ("unknown_enum", 1),
        ("unknown_terminal", 1),
    ]);
    assert_eq!(tally.flags(), flags, "{place}");
    assert_eq!(
        tally.intake_counts().accepted,
        11 + used,
        "{place}: the good records and those with a flag"
    );

    let outputs = Outputs::read(&scene.config).expect("outputs");
    assert_eq!(outputs.rejects.len(), 7);
    for reject in &outputs.rejects {
        assert_eq!(
            (reject.topic.as_str(), reject.partition),
            (topic.as_str(), 0)
        );
        assert!(!reject.detail.is_empty(), "{reject:?}");
        assert!(
            reject.offset % 2 == 1,
            "every second record was bad: offset {}",
            reject.offset
        );
    }
    let long = outputs
        .rejects
        .iter()
        .find(|reject| reject.reason() == RejectReason::TooLong)
        .expect("the long one");
    let sent = bad(long.offset)
        .into_iter()
        .find(|(.., reason)| *reason == Some(RejectReason::TooLong));
    let (_, sent, _) = sent.expect("the long one");
    assert!(sent.len() > LONG_BYTES && long.raw_length == sent.len() as u64);
    assert!(long.raw == sent[..64 * 1024] && long.raw_sha256.len() == 32);
}

/// The topic takes 16 MB, whatever the processor is told to read.
fn allow_long_records(scene: &Scene) {
    let admin =
        kafka::admin::Admin::connect(&scene.config.kafka, Duration::from_secs(10)).expect("admin");
    let mut topic = scene
        .config
        .topics
        .iter()
        .find(|topic| Some(topic.name.as_str()) == scene.config.topic_of(events::Stream::Container))
        .expect("configured")
        .clone();
    admin.delete(&[&topic.name]).expect("deleted");
    for (key, value) in &mut topic.settings {
        if key == "max.message.bytes" {
            *value = (16 * 1024 * 1024).to_string();
        }
    }
    admin.ensure(&[topic]).expect("created anew");
}

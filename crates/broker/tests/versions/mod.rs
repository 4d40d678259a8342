//! Every request at every version that the broker offers: the codec refuses to encode what a version does not have, and
//! a client that negotiated that version would lose its connection.
mod groups;
mod records;
mod topics;
mod transactions;

use crate::behaviour::client::unique;
use crate::embedded;
use crate::wire::{Wire, text};
use kafka_protocol::messages::*;
use std::time::Duration;
use uuid::Uuid;

/// What one version's walk through all requests needs.
struct Walk {
    wire: Wire,
    ranges: Vec<(i16, i16, i16)>,
    step: i16,
    topic: String,
    topic_id: Uuid,
    group: String,
}

impl Walk {
    /// The version of this step: each request goes through its own range, and stays at the end of it.
    fn version(&self, key: ApiKey) -> i16 {
        let (_, least, most) = *self
            .ranges
            .iter()
            .find(|(one, _, _)| *one == key as i16)
            .unwrap();
        // Version 0 of Produce is stated, as by Apache Kafka, but not spoken.
        let least = if key == ApiKey::Produce { 3 } else { least };
        (least + self.step).min(most)
    }

    fn name(&self) -> TopicName {
        TopicName(text(&self.topic))
    }

    fn group_id(&self) -> GroupId {
        GroupId(text(&self.group))
    }
}

#[test]
fn every_request_at_every_version() {
    let bootstrap = embedded().bootstrap;
    for step in 0..20 {
        let mut wire = Wire::connect(&bootstrap);
        let version = step.min(4);
        let mut hello = ApiVersionsRequest::default();
        if version >= 3 {
            hello = hello
                .with_client_software_name(text("wire"))
                .with_client_software_version(text("1"));
        }
        let versions = wire.ask(&hello, version);
        assert_eq!(versions.error_code, 0);
        let ranges: Vec<_> = versions
            .api_keys
            .iter()
            .map(|one| (one.api_key, one.min_version, one.max_version))
            .collect();
        assert!(ranges.len() >= 31);
        let mut walk = Walk {
            wire,
            ranges,
            step,
            topic: unique("versions"),
            topic_id: Uuid::nil(),
            group: unique("versions"),
        };
        topics::topics(&mut walk);
        topics::options(&mut walk);
        records::records(&mut walk);
        records::fetches(&mut walk);
        records::offsets(&mut walk);
        let member = groups::group(&mut walk);
        groups::commits(&mut walk, &member);
        transactions::transactions(&mut walk);
        transactions::endings(&mut walk, &member);
    }
}

#[test]
fn a_version_of_the_future_is_answered_with_what_there_is() {
    use bytes::Buf;
    let mut wire = Wire::connect(&embedded().bootstrap);
    // ApiVersions, version 99, correlation id 7, no client id, no tagged fields.
    wire.send_raw(&[0, 0, 0, 11, 0, 18, 0, 99, 0, 0, 0, 7, 255, 255, 0])
        .unwrap();
    let mut frame = wire.receive_frame().unwrap();
    assert_eq!((frame.get_i32(), frame.get_i16()), (7, 35));
    let count = frame.get_i32();
    assert!(count >= 31);
    // The connection is good for another try.
    assert_eq!(wire.ask(&ApiVersionsRequest::default(), 0).error_code, 0);
}

#[test]
fn a_request_that_is_not_offered_ends_the_connection() {
    let mut wire = Wire::connect(&embedded().bootstrap);
    wire.send_raw(&[0, 0, 0, 10, 0, 71, 0, 0, 0, 0, 0, 1, 255, 255])
        .unwrap();
    std::thread::sleep(Duration::from_millis(20));
    assert!(wire.is_closed());
}

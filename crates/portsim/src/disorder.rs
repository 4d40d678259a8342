//! Wrong records: made from good ones and put in beside them, so that what the port did is untouched.

use crate::random::Random;
use events::{Event, Message, Stream, v1};

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WrongKind {
    /// Bytes without sense; the first is no valid tag.
    RandomBytes,
    /// A good record, cut within a field.
    Truncated,
    /// A message of another topic.
    WrongMessage,
    /// `event_time_us` is absent.
    MissingTime,
    /// `event_id` is absent.
    MissingId,
    /// `source` is absent.
    MissingSource,
    /// A text that is not UTF-8.
    BadUtf8,
    /// Both times are 400 days ahead.
    FutureDate,
    /// No bytes at all.
    EmptyValue,
    /// An enum has a number that the schema does not know. The row is usable but for that.
    UnknownEnum,
    /// A container number with a wrong check digit. The row is usable but for that.
    WrongCheckDigit,
    /// A terminal that is not in the master data. The row is usable but for that.
    UnknownTerminal,
}

impl WrongKind {
    /// All kinds, in the order in which they are put in.
    pub const ALL: [WrongKind; 12] = [
        WrongKind::RandomBytes,
        WrongKind::Truncated,
        WrongKind::WrongMessage,
        WrongKind::MissingTime,
        WrongKind::MissingId,
        WrongKind::MissingSource,
        WrongKind::BadUtf8,
        WrongKind::FutureDate,
        WrongKind::EmptyValue,
        WrongKind::UnknownEnum,
        WrongKind::WrongCheckDigit,
        WrongKind::UnknownTerminal,
    ];

    /// In words, for counts.
    pub fn name(self) -> &'static str {
        match self {
            WrongKind::RandomBytes => "random_bytes",
            WrongKind::Truncated => "truncated",
            WrongKind::WrongMessage => "wrong_message",
            WrongKind::MissingTime => "missing_time",
            WrongKind::MissingId => "missing_id",
            WrongKind::MissingSource => "missing_source",
            WrongKind::BadUtf8 => "bad_utf8",
            WrongKind::FutureDate => "future_date",
            WrongKind::EmptyValue => "empty_value",
            WrongKind::UnknownEnum => "unknown_enum",
            WrongKind::WrongCheckDigit => "wrong_check_digit",
            WrongKind::UnknownTerminal => "unknown_terminal",
        }
    }

    /// The reason with which a processor rejects it; none where it is usable and flagged.
    pub fn reject_reason(self) -> Option<v1::RejectReason> {
        Some(match self {
            WrongKind::RandomBytes => v1::RejectReason::BadWireType,
            WrongKind::Truncated => v1::RejectReason::Truncated,
            WrongKind::WrongMessage => v1::RejectReason::UnknownMessage,
            WrongKind::MissingTime => v1::RejectReason::MissingTime,
            WrongKind::MissingId => v1::RejectReason::MissingId,
            WrongKind::MissingSource => v1::RejectReason::MissingSource,
            WrongKind::BadUtf8 => v1::RejectReason::BadUtf8,
            WrongKind::FutureDate => v1::RejectReason::Future,
            WrongKind::EmptyValue => v1::RejectReason::EmptyValue,
            WrongKind::UnknownEnum | WrongKind::WrongCheckDigit | WrongKind::UnknownTerminal => {
                return None;
            }
        })
    }

    /// True where a processor that flags (its default) uses the row all the same; else the record is rejected.
    pub fn is_usable(self) -> bool {
        self.reject_reason().is_none()
    }
}

/// 400 days, in microseconds.
const FAR_AHEAD_US: i64 = 400 * crate::time::DAY_US;

/// The bytes of a wrong record made from `good`, which came at `now_us`, and the stream they belong to.
pub(crate) fn spoil(
    kind: WrongKind,
    good: &Event,
    now_us: i64,
    random: &mut Random,
) -> (Stream, Vec<u8>, Vec<u8>) {
    let mut event = match kind {
        WrongKind::UnknownEnum | WrongKind::WrongCheckDigit | WrongKind::UnknownTerminal => {
            bystander(kind, good, now_us)
        }
        _ => good.clone(),
    };
    let envelope = event.envelope_mut();
    envelope.event_id.push_str("-wrong");
    match kind {
        WrongKind::MissingTime => envelope.event_time_us = 0,
        WrongKind::MissingId => envelope.event_id.clear(),
        WrongKind::MissingSource => envelope.source.clear(),
        WrongKind::FutureDate => {
            envelope.event_time_us = now_us + FAR_AHEAD_US;
            envelope.record_time_us = now_us + FAR_AHEAD_US;
        }
        _ => {}
    }
    let (stream, key) = (event.stream(), event.key());
    let value = match kind {
        WrongKind::RandomBytes => noise(random),
        WrongKind::Truncated => cut(event.encode_to_vec(), random),
        WrongKind::WrongMessage => of_another_topic(&mut event),
        WrongKind::BadUtf8 => with_bad_text(&event),
        WrongKind::EmptyValue => Vec::new(),
        _ => event.encode_to_vec(),
    };
    (stream, key, value)
}

/// An event about a container and a lorry that nobody else speaks of, so that no count but its own is touched.
fn bystander(kind: WrongKind, good: &Event, now_us: i64) -> Event {
    let id = good
        .envelope()
        .map(|e| e.event_id.clone())
        .unwrap_or_default();
    let mut envelope = v1::Envelope {
        event_id: id,
        source: "customs".to_owned(),
        event_time_us: now_us,
        record_time_us: now_us,
        classifier: v1::Classifier::Act.into(),
        terminal_id: "DGT".to_owned(),
        un_location_code: "DEDUI".to_owned(),
        ..Default::default()
    };
    let mut status = v1::CustomsStatus {
        // A valid number; no container of the simulated port has this owner.
        container_id: "CSQU3054383".to_owned(),
        state: v1::CustomsState::Inspect.into(),
        office: "DE002452".to_owned(),
        mrn: String::new(),
    };
    match kind {
        WrongKind::UnknownEnum => status.state = 77,
        WrongKind::WrongCheckDigit => status.container_id = "CSQU3054384".to_owned(),
        _ => envelope.terminal_id = "ATLANTIS".to_owned(),
    }
    v1::ContainerEvent {
        envelope: Some(envelope),
        body: Some(v1::container_event::Body::CustomsStatus(status)),
    }
    .into()
}

fn noise(random: &mut Random) -> Vec<u8> {
    let length = random.between(8, 200) as usize;
    let mut bytes: Vec<u8> = (0..length).map(|_| random.next_u64() as u8).collect();
    // Field 0 of wire type 7: neither exists.
    bytes[0] = 0x07;
    bytes
}

/// Cuts somewhere, but not between envelope and body, where the rest would be whole.
fn cut(mut bytes: Vec<u8>, random: &mut Random) -> Vec<u8> {
    let mut length = random.between(1, bytes.len() as i64 - 1) as usize;
    if Some(length) == envelope_end(&bytes) {
        length -= 1;
    }
    bytes.truncate(length);
    bytes
}

/// Where the first field, the envelope, ends.
fn envelope_end(bytes: &[u8]) -> Option<usize> {
    let mut length = 0;
    for (place, byte) in bytes.iter().enumerate().skip(1).take(4) {
        length |= usize::from(byte & 0x7f) << (7 * (place - 1));
        if byte & 0x80 == 0 {
            return Some(place + 1 + length);
        }
    }
    None
}

/// A message whose body has a field number that this topic does not use.
fn of_another_topic(event: &mut Event) -> Vec<u8> {
    let envelope = Some(event.envelope_mut().clone());
    if event.stream() == Stream::Rail {
        let vessel = v1::reference_event::Body::Vessel(v1::Vessel {
            name: "not a train".to_owned(),
            ..Default::default()
        });
        let body = Some(vessel);
        return v1::ReferenceEvent { envelope, body }.encode_to_vec();
    }
    let booking = v1::rail_event::Body::RailBooking(v1::RailBooking {
        unit_id: "CSQU3054383".to_owned(),
        ..Default::default()
    });
    let body = Some(booking);
    v1::RailEvent { envelope, body }.encode_to_vec()
}

/// Breaks the first character of the event id.
fn with_bad_text(event: &Event) -> Vec<u8> {
    let mut bytes = event.encode_to_vec();
    let id = event
        .envelope()
        .map(|e| e.event_id.clone())
        .unwrap_or_default();
    let found = bytes
        .windows(id.len().max(1))
        .position(|part| part == id.as_bytes());
    if let Some(place) = found {
        bytes[place] = 0xff;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Event {
        v1::ContainerEvent {
            envelope: Some(v1::Envelope {
                event_id: "gate-1".to_owned(),
                source: "gate".to_owned(),
                event_time_us: 1_000_000,
                record_time_us: 2_000_000,
                ..Default::default()
            }),
            body: Some(v1::container_event::Body::GateEvent(v1::GateEvent {
                truck_id: "DU-XY 1".to_owned(),
                gate: "DGT-G1".to_owned(),
                ..Default::default()
            })),
        }
        .into()
    }

    #[test]
    fn what_should_not_decode_does_not() {
        let mut random = Random::new(3, 3);
        for kind in [
            WrongKind::RandomBytes,
            WrongKind::Truncated,
            WrongKind::BadUtf8,
        ] {
            for _ in 0..500 {
                let (stream, _, value) = spoil(kind, &good(), 5, &mut random);
                assert!(Event::decode(stream, &value).is_err(), "{kind:?} {value:?}");
            }
        }
    }

    #[test]
    fn what_decodes_has_just_the_one_fault() {
        let mut random = Random::new(3, 3);
        let mut decoded = |kind| {
            let (stream, _, value) = spoil(kind, &good(), 5_000_000, &mut random);
            Event::decode(stream, &value).unwrap()
        };
        let time = |event: &Event| event.envelope().unwrap().event_time_us;
        assert_eq!(time(&decoded(WrongKind::MissingTime)), 0);
        assert_eq!(
            time(&decoded(WrongKind::FutureDate)),
            5_000_000 + FAR_AHEAD_US
        );
        assert_eq!(
            decoded(WrongKind::MissingId).envelope().unwrap().event_id,
            ""
        );
        assert_eq!(
            decoded(WrongKind::MissingSource).envelope().unwrap().source,
            ""
        );
        let Event::Container(other) = decoded(WrongKind::WrongMessage) else {
            panic!("stays on its topic")
        };
        assert_eq!(other.body, None);
        let Event::Container(flagged) = decoded(WrongKind::WrongCheckDigit) else {
            panic!("is about a container")
        };
        let Some(v1::container_event::Body::CustomsStatus(status)) = flagged.body else {
            panic!("is a customs status")
        };
        assert!(!domain::ids::ContainerId::check(&status.container_id).is_valid());
    }
}

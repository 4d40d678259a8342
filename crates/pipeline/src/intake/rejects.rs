//! Records that could not be used, as they are written to the reject topic: all that is needed to mend them and send them
//! again.

use std::sync::Arc;

use events::Message;
use events::v1::{Reject, RejectReason};
use sha2::{Digest, Sha256};

use crate::log::{Outgoing, Partition};

/// Values up to this length are kept whole, bytes.
pub const RAW_WHOLE_MAX: usize = 256 * 1024;
/// Of longer values so much is kept, bytes.
pub const RAW_CUT: usize = 64 * 1024;

/// Why a record is rejected.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// Reason code.
    pub reason: RejectReason,
    /// What was wrong, where, and how to mend it.
    pub detail: String,
    /// Byte of the value where decoding stopped.
    pub at_byte: Option<u64>,
    /// Source, where it could be read.
    pub source: String,
    /// Event id, where it could be read.
    pub event_id: String,
    /// Query that could not use the row, if it is one.
    pub query: String,
}

impl Refusal {
    /// A refusal without source, id and query.
    pub fn new(reason: RejectReason, detail: impl Into<String>) -> Self {
        Refusal {
            reason,
            detail: detail.into(),
            at_byte: None,
            source: String::new(),
            event_id: String::new(),
            query: String::new(),
        }
    }
}

/// Short name of a reason, for labels and the `intake` stream: "truncated".
pub fn reason_name(reason: RejectReason) -> &'static str {
    match reason {
        RejectReason::Unspecified => "unspecified",
        RejectReason::Truncated => "truncated",
        RejectReason::BadWireType => "bad_wire_type",
        RejectReason::BadUtf8 => "bad_utf8",
        RejectReason::TooLong => "too_long",
        RejectReason::EmptyValue => "empty_value",
        RejectReason::UnknownMessage => "unknown_message",
        RejectReason::MissingId => "missing_id",
        RejectReason::MissingTime => "missing_time",
        RejectReason::MissingSource => "missing_source",
        RejectReason::Future => "future",
        RejectReason::Late => "late",
        RejectReason::CheckDigit => "check_digit",
        RejectReason::LateInMerge => "late_in_merge",
        RejectReason::QueryError => "query_error",
        RejectReason::UnknownTerminal => "unknown_terminal",
        RejectReason::KeyLimit => "key_limit",
        RejectReason::Past => "past",
        RejectReason::SourceLimit => "source_limit",
    }
}

/// The record for the reject topic.
pub fn outgoing(
    topic: &Arc<str>,
    from: &Partition,
    offset: i64,
    timestamp_ms: i64,
    key: Option<&[u8]>,
    value: &[u8],
    refusal: &Refusal,
) -> Outgoing {
    let is_whole = value.len() <= RAW_WHOLE_MAX;
    let reject = Reject {
        topic: from.topic.to_string(),
        partition: from.index,
        offset,
        offsets_more: Vec::new(),
        reason: refusal.reason.into(),
        detail: refusal.detail.clone(),
        at_byte: refusal.at_byte,
        raw: if is_whole {
            value.to_vec()
        } else {
            value[..RAW_CUT].to_vec()
        },
        raw_length: value.len() as u64,
        raw_sha256: if is_whole {
            Vec::new()
        } else {
            Sha256::digest(value).to_vec()
        },
        source: refusal.source.clone(),
        event_id: refusal.event_id.clone(),
        query: refusal.query.clone(),
        key: key.unwrap_or_default().to_vec(),
    };
    Outgoing {
        topic: Arc::clone(topic),
        partition: None,
        key: Some(format!("{from}@{offset}").into_bytes()),
        value: Some(reject.encode_to_vec()),
        timestamp_ms,
        headers: vec![("reason", reason_name(refusal.reason).as_bytes().to_vec())],
    }
}

#[cfg(test)]
#[allow(clippy::expect_used)]
mod tests {
    use super::*;

    /// SHA-256 of 262,145 bytes `q`, by `sha256sum`.
    const SHA256_ABOVE: &str = "733032be8c68949f3bd9b1045913726844a20600a1ecd7585de8de0144cc018c";

    fn reject(value: &[u8]) -> Reject {
        let from = Partition::new("vessel", 3);
        let refusal = Refusal::new(RejectReason::Truncated, "it ends too soon");
        let record = outgoing(
            &"rejects".into(),
            &from,
            41,
            1,
            Some(b"call-7"),
            value,
            &refusal,
        );
        Reject::decode(record.value.expect("no tombstone").as_slice()).expect("a Reject")
    }

    #[test]
    fn a_value_is_kept_whole_up_to_the_bound() {
        for length in [0, 1, 65_536, 65_537, 262_143, 262_144] {
            let value: Vec<u8> = (0..length).map(|place| (place % 251) as u8).collect();
            let reject = reject(&value);
            assert!(reject.raw == value, "of {length} bytes");
            assert_eq!(reject.raw_length, length as u64);
            assert_eq!(reject.raw_sha256, Vec::<u8>::new(), "of {length} bytes");
        }
    }

    #[test]
    fn above_the_bound_a_value_is_cut_and_known_by_length_and_digest() {
        let above = reject(&vec![b'q'; 262_145]);
        assert!(above.raw == vec![b'q'; 65_536]);
        assert_eq!(above.raw_length, 262_145);
        let hex: String = above
            .raw_sha256
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(hex, SHA256_ABOVE);
        assert_eq!(
            (above.topic.as_str(), above.partition, above.offset),
            ("vessel", 3, 41)
        );
        assert_eq!(above.key, b"call-7");
        // The end counts, though it is not kept.
        let mut other = vec![b'q'; 262_145];
        other[262_144] = b'r';
        let other = reject(&other);
        assert!(other.raw == above.raw && other.raw_sha256 != above.raw_sha256);
        assert!(reject(&vec![0; 10_000_000]).encoded_len() < 66_000);
    }
}

//! Faults in words: what was wrong, where, and how to mend it. Only ever called for bad records.
use super::error::DecodeError;
use super::layout::Layout;
use super::row::Stop;
use super::walk::Limits;
use super::wire::Wrong;
use crate::Stream;
use crate::v1::RejectReason;

#[cold]
pub(crate) fn empty(stream: Stream) -> DecodeError {
    let detail = format!(
        "the record has no value; send a {}, only compacted topics know tombstones",
        stream.message_name()
    );
    DecodeError::of_record(RejectReason::EmptyValue, detail)
}

#[cold]
pub(crate) fn long_record(length: usize, limit: usize) -> DecodeError {
    let detail = format!(
        "the record has {length} bytes, the limit is {limit}; send less or raise the record limit"
    );
    DecodeError::of_record(RejectReason::TooLong, detail)
}

#[cold]
pub(crate) fn no_body(stream: Stream, length: usize) -> DecodeError {
    let detail = format!(
        "none of the bodies of {} is in these {length} bytes; is this the right topic, and is the schema as new as the sender's?",
        stream.message_name()
    );
    DecodeError::of_record(RejectReason::UnknownMessage, detail)
}

#[cold]
pub(crate) fn missing(reason: RejectReason, is_record_time: bool) -> DecodeError {
    let (field, mend) = match reason {
        RejectReason::MissingSource => (
            "source",
            "set it to the sending system's name in the configuration",
        ),
        RejectReason::MissingId => ("event_id", "set an id that is unique within the source"),
        _ if is_record_time => (
            "record_time_us",
            "set when the source wrote the event, in microseconds since 1970",
        ),
        _ => (
            "event_time_us",
            "set when it happened or is expected, in microseconds since 1970",
        ),
    };
    DecodeError {
        reason,
        at_byte: None,
        path: format!("envelope.{field}"),
        detail: format!("it is missing; {mend}"),
    }
}

#[cold]
pub(crate) fn malformed(
    stream: Stream,
    layout: &Layout,
    limits: &Limits,
    stop: Stop,
) -> DecodeError {
    let node = &layout.nodes[usize::from(stop.node)];
    let number = stop.tag >> 3;
    let field = node
        .descriptor
        .get_field(number)
        .map(|field| field.name().to_owned());
    let name = field.unwrap_or_else(|| {
        if number == 0 {
            String::new()
        } else {
            format!("#{number}")
        }
    });
    let path = [node.path.as_str(), &name]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(".");
    let wire_type = stop.tag & 7;
    let message = stream.message_name();
    let (reason, detail) = match stop.wrong {
        Wrong::Truncated => (
            RejectReason::Truncated,
            "the bytes end in the middle of it; send the record whole".to_owned(),
        ),
        Wrong::Varint => (
            RejectReason::BadWireType,
            "its number has more than 64 bits; encode it anew".to_owned(),
        ),
        Wrong::Tag => (
            RejectReason::BadWireType,
            format!("the bytes are no protobuf tag; is this a {message}?"),
        ),
        Wrong::WireType => (
            RejectReason::BadWireType,
            format!(
                "it has wire type {wire_type}, which is not that of its type; is this a {message}?"
            ),
        ),
        Wrong::EndGroup => (
            RejectReason::BadWireType,
            format!("a group ends that was not begun; is this a {message}?"),
        ),
        Wrong::GroupDepth => (
            RejectReason::BadWireType,
            "more than 100 groups in each other; send them flat".to_owned(),
        ),
        Wrong::Utf8 => (
            RejectReason::BadUtf8,
            "its text is not UTF-8; convert it before sending".to_owned(),
        ),
        Wrong::FieldLength => (
            RejectReason::TooLong,
            format!(
                "it is longer than the limit of {} bytes; send less or raise the field limit",
                limits.field_bytes_max
            ),
        ),
        Wrong::ListLength => (
            RejectReason::TooLong,
            format!(
                "the record has more than {} values in lists; send less or raise the limit",
                limits.list_values_max
            ),
        ),
    };
    DecodeError {
        reason,
        at_byte: Some(stop.at as u64),
        path,
        detail,
    }
}

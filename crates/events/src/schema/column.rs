//! What a column is made from.
use arrow::datatypes::{DataType, Field, TimeUnit};
use prost_reflect::EnumDescriptor;

/// A column of a table: its Arrow field, and where its values come from.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub field: Field,
    pub origin: Origin,
    pub scalar: Scalar,
    /// The protobuf field is `optional`: the column is NULL where it is absent.
    pub is_optional: bool,
}

/// Where a column's values come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A field of the envelope, by number.
    Envelope(u32),
    /// The row's time, given when a row is kept.
    RowTime,
    /// The partition of the record.
    Partition,
    /// The offset of the record.
    Offset,
    /// A field of the body, by the numbers on the way to it.
    Body(Vec<u32>),
}

/// The protobuf type of a column's values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Scalar {
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Float,
    Double,
    Bool,
    Enum(EnumDescriptor),
    Text,
    Bytes,
}

impl Scalar {
    /// The Arrow type; `is_instant` for integers that are microseconds since 1970.
    pub fn data_type(&self, is_instant: bool) -> DataType {
        match self {
            _ if is_instant => instant_type(),
            Scalar::Float => DataType::Float32,
            Scalar::Double => DataType::Float64,
            Scalar::Bool => DataType::Boolean,
            Scalar::Enum(_) | Scalar::Text => DataType::Utf8,
            Scalar::Bytes => DataType::Binary,
            _ => DataType::Int64,
        }
    }
}

/// The Arrow type of instants.
pub(crate) fn instant_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The text of an enum's number behind the enum's prefix: `CLASSIFIER_EST` is "EST", `CLASSIFIER_UNSPECIFIED` is "".
pub(crate) fn enum_text(descriptor: &EnumDescriptor, number: i32) -> Option<String> {
    let value = descriptor.get_value(number)?;
    let prefix = format!("{}_", screaming(descriptor.name()));
    let text = value.name().strip_prefix(&prefix).unwrap_or(value.name());
    Some(if number == 0 && text == "UNSPECIFIED" {
        String::new()
    } else {
        text.to_owned()
    })
}

/// `PortCallService` in the way of enum values: `PORT_CALL_SERVICE`.
fn screaming(name: &str) -> String {
    snake(name).to_ascii_uppercase()
}

/// `PortCallService` in the way of fields: `port_call_service`.
pub(crate) fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for (at, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}

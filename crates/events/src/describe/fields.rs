//! The fields of a message, with the comments of the schema: for the documentation.
use prost_reflect::{Cardinality, FieldDescriptor, Kind, MessageDescriptor};

/// A field in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldText {
    /// The field's name.
    pub name: String,
    /// Its number.
    pub number: u32,
    /// Its type: a protobuf scalar, or the full name of a message or enum.
    pub type_name: String,
    /// "optional", "repeated", or "".
    pub label: &'static str,
    /// What the schema says about it.
    pub comment: String,
}

/// The fields of a message in the order of the schema.
pub fn fields(message: &MessageDescriptor) -> Vec<FieldText> {
    message.fields().map(|field| text(&field)).collect()
}

fn text(field: &FieldDescriptor) -> FieldText {
    let label = match field.cardinality() {
        Cardinality::Repeated => "repeated",
        _ if field.supports_presence()
            && field
                .containing_oneof()
                .is_none_or(|oneof| oneof.is_synthetic()) =>
        {
            if matches!(field.kind(), Kind::Message(_)) {
                ""
            } else {
                "optional"
            }
        }
        _ => "",
    };
    FieldText {
        name: field.name().to_owned(),
        number: field.number(),
        type_name: type_name(&field.kind()),
        label,
        comment: comment(field),
    }
}

fn type_name(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => message.full_name().to_owned(),
        Kind::Enum(descriptor) => descriptor.full_name().to_owned(),
        Kind::Double => "double".to_owned(),
        Kind::Float => "float".to_owned(),
        Kind::Int32 => "int32".to_owned(),
        Kind::Int64 => "int64".to_owned(),
        Kind::Uint32 => "uint32".to_owned(),
        Kind::Uint64 => "uint64".to_owned(),
        Kind::Sint32 => "sint32".to_owned(),
        Kind::Sint64 => "sint64".to_owned(),
        Kind::Fixed32 => "fixed32".to_owned(),
        Kind::Fixed64 => "fixed64".to_owned(),
        Kind::Sfixed32 => "sfixed32".to_owned(),
        Kind::Sfixed64 => "sfixed64".to_owned(),
        Kind::Bool => "bool".to_owned(),
        Kind::String => "string".to_owned(),
        Kind::Bytes => "bytes".to_owned(),
    }
}

/// The comment before the field, on one line.
fn comment(field: &FieldDescriptor) -> String {
    let file = field.parent_file();
    let locations = file
        .file_descriptor_proto()
        .source_code_info
        .iter()
        .flat_map(|info| &info.location);
    let location = locations
        .into_iter()
        .find(|location| location.path == field.path());
    let comment = location
        .map(|location| location.leading_comments())
        .unwrap_or_default();
    comment.split_whitespace().collect::<Vec<_>>().join(" ")
}

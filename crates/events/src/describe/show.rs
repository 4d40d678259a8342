//! A message as JSON or as a line.
use std::fmt::Write;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage, Value as Field};
use serde_json::{Map, Number, Value};

use super::instant::rfc3339;
use crate::schema::enum_text;

/// Bytes shown in a line; JSON shows all.
const LINE_BYTES_MAX: usize = 32;

pub(super) fn json(message: &DynamicMessage) -> Value {
    let fields =
        shown(message).map(|(field, value)| (field.name().to_owned(), json_value(&field, &value)));
    Value::Object(fields.collect::<Map<_, _>>())
}

/// The fields that are set, in the order of the schema.
fn shown(message: &DynamicMessage) -> impl Iterator<Item = (FieldDescriptor, Field)> {
    let fields = message
        .descriptor()
        .fields()
        .filter(|field| message.has_field(field))
        .collect::<Vec<_>>();
    fields.into_iter().map(|field| {
        let value = message.get_field(&field).into_owned();
        (field, value)
    })
}

fn is_instant(field: &FieldDescriptor) -> bool {
    field.name().ends_with("_us") && matches!(field.kind(), Kind::Int64 | Kind::Sint64)
}

fn json_value(field: &FieldDescriptor, value: &Field) -> Value {
    match value {
        Field::Bool(flag) => Value::Bool(*flag),
        Field::I32(number) => Value::from(*number),
        Field::I64(instant_us) if is_instant(field) => Value::String(rfc3339(*instant_us)),
        Field::I64(number) => Value::from(*number),
        Field::U32(number) => Value::from(*number),
        Field::U64(number) => Value::from(*number),
        Field::F32(real) => real_value(f64::from(*real)),
        Field::F64(real) => real_value(*real),
        Field::String(text) => Value::String(text.clone()),
        Field::Bytes(bytes) => Value::String(hex(bytes)),
        Field::EnumNumber(number) => Value::String(enum_value(field, *number)),
        Field::Message(nested) => json(nested),
        Field::List(values) => values
            .iter()
            .map(|value| json_value(field, value))
            .collect(),
        Field::Map(_) => Value::Null,
    }
}

fn real_value(real: f64) -> Value {
    Number::from_f64(real).map_or_else(|| Value::String(real.to_string()), Value::Number)
}

fn enum_value(field: &FieldDescriptor, number: i32) -> String {
    let text = match field.kind() {
        Kind::Enum(descriptor) => enum_text(&descriptor, number),
        _ => None,
    };
    text.unwrap_or_else(|| format!("#{number}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut out, byte| {
            // Writing to a string does not fail.
            let _ = write!(out, "{byte:02x}");
            out
        })
}

pub(super) fn line(message: &DynamicMessage) -> String {
    let mut out = String::new();
    for (field, value) in shown(message) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(field.name());
        match &value {
            Field::Message(nested) => {
                let _ = write!(out, " {{{}}}", line(nested));
            }
            _ => {
                out.push('=');
                line_value(&field, &value, &mut out);
            }
        }
    }
    out
}

fn line_value(field: &FieldDescriptor, value: &Field, out: &mut String) {
    let _ = match value {
        Field::String(text) if is_plain(text) => write!(out, "{text}"),
        Field::String(text) => write!(out, "{text:?}"),
        Field::Bytes(bytes) if bytes.len() > LINE_BYTES_MAX => {
            write!(
                out,
                "{}.. ({} bytes)",
                hex(&bytes[..LINE_BYTES_MAX]),
                bytes.len()
            )
        }
        Field::Message(nested) => write!(out, "{{{}}}", line(nested)),
        Field::List(values) => {
            out.push('[');
            for (at, value) in values.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                line_value(field, value, out);
            }
            write!(out, "]")
        }
        _ => match json_value(field, value) {
            Value::String(text) => write!(out, "{text}"),
            other => write!(out, "{other}"),
        },
    };
}

/// Text that needs no quotes.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|letter| letter.is_alphanumeric() || "-_.:/+#".contains(letter))
}

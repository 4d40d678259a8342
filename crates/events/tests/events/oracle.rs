//! What a row must hold: read by prost, put into columns by the rules of the schema as written in `schema/mod.rs`, and
//! what a row does hold. Both as text.
use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType,
};
use events::{Event, Stream};
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage, Value,
};

/// Column to value; NULL is "-".
pub type Cells = BTreeMap<String, String>;

/// The message that prost read, in a form whose fields can be asked for by name.
pub fn reflect(stream: Stream, event: &Event) -> DynamicMessage {
    let root = events::message(stream.message_name()).unwrap();
    DynamicMessage::decode(root, &*event.encode_to_vec()).unwrap()
}

/// The body's message and its name, if there is one.
pub fn body(message: &DynamicMessage) -> Option<(MessageDescriptor, DynamicMessage)> {
    let fields = message
        .descriptor()
        .fields()
        .filter(|field| field.number() != 1)
        .collect::<Vec<_>>();
    let field = fields.into_iter().find(|field| message.has_field(field))?;
    let body = message.get_field(&field).as_message()?.clone();
    Some((body.descriptor(), body))
}

/// The columns of the envelope and the body.
pub fn expected(message: &DynamicMessage, body: &DynamicMessage) -> Cells {
    let mut cells = Cells::new();
    let envelope = message
        .get_field_by_name("envelope")
        .unwrap()
        .as_message()
        .unwrap()
        .clone();
    flatten(&envelope, "", &mut cells);
    flatten(body, "", &mut cells);
    cells
}

fn flatten(message: &DynamicMessage, prefix: &str, cells: &mut Cells) {
    for field in message.descriptor().fields() {
        if let Value::Message(nested) = message.get_field(&field).as_ref() {
            flatten(nested, &format!("{prefix}{}_", field.name()), cells);
            continue;
        }
        let is_instant = field.name().ends_with("_us") && field.kind() == Kind::Int64;
        let name = if is_instant {
            field.name().trim_end_matches("_us")
        } else {
            field.name()
        };
        let is_null = field.supports_presence() && !message.has_field(&field);
        let text = if is_null {
            "-".to_owned()
        } else {
            show(&field, message.get_field(&field).as_ref())
        };
        cells.insert(format!("{prefix}{name}"), text);
    }
}

fn show(field: &FieldDescriptor, value: &Value) -> String {
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::I32(number) => number.to_string(),
        Value::I64(number) => number.to_string(),
        Value::U32(number) => number.to_string(),
        Value::U64(number) => (*number).min(i64::MAX as u64).to_string(),
        Value::F32(real) => format!("{:x}", real.to_bits()),
        Value::F64(real) => format!("{:x}", real.to_bits()),
        Value::String(text) => text.clone(),
        Value::Bytes(bytes) => format!("{bytes:?}"),
        Value::EnumNumber(number) => enum_text(field, *number),
        Value::List(values) => values
            .iter()
            .map(|value| show(field, value) + ";")
            .collect(),
        Value::Message(_) | Value::Map(_) => panic!("{field:?} is no column"),
    }
}

fn enum_text(field: &FieldDescriptor, number: i32) -> String {
    let descriptor = field.kind().as_enum().unwrap().clone();
    let Some(value) = descriptor.get_value(number) else {
        return format!("#{number}");
    };
    // All names share the prefix of the one for 0.
    let zero = descriptor.get_value(0).unwrap();
    let prefix = zero.name().strip_suffix("UNSPECIFIED").unwrap().to_owned();
    let text = value.name().strip_prefix(&prefix).unwrap();
    if number == 0 {
        String::new()
    } else {
        text.to_owned()
    }
}

/// The columns of a row, but for those of its place in the log.
pub fn actual(batch: &RecordBatch, row: usize) -> Cells {
    let columns = batch.schema_ref().fields().iter().zip(batch.columns());
    let columns =
        columns.filter(|(field, _)| !events::schema::ROW_COLUMNS.contains(&field.name().as_str()));
    columns
        .map(|(field, column)| (field.name().clone(), cell(column, row)))
        .collect()
}

pub fn cell(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return "-".to_owned();
    }
    match column.data_type() {
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Timestamp(..) => column
            .as_primitive::<TimestampMicrosecondType>()
            .value(row)
            .to_string(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Float32 => format!(
            "{:x}",
            column.as_primitive::<Float32Type>().value(row).to_bits()
        ),
        DataType::Float64 => format!(
            "{:x}",
            column.as_primitive::<Float64Type>().value(row).to_bits()
        ),
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Binary => format!("{:?}", column.as_binary::<i32>().value(row)),
        DataType::List(_) => {
            let values = column.as_list::<i32>().value(row);
            (0..values.len())
                .map(|at| cell(&values, at) + ";")
                .collect()
        }
        other => panic!("no column has type {other}"),
    }
}

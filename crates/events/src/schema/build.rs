//! Builds the tables from the descriptors.
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use prost_reflect::{Cardinality, DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

use super::column::{Column, Origin, Scalar, instant_type, snake};
use super::{ROW_COLUMNS, TableId, TableSchema};
use crate::Stream;

/// The oneof of a root message that holds the body.
const BODY: &str = "body";
/// The member of the body that is not a table.
pub(crate) const HEARTBEAT: &str = "quaystream.v1.SourceHeartbeat";
/// Messages within messages deeper than this are not flattened.
const DEPTH_MAX: usize = 4;

/// A schema that cannot become tables.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SchemaError {
    /// A root message that the descriptors lack.
    #[error("message {message} is not in the descriptors: add its file to the list in build.rs")]
    NoMessage {
        /// Full name of the message.
        message: String,
    },
    /// A field that has no column form.
    #[error(
        "field {field} is a repeated message or a map, which a table cannot hold: use repeated scalars or a message of its own"
    )]
    NotAColumn {
        /// Full name of the field.
        field: String,
    },
    /// A message that holds itself.
    #[error("field {field} nests messages deeper than {DEPTH_MAX}: flatten the message")]
    TooDeep {
        /// Full name of the field.
        field: String,
    },
    /// A message with more fields than the decoder has room for.
    #[error(
        "message {message} has too many fields for one row: at most 41 in a body, numbers up to 15 in the envelope"
    )]
    TooWide {
        /// Full name of the message or field.
        message: String,
    },
    /// Two columns of one name.
    #[error("table {table} would have two columns {column}: rename the field")]
    TwoColumns {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// A table or column that does not exist, in a projection.
    #[error("table {table} has no column {column}: see the columns with `quaystream check`")]
    NoColumn {
        /// The table.
        table: String,
        /// The column asked for.
        column: String,
    },
    /// A table that does not exist, in a projection.
    #[error(
        "there is no table {table}: tables are named after the messages, such as port_call_timestamp"
    )]
    NoTable {
        /// The table asked for.
        table: String,
    },
}

/// The tables of all streams.
pub(crate) fn all(pool: &DescriptorPool) -> Result<Vec<TableSchema>, SchemaError> {
    let mut tables = Vec::new();
    for stream in Stream::ALL {
        let root = pool
            .get_message_by_name(stream.message_name())
            .ok_or_else(|| SchemaError::NoMessage {
                message: stream.message_name().to_owned(),
            })?;
        let envelope = envelope_columns(&root)?;
        for (field, message) in bodies(&root) {
            if message.full_name() == HEARTBEAT {
                continue;
            }
            let id = TableId(tables.len() as u16);
            tables.push(table(id, stream, &envelope, &field, &message)?);
        }
    }
    Ok(tables)
}

/// The members of the body oneof, by number.
pub(crate) fn bodies(root: &MessageDescriptor) -> Vec<(FieldDescriptor, MessageDescriptor)> {
    let in_body = |field: &FieldDescriptor| {
        field
            .containing_oneof()
            .is_some_and(|oneof| oneof.name() == BODY)
    };
    let members = root.fields().filter(in_body);
    let mut members: Vec<_> = members
        .filter_map(|field| {
            field
                .kind()
                .as_message()
                .cloned()
                .map(|message| (field, message))
        })
        .collect();
    members.sort_by_key(|(field, _)| field.number());
    members
}

fn envelope_columns(root: &MessageDescriptor) -> Result<Vec<Column>, SchemaError> {
    let envelope = root
        .get_field(1)
        .and_then(|field| field.kind().as_message().cloned());
    let envelope = envelope.ok_or_else(|| SchemaError::NoMessage {
        message: format!("{}.envelope", root.full_name()),
    })?;
    let mut columns = Vec::new();
    flatten(&envelope, "", &mut Vec::new(), &mut columns)?;
    for column in &mut columns {
        if let Origin::Body(path) = &column.origin {
            column.origin = Origin::Envelope(path[0]);
        }
    }
    Ok(columns)
}

fn table(
    id: TableId,
    stream: Stream,
    envelope: &[Column],
    body: &FieldDescriptor,
    message: &MessageDescriptor,
) -> Result<TableSchema, SchemaError> {
    let name = snake(message.name());
    let mut columns = envelope.to_vec();
    columns.extend(row_columns());
    flatten(message, "", &mut Vec::new(), &mut columns)?;
    for (at, column) in columns.iter().enumerate() {
        if columns[..at]
            .iter()
            .any(|earlier| earlier.field.name() == column.field.name())
        {
            return Err(SchemaError::TwoColumns {
                table: name,
                column: column.field.name().clone(),
            });
        }
    }
    let schema = Schema::new(
        columns
            .iter()
            .map(|column| column.field.clone())
            .collect::<Vec<_>>(),
    );
    Ok(TableSchema {
        id,
        name,
        stream,
        message_name: message.full_name().to_owned(),
        schema: Arc::new(schema),
        body_number: body.number(),
        columns,
    })
}

fn row_columns() -> [Column; 3] {
    let column = |at: usize, data_type: DataType, origin: Origin| Column {
        field: Field::new(ROW_COLUMNS[at], data_type, false),
        origin,
        scalar: Scalar::Int64,
        is_optional: false,
    };
    [
        column(0, instant_type(), Origin::RowTime),
        column(1, DataType::Int32, Origin::Partition),
        column(2, DataType::Int64, Origin::Offset),
    ]
}

/// Appends a column for each field of `message`; those of nested messages with the field's name in front.
fn flatten(
    message: &MessageDescriptor,
    prefix: &str,
    path: &mut Vec<u32>,
    columns: &mut Vec<Column>,
) -> Result<(), SchemaError> {
    for field in message.fields() {
        path.push(field.number());
        match field.kind() {
            Kind::Message(_) if field.is_list() || field.is_map() => {
                return Err(SchemaError::NotAColumn {
                    field: field.full_name().to_owned(),
                });
            }
            Kind::Message(_) if path.len() >= DEPTH_MAX => {
                return Err(SchemaError::TooDeep {
                    field: field.full_name().to_owned(),
                });
            }
            Kind::Message(nested) => flatten(
                &nested,
                &format!("{prefix}{}_", field.name()),
                path,
                columns,
            )?,
            _ => columns.push(column(&field, prefix, path)),
        }
        path.pop();
    }
    Ok(())
}

fn column(field: &FieldDescriptor, prefix: &str, path: &[u32]) -> Column {
    let scalar = scalar_of(&field.kind());
    let is_list = field.cardinality() == Cardinality::Repeated;
    let instant = field
        .name()
        .strip_suffix("_us")
        .filter(|_| scalar == Scalar::Int64 && !is_list);
    let name = format!("{prefix}{}", instant.unwrap_or(field.name()));
    let is_optional = !is_list && field.supports_presence();
    let data_type = scalar.data_type(instant.is_some());
    let field = match is_list {
        true => Field::new(
            name,
            DataType::List(Arc::new(Field::new("item", data_type, true))),
            false,
        ),
        false => Field::new(name, data_type, is_optional),
    };
    Column {
        field,
        origin: Origin::Body(path.to_vec()),
        scalar,
        is_optional,
    }
}

pub(crate) fn scalar_of(kind: &Kind) -> Scalar {
    match kind {
        Kind::Int32 => Scalar::Int32,
        Kind::Int64 => Scalar::Int64,
        Kind::Uint32 => Scalar::Uint32,
        Kind::Uint64 => Scalar::Uint64,
        Kind::Sint32 => Scalar::Sint32,
        Kind::Sint64 => Scalar::Sint64,
        Kind::Fixed32 => Scalar::Fixed32,
        Kind::Fixed64 => Scalar::Fixed64,
        Kind::Sfixed32 => Scalar::Sfixed32,
        Kind::Sfixed64 => Scalar::Sfixed64,
        Kind::Float => Scalar::Float,
        Kind::Double => Scalar::Double,
        Kind::Bool => Scalar::Bool,
        Kind::String => Scalar::Text,
        Kind::Enum(descriptor) => Scalar::Enum(descriptor.clone()),
        Kind::Bytes | Kind::Message(_) => Scalar::Bytes,
    }
}

//! The tables that queries see: one for each message that can be the body of an event.
//!
//! Columns stand in this order: the envelope's ([`ENVELOPE_COLUMNS`]), those of the row's place in the log
//! ([`ROW_COLUMNS`]), the body's. Nested messages are flattened (`vessel.imo` is `vessel_imo`).
//!
//! | protobuf | Arrow |
//! |---|---|
//! | `int64 x_us` | `x`: Timestamp(Microsecond, "UTC") |
//! | any other integer | Int64; uint64 above `i64::MAX` becomes that, and the row is flagged |
//! | enum | Utf8: the name behind the enum's prefix, "" for UNSPECIFIED, "#9" for an unknown number 9 |
//! | string, bytes, bool, float, double | Utf8, Binary, Boolean, Float32, Float64 |
//! | repeated scalar | List of the above |
//!
//! A column may be NULL only where the field is `optional`; any other absent field has its protobuf default.
mod build;
mod column;

use std::sync::LazyLock;

use arrow::datatypes::SchemaRef;

use crate::Stream;
pub use build::SchemaError;
pub(crate) use build::{bodies, scalar_of};
pub(crate) use column::{Column, Origin, Scalar, enum_text, snake};

/// The columns of the envelope, in the order of its fields.
pub const ENVELOPE_COLUMNS: [&str; 13] = [
    "event_id",
    "source",
    "source_seq",
    "event_time",
    "record_time",
    "classifier",
    "terminal_id",
    "un_location_code",
    "is_retracted",
    "port_call_id",
    "berth_visit_id",
    "train_id",
    "trace_id",
];

/// The columns of the row's place in the log: the row's time (see [`crate::row_time_us`]), and the partition and offset
/// of its Kafka record.
pub const ROW_COLUMNS: [&str; 3] = ["row_time", "partition", "offset"];

/// A table's place in [`tables`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableId(pub(crate) u16);

impl TableId {
    /// The index into [`tables`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The table of this id.
    pub fn table(self) -> &'static TableSchema {
        &tables()[self.index()]
    }
}

/// A table: the rows of one body message.
#[derive(Debug)]
pub struct TableSchema {
    /// Where the table stands in [`tables`].
    pub id: TableId,
    /// The message's name in snake_case, such as "port_call_timestamp".
    pub name: String,
    /// The stream whose topic the rows come from.
    pub stream: Stream,
    /// The full protobuf name of the message.
    pub message_name: String,
    /// All columns.
    pub schema: SchemaRef,
    /// The number of the body's field in the stream's root message.
    pub(crate) body_number: u32,
    pub(crate) columns: Vec<Column>,
}

impl TableSchema {
    /// Where a column stands.
    pub fn column_index(&self, name: &str) -> Option<usize> {
        self.schema.index_of(name).ok()
    }
}

static TABLES: LazyLock<Vec<TableSchema>> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the schema is ours and embedded: a fault in it fails every test"
    )]
    build::all(crate::pool()).expect("our own schema has a table for each body message")
});

/// All tables, by stream and within it by field number.
pub fn tables() -> &'static [TableSchema] {
    &TABLES
}

/// The table of a name.
pub fn table(name: &str) -> Option<&'static TableSchema> {
    TABLES.iter().find(|table| table.name == name)
}

/// The tables of a stream.
pub fn tables_of(stream: Stream) -> impl Iterator<Item = &'static TableSchema> {
    TABLES.iter().filter(move |table| table.stream == stream)
}

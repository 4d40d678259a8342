//! The stream `intake`: one row for every record that the engine read, whatever became of it.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use crate::sql::call::{ROW_TIME, instant};

/// Name of the stream in SQL.
pub const NAME: &str = "intake";

/// Its columns: when (the latest row time of its source), source, stream, table, terminal, outcome ('accepted',
/// 'corrected' for an accepted one in place of a version before, 'retracted' for one that takes its event back, 'superseded',
/// 'duplicate', 'late', 'rejected', or 'flagged' as a second row of an accepted record), reason, which copy of its event
/// it is (from 1), record time minus event time for facts, Kafka partition and offset.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let text = |name: &str| Field::new(name, DataType::Utf8, false);
        Arc::new(Schema::new(vec![
            Field::new(ROW_TIME, instant(), false),
            text("source"),
            text("stream"),
            text("table_name"),
            text("terminal_id"),
            text("outcome"),
            text("reason"),
            Field::new("copies", DataType::Int64, false),
            Field::new("delay_us", DataType::Int64, true),
            Field::new("partition", DataType::Int32, false),
            Field::new("offset", DataType::Int64, false),
        ]))
    });
    Arc::clone(&SCHEMA)
}

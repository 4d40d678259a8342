//! What merge remembers of each query and table between two firings.

pub mod activity;
pub mod gathered;
pub mod held;
pub mod joined;
pub mod keys;
pub mod levels;
pub mod panes;
pub mod revisions;
pub mod saved;
pub mod schedule;
pub mod sessions;
pub mod sums;
pub mod tables;
mod tiers;
pub mod waiting;

use arrow::array::{Array, AsArray, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::TimestampMicrosecondType;
use datafusion::common::{Result, exec_datafusion_err};

/// The instants in a column, microseconds.
pub(crate) fn instants<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a [i64]> {
    batch
        .column_by_name(name)
        .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>())
        .map(|column| column.values().as_ref())
        .ok_or_else(|| exec_datafusion_err!("column {name} is missing or no timestamp"))
}

/// A column that holds one instant `rows` times.
pub(crate) fn constant(instant_us: i64, rows: usize) -> std::sync::Arc<dyn Array> {
    let values = TimestampMicrosecondArray::from_value(instant_us, rows);
    std::sync::Arc::new(values.with_timezone("UTC"))
}

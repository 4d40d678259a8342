//! What fold does for one query: rows of a stream become partial aggregates, level changes, rows or table rows.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema, SchemaRef, TimestampMicrosecondType};
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;

use crate::error::QueryError;
use crate::sql::call::{ROW_TIME, WINDOW_END, WINDOW_START, instant};
use crate::sql::session::run;
use crate::sql::slot::Slot;
use crate::window::floor;

/// The plans of one query's first stage. They read the slots of the program's streams.
pub struct FoldPlan {
    pub(crate) query: String,
    /// Rows of the stream to the rows that are windowed.
    pub(crate) select: Arc<dyn ExecutionPlan>,
    /// Length of a pane; none for tables, whose rows belong to no window.
    pub(crate) pane_us: Option<i64>,
    /// Windowed rows to partial aggregates; without it the rows themselves go to merge.
    pub(crate) aggregate: Option<(Slot, Arc<dyn ExecutionPlan>)>,
    pub(crate) task: Arc<TaskContext>,
}

impl FoldPlan {
    /// Runs over what the stream slots hold.
    pub fn run(&self) -> Result<Vec<RecordBatch>, QueryError> {
        self.run_inner()
            .map_err(|error| QueryError::new(&self.query, error))
    }

    fn run_inner(&self) -> Result<Vec<RecordBatch>> {
        let mut rows = run(&self.select, &self.task)?;
        if let Some(pane_us) = self.pane_us {
            rows = rows
                .iter()
                .map(|batch| with_pane(batch, pane_us))
                .collect::<Result<_>>()?;
        }
        match &self.aggregate {
            Some((slot, plan)) if !rows.is_empty() => {
                slot.fill(rows);
                let partials = run(plan, &self.task);
                slot.fill(Vec::new());
                partials
            }
            _ => Ok(rows),
        }
    }
}

/// Puts the bounds of each row's pane in front of its columns.
fn with_pane(batch: &RecordBatch, pane_us: i64) -> Result<RecordBatch> {
    let times = batch
        .column_by_name(ROW_TIME)
        .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>())
        .ok_or_else(|| exec_datafusion_err!("the windowed rows have no row_time"))?;
    let starts = times.values().iter().map(|&time| floor(time, pane_us));
    let starts = TimestampMicrosecondArray::from_iter_values(starts).with_timezone("UTC");
    let ends = starts.values().iter().map(|&start| start + pane_us);
    let ends = TimestampMicrosecondArray::from_iter_values(ends).with_timezone("UTC");
    let columns: Vec<ArrayRef> = [Arc::new(starts) as ArrayRef, Arc::new(ends)]
        .into_iter()
        .chain(batch.columns().iter().cloned())
        .collect();
    Ok(RecordBatch::try_new_with_options(
        with_bounds(&batch.schema()),
        columns,
        &RecordBatchOptions::new().with_row_count(Some(batch.num_rows())),
    )?)
}

/// The schema of rows with the bounds of their pane.
pub(crate) fn with_bounds(schema: &SchemaRef) -> SchemaRef {
    let bounds =
        [WINDOW_START, WINDOW_END].map(|name| Arc::new(Field::new(name, instant(), false)));
    Arc::new(Schema::new(
        bounds
            .into_iter()
            .chain(schema.fields().iter().cloned())
            .collect::<Vec<_>>(),
    ))
}

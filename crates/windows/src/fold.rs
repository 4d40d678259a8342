//! What fold does for one query: rows of a stream become partial aggregates, level changes, rows or table rows.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, TimestampMicrosecondArray,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::aggregates::group_values::new_group_values;
use datafusion::physical_plan::aggregates::order::GroupOrdering;

use crate::error::QueryError;
use crate::sql::call::{ROW_TIME, SessionRule, WINDOW_END, WINDOW_START, instant};
use crate::sql::cut::{leaves, read_as_it_is};
use crate::sql::session::{concatenate, run};
use crate::sql::slot::Slot;
use crate::state::instants;
use crate::state::panes::with_window;
use crate::window::Windows;

/// What the first stage says of a row's place in time.
#[derive(Debug, Clone)]
pub enum Frame {
    /// Nothing: rows of tables belong to no window.
    None,
    /// The pane that holds the row.
    Panes {
        /// Whose panes.
        windows: Windows,
        /// The column with the row's time.
        time: String,
    },
    /// The session of the row, as far as the rows of this commit tell.
    Sessions(SessionRule),
}

impl Frame {
    /// The panes of `windows` by row_time.
    pub fn panes(windows: Windows) -> Self {
        Frame::Panes {
            windows,
            time: ROW_TIME.to_owned(),
        }
    }
}

/// The plans of one query's first stage. They read the slots of the program's streams.
pub struct FoldPlan {
    pub(crate) query: String,
    /// Rows of the stream to the rows that are windowed.
    pub(crate) select: Arc<dyn ExecutionPlan>,
    /// What is put in front of the columns of each row.
    pub(crate) frame: Frame,
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

    /// True if rows of this schema have every column that the plan reads of its stream.
    pub(crate) fn can_read(&self, schema: &SchemaRef) -> bool {
        let leaves = leaves(&self.select);
        let mut read = leaves
            .iter()
            .flat_map(|leaf| leaf.schema().fields().to_vec());
        read.all(|field| schema.index_of(field.name()).is_ok())
    }

    /// True if `column` of what the plan makes is the stream's own column of that name.
    pub(crate) fn passes(&self, column: &str) -> bool {
        let passes = |plan: &Arc<dyn ExecutionPlan>| {
            let index = plan.schema().index_of(column).ok();
            index
                .and_then(|index| read_as_it_is(plan, index))
                .as_deref()
                == Some(column)
        };
        let aggregate = self.aggregate.as_ref();
        passes(&self.select) && aggregate.is_none_or(|(_, plan)| passes(plan))
    }

    fn run_inner(&self) -> Result<Vec<RecordBatch>> {
        let rows = self.framed(run(&self.select, &self.task)?)?;
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

    fn framed(&self, rows: Vec<RecordBatch>) -> Result<Vec<RecordBatch>> {
        match &self.frame {
            Frame::None => Ok(rows),
            Frame::Panes { windows, time } => rows
                .iter()
                .map(|batch| with_pane(batch, windows, time))
                .collect(),
            Frame::Sessions(rule) => {
                with_sessions(&rows, rule).map(|rows| rows.into_iter().collect())
            }
        }
    }
}

/// Puts the bounds of each row's pane in front of its columns.
pub(crate) fn with_pane(batch: &RecordBatch, windows: &Windows, time: &str) -> Result<RecordBatch> {
    let times = instants(batch, time)?;
    // Rows next to each other mostly lie in one pane.
    let mut pane = (0, 0);
    let panes = times.iter().map(|&time| {
        if !(pane.0 <= time && time < pane.1) {
            pane = windows.pane(time);
        }
        pane
    });
    let (starts, ends) = panes.unzip();
    bounded(batch, starts, ends)
}

/// The rows whose pane lies in a window, with the bounds of the window; none if there are none.
pub(crate) fn with_pane_of(
    batch: &RecordBatch,
    start_us: i64,
    end_us: i64,
) -> Result<Option<RecordBatch>> {
    let panes = instants(batch, WINDOW_START)?.iter();
    let mask = panes.map(|&pane| Some(start_us <= pane && pane < end_us));
    let rows = filter_record_batch(batch, &mask.collect::<BooleanArray>())?;
    match rows.num_rows() {
        0 => Ok(None),
        _ => with_window(&rows, start_us, end_us).map(Some),
    }
}

/// Puts the bounds of each row's session in front of its columns: from the first row of its key after a gap, to a gap after
/// the last. All rows as one batch; none if there are none.
pub(crate) fn with_sessions(
    rows: &[RecordBatch],
    rule: &SessionRule,
) -> Result<Option<RecordBatch>> {
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let rows = concatenate(&first.schema(), rows)?;
    let times = instants(&rows, ROW_TIME)?;
    let mut columns = Vec::new();
    for key in &rule.keys {
        columns.push(Arc::clone(rows.column(rows.schema().index_of(key)?)));
    }
    let keys = numbered(&columns)?;
    let order = by_key(&keys, times);
    let (mut starts, mut ends) = (vec![0; order.len()], vec![0; order.len()]);
    let is_together = |&left: &usize, &right: &usize| {
        keys[left] == keys[right] && times[right] - times[left] < rule.gap_us
    };
    for session in order.chunk_by(is_together) {
        let (Some(&first), Some(&last)) = (session.first(), session.last()) else {
            continue;
        };
        for &row in session {
            starts[row] = times[first];
            ends[row] = times[last] + rule.gap_us;
        }
    }
    bounded(&rows, starts, ends).map(Some)
}

/// For each row the number of its key: rows of equal keys have the same one, from 0 without gaps.
fn numbered(keys: &[ArrayRef]) -> Result<Vec<usize>> {
    let fields = keys.iter().enumerate();
    let fields = fields.map(|(n, key)| Field::new(n.to_string(), key.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let mut numbers = Vec::new();
    new_group_values(schema, &GroupOrdering::None)?.intern(keys, &mut numbers)?;
    Ok(numbers)
}

/// The rows in the order of their key's number and then of time. Rows mostly come in the order of time, which makes both steps
/// linear.
fn by_key(keys: &[usize], times: &[i64]) -> Vec<usize> {
    let mut rows: Vec<usize> = (0..keys.len()).collect();
    rows.sort_by_key(|&row| times[row]);
    let mut places = vec![0; keys.iter().max().map_or(0, |most| most + 2)];
    for &key in keys {
        places[key + 1] += 1;
    }
    for key in 1..places.len() {
        places[key] += places[key - 1];
    }
    let mut order = vec![0; keys.len()];
    for row in rows {
        order[places[keys[row]]] = row;
        places[keys[row]] += 1;
    }
    order
}

/// Puts the bounds of a window in front of the columns of each row.
pub(crate) fn bounded(
    batch: &RecordBatch,
    starts: Vec<i64>,
    ends: Vec<i64>,
) -> Result<RecordBatch> {
    let bounds = [starts, ends].map(|bounds| {
        Arc::new(TimestampMicrosecondArray::from(bounds).with_timezone("UTC")) as ArrayRef
    });
    let columns = bounds.into_iter().chain(batch.columns().iter().cloned());
    Ok(RecordBatch::try_new_with_options(
        with_bounds(&batch.schema()),
        columns.collect(),
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

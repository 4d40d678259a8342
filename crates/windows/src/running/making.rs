//! What is made of a query's rows, by its plans.

use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::Result;
use datafusion::execution::TaskContext;

use crate::joining::Show;
use crate::program::Query;
use crate::sql::session::run;
use crate::state::held::Held;
use crate::state::tables::Span;

/// Joins the streams of a query.
pub(super) fn meeting<'a>(
    query: &'a Query,
    task: &'a Arc<TaskContext>,
    show: &'a mut Show<'_>,
) -> impl FnMut((i64, i64), Vec<Vec<Held>>) -> Result<Vec<RecordBatch>> + 'a {
    move |bounds, rows| match &query.join {
        Some(join) => join.meet(bounds, rows, show, task),
        None => Ok(Vec::new()),
    }
}

/// Partial aggregates of rows of a span of time, where they are made of them in merge, with the versions of tables that hold then;
/// the rows themselves, where not.
pub(crate) fn made_of(
    query: &Query,
    task: &Arc<TaskContext>,
    (span, rows): (Span, Vec<Held>),
    show: &mut Show<'_>,
) -> Result<Vec<RecordBatch>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let Some((slot, plan)) = &query.by_pane else {
        return Ok(rows.iter().map(Held::load).collect::<Result<_, _>>()?);
    };
    show(span)?;
    slot.fill_held(rows);
    let parts = run(plan, task);
    slot.fill(Vec::new());
    parts
}

/// Adds partial aggregates of one key and window up; leaves rows as they are.
pub(super) fn reducer<'a>(
    query: &'a Query,
    task: &'a Arc<TaskContext>,
) -> impl FnMut(Vec<RecordBatch>) -> Result<Vec<RecordBatch>> + 'a {
    move |batches| match &query.reduce {
        None => Ok(batches),
        Some((slot, plan)) => {
            slot.fill(batches);
            let reduced = run(plan, task);
            slot.fill(Vec::new());
            reduced
        }
    }
}

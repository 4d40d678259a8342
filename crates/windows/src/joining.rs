//! Joins of streams in the second stage: rows of each stream that lie near become joined rows, or partial aggregates of them.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use datafusion::common::Result;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;

use crate::fold::{bounded, with_pane, with_sessions};
use crate::sql::call::{ROW_TIME, SessionRule};
use crate::sql::session::{concatenate, run};
use crate::sql::slot::Slot;
use crate::state::held::Held;
use crate::state::joined::{Place, Reach};
use crate::window::Windows;

/// Streams joined under a window, by merge.
pub(crate) struct Join {
    /// The joined rows, from the slots.
    pub plan: Arc<dyn ExecutionPlan>,
    /// Where the rows of each input go.
    pub slots: Vec<Slot>,
    /// How far the rows of each input lie from the joined ones that they have a say in, and their column with the row's time.
    pub reaches: Vec<(Reach, String)>,
    /// Where the joined rows lie in time.
    pub places: Vec<Place>,
    /// The panes in which they are joined.
    pub windows: Windows,
    /// What makes sessions of them.
    pub sessions: Option<SessionRule>,
    /// Joined rows, with the bounds of their panes, to partial aggregates.
    pub aggregate: Option<(Slot, Arc<dyn ExecutionPlan>)>,
}

impl Join {
    /// What is made of the joined rows between two instants: partial aggregates by pane, or the rows, with these bounds or those of
    /// their sessions. `rows` are those of each input that have a say in it.
    pub fn meet(
        &self,
        (start_us, end_us): (i64, i64),
        rows: Vec<Vec<Held>>,
        task: &Arc<TaskContext>,
    ) -> Result<Vec<RecordBatch>> {
        let joined = self.joined(rows, task)?;
        let times = joined.column(joined.schema().index_of(ROW_TIME)?);
        // Rows from beside the instants meet others there, and those of an outer join may have no time at all.
        let is_within = |time| (start_us..end_us).contains(&time);
        let times = times.as_primitive::<TimestampMicrosecondType>().iter();
        let is_within = times.map(|time| Some(time.is_some_and(is_within)));
        let joined = filter_record_batch(&joined, &is_within.collect::<BooleanArray>())?;
        let count = joined.num_rows();
        if let Some(rule) = &self.sessions {
            let rows = Some(joined).filter(|_| count > 0);
            let rows = with_sessions(rows.as_slice(), rule)?;
            return Ok(rows.into_iter().collect());
        }
        let Some((slot, plan)) = &self.aggregate else {
            let rows = bounded(&joined, vec![start_us; count], vec![end_us; count])?;
            return Ok(vec![rows]);
        };
        if count == 0 {
            return Ok(Vec::new());
        }
        slot.fill(vec![with_pane(&joined, &self.windows, ROW_TIME)?]);
        let parts = run(plan, task);
        slot.fill(Vec::new());
        parts
    }

    fn joined(&self, rows: Vec<Vec<Held>>, task: &Arc<TaskContext>) -> Result<RecordBatch> {
        for (slot, rows) in self.slots.iter().zip(rows) {
            slot.fill_held(rows);
        }
        let joined = run(&self.plan, task);
        for slot in &self.slots {
            slot.fill(Vec::new());
        }
        concatenate(&self.plan.schema(), &joined?)
    }
}

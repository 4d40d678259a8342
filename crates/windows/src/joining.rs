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
use crate::state::tables::Span;
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
    /// Which versions of tables the plan reads, if it reads any.
    pub versions: Option<Versions>,
    /// What is made of the joined rows.
    pub makes: Makes,
}

/// Versions of tables that a join reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versions {
    /// Those that hold at the time of some row that has a say.
    OfPane,
    /// All that there are.
    All,
}

/// Puts the versions of a query's tables into their slots that hold within a span.
pub(crate) type Show<'a> = dyn FnMut(Span) -> Result<()> + 'a;

/// What is made of joined rows.
pub(crate) enum Makes {
    /// Nothing: they are told with the bounds of the window.
    Rows,
    /// Partial aggregates by pane, or sums of changes, of rows with the bounds of their panes.
    Parts(Slot, Arc<dyn ExecutionPlan>),
    /// Parts of sessions.
    Sessions(SessionRule),
    /// All that the query tells: the plan is the whole of it, over the rows of one window.
    All,
}

impl Join {
    /// How far before its rows a window reads tables, microseconds.
    pub fn versions_before_us(&self) -> i64 {
        match self.versions {
            None => 0,
            Some(_) => self.before_us(),
        }
    }

    fn before_us(&self) -> i64 {
        let before = self.reaches.iter().map(|(reach, _)| reach.before_us);
        before.max().unwrap_or_default()
    }

    /// Of which time versions are read for what is joined between two instants.
    fn span(&self, (start_us, end_us): (i64, i64)) -> Option<Span> {
        let after = self.reaches.iter().map(|(reach, _)| reach.after_us);
        let after_us = after.max().unwrap_or_default();
        self.versions.map(|versions| match versions {
            Versions::All => Span::ALL,
            Versions::OfPane => Span {
                from_us: start_us.saturating_sub(self.before_us()),
                to_us: end_us.saturating_add(after_us),
            },
        })
    }

    /// What is made of the joined rows between two instants: partial aggregates by pane, or the rows, with these bounds or those of
    /// their sessions. `rows` are those of each input that have a say in it, `show` puts tables in.
    pub fn meet(
        &self,
        (start_us, end_us): (i64, i64),
        rows: Vec<Vec<Held>>,
        show: &mut Show<'_>,
        task: &Arc<TaskContext>,
    ) -> Result<Vec<RecordBatch>> {
        if let Some(span) = self.span((start_us, end_us)) {
            show(span)?;
        }
        if let Makes::All = self.makes {
            return Ok(vec![self.joined(rows, Some((start_us, end_us)), task)?]);
        }
        let joined = self.joined(rows, None, task)?;
        let times = joined.column(joined.schema().index_of(ROW_TIME)?);
        // Rows from beside the instants meet others there, and those of an outer join may have no time at all.
        let is_within = |time| (start_us..end_us).contains(&time);
        let times = times.as_primitive::<TimestampMicrosecondType>().iter();
        let is_within = times.map(|time| Some(time.is_some_and(is_within)));
        let joined = filter_record_batch(&joined, &is_within.collect::<BooleanArray>())?;
        let count = joined.num_rows();
        match &self.makes {
            Makes::Sessions(rule) => {
                let rows = Some(joined).filter(|_| count > 0);
                let rows = with_sessions(rows.as_slice(), rule)?;
                Ok(rows.into_iter().collect())
            }
            Makes::Parts(..) if count == 0 => Ok(Vec::new()),
            Makes::Parts(slot, plan) => {
                slot.fill(vec![with_pane(&joined, &self.windows, ROW_TIME)?]);
                let parts = run(plan, task);
                slot.fill(Vec::new());
                parts
            }
            Makes::Rows | Makes::All => {
                let rows = bounded(&joined, vec![start_us; count], vec![end_us; count])?;
                Ok(vec![rows])
            }
        }
    }

    /// Runs the plan over rows, with the bounds of one window where it shows them.
    fn joined(
        &self,
        rows: Vec<Vec<Held>>,
        window: Option<(i64, i64)>,
        task: &Arc<TaskContext>,
    ) -> Result<RecordBatch> {
        for (slot, rows) in self.slots.iter().zip(rows) {
            match window {
                Some(window) => slot.fill_window(rows, window),
                None => slot.fill_held(rows),
            }
        }
        let joined = run(&self.plan, task);
        for slot in &self.slots {
            slot.fill(Vec::new());
        }
        concatenate(&self.plan.schema(), &joined?)
    }
}

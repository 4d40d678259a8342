//! What was made of each pane's rows once, for all windows that hold it.
//!
//! Where rows are joined with tables as of their own time they are kept as they are, since a version of the table may yet come, and
//! be aggregated when a window first asks for their pane. What comes into the pane, and versions of its time or before, let that go
//! again. It is not in snapshots: it is made again.

use arrow::array::RecordBatch;
use datafusion::common::Result;

use super::Panes;
use crate::state::held::Held;
use crate::state::revisions::StatKind;
use crate::state::schedule::Due;
use crate::state::sums::Reduce;
use crate::state::tables::Span;

/// Makes partial aggregates of rows that lie in a span of time.
pub type Make<'a> = dyn FnMut(Span, Vec<Held>) -> Result<Vec<RecordBatch>> + 'a;

/// Partial aggregates by pane.
#[derive(Debug)]
pub(super) struct Parts {
    /// For final rows, which see settled versions alone.
    pub(super) settled: Panes,
    /// For rows ahead of them.
    pub(super) ahead: Panes,
}

impl Parts {
    pub(super) fn both(&mut self) -> [&mut Panes; 2] {
        [&mut self.settled, &mut self.ahead]
    }

    /// Lets go what was made of the panes from that of an instant on.
    fn forget_from(&mut self, from_us: i64) {
        for parts in self.both() {
            let windows = parts.schedule.windows();
            let is_of_it = |pane_us: &&i64| windows.pane(**pane_us).1 > from_us;
            let panes: Vec<i64> = parts
                .panes
                .keys()
                .rev()
                .take_while(is_of_it)
                .copied()
                .collect();
            panes.into_iter().for_each(|pane_us| parts.forget(pane_us));
        }
    }
}

impl Panes {
    /// Versions of a table from an instant on are others now.
    pub fn forget_parts(&mut self, from_us: i64) {
        if let Some(parts) = &mut self.parts {
            parts.forget_from(from_us);
        }
    }

    /// As [`Panes::window`], of rows of which each pane is aggregated once.
    pub fn window_by_pane(
        &mut self,
        due: Due,
        at_us: i64,
        make: &mut Make<'_>,
        reduce: &mut Reduce<'_>,
    ) -> Result<Vec<Held>> {
        let Some(parts) = &mut self.parts else {
            return self.window(due, at_us, reduce);
        };
        let parts = match due.kind {
            StatKind::Final => &mut parts.settled,
            _ => &mut parts.ahead,
        };
        let panes = self.panes.range(due.start_us..due.end_us);
        let missing = panes.filter(|(pane_us, rows)| !rows.is_empty() && !parts.has(**pane_us));
        let (panes, rows): (Vec<i64>, Vec<&Vec<Held>>) = missing.unzip();
        if let (Some(&first_us), Some(&last_us)) = (panes.first(), panes.last()) {
            let span = Span {
                from_us: first_us,
                to_us: self.schedule.windows().pane(last_us).1,
            };
            let made = make(span, rows.into_iter().flatten().cloned().collect())?;
            parts.put(&panes, &made)?;
        }
        parts.window(due, at_us, reduce)
    }
}

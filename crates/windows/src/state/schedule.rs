//! When the windows of a query are computed: at ticks while they are open, on time at the watermark, again where late rows
//! changed them, and at last when nothing more can come.
//!
//! Time here is a *place among the ends of windows*: at `p` all windows that end at or before `p` are final, and those
//! that end at or before `p` plus the time for corrections are on time, because the watermark lies so far ahead of the
//! frontier. Corrections are told at places of a grid, so that a window is computed again so many times at most, however
//! many commits bring late rows; and so that what is told hangs on what the log says, not on how it was fetched. What
//! becomes final in the same step is told once, as final.

mod saved;

use std::collections::BTreeSet;

use super::revisions::StatKind;
use crate::window::{Windows, floor};

/// A window that is to be computed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Start of the window.
    pub start_us: i64,
    /// End of the window.
    pub end_us: i64,
    /// Why.
    pub kind: StatKind,
}

impl Due {
    /// True when no row will come any more.
    pub fn is_final(&self) -> bool {
        self.kind == StatKind::Final
    }
}

/// What a query tells ahead of its final rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ahead {
    /// From the end of a window at the watermark to its last correction, microseconds.
    pub correction_us: i64,
    /// From one place of the grid of corrections to the next, microseconds; none: nothing is told at the watermark.
    pub corrected_us: Option<i64>,
    /// From one tick of early rows to the next, microseconds.
    pub early_us: Option<i64>,
}

impl Ahead {
    /// The grid of corrections, if rows are told on time.
    fn grid_us(&self) -> Option<i64> {
        self.corrected_us
            .filter(|&grid_us| grid_us > 0 && self.correction_us > 0)
    }

    /// True if rows leave at the watermark.
    pub fn is_on_time(&self) -> bool {
        self.grid_us().is_some()
    }
}

/// What changed of one query since it was told.
#[derive(Debug)]
pub struct Schedule {
    windows: Windows,
    ahead: Ahead,
    /// Panes that changed since the last early rows.
    touched: BTreeSet<i64>,
    /// Panes of windows that were on time already, and changed since.
    changed: BTreeSet<i64>,
    /// All windows that end here or before are final.
    closed_us: i64,
}

impl Schedule {
    /// Nothing has changed yet.
    pub fn new(windows: Windows, ahead: Ahead) -> Self {
        Schedule {
            windows,
            ahead,
            touched: BTreeSet::new(),
            changed: BTreeSet::new(),
            closed_us: i64::MIN,
        }
    }

    /// The windows.
    pub fn windows(&self) -> &Windows {
        &self.windows
    }

    /// All windows that end here or before are final.
    pub fn closed_us(&self) -> i64 {
        self.closed_us
    }

    /// All windows that end here or before were on time.
    pub fn on_time_us(&self) -> i64 {
        self.closed_us.saturating_add(self.ahead.correction_us)
    }

    /// A pane changed.
    pub fn touch(&mut self, pane_us: i64) {
        if self.ahead.early_us.is_some() {
            self.touched.insert(pane_us);
        }
        if self.ahead.grid_us().is_some() && self.windows.next_end(pane_us) <= self.on_time_us() {
            self.changed.insert(pane_us);
        }
    }

    /// The next place at which a window is final. `first_us` is the first pane.
    pub fn next_final(&self, first_us: i64) -> i64 {
        self.windows.next_end(first_us.max(self.closed_us))
    }

    /// The next place at which rows are told ahead of the final ones. `pane_from` finds the first pane from an instant on.
    pub fn next_ahead(&self, pane_from: &dyn Fn(i64) -> Option<i64>) -> Option<i64> {
        let corrected = self.ahead.grid_us().and_then(|grid_us| {
            (!self.changed.is_empty()).then(|| floor(self.closed_us, grid_us) + grid_us)
        });
        let early = self.ahead.early_us.and_then(|early_us| {
            let touched_us = *self.touched.first()?;
            let tick_us = floor(touched_us.max(self.on_time_us()), early_us) + early_us;
            Some(tick_us - self.ahead.correction_us)
        });
        let on_time = self.next_on_time(pane_from);
        [on_time, corrected, early].into_iter().flatten().min()
    }

    fn next_on_time(&self, pane_from: &dyn Fn(i64) -> Option<i64>) -> Option<i64> {
        self.ahead.grid_us()?;
        let on_time_us = self.on_time_us();
        let mut first_us = pane_from(i64::MIN)?;
        if first_us < on_time_us {
            first_us = pane_from(self.windows.first_open(on_time_us))?;
        }
        let end_us = self.windows.next_end(first_us.max(on_time_us));
        Some(end_us - self.ahead.correction_us)
    }

    /// The window that is final at `at_us`, if any ends then.
    pub fn final_at(&self, at_us: i64) -> Option<Due> {
        let start_us = self.windows.start_of(at_us)?;
        Some(Due {
            start_us,
            end_us: at_us,
            kind: StatKind::Final,
        })
    }

    /// The windows to compute ahead at `at_us`, those of one kind in the order of their ends. In this step all windows that
    /// end at or before `reached_us` become final.
    pub fn ahead_at(&mut self, at_us: i64, reached_us: i64) -> Vec<Due> {
        let correction_us = self.ahead.correction_us;
        let grid_us = self.ahead.grid_us();
        let now_us = at_us.saturating_add(correction_us);
        let mut due = Vec::new();
        if let Some(grid_us) = grid_us {
            if at_us.rem_euclid(grid_us) == 0 {
                let changed = std::mem::take(&mut self.changed);
                let is_due = |end_us: i64| reached_us < end_us && end_us < now_us;
                due.extend(self.of(&changed, StatKind::Corrected, is_due));
            }
            let start_us = self.windows.start_of(now_us);
            due.extend(
                start_us
                    .filter(|_| now_us > reached_us)
                    .map(|start_us| Due {
                        start_us,
                        end_us: now_us,
                        kind: StatKind::OnTime,
                    }),
            );
        }
        let is_tick = |every_us: i64| now_us.rem_euclid(every_us) == 0;
        if self.ahead.early_us.is_some_and(is_tick) {
            let touched = std::mem::take(&mut self.touched);
            // What is on time in this step is told so, not as early.
            let told_us = match grid_us {
                Some(_) => reached_us.saturating_add(correction_us),
                None => reached_us,
            };
            due.extend(self.of(&touched, StatKind::Early, |end_us| end_us > told_us));
        }
        due
    }

    fn of(&self, panes: &BTreeSet<i64>, kind: StatKind, is_due: impl Fn(i64) -> bool) -> Vec<Due> {
        let holding = panes.iter().flat_map(|&pane| self.windows.holding(pane));
        let due: BTreeSet<(i64, i64)> = holding
            .filter(|&(_, end_us)| is_due(end_us))
            .map(|(start_us, end_us)| (end_us, start_us))
            .collect();
        let due = due.into_iter().map(|(end_us, start_us)| Due {
            start_us,
            end_us,
            kind,
        });
        due.collect()
    }

    /// Windows that end at or before `at_us` are final. Returns where the first window begins that is not.
    pub fn close(&mut self, at_us: i64) -> i64 {
        self.closed_us = self.closed_us.max(at_us);
        let first_open_us = self.windows.first_open(self.closed_us);
        self.touched = self.touched.split_off(&first_open_us);
        self.changed = self.changed.split_off(&first_open_us);
        first_open_us
    }
}

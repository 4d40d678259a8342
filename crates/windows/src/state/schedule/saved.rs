//! What a query has told so far, in snapshots.

use std::collections::BTreeSet;

use datafusion::common::Result;

use super::Schedule;
use crate::state::saved::{self, Part, Saved, unknown};

impl Schedule {
    pub(crate) fn save(&self) -> Vec<Saved> {
        let mut all = saved::numbers(Part::Numbers, &[self.closed_us]);
        all.extend(numbers(Part::Pending, &self.touched));
        all.extend(numbers(Part::Changed, &self.changed));
        all
    }

    /// For a state with final places of its own: what was told on time and changed since, and up to where.
    pub(crate) fn save_ahead(&self) -> Vec<Saved> {
        if !self.ahead.is_on_time() {
            return Vec::new();
        }
        let mut all = saved::numbers(Part::Pending, &[self.closed_us]);
        all.extend(numbers(Part::Changed, &self.changed));
        all
    }

    /// Takes [`Self::save_ahead`] back.
    pub(crate) fn restore_ahead(&mut self, part: Part, numbers: &[i64]) -> Result<()> {
        match part {
            Part::Pending => self.restore(Part::Numbers, numbers),
            _ => self.restore(part, numbers),
        }
    }

    pub(crate) fn restore(&mut self, part: Part, numbers: &[i64]) -> Result<()> {
        match (part, numbers) {
            (Part::Numbers, [closed_us]) => self.closed_us = *closed_us,
            (Part::Pending, touched) => self.touched.extend(touched),
            (Part::Changed, changed) => self.changed.extend(changed),
            _ => return unknown(part),
        }
        Ok(())
    }
}

fn numbers(part: Part, panes: &BTreeSet<i64>) -> Vec<Saved> {
    let panes: Vec<i64> = panes.iter().copied().collect();
    match panes.is_empty() {
        true => Vec::new(),
        false => saved::numbers(part, &panes),
    }
}

//! Tables in snapshots: the versions that count, then those that count later.

use arrow::array::RecordBatch;
use datafusion::common::Result;

use super::{RowAt, Table};
use crate::state::saved::{Part, Saved, unknown};

impl Table {
    pub(crate) fn save(&self) -> Result<Vec<Saved>> {
        let live = self.versions.values().flatten();
        let live: Vec<RowAt> = live.map(|version| version.row).collect();
        let pending: Vec<RowAt> = self.pending.values().copied().collect();
        Ok(vec![
            (Part::Live, Vec::new(), Some(self.gather(&live)?)),
            (Part::Pending, Vec::new(), Some(self.gather(&pending)?)),
        ])
    }

    pub(crate) fn restore(&mut self, part: Part, rows: Option<&RecordBatch>) -> Result<()> {
        match (part, rows) {
            (Part::Live, Some(rows)) => {
                self.absorb(rows)?;
                self.advance(i64::MAX);
                Ok(())
            }
            (Part::Pending, Some(rows)) => self.absorb(rows).map(drop),
            _ => unknown(part),
        }
    }
}

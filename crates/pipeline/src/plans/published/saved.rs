//! What was published, in snapshots.

use events::internal::{PlannerState, PublishedRow};
use events::{DecodeError, Message};

use super::{PlanRow, Published, Publisher};

impl<R: PlanRow + Default> Publisher<R> {
    /// Adds what is published to a planner's state.
    pub fn save(&self, state: &mut PlannerState) {
        state.plan_seq = self.plan_seq;
        state.rows = self.rows.save();
        state.explanations = self.explanations.save();
    }

    /// Takes it back out.
    pub fn restore(&mut self, state: &mut PlannerState) -> Result<(), DecodeError> {
        self.plan_seq = state.plan_seq;
        self.rows = Published::restore(std::mem::take(&mut state.rows))?;
        self.explanations = Published::restore(std::mem::take(&mut state.explanations))?;
        Ok(())
    }
}

impl<R: Message + Default> Published<R> {
    /// Every row with its key.
    pub fn save(&self) -> Vec<PublishedRow> {
        let rows = self.rows.iter().map(|(key, row)| PublishedRow {
            key: key.clone(),
            row: row.encode_to_vec(),
        });
        rows.collect()
    }

    /// The rows as they were.
    pub fn restore(rows: Vec<PublishedRow>) -> Result<Self, DecodeError> {
        let rows = rows.into_iter().map(|row| {
            let decoded = R::decode(row.row.as_slice())?;
            Ok((row.key, decoded))
        });
        Ok(Published {
            rows: rows.collect::<Result<_, DecodeError>>()?,
        })
    }
}

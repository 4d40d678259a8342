//! Rows that were accepted and turn out doubtful: flagged, or taken out again.

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int32Type, Int64Type};
use events::v1::RejectReason;

use super::Fold;
use crate::error::EngineError;
use crate::intake::checks::doubtful;
use crate::intake::rejects::{Refusal, outgoing};
use crate::intake::rows::IntakeRow;
use crate::log::{Batch, Entry};
use crate::settings::Doubt;

/// Columns that fold itself reads of a table, to find the record of a row.
pub(super) const OWN_COLUMNS: [&str; 6] = [
    "event_id",
    "source",
    "terminal_id",
    "row_time",
    "partition",
    "offset",
];

impl Fold {
    /// Finds wrong check digits: flags them, or takes the rows out.
    pub(super) fn check_digits(
        &mut self,
        table: &str,
        batch: &RecordBatch,
    ) -> Result<RecordBatch, EngineError> {
        let found = doubtful(table, batch);
        if found.is_empty() {
            return Ok(batch.clone());
        }
        let mut keep = vec![true; batch.num_rows()];
        for doubt in found {
            match self.settings.check_digits {
                Doubt::Flag => self.flag_row(table, batch, doubt.row),
                Doubt::Reject => {
                    keep[doubt.row] = false;
                    let refusal = Refusal::new(RejectReason::CheckDigit, doubt.detail);
                    self.reject_row(table, batch, doubt.row, refusal);
                }
            }
        }
        Ok(filter_record_batch(batch, &BooleanArray::from(keep))?)
    }

    fn flag_row(&mut self, table: &str, batch: &RecordBatch, row: usize) {
        let Some((place, offset)) = self.row_origin(table, batch, row) else {
            return;
        };
        *self.flagged.entry("check_digit").or_default() += 1;
        let text = |name: &str| {
            batch
                .column_by_name(name)
                .and_then(|column| column.as_string_opt::<i32>())
        };
        let source = text("source").map_or("", |column| column.value(row));
        let intake = &self.owned[place].intake;
        let latest = intake
            .sources
            .get(source)
            .and_then(|source| source.row_time_max_us);
        self.intake_rows.push(&IntakeRow {
            row_time_us: latest.unwrap_or_default(),
            source,
            stream: self.owned[place].stream.name(),
            table,
            terminal_id: text("terminal_id").map_or("", |column| column.value(row)),
            outcome: "flagged",
            reason: "check_digit",
            copies: 1,
            delay_us: None,
            partition: intake.partition.index,
            offset,
        });
    }

    /// Place in `owned` and offset of the record that a row came from.
    fn row_origin(&self, table: &str, batch: &RecordBatch, row: usize) -> Option<(usize, i64)> {
        let partition = batch
            .column_by_name("partition")?
            .as_primitive_opt::<Int32Type>()?
            .value(row);
        let offset = batch
            .column_by_name("offset")?
            .as_primitive_opt::<Int64Type>()?
            .value(row);
        let stream = events::schema::table(table)?.stream;
        let place = self.owned.iter().position(|owned| {
            owned.stream == stream && owned.intake.partition.index == partition
        })?;
        Some((place, offset))
    }

    /// Writes the record of a row of `table` that was accepted at first to the reject topic.
    pub(super) fn reject_row(
        &mut self,
        table: &str,
        batch: &RecordBatch,
        row: usize,
        refusal: Refusal,
    ) {
        let Some((place, offset)) = self.row_origin(table, batch, row) else {
            return;
        };
        let text = |name: &str| {
            let column = batch.column_by_name(name);
            let column = column.and_then(|column| column.as_string_opt::<i32>());
            column.map_or_else(String::new, |column| column.value(row).to_owned())
        };
        let refusal = Refusal {
            source: text("source"),
            event_id: text("event_id"),
            ..refusal
        };
        *self.rejected.entry(refusal.reason).or_default() += 1;
        let Some((held, entry)) = self.record(place, offset) else {
            return;
        };
        let reject = outgoing(
            &self.settings.topics.rejects,
            held.partition(entry),
            offset,
            entry.timestamp_ms,
            held.key(entry),
            held.value(entry).unwrap_or_default(),
            &refusal,
        );
        self.rejects.push(reject);
    }

    /// A record of the commit in the making.
    fn record(&self, place: usize, offset: i64) -> Option<(&Batch, &Entry)> {
        let partition = &self.owned[place].intake.partition;
        self.held.iter().find_map(|held| {
            let is_it =
                |entry: &&Entry| entry.offset == offset && held.partition(entry) == partition;
            Some((held, held.entries().iter().find(is_it)?))
        })
    }
}

//! Tables as far as they are known: rows beyond the frontier count too, for now. What as-of joins and ticks of the watermark
//! see later is not touched.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::row::OwnedRow;
use datafusion::common::Result;

use super::{Age, RowAt, Span, Table};

impl Table {
    /// The newest row of each key among all that came with row_time < `before_us`, in the order of the keys.
    pub fn known(&mut self, before_us: i64) -> Result<RecordBatch> {
        if let Some((of_us, known)) = &self.known
            && *of_us == before_us
        {
            return Ok(known.clone());
        }
        let pending = self.pending.iter();
        let pending = pending.take_while(|((age, _), _)| age.0 < before_us);
        let newer: BTreeMap<&OwnedRow, (&Age, RowAt)> = pending
            .map(|((age, key), row)| (key, (age, *row)))
            .collect();
        let newest = self.versions.iter().filter_map(|(key, versions)| {
            match (versions.live.last(), newer.get(key)) {
                (Some(live), Some((age, _))) if live.age > **age => Some(live.row),
                (_, Some((_, row))) => Some(*row),
                (live, None) => Some(live?.row),
            }
        });
        let known = self.gather(&newest.collect::<Vec<_>>())?;
        self.known = Some((before_us, known.clone()));
        Ok(known)
    }

    /// As [`Table::history`], among all rows that came with row_time < `before_us`.
    pub fn history_known(&self, before_us: i64, span: Span) -> Result<RecordBatch> {
        let versions = self.versions_before(before_us, span).into_values();
        self.with_times(versions.map(|versions| {
            let versions = span.of(&versions, |(age, _)| age.0).iter();
            versions.map(|(age, row)| (age.0, *row)).collect()
        }))
    }

    /// By key, the versions that may hold within the span, in the order of age.
    fn versions_before(
        &self,
        before_us: i64,
        span: Span,
    ) -> BTreeMap<&OwnedRow, Vec<(&Age, RowAt)>> {
        let live = self.versions.iter().map(|(key, versions)| {
            let versions = span.of(&versions.live, |version| version.age.0).iter();
            let versions = versions.map(|version| (&version.age, version.row));
            (key, versions.collect())
        });
        let mut found: BTreeMap<&OwnedRow, Vec<(&Age, RowAt)>> = live.collect();
        let pending = self.pending.iter();
        for ((age, key), row) in pending.take_while(|((age, _), _)| age.0 < before_us) {
            let versions = found.entry(key).or_default();
            let place = versions.partition_point(|(known, _)| *known < age);
            versions.insert(place, (age, *row));
        }
        found
    }
}

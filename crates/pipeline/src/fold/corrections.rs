//! Rows whose sources may correct and retract them go to merge as they are, and wait there; what is taken back of them
//! follows by its place in the log. Fold runs the queries over them all the same, to find rows with which one cannot
//! compute while their records are at hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, not};
use events::Stream;
use events::decode::Decoder;
use windows::program::MergeKey;
use windows::state::waiting::{self, FINGERPRINT, KEPT, OWN_COLUMNS, TAKEN_BACK, TakenBack};

use super::Fold;
use crate::error::EngineError;
use crate::intake::versions::Former;
use crate::log::Entry;
use crate::partials::Part;

/// The column by which tables say of a row that it is a retraction.
const IS_RETRACTED: &str = "is_retracted";

/// What the commit in the making takes back, and what tables alone are told.
pub(super) struct Corrections {
    taken_back: BTreeMap<Stream, Vec<TakenBack>>,
    /// Retractions that found nothing to take back.
    for_tables: BTreeMap<Stream, Decoder>,
}

impl Corrections {
    /// Nothing yet. `decoders`: of the streams whose sources may retract.
    pub fn new(decoders: BTreeMap<Stream, Decoder>) -> Self {
        Corrections {
            taken_back: BTreeMap::new(),
            for_tables: decoders,
        }
    }

    /// Forgets what was not committed.
    pub fn clear(&mut self) {
        self.taken_back.clear();
        for decoder in self.for_tables.values_mut() {
            decoder.take();
        }
    }
}

type Rows = BTreeMap<String, Vec<RecordBatch>>;

impl Fold {
    /// A version does not count any more.
    pub(super) fn take_back(&mut self, place: usize, former: Option<Former>) {
        let Some(former) = former else {
            return;
        };
        let owned = &self.owned[place];
        let taken_back = self.corrections.taken_back.entry(owned.stream);
        taken_back.or_default().push(TakenBack {
            partition: owned.intake.partition.index,
            offset: former.offset,
            row_time_us: former.row_time_us,
        });
    }

    /// What a retraction speaks of is final, or never came: tables that show retractions shall say so.
    pub(super) fn keep_for_tables(
        &mut self,
        place: usize,
        entry: &Entry,
        value: &[u8],
        row_time_us: i64,
    ) {
        let owned = &self.owned[place];
        let decoder = self.corrections.for_tables.get_mut(&owned.stream);
        // Its head was read before, so that it can be read again.
        if let Some(decoder) = decoder
            && decoder.read(value).is_ok()
        {
            let partition = owned.intake.partition.index;
            decoder.keep(value, row_time_us, partition, entry.offset);
        }
    }

    /// Everything that merge is told of the rows of a commit.
    pub(super) fn all_parts(&mut self, mut rows: Rows) -> Result<Vec<Part>, EngineError> {
        let mut parts = vec![self.activity(&rows)?];
        let kept = self.part_kept(&mut rows)?;
        parts.extend(self.run_queries(&rows)?);
        if !kept.is_empty() {
            self.run_queries(&kept)?;
            for (table, rows) in &kept {
                parts.extend(self.kept_part(table, rows)?);
            }
        }
        parts.extend(self.table_parts());
        parts.extend(self.taken_back_parts()?);
        parts.retain(|part| part.batches.iter().any(|batch| batch.num_rows() > 0));
        Ok(parts)
    }

    /// Parts the rows of sources with corrections from the others.
    fn part_kept(&self, rows: &mut Rows) -> Result<Rows, EngineError> {
        let mut kept = Rows::new();
        for (name, batches) in rows.iter_mut() {
            let Some(table) = events::schema::table(name) else {
                continue;
            };
            let sources = self.settings.sources_of(table.stream);
            let sources = sources.filter(|source| source.has_corrections);
            let sources: Vec<&str> = sources.map(|source| source.name.as_str()).collect();
            if sources.is_empty() {
                continue;
            }
            for batch in batches.iter_mut() {
                let written_by = batch.column_by_name("source");
                let Some(written_by) = written_by.and_then(|column| column.as_string_opt::<i32>())
                else {
                    continue;
                };
                let is_kept = |source: Option<&str>| source.is_some_and(|it| sources.contains(&it));
                let mask: BooleanArray = written_by.iter().map(|it| Some(is_kept(it))).collect();
                if mask.true_count() > 0 {
                    let of_table = kept.entry(name.clone()).or_default();
                    of_table.push(filter_record_batch(batch, &mask)?);
                    *batch = filter_record_batch(batch, &not(&mask)?)?;
                }
            }
        }
        for name in kept.keys() {
            let batches = rows.get_mut(name);
            let is_empty = batches.is_some_and(|batches| {
                batches.retain(|batch| batch.num_rows() > 0);
                batches.is_empty()
            });
            if is_empty {
                rows.remove(name);
            }
        }
        Ok(kept)
    }

    /// Rows on their way to merge, with the columns that queries read; none if no query reads the table.
    fn kept_part(&self, name: &str, rows: &[RecordBatch]) -> Result<Option<Part>, EngineError> {
        let (Some(table), Some(needed)) = (events::schema::table(name), self.needed.get(name))
        else {
            return Ok(None);
        };
        let own = OWN_COLUMNS.map(str::to_owned);
        let is_sent = |column: &String| needed.contains(column) || own.contains(column);
        let mut batches = Vec::new();
        for batch in rows {
            let schema = batch.schema();
            let columns = schema.fields().iter().enumerate();
            let columns = columns.filter(|(_, field)| is_sent(field.name()));
            let columns: Vec<usize> = columns.map(|(column, _)| column).collect();
            batches.push(batch.project(&columns)?);
        }
        let mut readers = self.program.queries.iter();
        let is_spread = readers.any(|query| {
            query.merge_key == MergeKey::Terminal
                && query.inputs.iter().any(|input| input.stream == name)
        });
        let place = waiting::place_name(table.stream.name(), name);
        Ok(Some(Part {
            name: format!("{KEPT}{place}"),
            fingerprint: FINGERPRINT,
            merge_key: match is_spread {
                true => MergeKey::PortAndTerminal,
                false => MergeKey::Port,
            },
            batches,
        }))
    }

    fn table_parts(&mut self) -> Vec<Part> {
        let program = Arc::clone(&self.program);
        let mut parts = Vec::new();
        let decoders = self.corrections.for_tables.values_mut();
        for (id, rows) in decoders.flat_map(Decoder::take) {
            let stream = &id.table().name;
            let tables = program.tables.iter();
            for table in tables.filter(|table| table.stream == *stream) {
                if table.schema.index_of(IS_RETRACTED).is_err() {
                    continue;
                }
                let computed = program.compute(&table.fold, stream, vec![rows.clone()]);
                parts.push(Part {
                    name: table.name.clone(),
                    fingerprint: table.fingerprint,
                    merge_key: MergeKey::Port,
                    batches: computed.batches,
                });
            }
        }
        parts
    }

    fn taken_back_parts(&mut self) -> Result<Vec<Part>, EngineError> {
        let taken_back = std::mem::take(&mut self.corrections.taken_back).into_iter();
        let parts = taken_back.map(|(stream, versions)| {
            let told = waiting::told(&versions);
            let told = told.map_err(|error| EngineError::Bug(error.to_string()))?;
            Ok(Part {
                name: format!("{TAKEN_BACK}{}", stream.name()),
                fingerprint: FINGERPRINT,
                merge_key: MergeKey::Everywhere,
                batches: vec![told],
            })
        });
        parts.collect()
    }
}

//! All queries over the rows of one commit, and the rows that one of them cannot use.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use events::decode::Projection;
use events::v1::RejectReason;
use windows::error::QueryError;
use windows::program::{MergeKey, Program, Streams};
use windows::state::activity;

use super::Fold;
use super::doubts::OWN_COLUMNS;
use crate::error::EngineError;
use crate::intake::checks::CHECKS;
use crate::intake::rejects::Refusal;
use crate::partials::Part;

/// The streams that queries see: every table of the schema, and `intake`.
pub fn streams() -> Streams {
    let tables = events::schema::tables()
        .iter()
        .map(|table| (table.name.clone(), Arc::clone(&table.schema)));
    tables
        .chain([(windows::intake::NAME.to_owned(), windows::intake::schema())])
        .collect()
}

/// The columns that queries and checks need.
pub(super) fn projection(program: &Program) -> Result<Projection, EngineError> {
    let mut projection = Projection::none();
    let mut add = |table: &str, columns: &[&str]| {
        projection
            .add(table, columns)
            .map_err(|error| EngineError::Schema(error.to_string()))
    };
    for (table, columns) in program.needed_columns() {
        if table != windows::intake::NAME {
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            add(&table, &columns)?;
            add(&table, &OWN_COLUMNS)?;
        }
    }
    for check in CHECKS {
        add(check.table, &OWN_COLUMNS)?;
        add(check.table, &[check.column])?;
    }
    Ok(projection)
}

impl Fold {
    pub(super) fn run_queries(
        &mut self,
        tables: &BTreeMap<String, Vec<RecordBatch>>,
    ) -> Result<Vec<Part>, EngineError> {
        for (table, rows) in tables {
            self.program.fill(table, rows.clone());
        }
        let mut parts = vec![self.activity(tables)?];
        let mut failed: Vec<(String, u64, QueryError)> = Vec::new();
        for table in self
            .program
            .tables
            .iter()
            .filter(|table| tables.contains_key(&table.stream))
        {
            match table.fold.run() {
                Ok(batches) => parts.push(Part {
                    name: table.name.clone(),
                    fingerprint: table.fingerprint,
                    merge_key: MergeKey::Port,
                    batches,
                }),
                Err(error) => failed.push((table.stream.clone(), table.fingerprint, error)),
            }
        }
        for query in &self.program.queries {
            for input in &query.inputs {
                if !tables.contains_key(&input.stream) {
                    continue;
                }
                match input.fold.run() {
                    Ok(batches) => parts.push(Part {
                        name: query.name.clone(),
                        fingerprint: input.fingerprint,
                        merge_key: query.merge_key.clone(),
                        batches,
                    }),
                    Err(error) => failed.push((input.stream.clone(), input.fingerprint, error)),
                }
            }
        }
        for (stream, fingerprint, error) in failed {
            let part = self.without_bad_rows(&stream, fingerprint, &error, &tables[&stream])?;
            parts.extend(part);
        }
        for table in tables.keys() {
            self.program.fill(table, Vec::new());
        }
        parts.retain(|part| part.batches.iter().any(|batch| batch.num_rows() > 0));
        Ok(parts)
    }

    /// When rows came that queries read: merge rests while none do.
    fn activity(&self, tables: &BTreeMap<String, Vec<RecordBatch>>) -> Result<Part, EngineError> {
        let read = tables.iter().filter(|(name, _)| self.program.reads(name));
        let told = activity::told(read.flat_map(|(_, rows)| rows))
            .map_err(|error| EngineError::Bug(format!("rows have no time: {error}")))?;
        Ok(Part {
            name: activity::NAME.to_owned(),
            fingerprint: activity::FINGERPRINT,
            merge_key: MergeKey::Everywhere,
            batches: vec![told],
        })
    }

    /// A query cannot compute with some row. Finds those rows by halving, rejects them in the query's name, and runs the
    /// query over the others.
    fn without_bad_rows(
        &mut self,
        stream: &str,
        fingerprint: u64,
        error: &QueryError,
        rows: &[RecordBatch],
    ) -> Result<Option<Part>, EngineError> {
        let name = error.query.clone();
        let mut bad = Vec::new();
        let mut good = Vec::new();
        let mut open: Vec<RecordBatch> = rows.to_vec();
        while let Some(batch) = open.pop() {
            self.program.fill(stream, vec![batch.clone()]);
            match self.run_one(&name, fingerprint) {
                Ok(batches) => good.extend(batches),
                Err(error) if batch.num_rows() == 1 => bad.push((batch, error)),
                Err(_) => {
                    let half = batch.num_rows() / 2;
                    open.push(batch.slice(0, half));
                    open.push(batch.slice(half, batch.num_rows() - half));
                }
            }
        }
        for (batch, error) in bad {
            let refusal = Refusal {
                query: name.clone(),
                ..Refusal::new(
                    RejectReason::QueryError,
                    format!("{error}; mend the query or the record, other queries have used it"),
                )
            };
            self.reject_row(stream, &batch, 0, refusal);
        }
        let query = self.program.queries.iter().find(|query| query.name == name);
        Ok((!good.is_empty()).then(|| Part {
            merge_key: query.map_or(MergeKey::Port, |query| query.merge_key.clone()),
            name,
            fingerprint,
            batches: good,
        }))
    }

    fn run_one(&self, name: &str, fingerprint: u64) -> Result<Vec<RecordBatch>, QueryError> {
        let tables = self.program.tables.iter();
        let mut tables = tables.filter(|table| table.name == name);
        if let Some(table) = tables.next() {
            return table.fold.run();
        }
        let queries = self.program.queries.iter();
        let mut inputs = queries
            .filter(|query| query.name == name)
            .flat_map(|query| &query.inputs)
            .filter(|input| input.fingerprint == fingerprint);
        inputs
            .next()
            .map_or(Ok(Vec::new()), |input| input.fold.run())
    }
}

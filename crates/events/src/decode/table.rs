//! The columns of one table in the making.
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};

use super::column::Builder;
use super::layout::{EnvelopeSlots, body_paths};
use super::projection::Projection;
use super::row::Row;
use super::stage::{Place, Stage};
use crate::schema::TableId;

/// A batch is closed before a column's bytes get here, so that 32-bit offsets always reach.
const SPAN_BYTES_MAX: usize = 1 << 30;
/// More than any enum's text has.
const ENUM_TEXT_BYTES: usize = 64;

/// Builds the rows of one member of the body.
#[derive(Debug)]
pub(crate) struct TableBuilder {
    /// `None` if nobody needs the table, or it is the heartbeat.
    needed: Option<Needed>,
}

#[derive(Debug)]
struct Needed {
    table: TableId,
    schema: SchemaRef,
    columns: Vec<Builder>,
    /// Places of the columns that are lists.
    lists: Vec<usize>,
    stage: Stage,
    rows: usize,
    closed: Vec<RecordBatch>,
    /// No column has more bytes than this.
    bytes: usize,
}

impl TableBuilder {
    pub fn new(
        table: Option<TableId>,
        projection: &Projection,
        envelope: &EnvelopeSlots,
    ) -> TableBuilder {
        let needed = |table| {
            let columns = projection.columns(table)?;
            Some(Needed::new(table, columns, projection, envelope))
        };
        let needed = table.and_then(needed);
        TableBuilder { needed }
    }

    /// Appends a row; false if nobody needs it.
    #[inline(always)]
    pub fn push(&mut self, row: &mut Row, value: &[u8], place: Place) -> bool {
        let Some(needed) = &mut self.needed else {
            return false;
        };
        let bytes = value.len() + ENUM_TEXT_BYTES * (1 + row.list_count);
        needed.bytes += bytes;
        if needed.bytes > SPAN_BYTES_MAX {
            needed.close();
            needed.bytes = bytes;
        }
        for &list in &needed.lists {
            needed.columns[list].push_list(row, value);
        }
        needed.rows += 1;
        if needed.stage.push(row, value, place) {
            needed.fill();
        }
        true
    }

    pub fn take(&mut self, batches: &mut Vec<(TableId, RecordBatch)>) {
        let Some(needed) = &mut self.needed else {
            return;
        };
        needed.close();
        batches.extend(needed.closed.drain(..).map(|batch| (needed.table, batch)));
    }
}

impl Needed {
    fn new(
        table: TableId,
        columns: &[usize],
        projection: &Projection,
        envelope: &EnvelopeSlots,
    ) -> Needed {
        let schema = table.table();
        let paths = body_paths(schema, projection);
        let fields: Vec<_> = columns
            .iter()
            .map(|&column| schema.columns[column].field.clone())
            .collect();
        let columns: Vec<_> = columns
            .iter()
            .map(|&column| Builder::new(&schema.columns[column], &paths, envelope))
            .collect();
        Needed {
            table,
            schema: Arc::new(Schema::new(fields)),
            lists: (0..columns.len())
                .filter(|&place| columns[place].is_list())
                .collect(),
            stage: Stage::new(
                envelope,
                paths.len(),
                columns.iter().any(Builder::needs_bytes),
                columns.iter().any(Builder::is_optional),
            ),
            columns,
            rows: 0,
            closed: Vec::new(),
            bytes: 0,
        }
    }

    /// Moves the rows on stage into the columns.
    fn fill(&mut self) {
        self.stage.end();
        for column in &mut self.columns {
            column.fill(&self.stage);
        }
        self.stage.clear();
    }

    fn close(&mut self) {
        self.fill();
        self.bytes = 0;
        if self.rows == 0 {
            return;
        }
        let rows = std::mem::take(&mut self.rows);
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let columns: Result<Vec<_>, _> = self.columns.iter_mut().map(Builder::finish).collect();
        let batch = columns.and_then(|columns| {
            RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
        });
        #[expect(
            clippy::expect_used,
            reason = "a bug: every column was built to the schema, from checked text"
        )]
        self.closed
            .push(batch.expect("the columns of a table have the types and lengths of its schema"));
    }
}

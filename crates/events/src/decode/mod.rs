//! From the protobuf wire straight to Arrow columns.
//!
//! [`Decoder::read`] parses and checks a record and gives its [`Head`]; the caller decides (duplicate? late?) and calls
//! [`Decoder::keep`] to append it to its table's columns; [`Decoder::take`] drains the columns as record batches.
//!
//! Whether a record is accepted does not depend on the projection: fields that nobody needs are checked all the same.
//! What prost accepts is accepted with the same values, what prost rejects is rejected, but for these rules of our own:
//! an empty value, a record without a known body, without source, id or times, and anything above a limit is rejected.
mod buffers;
mod column;
mod error;
mod head;
mod layout;
mod odd;
mod projection;
mod reject;
mod row;
mod stage;
mod table;
mod walk;
mod wire;

use arrow::array::RecordBatch;

use crate::Stream;
use crate::schema::{SchemaError, TableId};
use crate::v1::{Classifier, RejectReason};
pub use error::DecodeError;
pub use head::{Flags, Head, Kind};
use layout::Layout;
pub use projection::Projection;
use row::{NO_BODY, Row, spanned};
use stage::Place;
use table::TableBuilder;
use walk::{Limits, Tail};

/// The fields of the envelope that a head has, by number.
mod envelope {
    pub const EVENT_ID: u8 = 1;
    pub const SOURCE: u8 = 2;
    pub const EVENT_TIME_US: u8 = 4;
    pub const RECORD_TIME_US: u8 = 5;
    pub const CLASSIFIER: u8 = 6;
    pub const TERMINAL_ID: u8 = 7;
    pub const IS_RETRACTED: u8 = 9;
}

/// Bounds on what a record may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Longest record in bytes; at most 1 GiB counts.
    pub record_bytes_max: usize,
    /// Longest text or bytes field in bytes; at least 48 count.
    pub field_bytes_max: usize,
    /// Most values of repeated fields in one record; at most 2^23 count.
    pub list_values_max: usize,
}

impl Default for DecodeLimits {
    fn default() -> DecodeLimits {
        DecodeLimits {
            record_bytes_max: 10_000_000,
            field_bytes_max: 1_000_000,
            list_values_max: 65_536,
        }
    }
}

/// Record lengths must fit the 32 bits of a span.
const RECORD_BYTES_CEILING: usize = 1 << 30;

/// The texts of so many enum values fit into a batch.
const LIST_VALUES_CEILING: usize = 1 << 23;

/// Decodes the records of one stream.
#[derive(Debug)]
pub struct Decoder {
    stream: Stream,
    layout: Layout,
    limits: Limits,
    record_bytes_max: usize,
    tail: Tail,
    row: Row,
    /// Length of the record in `row`, if it is one that may be kept.
    readied: Option<usize>,
    /// By place in the layout's bodies.
    tables: Vec<TableBuilder>,
    rows_pending: usize,
}

impl Decoder {
    /// A decoder for a stream that keeps the columns of a projection, with the default limits.
    ///
    /// # Errors
    /// If the schema has a message that no row has room for.
    pub fn new(stream: Stream, projection: &Projection) -> Result<Decoder, SchemaError> {
        Decoder::with_limits(stream, projection, DecodeLimits::default())
    }

    /// As [`Decoder::new`], with other limits.
    ///
    /// # Errors
    /// If the schema has a message that no row has room for.
    pub fn with_limits(
        stream: Stream,
        projection: &Projection,
        limits: DecodeLimits,
    ) -> Result<Decoder, SchemaError> {
        let layout = Layout::new(stream, projection)?;
        let tables = layout
            .bodies
            .iter()
            .map(|body| TableBuilder::new(body.table, projection, &layout.envelope))
            .collect();
        Ok(Decoder {
            stream,
            layout,
            limits: Limits {
                field_bytes_max: limits.field_bytes_max.max(wire::SHORT_TEXT),
                list_values_max: limits.list_values_max.min(LIST_VALUES_CEILING),
            },
            record_bytes_max: limits.record_bytes_max.min(RECORD_BYTES_CEILING),
            tail: Tail::new(),
            row: Row::new(),
            readied: None,
            tables,
            rows_pending: 0,
        })
    }

    /// The stream that the decoder reads.
    pub fn stream(&self) -> Stream {
        self.stream
    }

    /// Reads and checks a record, without keeping it.
    ///
    /// # Errors
    /// If the record is to be rejected.
    pub fn read<'v>(&mut self, value: &'v [u8]) -> Result<Head<'v>, DecodeError> {
        self.readied = None;
        if value.is_empty() {
            return Err(reject::empty(self.stream));
        }
        if value.len() > self.record_bytes_max {
            return Err(reject::long_record(value.len(), self.record_bytes_max));
        }
        self.row.clear();
        if let Err(stop) = walk::record(
            &self.layout,
            &self.limits,
            &mut self.tail,
            &mut self.row,
            value,
        ) {
            return Err(reject::malformed(
                self.stream,
                &self.layout,
                &self.limits,
                stop,
            ));
        }
        let head = self.head(value)?;
        self.readied = Some(value.len());
        Ok(head)
    }

    /// Appends the record last read to its table's columns. `value` must be the bytes that were read. Does nothing for
    /// a heartbeat, for a table that nobody needs, and if the last read failed.
    pub fn keep(&mut self, value: &[u8], row_time_us: i64, partition: i32, offset: i64) {
        if self.readied.take() != Some(value.len()) {
            return;
        }
        if let Some(table) = self.tables.get_mut(usize::from(self.row.body)) {
            let place = Place {
                row_time_us,
                partition,
                offset,
            };
            self.rows_pending += usize::from(table.push(&mut self.row, value, place));
        }
    }

    /// Rows kept and not yet taken.
    pub fn rows_pending(&self) -> usize {
        self.rows_pending
    }

    /// Drains the rows kept: batches by table, their columns in the order of the table. A table has more than one batch
    /// only if its text would exceed 1 GiB. Tables without rows have none.
    pub fn take(&mut self) -> Vec<(TableId, RecordBatch)> {
        self.readied = None;
        self.rows_pending = 0;
        let mut batches = Vec::new();
        for table in &mut self.tables {
            table.take(&mut batches);
        }
        batches
    }

    #[inline(always)]
    fn head<'v>(&self, value: &'v [u8]) -> Result<Head<'v>, DecodeError> {
        let row = &self.row;
        let field = |number| row.get(self.layout.envelope.slot(number));
        if row.body == NO_BODY {
            return Err(reject::no_body(self.stream, value.len()));
        }
        let kind = match self.layout.bodies[usize::from(row.body)].table {
            Some(table) => Kind::Table(table),
            None => Kind::Heartbeat,
        };
        let classifier = i32::try_from(field(envelope::CLASSIFIER) as i64).unwrap_or_default();
        let head = Head {
            kind,
            source: text(value, field(envelope::SOURCE)),
            event_id: text(value, field(envelope::EVENT_ID)),
            event_time_us: field(envelope::EVENT_TIME_US) as i64,
            record_time_us: field(envelope::RECORD_TIME_US) as i64,
            classifier: Classifier::try_from(classifier).unwrap_or_default(),
            terminal_id: text(value, field(envelope::TERMINAL_ID)),
            is_retracted: field(envelope::IS_RETRACTED) != 0,
            flags: Flags {
                has_unknown_enum: row.has_unknown_enum,
                is_saturated: row.is_saturated,
            },
        };
        let is_row = kind != Kind::Heartbeat;
        let missing = if head.source.is_empty() {
            RejectReason::MissingSource
        } else if is_row && head.event_id.is_empty() {
            RejectReason::MissingId
        } else if head.record_time_us == 0 || is_row && head.event_time_us == 0 {
            RejectReason::MissingTime
        } else {
            return Ok(head);
        };
        Err(reject::missing(missing, head.record_time_us == 0))
    }
}

/// The text of a span that was checked when it was read.
#[inline(always)]
fn text(value: &[u8], span: u64) -> &str {
    // SAFETY: spans of the envelope's text fields are set by `walk` alone, in this same `read` of this same `value`, and
    // only after the bytes were found to be UTF-8; an absent field is the empty span.
    unsafe { std::str::from_utf8_unchecked(spanned(value, span)) }
}

#[cfg(test)]
mod tests;

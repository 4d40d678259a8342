//! The `intake` stream: one row for every record that came in, for the data-quality queries.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Int32Builder, Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::error::ArrowError;

/// What happened to one record.
#[derive(Debug, Clone, Copy)]
pub struct IntakeRow<'a> {
    /// Latest row time of its source and partition when it came, so that its own window is never over.
    pub row_time_us: i64,
    /// Source; "(unreadable)" where it could not be read.
    pub source: &'a str,
    /// Short name of the stream.
    pub stream: &'a str,
    /// Table; empty where it could not be read.
    pub table: &'a str,
    /// Terminal; empty where there is none.
    pub terminal_id: &'a str,
    /// 'accepted', 'corrected' (accepted in place of a version before), 'retracted' (it takes its event back), 'superseded',
    /// 'duplicate', 'late', 'rejected', or 'flagged' (a second row for an accepted record).
    pub outcome: &'static str,
    /// Reason code of the reject or flag; empty where there is none.
    pub reason: &'a str,
    /// Which copy of its event this is, from 1.
    pub copies: i64,
    /// Record time minus event time, for facts.
    pub delay_us: Option<i64>,
    /// Kafka partition.
    pub partition: i32,
    /// Kafka offset.
    pub offset: i64,
}

/// Collects the rows of one commit.
#[derive(Debug, Default)]
pub struct IntakeRows {
    row_time: TimestampMicrosecondBuilder,
    texts: [StringBuilder; 6],
    copies: Int64Builder,
    delay: Int64Builder,
    partition: Int32Builder,
    offset: Int64Builder,
    rows: usize,
}

impl IntakeRows {
    /// Appends a row.
    pub fn push(&mut self, row: &IntakeRow<'_>) {
        self.row_time.append_value(row.row_time_us);
        let texts = [
            row.source,
            row.stream,
            row.table,
            row.terminal_id,
            row.outcome,
            row.reason,
        ];
        for (builder, text) in self.texts.iter_mut().zip(texts) {
            builder.append_value(text);
        }
        self.copies.append_value(row.copies);
        self.delay.append_option(row.delay_us);
        self.partition.append_value(row.partition);
        self.offset.append_value(row.offset);
        self.rows += 1;
    }

    /// The rows so far, as the stream `intake`; none if there are none.
    pub fn take(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        if self.rows == 0 {
            return Ok(None);
        }
        self.rows = 0;
        let mut columns: Vec<ArrayRef> =
            vec![Arc::new(self.row_time.finish().with_timezone("UTC"))];
        columns.extend(
            self.texts
                .iter_mut()
                .map(|texts| Arc::new(texts.finish()) as ArrayRef),
        );
        columns.push(Arc::new(self.copies.finish()));
        columns.push(Arc::new(self.delay.finish()));
        columns.push(Arc::new(self.partition.finish()));
        columns.push(Arc::new(self.offset.finish()));
        RecordBatch::try_new(windows::intake::schema(), columns).map(Some)
    }
}

//! Columns in the making: plain vectors, handed to Arrow without copying.
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array,
    ListArray, TimestampMicrosecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::buffers::{Bits, EnumTexts, Spans, renewed, renewed_from};
use super::layout::{EnvelopeSlots, Layout};
use super::row::{OFFSET, PARTITION, ROW_TIME, Row};
use super::stage::Stage;
use crate::schema::{Column, Origin, Scalar};

/// A column in the making.
#[derive(Debug)]
pub(crate) struct Builder {
    slot: u8,
    /// For columns that may be NULL.
    valid: Option<Bits>,
    values: Values,
    data_type: DataType,
}

#[derive(Debug)]
enum Values {
    RowTime(Vec<i64>),
    Partition(Vec<i32>),
    Offset(Vec<i64>),
    Integer(Vec<i64>),
    Double(Vec<f64>),
    Float(Vec<f32>),
    Bool(Bits),
    Text(Spans),
    Bytes(Spans),
    Enum(Spans, EnumTexts),
    List(Vec<i32>, Box<Builder>),
}

impl Builder {
    /// A column whose body field, if it has one, is in a slot of `paths`.
    pub fn new(column: &Column, paths: &[Vec<u32>], envelope: &EnvelopeSlots) -> Builder {
        let slot = match &column.origin {
            Origin::Envelope(number) => envelope.slot(*number as u8),
            Origin::Body(path) => Layout::slot_of(paths, path),
            _ => super::layout::SINK,
        };
        let data_type = column.field.data_type().clone();
        let values = match (&column.origin, &data_type) {
            (Origin::RowTime, _) => Values::RowTime(Vec::new()),
            (Origin::Partition, _) => Values::Partition(Vec::new()),
            (Origin::Offset, _) => Values::Offset(Vec::new()),
            (_, DataType::List(item)) => {
                let values = Values::of(&column.scalar);
                let item = Builder {
                    slot,
                    valid: None,
                    values,
                    data_type: item.data_type().clone(),
                };
                Values::List(vec![0], Box::new(item))
            }
            _ => Values::of(&column.scalar),
        };
        let valid = column.is_optional.then(Bits::default);
        Builder {
            slot,
            valid,
            values,
            data_type,
        }
    }

    /// True if the column takes bytes of the record itself.
    pub fn needs_bytes(&self) -> bool {
        matches!(self.values, Values::Text(_) | Values::Bytes(_))
    }

    /// True if the column may be NULL.
    pub fn is_optional(&self) -> bool {
        self.valid.is_some()
    }

    /// True for columns of repeated fields, which are filled row by row.
    pub fn is_list(&self) -> bool {
        matches!(self.values, Values::List(..))
    }

    /// Appends the row's values of a repeated field.
    pub fn push_list(&mut self, row: &Row, value: &[u8]) {
        if let Values::List(ends, item) = &mut self.values {
            for &(slot, raw) in &row.lists {
                if slot == self.slot {
                    item.values.push(raw, value);
                }
            }
            ends.push(item.values.len() as i32);
        }
    }

    /// Appends the values of the rows on stage: one tight loop a column.
    pub fn fill(&mut self, stage: &Stage) {
        if let Some(valid) = &mut self.valid {
            valid.fill(stage.present(self.slot));
        }
        match &mut self.values {
            Values::RowTime(values) => values.extend(stage.slot(ROW_TIME).map(|word| word as i64)),
            Values::Partition(values) => {
                values.extend(stage.slot(PARTITION).map(|word| word as i32))
            }
            Values::Offset(values) => values.extend(stage.slot(OFFSET).map(|word| word as i64)),
            Values::Integer(values) => values.extend(stage.slot(self.slot).map(|word| word as i64)),
            Values::Double(values) => values.extend(stage.slot(self.slot).map(f64::from_bits)),
            Values::Float(values) => values.extend(
                stage
                    .slot(self.slot)
                    .map(|word| f32::from_bits(word as u32)),
            ),
            Values::Bool(bits) => bits.fill(stage.slot(self.slot).map(|word| word != 0)),
            Values::Text(spans) | Values::Bytes(spans) => {
                spans.fill(stage.bytes(), stage.spans(self.slot));
            }
            Values::Enum(spans, texts) => texts.fill(spans, stage.slot(self.slot)),
            Values::List(..) => {}
        }
    }

    /// The column so far; the builder begins anew with room for as many rows.
    pub fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let nulls = self
            .valid
            .as_mut()
            .map(|valid| NullBuffer::new(valid.finish()));
        self.values.finish(&self.data_type, nulls)
    }
}

impl Values {
    fn of(scalar: &Scalar) -> Values {
        match scalar {
            Scalar::Float => Values::Float(Vec::new()),
            Scalar::Double => Values::Double(Vec::new()),
            Scalar::Bool => Values::Bool(Bits::default()),
            Scalar::Text => Values::Text(Spans::new()),
            Scalar::Bytes => Values::Bytes(Spans::new()),
            Scalar::Enum(descriptor) => Values::Enum(Spans::new(), EnumTexts::new(descriptor)),
            _ => Values::Integer(Vec::new()),
        }
    }

    #[inline(always)]
    fn push(&mut self, raw: u64, value: &[u8]) {
        match self {
            Values::Integer(values) => values.push(raw as i64),
            Values::Text(spans) | Values::Bytes(spans) => spans.push_span(value, raw),
            Values::Enum(spans, texts) => texts.push(spans, raw as i64),
            Values::Bool(bits) => bits.push(raw != 0),
            Values::Double(values) => values.push(f64::from_bits(raw)),
            Values::Float(values) => values.push(f32::from_bits(raw as u32)),
            Values::RowTime(_) | Values::Partition(_) | Values::Offset(_) | Values::List(..) => {}
        }
    }

    fn len(&self) -> usize {
        match self {
            Values::RowTime(values) | Values::Offset(values) | Values::Integer(values) => {
                values.len()
            }
            Values::Partition(values) => values.len(),
            Values::Double(values) => values.len(),
            Values::Float(values) => values.len(),
            Values::Bool(bits) => bits.len,
            Values::Text(spans) | Values::Bytes(spans) | Values::Enum(spans, _) => {
                spans.ends.len() - 1
            }
            Values::List(ends, _) => ends.len() - 1,
        }
    }

    fn finish(
        &mut self,
        data_type: &DataType,
        nulls: Option<NullBuffer>,
    ) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Values::RowTime(values) | Values::Offset(values) | Values::Integer(values) => {
                let values = ScalarBuffer::from(renewed(values));
                match data_type {
                    DataType::Timestamp(_, zone) => {
                        let instants = TimestampMicrosecondArray::try_new(values, nulls)?;
                        Arc::new(instants.with_timezone_opt(zone.clone()))
                    }
                    _ => Arc::new(Int64Array::try_new(values, nulls)?),
                }
            }
            Values::Partition(values) => {
                Arc::new(Int32Array::try_new(renewed(values).into(), nulls)?)
            }
            Values::Double(values) => {
                Arc::new(Float64Array::try_new(renewed(values).into(), nulls)?)
            }
            Values::Float(values) => {
                Arc::new(Float32Array::try_new(renewed(values).into(), nulls)?)
            }
            Values::Bool(bits) => Arc::new(BooleanArray::new(bits.finish(), nulls)),
            Values::Text(spans) | Values::Enum(spans, _) => Arc::new(spans.finish_text(nulls)?),
            Values::Bytes(spans) => {
                let (offsets, bytes) = spans.finish();
                Arc::new(BinaryArray::try_new(offsets, bytes, nulls)?)
            }
            Values::List(ends, item) => {
                let offsets = OffsetBuffer::new(renewed_from(ends, 0).into());
                let values = item.finish()?;
                let DataType::List(field) = data_type else {
                    return Err(ArrowError::SchemaError(format!(
                        "a list column has type {data_type}"
                    )));
                };
                Arc::new(ListArray::try_new(
                    Arc::clone(field),
                    offsets,
                    values,
                    nulls,
                )?)
            }
        })
    }
}

//! Columns in the making: plain vectors, handed to Arrow without copying.
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array,
    ListArray, StringArray, TimestampMicrosecondArray,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::layout::Layout;
use super::row::{Row, spanned};
use super::stage::{OFFSET, PARTITION, ROW_TIME, Stage};
use crate::schema::{Column, Origin, Scalar, enum_text};

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
    pub fn new(column: &Column, paths: &[Vec<u32>]) -> Builder {
        let slot = match &column.origin {
            Origin::Envelope(number) => *number as u8,
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
            stage.present(self.slot).for_each(|bit| valid.push(bit));
        }
        match &mut self.values {
            Values::RowTime(values) => values.extend(stage.words(ROW_TIME).map(|word| word as i64)),
            Values::Partition(values) => {
                values.extend(stage.words(PARTITION).map(|word| word as i32))
            }
            Values::Offset(values) => values.extend(stage.words(OFFSET).map(|word| word as i64)),
            Values::Integer(values) => values.extend(stage.slot(self.slot).map(|word| word as i64)),
            Values::Double(values) => values.extend(stage.slot(self.slot).map(f64::from_bits)),
            Values::Float(values) => values.extend(
                stage
                    .slot(self.slot)
                    .map(|word| f32::from_bits(word as u32)),
            ),
            Values::Bool(bits) => stage.slot(self.slot).for_each(|word| bits.push(word != 0)),
            Values::Text(spans) | Values::Bytes(spans) => {
                spans.reserve(stage.rows());
                stage
                    .spans(self.slot)
                    .for_each(|span| spans.push_span(stage.bytes(), span));
            }
            Values::Enum(spans, texts) => {
                spans.reserve(stage.rows());
                stage
                    .slot(self.slot)
                    .for_each(|word| texts.push(spans, word as i64));
            }
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
            Values::Text(spans) | Values::Enum(spans, _) => {
                let (offsets, bytes) = spans.finish();
                Arc::new(StringArray::try_new(offsets, bytes, nulls)?)
            }
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

/// Takes a vector out and leaves one with as much room.
fn renewed<T>(values: &mut Vec<T>) -> Vec<T> {
    let room = values.len();
    std::mem::replace(values, Vec::with_capacity(room))
}

/// As [`renewed`], with a first value.
fn renewed_from<T>(values: &mut Vec<T>, first: T) -> Vec<T> {
    let taken = renewed(values);
    values.push(first);
    taken
}

/// Text or bytes, one after another.
#[derive(Debug)]
struct Spans {
    /// 0, then the end of each.
    ends: Vec<i32>,
    bytes: Vec<u8>,
}

impl Spans {
    fn new() -> Spans {
        Spans {
            ends: vec![0],
            bytes: Vec::new(),
        }
    }

    /// Makes room for rows of short text.
    fn reserve(&mut self, rows: usize) {
        self.ends.reserve(rows);
        self.bytes.reserve(rows * 16 + 16);
    }

    /// Appends a span of the record. Short ones are copied as a whole chunk and cut, which needs no call.
    #[inline(always)]
    fn push_span(&mut self, value: &[u8], span: u64) {
        let start = (span >> 32) as usize;
        let length = (span as u32) as usize;
        match value.get(start..).and_then(|rest| rest.first_chunk::<16>()) {
            Some(chunk) if length <= 16 => {
                let end = self.bytes.len() + length;
                self.bytes.extend_from_slice(chunk);
                self.bytes.truncate(end);
            }
            _ => self.bytes.extend_from_slice(spanned(value, span)),
        }
        self.ends.push(self.bytes.len() as i32);
    }

    #[inline(always)]
    fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len() as i32);
    }

    fn finish(&mut self) -> (OffsetBuffer<i32>, Buffer) {
        (
            OffsetBuffer::new(renewed_from(&mut self.ends, 0).into()),
            Buffer::from_vec(renewed(&mut self.bytes)),
        )
    }
}

/// The texts of an enum's numbers.
#[derive(Debug)]
struct EnumTexts {
    /// By number; `None` for gaps.
    texts: Vec<Option<(u8, [u8; 16])>>,
    /// Those longer than 16 bytes.
    long: Vec<(i32, String)>,
}

impl EnumTexts {
    fn new(descriptor: &prost_reflect::EnumDescriptor) -> EnumTexts {
        let mut texts = EnumTexts {
            texts: Vec::new(),
            long: Vec::new(),
        };
        for value in descriptor.values() {
            let number = value.number();
            let Some(text) = enum_text(descriptor, number) else {
                continue;
            };
            let place = usize::try_from(number)
                .ok()
                .filter(|&place| place < 256 && text.len() <= 16);
            let Some(place) = place else {
                texts.long.push((number, text));
                continue;
            };
            if texts.texts.len() <= place {
                texts.texts.resize(place + 1, None);
            }
            let mut chunk = [0; 16];
            chunk[..text.len()].copy_from_slice(text.as_bytes());
            texts.texts[place] = Some((text.len() as u8, chunk));
        }
        texts
    }

    #[inline(always)]
    fn push(&self, spans: &mut Spans, number: i64) {
        match self.texts.get(number as usize) {
            Some(Some((length, chunk))) => {
                let end = spans.bytes.len() + usize::from(*length);
                spans.bytes.extend_from_slice(chunk);
                spans.bytes.truncate(end);
                spans.ends.push(end as i32);
            }
            _ => self.push_rare(spans, number),
        }
    }

    #[cold]
    fn push_rare(&self, spans: &mut Spans, number: i64) {
        match self
            .long
            .iter()
            .find(|(long, _)| i64::from(*long) == number)
        {
            Some((_, text)) => spans.push(text.as_bytes()),
            None => spans.push(format!("#{number}").as_bytes()),
        }
    }
}

/// Bits in words.
#[derive(Debug, Default)]
struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    #[inline(always)]
    fn push(&mut self, bit: bool) {
        let place = self.len & 63;
        match self.words.last_mut() {
            Some(word) if place != 0 => *word |= u64::from(bit) << place,
            _ => self.words.push(u64::from(bit)),
        }
        self.len += 1;
    }

    fn finish(&mut self) -> BooleanBuffer {
        let len = std::mem::take(&mut self.len);
        BooleanBuffer::new(Buffer::from_vec(renewed(&mut self.words)), 0, len)
    }
}

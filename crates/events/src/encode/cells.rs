//! The cells of a column: any Arrow type becomes text, an integer, a real, a flag, an instant, or nothing.
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, StringArray, StringViewArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType, UInt64Type,
};
use arrow::error::ArrowError;
use arrow::util::display::{ArrayFormatter, DurationFormat, FormatOptions};

use super::wire::{self, FIXED64, LENGTH, VARINT};

/// A column's values in the form of cells.
pub(super) struct Cells {
    /// The cell's first field, its column's name, encoded.
    name: Vec<u8>,
    values: Values,
}

enum Values {
    Integer(Int64Array),
    /// Those above `i64::MAX` become text.
    Unsigned(UInt64Array),
    Real(Float64Array),
    Flag(BooleanArray),
    Instant(TimestampMicrosecondArray),
    Text(StringArray),
    TextView(StringViewArray),
    /// Everything else, as text.
    Shown(ArrayRef),
    Null,
}

impl Cells {
    pub fn new(name: &str, column: &ArrayRef) -> Result<Cells, ArrowError> {
        let mut encoded = Vec::new();
        if !name.is_empty() {
            wire::bytes(&mut encoded, 1, name.as_bytes());
        }
        Ok(Cells {
            name: encoded,
            values: Values::new(column)?,
        })
    }

    /// Appends the cell of a row as field 6 of the row's message. `scratch` is overwritten.
    pub fn write(
        &self,
        row: usize,
        out: &mut Vec<u8>,
        scratch: &mut Vec<u8>,
    ) -> Result<(), ArrowError> {
        scratch.clear();
        self.values.write(row, scratch)?;
        wire::tag(out, 6, LENGTH);
        wire::varint(out, (self.name.len() + scratch.len()) as u64);
        out.extend_from_slice(&self.name);
        out.extend_from_slice(scratch);
        Ok(())
    }

    /// Appends the row's value as a part of a record key.
    pub fn write_key(&self, row: usize, key: &mut Vec<u8>) -> Result<(), ArrowError> {
        match &self.values {
            Values::Null => key.push(b'~'),
            values if values.is_null(row) => key.push(b'~'),
            Values::Integer(values) => key.extend(values.value(row).to_string().bytes()),
            Values::Unsigned(values) => key.extend(values.value(row).to_string().bytes()),
            Values::Real(values) => key.extend(values.value(row).to_string().bytes()),
            Values::Flag(values) => key.extend(values.value(row).to_string().bytes()),
            Values::Instant(values) => key.extend(values.value(row).to_string().bytes()),
            Values::Text(values) => escape(values.value(row), key),
            Values::TextView(values) => escape(values.value(row), key),
            Values::Shown(values) => escape(&shown(values, row)?, key),
        }
        Ok(())
    }
}

impl Values {
    fn new(column: &ArrayRef) -> Result<Values, ArrowError> {
        use DataType as D;
        let to = |data_type: &DataType| {
            let options = CastOptions {
                safe: false,
                ..CastOptions::default()
            };
            cast_with_options(column, data_type, &options)
        };
        Ok(match column.data_type() {
            D::Null => Values::Null,
            D::Int8 | D::Int16 | D::Int32 | D::Int64 | D::UInt8 | D::UInt16 | D::UInt32 => {
                Values::Integer(to(&D::Int64)?.as_primitive::<Int64Type>().clone())
            }
            D::UInt64 => Values::Unsigned(column.as_primitive::<UInt64Type>().clone()),
            D::Float16 | D::Float32 | D::Float64 => {
                Values::Real(to(&D::Float64)?.as_primitive::<Float64Type>().clone())
            }
            D::Boolean => Values::Flag(column.as_boolean().clone()),
            D::Timestamp(_, zone) => {
                let instants = to(&D::Timestamp(TimeUnit::Microsecond, zone.clone()))?;
                Values::Instant(instants.as_primitive::<TimestampMicrosecondType>().clone())
            }
            D::Utf8 => Values::Text(column.as_string::<i32>().clone()),
            D::Utf8View => Values::TextView(column.as_string_view().clone()),
            D::LargeUtf8 => Values::TextView(to(&D::Utf8View)?.as_string_view().clone()),
            D::Dictionary(_, value) => Values::new(&to(value)?)?,
            _ => Values::Shown(ArrayRef::clone(column)),
        })
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Values::Null => true,
            Values::Integer(values) => values.is_null(row),
            Values::Unsigned(values) => values.is_null(row),
            Values::Real(values) => values.is_null(row),
            Values::Flag(values) => values.is_null(row),
            Values::Instant(values) => values.is_null(row),
            Values::Text(values) => values.is_null(row),
            Values::TextView(values) => values.is_null(row),
            Values::Shown(values) => values.is_null(row),
        }
    }

    /// The member of the oneof, also where it has its default: not set would be NULL.
    fn write(&self, row: usize, out: &mut Vec<u8>) -> Result<(), ArrowError> {
        if self.is_null(row) {
            return Ok(());
        }
        match self {
            Values::Null => {}
            Values::Text(values) => wire::bytes(out, 2, values.value(row).as_bytes()),
            Values::TextView(values) => wire::bytes(out, 2, values.value(row).as_bytes()),
            Values::Shown(values) => wire::bytes(out, 2, shown(values, row)?.as_bytes()),
            Values::Integer(values) => signed(out, 3, values.value(row)),
            Values::Unsigned(values) => match i64::try_from(values.value(row)) {
                Ok(value) => signed(out, 3, value),
                Err(_) => wire::bytes(out, 2, values.value(row).to_string().as_bytes()),
            },
            Values::Real(values) => {
                wire::tag(out, 4, FIXED64);
                out.extend_from_slice(&values.value(row).to_le_bytes());
            }
            Values::Flag(values) => {
                wire::tag(out, 5, VARINT);
                wire::varint(out, u64::from(values.value(row)));
            }
            Values::Instant(values) => signed(out, 6, values.value(row)),
        }
        Ok(())
    }
}

fn signed(out: &mut Vec<u8>, number: u32, value: i64) {
    wire::tag(out, number, VARINT);
    wire::varint(out, wire::zigzag(value));
}

/// A value as text: decimals exact, dates and times ISO 8601, durations `PT90S`, lists `[a, b]`.
fn shown(values: &ArrayRef, row: usize) -> Result<String, ArrowError> {
    let options = FormatOptions::default()
        .with_display_error(false)
        .with_duration_format(DurationFormat::ISO8601);
    ArrayFormatter::try_new(values.as_ref(), &options)?
        .value(row)
        .try_to_string()
}

/// Key parts are divided by "/", and "~" is NULL: in text they are escaped.
pub(super) fn escape(text: &str, key: &mut Vec<u8>) {
    for &byte in text.as_bytes() {
        match byte {
            b'%' => key.extend(b"%25"),
            b'/' => key.extend(b"%2F"),
            b'~' => key.extend(b"%7E"),
            _ => key.push(byte),
        }
    }
}

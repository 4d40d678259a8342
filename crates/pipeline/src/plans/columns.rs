//! Columns of a planner's input, by name.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};

use crate::error::EngineError;

/// The rows of one input.
pub struct Columns<'b> {
    input: &'b str,
    batch: &'b RecordBatch,
}

impl<'b> Columns<'b> {
    /// The rows that `input` gave.
    pub fn new(input: &'b str, batch: &'b RecordBatch) -> Self {
        Columns { input, batch }
    }

    /// Numbers of the rows.
    pub fn rows(&self) -> std::ops::Range<usize> {
        0..self.batch.num_rows()
    }

    /// A text column; NULL is "".
    pub fn text(&self, name: &str) -> Result<Vec<String>, EngineError> {
        let texts = self.text_or_null(name)?;
        Ok(texts.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// A text column.
    pub fn text_or_null(&self, name: &str) -> Result<Vec<Option<String>>, EngineError> {
        let is_text = |kind: &DataType| {
            matches!(
                kind,
                DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8
            )
        };
        let fits = |kind: &DataType| match kind {
            DataType::Dictionary(_, values) => is_text(values),
            kind => is_text(kind),
        };
        let column = self.cast(name, "text", fits, &DataType::Utf8)?;
        let texts = column.as_string::<i32>();
        Ok(texts.iter().map(|text| text.map(str::to_owned)).collect())
    }

    /// A column of lists of texts; NULL is an empty one.
    pub fn texts(&self, name: &str) -> Result<Vec<Vec<String>>, EngineError> {
        let fits = |kind: &DataType| matches!(kind, DataType::List(_));
        let to = DataType::new_list(DataType::Utf8, true);
        let column = self.cast(name, "a list of texts", fits, &to)?;
        let lists = column.as_list::<i32>();
        let texts = |list: arrow::array::ArrayRef| {
            let texts = list.as_string::<i32>();
            texts
                .iter()
                .map(|text| text.unwrap_or_default().to_owned())
                .collect()
        };
        Ok(lists
            .iter()
            .map(|list| list.map(texts).unwrap_or_default())
            .collect())
    }

    /// A column of whole numbers.
    pub fn integer(&self, name: &str) -> Result<Vec<Option<i64>>, EngineError> {
        let column = self.cast(
            name,
            "a whole number",
            DataType::is_integer,
            &DataType::Int64,
        )?;
        Ok(column.as_primitive::<Int64Type>().iter().collect())
    }

    /// A column of instants, microseconds since 1970.
    pub fn instant_us(&self, name: &str) -> Result<Vec<Option<i64>>, EngineError> {
        let fits = |kind: &DataType| matches!(kind, DataType::Timestamp(..));
        let to = DataType::Timestamp(TimeUnit::Microsecond, None);
        let column = self.cast(name, "a timestamp", fits, &to)?;
        let instants = column.as_primitive::<TimestampMicrosecondType>();
        Ok(instants.iter().collect())
    }

    /// A column of flags; NULL is false.
    pub fn flag(&self, name: &str) -> Result<Vec<bool>, EngineError> {
        let fits = |kind: &DataType| *kind == DataType::Boolean;
        let column = self.cast(name, "true or false", fits, &DataType::Boolean)?;
        let flags = column.as_boolean();
        Ok(flags.iter().map(|flag| flag.unwrap_or(false)).collect())
    }

    fn cast(
        &self,
        name: &str,
        wanted: &str,
        fits: impl Fn(&DataType) -> bool,
        to: &DataType,
    ) -> Result<arrow::array::ArrayRef, EngineError> {
        let input = self.input;
        let column = self.batch.column_by_name(name).ok_or_else(|| {
            EngineError::State(format!(
                "planner input {input}.sql has no column {name}: select it"
            ))
        })?;
        let kind = column.data_type();
        if *kind != DataType::Null && !fits(kind) {
            return Err(EngineError::State(format!(
                "planner input {input}.sql: column {name} is {kind}, it must be {wanted}: cast it"
            )));
        }
        Ok(cast(column, to)?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, BooleanArray, Int32Array, LargeStringArray, NullArray, StringViewArray,
        TimestampSecondArray, UInt64Array,
    };

    use super::*;

    fn batch() -> RecordBatch {
        let columns: Vec<(&str, ArrayRef)> = vec![
            (
                "view",
                Arc::new(StringViewArray::from(vec![Some("a"), None])),
            ),
            ("large", Arc::new(LargeStringArray::from(vec!["b", "c"]))),
            ("small", Arc::new(Int32Array::from(vec![Some(-3), None]))),
            ("wide", Arc::new(UInt64Array::from(vec![7, 8]))),
            (
                "at",
                Arc::new(TimestampSecondArray::from(vec![Some(2), None]).with_timezone("UTC")),
            ),
            (
                "is_on",
                Arc::new(BooleanArray::from(vec![Some(true), None])),
            ),
            ("nothing", Arc::new(NullArray::new(2))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
            .expect("columns of one length")
    }

    #[test]
    fn columns_are_read_whatever_their_width() {
        let batch = batch();
        let columns = Columns::new("berths/calls", &batch);
        assert_eq!(columns.text("view").expect("text"), ["a", ""]);
        assert_eq!(columns.text("large").expect("text"), ["b", "c"]);
        assert_eq!(
            columns.integer("small").expect("integers"),
            [Some(-3), None]
        );
        assert_eq!(
            columns.integer("wide").expect("integers"),
            [Some(7), Some(8)]
        );
        let at = columns.instant_us("at").expect("instants");
        assert_eq!(at, [Some(2_000_000), None]);
        assert_eq!(columns.flag("is_on").expect("flags"), [true, false]);
        assert_eq!(columns.integer("nothing").expect("NULLs"), [None, None]);
    }

    #[test]
    fn a_missing_or_wrong_column_is_named_with_its_file() {
        let batch = batch();
        let columns = Columns::new("berths/calls", &batch);
        let missing = columns.integer("length").expect_err("no such column");
        assert!(
            missing
                .to_string()
                .contains("berths/calls.sql has no column length")
        );
        let wrong = columns.integer("view").expect_err("a text");
        assert!(
            wrong.to_string().contains("column view is Utf8View"),
            "{wrong}"
        );
    }
}

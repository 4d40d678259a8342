//! Batches come back as they went, and small ones are small.
use arrow::array::{BooleanArray, Int64Array, StringArray, StringViewArray, UInt32Array};
use arrow::array::{DictionaryArray, ListArray};
use arrow::datatypes::{Field, Int32Type, UInt32Type};

use super::*;

fn wide() -> RecordBatch {
    let rows = 10_000;
    let text = |row: usize| format!("a text that is too long for a view of its own, {row}");
    let keys = UInt32Array::from_iter_values((0..rows).map(|row| row as u32));
    let names = Arc::new(StringArray::from_iter_values((0..rows).map(text)));
    let lists = (0..rows).map(|row| Some(vec![Some(row as i32), None]));
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "number",
            Arc::new(Int64Array::from_iter(
                (0..rows).map(|row| (row % 3 > 0).then_some(row as i64)),
            )),
        ),
        (
            "text",
            Arc::new(StringArray::from_iter_values((0..rows).map(text))),
        ),
        (
            "view",
            Arc::new(StringViewArray::from_iter_values((0..rows).map(text))),
        ),
        (
            "flag",
            Arc::new(BooleanArray::from_iter(
                (0..rows).map(|row| Some(row % 2 == 0)),
            )),
        ),
        (
            "name",
            Arc::new(DictionaryArray::<UInt32Type>::new(keys, names)),
        ),
        (
            "list",
            Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists)),
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, array)| (name, array, true)),
    )
    .unwrap()
}

#[test]
fn batches_come_back_as_they_went() {
    let batch = wide();
    let parts = [
        batch.slice(0, 7),
        batch.slice(4_001, 100),
        batch.slice(9_000, 0),
    ];
    let back = read(write(&batch.schema(), &parts).unwrap()).unwrap();
    assert_eq!(back, parts);
}

#[test]
fn a_slice_does_not_drag_the_whole() {
    let batch = wide();
    let whole = write(&batch.schema(), std::slice::from_ref(&batch)).unwrap();
    let slice = write(&batch.schema(), &[batch.slice(5_000, 10)]).unwrap();
    let empty = write(&batch.schema(), &[]).unwrap();
    assert!(whole.len() > 1_500_000, "{}", whole.len());
    assert!(
        slice.len() - empty.len() < 4_000,
        "{} of {}",
        slice.len(),
        empty.len()
    );
}

#[test]
fn a_batch_without_columns_keeps_its_count() {
    let options = RecordBatchOptions::new().with_row_count(Some(5));
    let batch =
        RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).unwrap();
    assert_eq!(
        read(write(&batch.schema(), &[batch]).unwrap()).unwrap()[0].num_rows(),
        5
    );
}

#[test]
fn another_schema_and_broken_bytes_are_errors() {
    let batch = wide();
    let other = Schema::new(vec![Field::new("x", DataType::Int64, true)]);
    assert!(write(&other, std::slice::from_ref(&batch)).is_err());
    let bytes = write(&batch.schema(), &[batch.slice(0, 20)]).unwrap();
    for end in [1, 5, bytes.len() / 2] {
        assert!(read(bytes[..end].to_vec()).is_err(), "cut at {end}");
    }
}

//! Rows as records, read back by prost.
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, DurationSecondArray,
    Float32Array, Int32Array, Int64Array, LargeStringArray, ListArray, NullArray, RecordBatch,
    StringArray, StringViewArray, TimestampMicrosecondArray, TimestampNanosecondArray,
    TimestampSecondArray, UInt32Array, UInt64Array,
};
use arrow::datatypes::{Int8Type, Int32Type};

use super::{EncodeError, window_stats};
use crate::Message;
use crate::v1::cell::Value;
use crate::v1::{StatKind, WindowStat};

fn frame() -> Vec<(&'static str, ArrayRef)> {
    vec![
        (
            "window_start",
            Arc::new(TimestampSecondArray::from(vec![60, 0, -60])) as ArrayRef,
        ),
        (
            "window_end",
            Arc::new(
                TimestampNanosecondArray::from(vec![120_000_000_000, 60_000_000_000, 0])
                    .with_timezone("Europe/Berlin"),
            ),
        ),
        ("revision", Arc::new(UInt32Array::from(vec![0, 1, 2]))),
        (
            "is_final",
            Arc::new(BooleanArray::from(vec![false, true, true])),
        ),
        (
            "stat_kind",
            Arc::new(Int32Array::from(
                [StatKind::Early, StatKind::Final, StatKind::Withdrawn]
                    .map(i32::from)
                    .to_vec(),
            )),
        ),
    ]
}

fn batch(more: Vec<(&'static str, ArrayRef)>) -> RecordBatch {
    let columns = frame().into_iter().chain(more);
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)))
        .unwrap()
}

fn stats(keys: &[&str], batch: &RecordBatch) -> Vec<(String, WindowStat)> {
    let records = window_stats("b5_crane_rate", keys, batch).unwrap();
    let decoded = records.into_iter().map(|record| {
        let stat = WindowStat::decode(&*record.value).unwrap();
        assert_eq!(
            stat.encode_to_vec(),
            record.value,
            "the bytes are those that prost writes"
        );
        (String::from_utf8(record.key).unwrap(), stat)
    });
    decoded.collect()
}

fn first(column: ArrayRef) -> Option<Value> {
    let batch = batch(vec![("x", column)]);
    let mut stats = stats(&[], &batch);
    assert_eq!(stats[0].1.cells[0].name, "x");
    stats.remove(0).1.cells.remove(0).value
}

#[test]
fn a_row_becomes_a_record() {
    let cranes: ArrayRef = Arc::new(StringArray::from(vec![Some("C/1"), Some(""), None]));
    let calls: ArrayRef = Arc::new(StringViewArray::from(vec![
        "call ~ 50%",
        "call-2",
        "call-3",
    ]));
    let moves: ArrayRef = Arc::new(Int64Array::from(vec![Some(0), Some(-5), None]));
    let batch = batch(vec![("crane", cranes), ("call", calls), ("moves", moves)]);
    let stats = stats(&["crane", "call"], &batch);
    assert_eq!(stats[0].0, "b5_crane_rate/60000000/C%2F1/call %7E 50%25");
    assert_eq!(stats[1].0, "b5_crane_rate/0//call-2");
    assert_eq!(stats[2].0, "b5_crane_rate/-60000000/~/call-3");
    let stat = &stats[0].1;
    assert_eq!(
        (
            stat.window_start_us,
            stat.window_end_us,
            stat.revision,
            stat.is_final
        ),
        (60_000_000, 120_000_000, 0, false)
    );
    let names: Vec<_> = stat.cells.iter().map(|cell| cell.name.as_str()).collect();
    assert_eq!(names, ["crane", "call", "moves"]);
    assert_eq!(stat.cells[2].value, Some(Value::Integer(0)));
    assert_eq!(stats[1].1.cells[2].value, Some(Value::Integer(-5)));
    assert_eq!(stats[2].1.cells[2].value, None);
    assert!(stats[2].1.is_final);
    let kinds: Vec<StatKind> = stats.iter().map(|(_, stat)| stat.kind()).collect();
    assert_eq!(
        kinds,
        [StatKind::Early, StatKind::Final, StatKind::Withdrawn]
    );
}

#[test]
fn every_type_has_a_cell() {
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    assert_eq!(
        first(Arc::new(Int32Array::from(vec![i32::MIN, 0, 0]))),
        Some(Value::Integer(i64::from(i32::MIN)))
    );
    assert_eq!(
        first(Arc::new(UInt64Array::from(vec![7, 0, 0]))),
        Some(Value::Integer(7))
    );
    assert_eq!(
        first(Arc::new(UInt64Array::from(vec![u64::MAX, 0, 0]))),
        text("18446744073709551615")
    );
    assert_eq!(
        first(Arc::new(Float32Array::from(vec![1.5, 0., 0.]))),
        Some(Value::Real(1.5))
    );
    assert_eq!(
        first(Arc::new(BooleanArray::from(vec![false; 3]))),
        Some(Value::Flag(false))
    );
    assert_eq!(
        first(Arc::new(TimestampMicrosecondArray::from(vec![-7; 3]))),
        Some(Value::InstantUs(-7))
    );
    assert_eq!(
        first(Arc::new(TimestampSecondArray::from(vec![2; 3]))),
        Some(Value::InstantUs(2_000_000))
    );
    assert_eq!(
        first(Arc::new(LargeStringArray::from(vec!["a"; 3]))),
        text("a")
    );
    let dictionary: DictionaryArray<Int8Type> = ["b"; 3].into_iter().collect();
    assert_eq!(first(Arc::new(dictionary)), text("b"));
    let decimals = Decimal128Array::from(vec![1250; 3])
        .with_precision_and_scale(10, 2)
        .unwrap();
    assert_eq!(first(Arc::new(decimals)), text("12.50"));
    assert_eq!(
        first(Arc::new(Date32Array::from(vec![20_000; 3]))),
        text("2024-10-04")
    );
    assert_eq!(
        first(Arc::new(DurationSecondArray::from(vec![90; 3]))),
        text("PT90S")
    );
    let lists =
        ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None, None]);
    assert_eq!(first(Arc::new(lists)), text("[1, ]"));
    assert_eq!(first(Arc::new(NullArray::new(3))), None);
}

#[test]
fn a_row_without_its_window_is_an_error() {
    let whole = batch(vec![]);
    let wrong = |column: usize, array: ArrayRef| {
        let mut columns = frame();
        columns[column].1 = array;
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns.into_iter().map(|(n, a)| (n, a, true)),
        )
        .unwrap();
        window_stats("q", &[], &batch).unwrap_err()
    };
    let missing = window_stats("q", &[], &whole.project(&[0, 1, 2]).unwrap()).unwrap_err();
    assert!(matches!(missing, EncodeError::NoColumn { column, .. } if column == "is_final"));
    let missing = window_stats("q", &[], &whole.project(&[0, 1, 2, 3]).unwrap()).unwrap_err();
    assert!(matches!(missing, EncodeError::NoColumn { column, .. } if column == "stat_kind"));
    assert!(
        matches!(window_stats("q", &["k"], &whole), Err(EncodeError::NoColumn { column, .. }) if column == "k")
    );
    let null = wrong(
        0,
        Arc::new(TimestampSecondArray::from(vec![Some(1), None, None])),
    );
    assert!(matches!(null, EncodeError::Null { row: 1, .. }));
    assert!(matches!(
        wrong(2, Arc::new(StringArray::from(vec!["1"; 3]))),
        EncodeError::WrongType { .. }
    ));
}

use arrow::array::StringArray;

use super::*;

fn rows(of: &[(i32, &str, i64, i64)]) -> RecordBatch {
    let times = TimestampMicrosecondArray::from_iter_values(of.iter().map(|row| row.3));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(times.with_timezone("UTC")),
        Arc::new(StringArray::from_iter_values(of.iter().map(|row| row.1))),
        Arc::new(Int32Array::from_iter_values(of.iter().map(|row| row.0))),
        Arc::new(Int64Array::from_iter_values(of.iter().map(|row| row.2))),
    ];
    let schema = Schema::new(vec![
        Field::new(ROW_TIME, instant(), false),
        Field::new(SOURCE, DataType::Utf8, false),
        Field::new(PARTITION, DataType::Int32, false),
        Field::new(OFFSET, DataType::Int64, false),
    ]);
    RecordBatch::try_new(Arc::new(schema), columns).expect("columns")
}

fn version(partition: i32, offset: i64, row_time_us: i64) -> TakenBack {
    TakenBack {
        partition,
        offset,
        row_time_us,
    }
}

fn told_offsets(settled: &[RowsOf]) -> Vec<i64> {
    let batches = settled.iter().flat_map(|settled| &settled.rows);
    let mut found: Vec<i64> = batches
        .flat_map(|batch| offsets(batch).expect("offsets").to_vec())
        .collect();
    found.sort_unstable();
    found
}

#[test]
fn rows_wait_until_their_own_source_has_passed_them() {
    let mut waiting = Waiting::default();
    let place = place_name("container", "move_event");
    let batch = rows(&[
        (0, "tos", 10, 100),
        (0, "gate", 11, 100),
        (1, "tos", 12, 100),
        (0, "tos", 13, 200),
    ]);
    waiting.absorb(&place, &batch).expect("absorbed");
    let settled = waiting.settle(&|stream, partition, source| {
        assert_eq!(stream, "container");
        if (partition, source) == (0, "tos") {
            200
        } else {
            100
        }
    });
    assert_eq!(told_offsets(&settled.expect("settled")), [10]);
    let sizes: Vec<_> = waiting.sizes().collect();
    assert_eq!(sizes, [("move_event", 3, 3)]);
    let settled = waiting.settle(&|_, _, _| i64::MAX).expect("settled");
    assert_eq!(told_offsets(&settled), [11, 12, 13]);
}

#[test]
fn a_version_is_taken_back_by_its_place_in_the_log_and_once() {
    let mut waiting = Waiting::default();
    let batch = rows(&[
        (0, "tos", 10, 100),
        (0, "tos", 11, 100),
        (1, "tos", 10, 100),
    ]);
    waiting
        .absorb("container/move_event", &batch)
        .expect("absorbed");
    waiting.absorb("vessel/moves", &batch).expect("absorbed");
    let mut take = |version| {
        let found = waiting.take_back("container", version);
        found.expect("looked for").map(|rows| rows.table)
    };
    assert_eq!(take(version(0, 10, 100)).as_deref(), Some("move_event"));
    assert_eq!(take(version(0, 10, 100)), None, "it is gone already");
    assert_eq!(take(version(2, 10, 100)), None);
    let settled = waiting.settle(&|_, _, _| i64::MAX).expect("settled");
    assert_eq!(told_offsets(&settled), [10, 10, 10, 11, 11]);
}

#[test]
fn what_is_told_is_heard_and_what_is_saved_comes_back() {
    let versions = [version(0, 10, 100), version(3, i64::MAX, -5)];
    let batch = told(&versions).expect("told");
    assert_eq!(heard(&batch).expect("heard"), versions);

    let mut waiting = Waiting::default();
    let batch = rows(&[(0, "tos", 10, 100), (1, "gate", 11, 300)]);
    waiting
        .absorb("container/move_event", &batch)
        .expect("absorbed");
    let mut restored = Waiting::default();
    for (name, saved) in waiting.save() {
        for saved in saved {
            let piece = crate::state::saved::Piece {
                name: name.clone(),
                fingerprint: FINGERPRINT,
                part: saved.part,
                numbers: saved.numbers,
                rows: saved.rows,
            };
            assert!(restored.restore(&piece).expect("restored"));
        }
    }
    let settled = restored.settle(&|_, partition, _| if partition == 0 { 101 } else { 0 });
    assert_eq!(told_offsets(&settled.expect("settled")), [10]);
}

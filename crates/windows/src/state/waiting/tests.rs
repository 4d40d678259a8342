use arrow::array::StringArray;
use arrow::datatypes::SchemaRef;

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
        let found = found.expect("looked for").into_iter();
        found.map(|rows| rows.table).collect::<Vec<_>>()
    };
    assert_eq!(take(version(0, 10, 100)), ["move_event"]);
    assert!(take(version(0, 10, 100)).is_empty(), "it is gone already");
    assert!(take(version(2, 10, 100)).is_empty());
    let settled = waiting.settle(&|_, _, _| i64::MAX).expect("settled");
    assert_eq!(told_offsets(&settled), [10, 10, 10, 11, 11]);
}

const TABLE: &str = "move_event";

/// Reads moves, and these columns of them.
struct Reads(u64, &'static [&'static str]);

impl Reader for Reads {
    fn fingerprint(&self) -> u64 {
        self.0
    }

    fn reads(&self, table: &str) -> bool {
        table == TABLE
    }

    fn can_use(&self, _: &str, columns: &SchemaRef) -> bool {
        let mut read = self.1.iter();
        read.all(|column| columns.index_of(column).is_ok())
    }
}

fn seen(waiting: &Waiting, reader: &Reads) -> usize {
    let rows = waiting.rows(TABLE, reader.0).expect("read");
    let usable = rows
        .iter()
        .filter(|rows| reader.can_use(TABLE, rows.schema_ref()));
    usable.map(RecordBatch::num_rows).sum()
}

#[test]
fn rows_that_are_adopted_are_those_that_lacked_and_are_seen_by_their_readers_alone() {
    let place = place_name("container", TABLE);
    let all = rows(&[
        (0, "tos", 10, 100),
        (0, "tos", 11, 100),
        (1, "tos", 10, 200),
    ]);
    let (mut here, mut other) = (Waiting::default(), Waiting::default());
    other.absorb(&place, &all).expect("absorbed");
    here.absorb(&place, &all.slice(1, 1)).expect("absorbed");
    let readers = [1, 7, 8, 9].map(|reader| Reads(reader, &[OFFSET]));
    let seen = |waiting: &Waiting| readers.each_ref().map(|reader| seen(waiting, reader));
    let adopt = |here: &mut Waiting, readers: [&dyn Reader; 2]| {
        here.adopt(&other, &readers).expect("adopted");
    };
    adopt(&mut here, [&readers[1], &readers[2]]);
    assert_eq!(seen(&here), [1, 3, 3, 1]);
    // They are adopted once more for one of these, and for another.
    adopt(&mut here, [&readers[2], &readers[3]]);
    assert_eq!(seen(&here), [1, 3, 3, 3]);

    let mut restored = Waiting::default();
    bring_back(&here, &mut restored);
    let found = restored.take_back("container", version(0, 10, 100));
    let found = found.expect("looked for").into_iter();
    let found: Vec<Readers> = found.map(|rows| rows.readers).collect();
    let only = |readers: &[u64]| Readers::Only(readers.iter().copied().collect());
    assert_eq!(found, [only(&[7]), only(&[8, 9])]);
    let settled = restored.settle(&|_, partition, _| if partition == 0 { 101 } else { 0 });
    let settled = settled.expect("settled");
    assert_eq!(told_offsets(&settled), [11]);
    assert_eq!(settled[0].readers, Readers::All);
    assert_eq!(seen(&restored), [0, 1, 1, 1]);
}

#[test]
fn rows_that_wait_without_a_column_are_adopted_by_those_who_read_it() {
    const MORE: &str = "terminal_id";
    let place = place_name("container", TABLE);
    let few = rows(&[(0, "tos", 10, 100), (0, "tos", 11, 100)]);
    let mut fields = few.schema().fields().to_vec();
    fields.push(Field::new(MORE, DataType::Utf8, false).into());
    let mut columns = few.columns().to_vec();
    columns.push(Arc::new(StringArray::from_iter_values(["a", "b"])));
    let many = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("columns");
    let (mut here, mut other) = (Waiting::default(), Waiting::default());
    other.absorb(&place, &many).expect("absorbed");
    here.absorb(&place, &few.slice(0, 1)).expect("absorbed");
    here.absorb(&place, &many.slice(1, 1)).expect("absorbed");
    let (old, one, two) = (
        Reads(1, &[]),
        Reads(2, &[OFFSET]),
        Reads(3, &[OFFSET, MORE]),
    );
    assert_eq!([seen(&here, &old), seen(&here, &two)], [2, 1]);
    here.adopt(&other, &[&one, &two]).expect("adopted");
    assert_eq!([&old, &one, &two].map(|reader| seen(&here, reader)), [2; 3]);
}

fn bring_back(saved: &Waiting, restored: &mut Waiting) {
    for (name, saved) in saved.save() {
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
    bring_back(&waiting, &mut restored);
    let settled = restored.settle(&|_, partition, _| if partition == 0 { 101 } else { 0 });
    assert_eq!(told_offsets(&settled.expect("settled")), [10]);
}

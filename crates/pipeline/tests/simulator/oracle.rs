//! What must come out of a day: the rules of intake read a second time, then plain DataFusion over what they accept.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema};
use events::decode::{Decoder, Projection};
use events::v1::{Classifier, StatKind};
use events::{Event, Stream};
use windows::bounded::{self, Extent};
use windows::program::Streams;

use crate::program::{CORRECTION_S, OUT_OF_ORDER_S, queries};
use crate::workload::Record;

/// (topic, partition, offset, reason as a number).
pub type Rejects = BTreeSet<(String, i32, i64, i32)>;

/// What must come out.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// Query to final rows, as the bytes of their messages.
    pub rows: BTreeMap<String, Vec<Vec<u8>>>,
    pub rejects: Rejects,
}

const BUCKET_US: i64 = 60_000_000;

#[derive(Default)]
struct Partition {
    offset: i64,
    latest: BTreeMap<String, i64>,
    seen: BTreeMap<(String, String, i64), i64>,
}

struct Told {
    row_time_us: i64,
    source: String,
    outcome: &'static str,
}

/// How far a row may lie behind the latest one of its source.
fn lateness_max_us(source: &str) -> i64 {
    let declared = OUT_OF_ORDER_S.iter().find(|(name, _)| *name == source);
    let out_of_order_s = declared.map_or(60, |(_, seconds)| *seconds);
    (out_of_order_s + CORRECTION_S) as i64 * 1_000_000
}

pub fn streams() -> Streams {
    let tables = events::schema::tables().iter();
    tables
        .map(|table| (table.name.clone(), Arc::clone(&table.schema)))
        .chain([(windows::intake::NAME.to_owned(), windows::intake::schema())])
        .collect()
}

/// Reads the log of a day as the rules say.
pub fn expect(records: &[Record]) -> Expected {
    let mut partitions: BTreeMap<(Stream, i32), Partition> = BTreeMap::new();
    let mut decoders: HashMap<Stream, Decoder> = HashMap::new();
    let mut rejects = Rejects::new();
    let mut told = Vec::new();
    let mut first: BTreeMap<(Stream, i32, String), i64> = BTreeMap::new();
    for record in records {
        let at = (record.stream, record.partition);
        let partition = partitions.entry(at).or_default();
        let offset = partition.offset;
        partition.offset += 1;
        let topic = record.stream.name().to_owned();
        let mut reject = |reason: i32| rejects.insert((topic.clone(), at.1, offset, reason));
        let any = partition.latest.values().copied().max();
        let Ok(event) = Event::decode(record.stream, &record.value) else {
            reject(1);
            told.push(Told {
                row_time_us: any.unwrap_or(record.timestamp_ms * 1_000),
                source: "(unreadable)".to_owned(),
                outcome: "rejected",
            });
            continue;
        };
        let envelope = event.envelope().cloned().unwrap_or_default();
        let is_heartbeat = envelope.event_id.is_empty();
        let is_fact = envelope.classifier() == Classifier::Act;
        let row_time_us = match is_fact {
            true => envelope.event_time_us,
            false => envelope.record_time_us,
        };
        let source = envelope.source.clone();
        let own = partition.latest.get(&source).copied();
        if row_time_us > record.timestamp_ms * 1_000 + 300_000_000 {
            reject(FUTURE);
            told.push(Told {
                row_time_us: own.or(any).unwrap_or(record.timestamp_ms * 1_000),
                source,
                outcome: "rejected",
            });
            continue;
        }
        let limit = own.map(|own| own - lateness_max_us(&source));
        if !is_heartbeat {
            let id = (
                source.clone(),
                envelope.event_id.clone(),
                envelope.record_time_us,
            );
            // A copy is known by the minute of its row time.
            let is_known = |time: &i64| {
                limit.is_none_or(|limit| time.div_euclid(BUCKET_US) >= limit.div_euclid(BUCKET_US))
            };
            if partition.seen.get(&id).is_some_and(is_known) {
                told.push(Told {
                    row_time_us: own.unwrap_or(row_time_us),
                    source,
                    outcome: "duplicate",
                });
                continue;
            }
            if limit.is_some_and(|limit| row_time_us < limit) {
                reject(LATE);
                told.push(Told {
                    row_time_us: own.or(any).unwrap_or(record.timestamp_ms * 1_000),
                    source,
                    outcome: "late",
                });
                continue;
            }
            partition.seen.insert(id, row_time_us);
        }
        let begin = (at.0, at.1, source.clone());
        first.entry(begin).or_insert(row_time_us);
        let latest = partition
            .latest
            .entry(source.clone())
            .or_insert(row_time_us);
        *latest = (*latest).max(row_time_us);
        if !is_heartbeat {
            told.push(Told {
                row_time_us: *latest,
                source,
                outcome: "accepted",
            });
            let decoder = decoders
                .entry(at.0)
                .or_insert_with(|| Decoder::new(at.0, &Projection::all()).expect("a decoder"));
            decoder.read(&record.value).expect("readable");
            decoder.keep(&record.value, row_time_us, at.1, offset);
        }
    }
    let latest = partitions
        .values()
        .flat_map(|partition| partition.latest.values());
    let extent = Extent {
        begin_us: first
            .iter()
            .map(|((.., source), time)| time - lateness_max_us(source))
            .min()
            .expect("some row"),
        horizon_us: latest.copied().max().expect("some row"),
        rest_after_us: 7 * 24 * 3_600_000_000,
    };
    let mut tables: BTreeMap<String, Vec<RecordBatch>> = BTreeMap::new();
    for (table, batch) in decoders.values_mut().flat_map(Decoder::take) {
        tables
            .entry(table.table().name.clone())
            .or_default()
            .push(batch);
    }
    tables.insert(windows::intake::NAME.to_owned(), vec![intake(&told)]);
    Expected {
        rows: rows(&tables, extent),
        rejects,
    }
}

const LATE: i32 = events::v1::RejectReason::Late as i32;
const FUTURE: i32 = events::v1::RejectReason::Future as i32;

fn intake(told: &[Told]) -> RecordBatch {
    let times = told.iter().map(|row| row.row_time_us);
    let times = TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC");
    let text = |of: &dyn Fn(&Told) -> String| {
        Arc::new(StringArray::from_iter_values(told.iter().map(of))) as ArrayRef
    };
    let empty = |_: &Told| String::new();
    let zeros = vec![0; told.len()];
    RecordBatch::try_new(
        windows::intake::schema(),
        vec![
            Arc::new(times),
            text(&|row| row.source.clone()),
            text(&empty),
            text(&empty),
            text(&empty),
            text(&|row| row.outcome.to_owned()),
            text(&empty),
            Arc::new(Int64Array::from(zeros.clone())),
            Arc::new(Int64Array::from(zeros.clone())),
            Arc::new(Int32Array::from(vec![0; told.len()])),
            Arc::new(Int64Array::from(zeros)),
        ],
    )
    .expect("the columns of intake")
}

fn rows(
    tables: &BTreeMap<String, Vec<RecordBatch>>,
    extent: Extent,
) -> BTreeMap<String, Vec<Vec<u8>>> {
    let found = bounded::run(&queries(), &streams(), tables, extent)
        .unwrap_or_else(|faults| panic!("{faults:?}"));
    let encode = |(name, rows): (String, RecordBatch)| {
        let fields = rows.schema().fields().iter().cloned().collect::<Vec<_>>();
        let extra = [
            Arc::new(Field::new("revision", DataType::Int64, false)),
            Arc::new(Field::new("is_final", DataType::Boolean, false)),
            Arc::new(Field::new("stat_kind", DataType::Int32, false)),
        ];
        let schema = Schema::new(fields.into_iter().chain(extra).collect::<Vec<_>>());
        let mut columns = rows.columns().to_vec();
        columns.push(Arc::new(Int64Array::from(vec![0; rows.num_rows()])));
        columns.push(Arc::new(BooleanArray::from(vec![true; rows.num_rows()])) as Arc<dyn Array>);
        let kinds = vec![i32::from(StatKind::Final); rows.num_rows()];
        columns.push(Arc::new(Int32Array::from(kinds)));
        let rows = RecordBatch::try_new(Arc::new(schema), columns).expect("columns");
        let encoded = events::encode::window_stats(&name, &[], &rows).expect("rows");
        let mut values: Vec<Vec<u8>> = encoded.into_iter().map(|row| row.value).collect();
        values.sort();
        (name, values)
    };
    found.into_iter().map(encode).collect()
}

//! The decoder beside prost: what prost reads is in the row, what prost rejects is rejected, and our own rules are the
//! only differences. Over generated records of every message, whole and spoilt, and over random bytes.
use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use events::decode::{DecodeError, Decoder, Head, Kind, Projection};
use events::schema::{TableId, tables};
use events::v1::{Classifier, RejectReason};
use events::{Event, Stream};

use crate::generator::{Random, record, spoilt};
use crate::oracle::{Cells, actual, body, cell, expected, reflect};

const RECORDS: usize = 4_000;
const SPOILT: usize = 3;

/// The decoders of one stream: of all columns, of some, of none.
struct Trio {
    stream: Stream,
    decoders: [Decoder; 3],
    /// What the rows kept must hold, in order.
    rows: BTreeMap<TableId, Vec<(Cells, i64)>>,
    accepted: usize,
    rejected: usize,
}

impl Trio {
    /// Some columns: of each table a share that hangs on the seed, from hardly any to nearly all.
    fn new(stream: Stream, seed: u64) -> Trio {
        let (mut some, mut random) = (Projection::none(), Random(seed));
        for table in tables() {
            let share = random.below(10);
            let columns = 0..table.schema.fields().len();
            some.add_indices(table.id, columns.filter(|_| random.below(10) <= share));
        }
        let projections = [Projection::all(), some, Projection::none()];
        let decoders = projections.map(|projection| Decoder::new(stream, &projection).unwrap());
        Trio {
            stream,
            decoders,
            rows: BTreeMap::new(),
            accepted: 0,
            rejected: 0,
        }
    }

    fn check(&mut self, value: &[u8]) {
        let offset = (self.accepted + self.rejected) as i64;
        let by_prost = Event::decode(self.stream, value);
        let wanted = by_prost
            .map_err(|error| error.to_string())
            .map(|event| judge(self.stream, value, &event));
        for (place, decoder) in self.decoders.iter_mut().enumerate() {
            let read = decoder.read(value);
            match (&wanted, &read) {
                (Err(error), Ok(_)) => panic!("prost says {error}, we accept {value:?}"),
                (Err(_), Err(ours)) => assert_fault(ours, value),
                (Ok(Verdict::Reject(reason)), read) => {
                    assert_eq!(
                        read.as_ref().map_err(|error| error.reason),
                        Err(*reason),
                        "{value:?}"
                    );
                }
                (Ok(_), Err(ours)) => panic!("prost accepts, we say {ours}: {value:?}"),
                (Ok(Verdict::Accept(cells, kind)), Ok(head)) => {
                    assert_eq!(head.kind, *kind, "{value:?}");
                    assert_head(head, cells);
                    let row_time_us = head.row_time_us();
                    decoder.keep(value, row_time_us, 7, offset);
                    if let (Kind::Table(table), 0) = (*kind, place) {
                        self.rows
                            .entry(table)
                            .or_default()
                            .push((cells.clone(), row_time_us));
                    }
                }
            }
        }
        match wanted {
            Ok(Verdict::Accept(..)) => self.accepted += 1,
            _ => self.rejected += 1,
        }
    }

    /// Compares the rows kept since the last time.
    fn settle(&mut self) {
        let [all, some, none] = self.decoders.each_mut().map(|decoder| decoder.take());
        assert!(none.is_empty());
        let tables: Vec<_> = self.rows.keys().copied().collect();
        assert_eq!(
            all.iter().map(|(table, _)| *table).collect::<Vec<_>>(),
            tables
        );
        for ((table, batch), (_, part)) in all.iter().zip(&some) {
            let rows = self.rows.remove(table).unwrap();
            assert_eq!(batch.schema(), table.table().schema);
            assert_eq!(
                (batch.num_rows(), part.num_rows()),
                (rows.len(), rows.len())
            );
            for (row, (cells, row_time_us)) in rows.iter().enumerate() {
                assert_eq!(
                    &actual(batch, row),
                    cells,
                    "row {row} of {}",
                    table.table().name
                );
                assert_place(batch, row, *row_time_us);
            }
            for (field, column) in part.schema().fields().iter().zip(part.columns()) {
                assert_eq!(
                    column,
                    batch.column_by_name(field.name()).unwrap(),
                    "{}",
                    field.name()
                );
            }
        }
    }
}

enum Verdict {
    Reject(RejectReason),
    Accept(Cells, Kind),
}

/// What our own rules say about a message that prost has read.
fn judge(stream: Stream, value: &[u8], event: &Event) -> Verdict {
    if value.is_empty() {
        return Verdict::Reject(RejectReason::EmptyValue);
    }
    let message = reflect(stream, event);
    let Some((descriptor, body)) = body(&message) else {
        return Verdict::Reject(RejectReason::UnknownMessage);
    };
    let table = tables()
        .iter()
        .find(|table| table.message_name == descriptor.full_name());
    let envelope = event.envelope().cloned().unwrap_or_default();
    let is_row = table.is_some();
    if envelope.source.is_empty() {
        Verdict::Reject(RejectReason::MissingSource)
    } else if is_row && envelope.event_id.is_empty() {
        Verdict::Reject(RejectReason::MissingId)
    } else if envelope.record_time_us == 0 || is_row && envelope.event_time_us == 0 {
        Verdict::Reject(RejectReason::MissingTime)
    } else {
        let kind = table.map_or(Kind::Heartbeat, |table| Kind::Table(table.id));
        Verdict::Accept(expected(&message, &body), kind)
    }
}

fn assert_fault(error: &DecodeError, value: &[u8]) {
    use RejectReason::{BadUtf8, BadWireType, Truncated};
    assert!(
        [BadUtf8, BadWireType, Truncated].contains(&error.reason),
        "{error} for {value:?}"
    );
    assert!(
        error.at_byte.is_some_and(|at| at < value.len() as u64),
        "{error} for {value:?}"
    );
}

fn assert_head(head: &Head<'_>, cells: &Cells) {
    assert_eq!(
        (head.source, head.event_id),
        (cells["source"].as_str(), cells["event_id"].as_str())
    );
    assert_eq!(head.terminal_id, cells["terminal_id"]);
    assert_eq!(head.event_time_us.to_string(), cells["event_time"]);
    assert_eq!(head.record_time_us.to_string(), cells["record_time"]);
    assert_eq!(head.is_retracted.to_string(), cells["is_retracted"]);
    let known = match cells["classifier"].as_str() {
        "ACT" => Classifier::Act,
        "EST" => Classifier::Est,
        "PLN" => Classifier::Pln,
        "REQ" => Classifier::Req,
        _ => Classifier::Unspecified,
    };
    assert_eq!(head.classifier, known);
}

fn assert_place(batch: &RecordBatch, row: usize, row_time_us: i64) {
    assert_eq!(
        cell(batch.column_by_name("row_time").unwrap(), row),
        row_time_us.to_string()
    );
    assert_eq!(cell(batch.column_by_name("partition").unwrap(), row), "7");
}

/// Checks records of a stream, whole and spoilt, and counts the rows kept by table.
fn generated_and_spoilt(stream: Stream, seed: u64, kept: &mut BTreeMap<TableId, usize>) -> Trio {
    let root = events::message(stream.message_name()).unwrap();
    let mut random = Random(seed);
    let mut trio = Trio::new(stream, seed);
    for count in 0..RECORDS {
        let value = record(&root, &mut random);
        trio.check(&value);
        for _ in 0..SPOILT {
            trio.check(&spoilt(&value, &mut random));
        }
        if count % 500 == 499 {
            for (table, rows) in &trio.rows {
                *kept.entry(*table).or_default() += rows.len();
            }
            trio.settle();
        }
    }
    trio
}

/// Random bytes, so short that much of them is read.
fn random_bytes(stream: Stream, random: &mut Random, count: usize) {
    let mut trio = Trio::new(stream, random.next());
    for _ in 0..count {
        let length = random.below(40);
        let value: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        trio.check(&value);
    }
    trio.settle();
}

#[test]
fn generated_and_spoilt_records_are_read_as_prost_reads_them() {
    let mut kept = BTreeMap::<TableId, usize>::new();
    for (seed, stream) in Stream::ALL.into_iter().enumerate() {
        let trio = generated_and_spoilt(stream, seed as u64, &mut kept);
        assert!(
            trio.accepted > RECORDS / 2 && trio.rejected > RECORDS / 2,
            "{}: {} {}",
            stream,
            trio.accepted,
            trio.rejected
        );
    }
    for table in tables() {
        assert!(
            kept.get(&table.id).is_some_and(|&rows| rows > 100),
            "too few rows of {}",
            table.name
        );
    }
}

#[test]
fn records_of_one_stream_on_another_ones_topic_are_read_as_prost_reads_them() {
    for (seed, stream) in Stream::ALL.into_iter().enumerate() {
        let mut trio = Trio::new(stream, seed as u64);
        let mut random = Random(1_000 + seed as u64);
        for other in Stream::ALL {
            let root = events::message(other.message_name()).unwrap();
            for _ in 0..200 {
                trio.check(&record(&root, &mut random));
            }
        }
        trio.settle();
    }
}

#[test]
fn random_bytes_never_panic() {
    let mut random = Random(42);
    for stream in Stream::ALL {
        random_bytes(stream, &mut random, 20_000);
    }
}

/// Many more records, under changing projections: `QUAYSTREAM_TESTS=full`.
#[test]
fn many_seeds_agree_with_prost() {
    if std::env::var("QUAYSTREAM_TESTS").is_ok_and(|value| value == "full") {
        let mut kept = BTreeMap::new();
        for seed in 100..108 {
            for (place, stream) in Stream::ALL.into_iter().enumerate() {
                generated_and_spoilt(stream, seed * 10 + place as u64, &mut kept);
                random_bytes(stream, &mut Random(seed), 20_000);
            }
        }
        assert!(kept.values().sum::<usize>() > 150_000);
    } else {
        eprintln!("skipped: set QUAYSTREAM_TESTS=full");
    }
}

#[test]
fn every_prefix_of_a_record_is_read_as_prost_reads_it() {
    for (seed, stream) in Stream::ALL.into_iter().enumerate() {
        let root = events::message(stream.message_name()).unwrap();
        let mut random = Random(7 + seed as u64);
        let mut trio = Trio::new(stream, seed as u64);
        for _ in 0..20 {
            let value = record(&root, &mut random);
            for end in 0..value.len() {
                trio.check(&value[..end]);
            }
        }
        trio.settle();
    }
}

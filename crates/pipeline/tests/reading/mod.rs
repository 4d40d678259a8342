//! What must come out of a log: the rules of intake read a second time, then plain DataFusion over what they accept. Nothing
//! here is shared with the engine but the wire format and the oracle.

pub mod told;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, TimestampMicrosecondType};
use events::decode::{Decoder, Projection};
use events::v1::{self, Classifier, Envelope, StatKind};
use events::{Event, Stream};
use pipeline::settings::Settings;
use windows::bounded::{self, Besides, Extent};
use windows::program::Streams;
use windows::sql::functions::Functions;
use windows::sql::parse::SqlFile;

/// One record on its way into the log.
#[derive(Debug, Clone)]
pub struct Record {
    pub stream: Stream,
    pub partition: i32,
    pub timestamp_ms: i64,
    pub value: Vec<u8>,
}

/// What the rules of intake hang on.
pub struct Rules {
    /// By source: how far its rows may be out of order, microseconds, and whether it corrects events.
    sources: BTreeMap<String, (i64, bool)>,
    out_of_order_us: i64,
    correction_us: i64,
    future_us: i64,
    rest_after_us: i64,
}

impl Rules {
    pub fn of(settings: &Settings) -> Self {
        let us = |time: std::time::Duration| time.as_micros() as i64;
        let sources = settings.sources.iter().map(|source| {
            let rules = (us(source.out_of_order_max), source.has_corrections);
            (source.name.clone(), rules)
        });
        Rules {
            sources: sources.collect(),
            out_of_order_us: us(settings.out_of_order_max),
            correction_us: us(settings.correction_max),
            future_us: us(settings.future_max),
            rest_after_us: us(settings.rest_after),
        }
    }

    /// How far a row may lie behind the latest one of its source.
    fn lateness_max_us(&self, source: &str) -> i64 {
        let declared = self.sources.get(source);
        declared.map_or(self.out_of_order_us, |rules| rules.0) + self.correction_us
    }

    fn has_corrections(&self, source: &str) -> bool {
        self.sources.get(source).is_some_and(|rules| rules.1)
    }
}

/// (topic, partition, offset, reason as a number).
pub type Rejects = BTreeSet<(String, i32, i64, i32)>;

/// What must come out.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// Query to final rows, as the bytes of their messages.
    pub rows: BTreeMap<String, Vec<Vec<u8>>>,
    pub rejects: Rejects,
    /// Records by what became of them.
    pub outcomes: BTreeMap<&'static str, usize>,
}

const BUCKET_US: i64 = 60_000_000;

#[derive(Default)]
struct Partition {
    offset: i64,
    latest: BTreeMap<String, i64>,
    /// Row time, and how many copies there were.
    seen: BTreeMap<(String, String, i64), (i64, i64)>,
    stories: BTreeMap<(String, String), Vec<Chapter>>,
}

/// A version of an event that was not too late when it came.
struct Chapter {
    /// Record time; of one instant a retraction is the later.
    order: (i64, bool),
    row_time_us: i64,
    /// Its place among all rows.
    row: usize,
    copies: i64,
}

/// A row that was accepted at some time.
struct Row {
    at: (Stream, i32),
    offset: i64,
    row_time_us: i64,
    value: Vec<u8>,
    fate: RowFate,
}

#[derive(Clone, Copy, PartialEq)]
enum RowFate {
    Counts,
    TakenBack,
    /// A retraction: of something that could be taken back, or not.
    Retraction {
        is_void: bool,
    },
}

/// What becomes of a version, by all that is known of its event, and which copy of it it is. `limit` is the earliest row
/// time that is not late.
fn read(
    story: &mut Vec<Chapter>,
    rows: &mut [Row],
    new: Chapter,
    limit: Option<i64>,
) -> (&'static str, i64) {
    let is_late = |time: i64| limit.is_some_and(|limit| time < limit);
    if story.iter().all(|chapter| is_late(chapter.row_time_us)) {
        story.clear();
    }
    let newest = story.iter_mut().max_by_key(|chapter| chapter.order);
    let newest = match newest {
        Some(newest) => {
            match new.order.cmp(&newest.order) {
                std::cmp::Ordering::Equal => {
                    newest.copies += 1;
                    return ("duplicate", newest.copies);
                }
                std::cmp::Ordering::Less => return ("superseded", 1),
                std::cmp::Ordering::Greater => {}
            }
            Some(newest)
        }
        None => None,
    };
    if is_late(new.row_time_us) {
        return ("late", 1);
    }
    let former = newest.filter(|former| !former.order.1 && !is_late(former.row_time_us));
    let former = former.map(|former| former.row);
    if let Some(former) = former {
        rows[former].fate = RowFate::TakenBack;
    }
    let is_retraction = new.order.1;
    story.push(new);
    match (is_retraction, former) {
        (true, former) => {
            let is_void = former.is_none();
            rows[story[story.len() - 1].row].fate = RowFate::Retraction { is_void };
            ("retracted", 1)
        }
        (false, Some(_)) => ("corrected", 1),
        (false, None) => ("accepted", 1),
    }
}

/// A row of the stream `intake`.
struct Told {
    row_time_us: i64,
    source: String,
    terminal_id: String,
    outcome: &'static str,
    copies: i64,
    delay_us: Option<i64>,
}

/// What a readable record holds beside its envelope.
#[derive(PartialEq)]
enum Body {
    None,
    Heartbeat,
    Row,
}

fn body(event: &Event) -> Body {
    macro_rules! of {
        ($message:expr, $module:ident) => {
            match &$message.body {
                None => Body::None,
                Some(v1::$module::Body::Heartbeat(_)) => Body::Heartbeat,
                Some(_) => Body::Row,
            }
        };
    }
    match event {
        Event::Vessel(event) => of!(event, vessel_event),
        Event::Container(event) => of!(event, container_event),
        Event::Rail(event) => of!(event, rail_event),
        Event::Telemetry(event) => of!(event, telemetry_event),
        Event::Reference(event) => of!(event, reference_event),
        Event::Planner(event) => of!(event, planner_event),
    }
}

/// The event in a record, and whether it is a heartbeat; none if it cannot be used.
fn readable(record: &Record) -> Option<(Envelope, bool)> {
    let event = Event::decode(record.stream, &record.value).ok()?;
    let envelope = event.envelope().cloned().unwrap_or_default();
    let body = body(&event);
    let is_row = body == Body::Row;
    let lacks_id = is_row && envelope.event_id.is_empty();
    let lacks_time = envelope.record_time_us == 0 || is_row && envelope.event_time_us == 0;
    let is_usable = body != Body::None && !envelope.source.is_empty() && !lacks_id && !lacks_time;
    is_usable.then_some((envelope, !is_row))
}

pub fn streams() -> Streams {
    let tables = events::schema::tables().iter();
    tables
        .map(|table| (table.name.clone(), Arc::clone(&table.schema)))
        .chain([(windows::intake::NAME.to_owned(), windows::intake::schema())])
        .collect()
}

/// A log read by the rules.
#[derive(Default)]
struct Reading {
    partitions: BTreeMap<(Stream, i32), Partition>,
    rejects: Rejects,
    told: Vec<Told>,
    first: BTreeMap<(Stream, i32, String), i64>,
    rows: Vec<Row>,
    heartbeats: usize,
}

impl Reading {
    fn take(&mut self, record: &Record, rules: &Rules) {
        let at = (record.stream, record.partition);
        let partition = self.partitions.entry(at).or_default();
        let offset = partition.offset;
        partition.offset += 1;
        let topic = record.stream.name().to_owned();
        let rejects = &mut self.rejects;
        let mut reject = |reason: i32| rejects.insert((topic.clone(), at.1, offset, reason));
        let any = partition.latest.values().copied().max();
        let Some((envelope, is_heartbeat)) = readable(record) else {
            reject(UNREADABLE);
            self.told.push(Told {
                row_time_us: any.unwrap_or(record.timestamp_ms * 1_000),
                source: "(unreadable)".to_owned(),
                terminal_id: String::new(),
                outcome: "rejected",
                copies: 1,
                delay_us: None,
            });
            return;
        };
        use Classifier::{Est, Pln, Req};
        let is_fact = !is_heartbeat && !matches!(envelope.classifier(), Est | Pln | Req);
        let row_time_us = match is_fact {
            true => envelope.event_time_us,
            false => envelope.record_time_us,
        };
        let source = envelope.source.as_str();
        let own = partition.latest.get(source).copied();
        let delay_us = is_fact.then(|| envelope.record_time_us - envelope.event_time_us);
        let told = &mut self.told;
        let mut tell = |latest: Option<i64>, outcome: &'static str, copies: i64| {
            told.push(Told {
                row_time_us: latest.unwrap_or(row_time_us),
                source: source.to_owned(),
                terminal_id: envelope.terminal_id.clone(),
                outcome,
                copies,
                delay_us: delay_us.filter(|_| !matches!(outcome, "late" | "rejected")),
            });
        };
        if row_time_us > record.timestamp_ms * 1_000 + rules.future_us {
            reject(FUTURE);
            let latest = own.or(any).unwrap_or(record.timestamp_ms * 1_000);
            return tell(Some(latest), "rejected", 1);
        }
        let limit = own.map(|own| own - rules.lateness_max_us(source));
        let (mut outcome, mut copies) = ("heartbeat", 1);
        if !is_heartbeat {
            self.rows.push(Row {
                at,
                offset,
                row_time_us,
                value: record.value.clone(),
                fate: RowFate::Counts,
            });
            (outcome, copies) = match rules.has_corrections(source) {
                true => {
                    let id = (source.to_owned(), envelope.event_id.clone());
                    let story = partition.stories.entry(id).or_default();
                    let chapter = Chapter {
                        order: (envelope.record_time_us, envelope.is_retracted),
                        row_time_us,
                        row: self.rows.len() - 1,
                        copies: 1,
                    };
                    read(story, &mut self.rows, chapter, limit)
                }
                false => partition.read_event(&envelope, row_time_us, limit),
            };
            if matches!(outcome, "duplicate" | "superseded" | "late") {
                self.rows.pop();
            }
        }
        match outcome {
            "duplicate" | "superseded" => return tell(own, outcome, copies),
            "late" => {
                reject(LATE);
                return tell(own, outcome, 1);
            }
            "heartbeat" => self.heartbeats += 1,
            _ => {}
        }
        let begin = (at.0, at.1, source.to_owned());
        self.first.entry(begin).or_insert(row_time_us);
        let latest = partition.latest.entry(source.to_owned());
        let latest = latest.or_insert(row_time_us);
        *latest = (*latest).max(row_time_us);
        if !is_heartbeat {
            tell(Some(*latest), outcome, 1);
        }
    }

    fn extent(&self, rules: &Rules) -> Extent {
        let partitions = self.partitions.values();
        let latest = partitions.flat_map(|partition| partition.latest.values());
        let first = self.first.iter();
        let first = first.map(|((.., source), time)| time - rules.lateness_max_us(source));
        Extent {
            begin_us: first.min().expect("some row"),
            horizon_us: latest.copied().max().expect("some row"),
            rest_after_us: rules.rest_after_us,
        }
    }

    /// The rows of some fates as tables.
    fn tables(&self, is_of: impl Fn(RowFate) -> bool) -> BTreeMap<String, Vec<RecordBatch>> {
        let mut decoders: HashMap<Stream, Decoder> = HashMap::new();
        for row in self.rows.iter().filter(|row| is_of(row.fate)) {
            let decoder = decoders
                .entry(row.at.0)
                .or_insert_with(|| Decoder::new(row.at.0, &Projection::all()).expect("a decoder"));
            decoder.read(&row.value).expect("readable");
            decoder.keep(&row.value, row.row_time_us, row.at.1, row.offset);
        }
        let mut tables: BTreeMap<String, Vec<RecordBatch>> = BTreeMap::new();
        for (table, batch) in decoders.values_mut().flat_map(Decoder::take) {
            let batches = tables.entry(table.table().name.clone());
            batches.or_default().push(batch);
        }
        tables
    }
}

impl Partition {
    /// Where every version is an event of its own.
    fn read_event(
        &mut self,
        envelope: &Envelope,
        row_time_us: i64,
        limit: Option<i64>,
    ) -> (&'static str, i64) {
        let id = (
            envelope.source.clone(),
            envelope.event_id.clone(),
            envelope.record_time_us,
        );
        // A copy is known by the minute of its row time.
        let is_known = |time: i64| {
            limit.is_none_or(|limit| time.div_euclid(BUCKET_US) >= limit.div_euclid(BUCKET_US))
        };
        let seen = self.seen.get_mut(&id);
        if let Some((_, copies)) = seen.filter(|(time, _)| is_known(*time)) {
            *copies += 1;
            return ("duplicate", *copies);
        }
        if limit.is_some_and(|limit| row_time_us < limit) {
            return ("late", 1);
        }
        self.seen.insert(id, (row_time_us, 1));
        ("accepted", 1)
    }
}

/// Reads a log as the rules say, and answers these queries over it.
pub fn expect(records: &[Record], rules: &Rules, queries: &[SqlFile]) -> Expected {
    let mut reading = Reading::default();
    for record in records {
        reading.take(record, rules);
    }
    let mut tables = reading.tables(|fate| fate == RowFate::Counts);
    tables.insert(
        windows::intake::NAME.to_owned(),
        vec![intake(&reading.told)],
    );
    let former = reading.tables(|fate| fate == RowFate::TakenBack);
    let times = former.into_iter().map(|(table, batches)| {
        let times = batches.iter().flat_map(row_times);
        (table, times.collect())
    });
    let besides = Besides {
        retractions: reading.tables(|fate| fate == RowFate::Retraction { is_void: true }),
        taken_back_us: times.collect(),
    };
    let mut outcomes: BTreeMap<&'static str, usize> = BTreeMap::new();
    for told in &reading.told {
        *outcomes.entry(told.outcome).or_default() += 1;
    }
    outcomes.insert("heartbeat", reading.heartbeats);
    let void = besides.retractions.values().flatten();
    outcomes.insert("void", void.map(RecordBatch::num_rows).sum());
    Expected {
        rows: rows(queries, &tables, &besides, reading.extent(rules)),
        rejects: reading.rejects,
        outcomes,
    }
}

fn row_times(batch: &RecordBatch) -> Vec<i64> {
    let column = batch.column_by_name("row_time").expect("row_time");
    let column = column.as_primitive::<TimestampMicrosecondType>();
    column.values().to_vec()
}

/// For the reason of any record that cannot be used.
pub const UNREADABLE: i32 = events::v1::RejectReason::Truncated as i32;
const LATE: i32 = events::v1::RejectReason::Late as i32;
const FUTURE: i32 = events::v1::RejectReason::Future as i32;

fn intake(told: &[Told]) -> RecordBatch {
    let times = told.iter().map(|row| row.row_time_us);
    let times = TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC");
    let text = |of: &dyn Fn(&Told) -> String| {
        Arc::new(StringArray::from_iter_values(told.iter().map(of))) as ArrayRef
    };
    let empty = |_: &Told| String::new();
    let numbers = |of: &dyn Fn(&Told) -> Option<i64>| {
        Arc::new(told.iter().map(of).collect::<Int64Array>()) as ArrayRef
    };
    RecordBatch::try_new(
        windows::intake::schema(),
        vec![
            Arc::new(times),
            text(&|row| row.source.clone()),
            text(&empty),
            text(&empty),
            text(&|row| row.terminal_id.clone()),
            text(&|row| row.outcome.to_owned()),
            text(&empty),
            numbers(&|row| Some(row.copies)),
            numbers(&|row| row.delay_us),
            Arc::new(Int32Array::from(vec![0; told.len()])),
            numbers(&|_| Some(0)),
        ],
    )
    .expect("the columns of intake")
}

fn rows(
    queries: &[SqlFile],
    tables: &BTreeMap<String, Vec<RecordBatch>>,
    besides: &Besides,
    extent: Extent,
) -> BTreeMap<String, Vec<Vec<u8>>> {
    let functions = Functions::default();
    let found = bounded::run_with(queries, &streams(), tables, besides, extent, &functions)
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

//! From event to record: ids, record time, the way into Kafka with its delays, copies and wrong records.

use crate::amended;
use crate::disorder::{self, WrongKind};
use crate::payload::{self, Payload};
use crate::random::Random;
use crate::settings::{Disorder, Partitions, Settings};
use crate::sources::{Source, SourceDecl};
use crate::time::{MINUTE_US, SECOND_US};
use crate::truth::{Kind, Truth};
use events::{Event, Stream, v1};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// One record as it goes to Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Produced {
    /// The stream, which has one topic.
    pub stream: Stream,
    /// The object that it is about. A heartbeat has `heartbeat/<source>`.
    pub key: Vec<u8>,
    /// The protobuf message, or what is left of it.
    pub value: Vec<u8>,
    /// Kafka's CreateTime: the record time of events, else the time of production. Milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// Set for heartbeats; all others go by key.
    pub partition: Option<i32>,
}

/// What an event's envelope says, but for what the outbox knows by itself.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// When it happened (then at or just before now) or will happen.
    pub event_time_us: i64,
    pub classifier: v1::Classifier,
    pub terminal: &'static str,
    pub place: &'static str,
    pub port_call: String,
    pub berth_visit: String,
    pub train: String,
}

impl Head {
    /// A fact.
    pub(crate) fn act(at_us: i64, terminal: &'static str) -> Self {
        Head::new(at_us, v1::Classifier::Act, terminal)
    }

    /// A fact or forecast, by classifier.
    pub(crate) fn new(
        event_time_us: i64,
        classifier: v1::Classifier,
        terminal: &'static str,
    ) -> Self {
        Head {
            event_time_us,
            classifier,
            terminal,
            place: "DEDUI",
            port_call: String::new(),
            berth_visit: String::new(),
            train: String::new(),
        }
    }

    pub(crate) fn of_train(self, train: &str) -> Self {
        Head {
            train: train.to_owned(),
            ..self
        }
    }

    pub(crate) fn of_visit(self, port_call: &str, berth_visit: &str) -> Self {
        Head {
            port_call: port_call.to_owned(),
            berth_visit: berth_visit.to_owned(),
            ..self
        }
    }

    pub(crate) fn at_place(self, place: &'static str) -> Self {
        Head { place, ..self }
    }
}

#[derive(Debug)]
struct Due {
    arrival_us: i64,
    turn: u64,
    source: Source,
    kind: Kind,
    produced: Produced,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.arrival_us, self.turn) == (other.arrival_us, other.turn)
    }
}
impl Eq for Due {}
impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Due {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.arrival_us, self.turn).cmp(&(other.arrival_us, other.turn))
    }
}

/// Records on their way, by arrival.
#[derive(Debug)]
pub(crate) struct Outbox {
    due: BinaryHeap<Reverse<Due>>,
    turn: u64,
    random: Random,
    /// Of its own, so that all else stays as it is whatever is amended.
    amended_random: Random,
    amended: usize,
    disorder: Disorder,
    partitions: Partitions,
    end_us: i64,
    decls: Vec<SourceDecl>,
    seqs: [u64; Source::ALL.len()],
    beats: u64,
    wrongs: usize,
    truth: Truth,
}

impl Outbox {
    pub(crate) fn new(settings: &Settings) -> Self {
        Outbox {
            due: BinaryHeap::new(),
            turn: 0,
            random: Random::new(settings.seed, 100),
            amended_random: Random::new(settings.seed, 101),
            amended: 0,
            disorder: settings.disorder.clone(),
            partitions: settings.partitions,
            end_us: settings.end_at_us(),
            decls: Source::ALL.iter().map(|source| source.decl()).collect(),
            seqs: [0; Source::ALL.len()],
            beats: 0,
            wrongs: 0,
            truth: Truth::default(),
        }
    }

    /// Sends an event that its source learns of at `now_us`.
    pub(crate) fn send<P: Payload>(&mut self, now_us: i64, source: Source, head: Head, body: P) {
        let decl = self.decls[source.place()];
        let is_fact = head.classifier == v1::Classifier::Act;
        let record_time_us = if is_fact {
            now_us + self.delay_us(&decl)
        } else {
            now_us
        };
        let row_time_us = if is_fact {
            head.event_time_us
        } else {
            record_time_us
        };
        let seq = &mut self.seqs[source.place()];
        *seq += 1;
        let envelope = v1::Envelope {
            event_id: format!("{}-{:07}", decl.name, seq),
            source: decl.name.to_owned(),
            source_seq: *seq,
            event_time_us: head.event_time_us,
            record_time_us,
            classifier: head.classifier.into(),
            terminal_id: head.terminal.to_owned(),
            un_location_code: head.place.to_owned(),
            port_call_id: head.port_call,
            berth_visit_id: head.berth_visit,
            train_id: head.train,
            ..Default::default()
        };
        let event = body.wrap(envelope);
        let produced = Produced {
            stream: event.stream(),
            key: event.key(),
            value: event.encode_to_vec(),
            timestamp_ms: record_time_us / 1000,
            partition: None,
        };
        self.dispatch(source, P::TABLE, row_time_us, record_time_us, produced);
        if produced_may_be_spoilt(event.stream()) && self.random.chance_ppm(self.disorder.wrong_ppm)
        {
            self.spoil(source, &event, now_us);
        }
        let share = self.disorder.amended_ppm;
        if source == Source::Gate && self.amended_random.chance_ppm(share) {
            self.amend(&event, now_us);
        }
    }

    /// Human and technical slowness between what happens and its record.
    fn delay_us(&mut self, decl: &SourceDecl) -> i64 {
        let usual_us = i64::from(decl.delay_usual_s) * SECOND_US;
        let most_us = i64::from(decl.out_of_order_max_s) * SECOND_US * 6 / 10;
        self.random.exponential(usual_us).min(most_us)
    }

    /// The way into Kafka. What is not late comes within 95 % of the source's bound after its row time.
    fn dispatch(
        &mut self,
        source: Source,
        table: &'static str,
        row_time_us: i64,
        record_time_us: i64,
        produced: Produced,
    ) {
        let bound_us = i64::from(self.decls[source.place()].out_of_order_max_s) * SECOND_US;
        let latest_us = (row_time_us + bound_us * 95 / 100).max(record_time_us);
        if let Some(arrival_us) = self.late_arrival_us(source, row_time_us, bound_us) {
            let kind = Kind::Event {
                table,
                is_late: true,
                is_held_up: false,
            };
            return self.post(arrival_us.max(record_time_us), source, kind, produced);
        }
        let is_held_up = self.random.chance_ppm(self.disorder.out_of_order_ppm);
        let arrival_us = match is_held_up {
            true => self.random.between(record_time_us, latest_us),
            false => record_time_us,
        };
        let copies = self.copies(source);
        for _ in 0..copies {
            let at_us = self
                .random
                .between(arrival_us, latest_us.min(arrival_us + bound_us / 4));
            self.post(at_us.max(arrival_us), source, Kind::Copy, produced.clone());
        }
        let kind = Kind::Event {
            table,
            is_late: false,
            is_held_up,
        };
        self.post(arrival_us, source, kind, produced);
    }

    /// When an event arrives that is to be late; None if it is not, and none is that would come after the end. Master
    /// data and commands are spared, since a plan must not hang on chance.
    fn late_arrival_us(&mut self, source: Source, row_time_us: i64, bound_us: i64) -> Option<i64> {
        if matches!(source, Source::Master | Source::Planner)
            || !self.random.chance_ppm(self.disorder.late_ppm)
        {
            return None;
        }
        let over_us = self.random.between(30 * MINUTE_US, 60 * MINUTE_US);
        let arrival_us = row_time_us + 2 * bound_us + over_us;
        (arrival_us < self.end_us).then_some(arrival_us)
    }

    fn copies(&mut self, source: Source) -> u32 {
        if source != Source::Ais {
            return u32::from(self.random.chance_ppm(self.disorder.duplicate_ppm));
        }
        if !self.random.chance_ppm(self.disorder.duplicate_ais_ppm) {
            return 0;
        }
        1 + self.random.weighted(&[80, 12, 5, 3]) as u32
    }

    fn spoil(&mut self, source: Source, good: &Event, now_us: i64) {
        let kind = WrongKind::ALL[self.wrongs % WrongKind::ALL.len()];
        self.wrongs += 1;
        let (stream, key, value) = disorder::spoil(kind, good, now_us, &mut self.random);
        let source = if kind.is_usable() {
            Source::Customs
        } else {
            source
        };
        let produced = Produced {
            stream,
            key,
            value,
            timestamp_ms: now_us / 1000,
            partition: None,
        };
        self.post(now_us, source, Kind::Wrong(kind), produced);
    }

    /// A lorry that the gate reports wrongly at first.
    fn amend(&mut self, good: &Event, now_us: i64) {
        self.amended += 1;
        let random = &mut self.amended_random;
        for version in amended::story(self.amended, good, now_us, random) {
            let record_time_us = version.record_time_us;
            let produced = Produced {
                stream: version.event.stream(),
                key: version.event.key(),
                value: version.event.encode_to_vec(),
                timestamp_ms: record_time_us / 1000,
                partition: None,
            };
            let kind = match version.is_copy {
                true => Kind::Copy,
                false => Kind::Amended,
            };
            self.post(version.arrival_us, Source::Gate, kind, produced);
        }
    }

    /// Writes a heartbeat of a source to every partition that it uses.
    pub(crate) fn beat(&mut self, now_us: i64, source: Source) {
        let decl = self.decls[source.place()];
        self.beats += 1;
        for stream in decl.streams {
            let envelope = v1::Envelope {
                event_id: format!("{}-beat-{}", decl.name, self.beats),
                source: decl.name.to_owned(),
                event_time_us: now_us,
                record_time_us: now_us,
                classifier: v1::Classifier::Act.into(),
                ..Default::default()
            };
            let value = payload::heartbeat(*stream, envelope).encode_to_vec();
            for partition in 0..self.partitions.of(*stream) {
                let produced = Produced {
                    stream: *stream,
                    key: format!("heartbeat/{}", decl.name).into_bytes(),
                    value: value.clone(),
                    timestamp_ms: now_us / 1000,
                    partition: Some(partition as i32),
                };
                self.post(now_us, source, Kind::Heartbeat, produced);
            }
        }
    }

    fn post(&mut self, arrival_us: i64, source: Source, kind: Kind, produced: Produced) {
        self.turn += 1;
        self.due.push(Reverse(Due {
            arrival_us,
            turn: self.turn,
            source,
            kind,
            produced,
        }));
    }

    /// The next record that arrives at `until_us` or before.
    pub(crate) fn take(&mut self, until_us: i64) -> Option<Produced> {
        if self.due.peek()?.0.arrival_us > until_us {
            return None;
        }
        let Reverse(due) = self.due.pop()?;
        self.truth.count(due.produced.stream, due.source, due.kind);
        Some(due.produced)
    }

    /// When the last record on its way arrives.
    pub(crate) fn last_arrival_us(&self) -> Option<i64> {
        self.due.iter().map(|Reverse(due)| due.arrival_us).max()
    }

    pub(crate) fn len(&self) -> usize {
        self.due.len()
    }

    pub(crate) fn truth(&self) -> &Truth {
        &self.truth
    }
}

/// A bad record on the compacted topic of master data would be a different test.
fn produced_may_be_spoilt(stream: Stream) -> bool {
    stream != Stream::Reference
}

//! A partition that changes its owner again and again, against one that never does.

use std::collections::{BTreeMap, BTreeSet};

use events::Message;
use events::internal::{EventStanding, EventVersions, IntakeDelta, SourceProgress};
use pipeline::intake::ids::EventHash;
use pipeline::intake::partition::{Arrival, Fate, PartitionIntake, SourceRules};
use pipeline::intake::state::StateBounds;
use pipeline::intake::state::codec;
use pipeline::intake::state::key::{Key, Kind};
use pipeline::intake::state::takeover::Takeover;
use pipeline::intake::state::write::StateRecord;
use pipeline::intake::versions::event_hash;
use pipeline::log::Partition;

const MINUTE_US: i64 = 60_000_000;
/// Rows wait for corrections so long.
const CORRECTION_US: i64 = 3 * MINUTE_US;

const SMALL: StateBounds = StateBounds {
    deltas_max: 4,
    delta_entries_min: 10,
    record_entries_max: 8,
    rewritten_entries_min: 8,
};

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

#[derive(Debug, Clone)]
struct Row {
    source: &'static str,
    event_id: String,
    record_time_us: i64,
    row_time_us: i64,
    is_retracted: bool,
}

/// Rows in the order of the log: disorder, copies, corrections, retractions; the sources `ais` and `gate` are not corrected.
fn rows(dice: &mut Dice, count: usize, sources: &[&'static str]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for number in 0..count {
        let now_us = number as i64 * 4_000_000;
        let back = rows.len().saturating_sub(1 + dice.below(90) as usize);
        let row = match (dice.below(10), rows.get(back)) {
            (0..3, Some(former)) => former.clone(),
            (3..5, Some(former)) => Row {
                record_time_us: former.record_time_us + dice.below(3) as i64,
                row_time_us: former.row_time_us + dice.below(400_000_000) as i64 - 100_000_000,
                is_retracted: dice.below(3) == 0,
                ..former.clone()
            },
            _ => Row {
                source: sources[dice.below(sources.len() as u64) as usize],
                event_id: number.to_string(),
                record_time_us: now_us,
                row_time_us: now_us - dice.below(5 * MINUTE_US as u64) as i64,
                is_retracted: false,
            },
        };
        rows.push(row);
    }
    rows
}

fn partition() -> Partition {
    Partition::new("container", 1)
}

fn rules(source: &str) -> SourceRules {
    SourceRules {
        out_of_order_us: if source == "gate" {
            MINUTE_US
        } else {
            4 * MINUTE_US
        },
        has_corrections: source == "tos",
    }
}

/// A topic of all input partitions with this number, as compacted as can be.
#[derive(Default)]
struct Topic {
    log: Vec<StateRecord>,
}

impl Topic {
    fn compact(&mut self) {
        let newest: BTreeMap<&[u8], usize> = self
            .log
            .iter()
            .enumerate()
            .map(|(place, record)| (record.key.as_slice(), place))
            .collect();
        let kept: Vec<StateRecord> = self
            .log
            .iter()
            .enumerate()
            .filter(|(place, record)| {
                newest[record.key.as_slice()] == *place && record.value.is_some()
            })
            .map(|(_, record)| record.clone())
            .collect();
        self.log = kept;
    }

    fn takeover(&self, offset: i64) -> Takeover {
        let mut takeover = Takeover::new(partition(), offset, !self.log.is_empty());
        for record in &self.log {
            let taken = takeover.take(&record.key, record.value.as_deref());
            taken.expect("readable");
        }
        takeover
    }

    fn owner(&self, offset: i64, bounds: StateBounds) -> PartitionIntake {
        let takeover = self.takeover(offset);
        assert!(takeover.is_whole());
        let mut intake = PartitionIntake::new(partition(), offset, CORRECTION_US, bounds);
        takeover.rebuild(&mut intake, &rules).expect("sound");
        (intake.next_offset, intake.covered_from) = (offset, offset);
        intake
    }

    /// Entries in it: of slices, of deltas.
    fn entries(&self) -> [usize; 2] {
        let mut entries = [0, 0];
        for record in &self.log {
            let value = record.value.as_deref().expect("compacted");
            let record = IntakeDelta::decode(value).expect("readable");
            let ids = record.ids.iter().map(codec::count).sum::<usize>();
            let versions = record.versions.map_or(0, |columns| columns.id_low.len());
            entries[usize::from(record.slice.is_none())] += ids + versions;
        }
        entries
    }
}

fn decide(intake: &mut PartitionIntake, row: &Row) -> Fate {
    let offset = intake.next_offset;
    intake.next_offset += 1;
    intake.source(row.source, || rules(row.source));
    intake.decide(&Arrival {
        source: row.source,
        event_id: &row.event_id,
        record_time_us: row.record_time_us,
        row_time_us: row.row_time_us,
        offset,
        is_retracted: row.is_retracted,
    })
}

/// An owner that never changes.
fn steady(rows: &[Row]) -> (PartitionIntake, Vec<Fate>) {
    let mut intake = PartitionIntake::new(partition(), 0, CORRECTION_US, SMALL);
    let fates = rows.iter().map(|row| decide(&mut intake, row)).collect();
    (intake, fates)
}

#[test]
fn whoever_takes_over_and_whatever_is_aborted_the_fates_are_the_same() {
    for seed in 1..=60 {
        let mut dice = Dice(seed);
        let rows = rows(&mut dice, 1_500, &["tos", "ais", "gate"]);
        let (whole, expected) = steady(&rows);
        let mut topic = Topic::default();
        let mut owner = topic.owner(0, SMALL);
        let (mut found, mut committed): (Vec<Fate>, usize) = (Vec::new(), 0);
        while committed < rows.len() {
            let upto = (committed + dice.below(40) as usize + 1).min(rows.len());
            found.truncate(committed);
            found.extend(
                rows[committed..upto]
                    .iter()
                    .map(|row| decide(&mut owner, row)),
            );
            let records = owner.records();
            match dice.below(8) {
                0 => owner = topic.owner(committed as i64, SMALL),
                next => {
                    topic.log.extend(records);
                    committed = upto;
                    owner.committed();
                    if next == 1 {
                        owner = topic.owner(committed as i64, SMALL);
                    }
                }
            }
            if dice.below(4) == 0 {
                topic.compact();
            }
        }
        let differs = (0..rows.len()).find(|&place| found[place] != expected[place]);
        if let Some(place) = differs {
            let (found, expected) = (found[place], expected[place]);
            panic!(
                "seed {seed}, row {place}: {found:?} and not {expected:?}: {:?}",
                rows[place]
            );
        }
        assert_eq!(owner.known(), whole.known(), "seed {seed}");
    }
}

#[test]
fn the_topic_holds_what_is_known_and_an_eighth() {
    let bounds = StateBounds {
        deltas_max: 100,
        delta_entries_min: 50,
        record_entries_max: 64,
        rewritten_entries_min: 64,
    };
    let mut dice = Dice(7);
    let rows = rows(&mut dice, 12_000, &["tos", "ais"]);
    let mut topic = Topic::default();
    let mut owner = topic.owner(0, bounds);
    let mut keys_max = 0;
    for rows in rows.chunks(20) {
        for row in rows {
            decide(&mut owner, row);
        }
        topic.log.extend(owner.records());
        owner.committed();
        topic.compact();
        let [slices, deltas] = topic.entries();
        let known = owner.known();
        assert!(slices <= known + 20, "{slices} in slices, {known} known");
        assert!(
            deltas <= 50.max(known / 8) + 2 * 20,
            "{deltas} in deltas, {known} known"
        );
        keys_max = keys_max.max(topic.log.len());
    }
    // 10 minutes and 7 of rows that are not late, of two kinds; and a delta for each of the commits that may wait.
    assert!(keys_max < 60, "{keys_max} keys at once");
}

#[test]
fn state_ahead_of_the_offsets_is_left_out() {
    for seed in 1..=10 {
        let mut dice = Dice(seed);
        let day = rows(&mut dice, 400, &["ais"]);
        // No row is late, so that none was forgotten meanwhile.
        let first = day[0].row_time_us;
        let calm = |row: &Row| Row {
            row_time_us: first + row.row_time_us.rem_euclid(2 * MINUTE_US),
            ..row.clone()
        };
        let day: Vec<Row> = day.iter().map(calm).collect();
        let (_, expected) = steady(&day);
        let mut topic = Topic::default();
        let mut owner = topic.owner(0, SMALL);
        let mut found = Vec::new();
        for rows in day.chunks(25) {
            let committed = found.len() as i64;
            for row in rows {
                decide(&mut owner, row);
            }
            // Written, in part or whole, and then the process dies before it writes its offsets.
            let records = owner.records();
            let written = dice.below(records.len() as u64 + 1) as usize;
            topic.log.extend(records.into_iter().take(written));
            if dice.below(2) == 0 {
                topic.compact();
            }
            owner = topic.owner(committed, SMALL);
            found.extend(rows.iter().map(|row| decide(&mut owner, row)));
            topic.log.extend(owner.records());
            owner.committed();
        }
        // How often a copy was seen may be ahead; whether it is one may not.
        let is_accepted = |fate: &Fate| matches!(fate, Fate::Accepted { .. });
        let differs = found.iter().zip(&expected);
        let differs = differs.map(|(left, right)| is_accepted(left) != is_accepted(right));
        let differs = differs.filter(|differs| *differs).count();
        assert_eq!(differs, 0, "seed {seed}");
    }
}

/// A delta as it was written before format 3.
fn of_before(format: u32, next_offset: i64, ids: &[(EventHash, i64, u32)]) -> IntakeDelta {
    IntakeDelta {
        format,
        topic: "container".to_owned(),
        partition: 1,
        next_offset,
        sources: vec![SourceProgress {
            source: "ais".to_owned(),
            row_time_max_us: 10 * MINUTE_US,
            is_idle: false,
            row_time_first_us: 0,
        }],
        id_high: ids.iter().map(|(id, ..)| (id.0 >> 64) as u64).collect(),
        id_low: ids.iter().map(|(id, ..)| id.0 as u64).collect(),
        id_source: ids.iter().map(|_| 0).collect(),
        id_row_time_us: ids.iter().map(|(_, time_us, _)| *time_us).collect(),
        id_copies: ids.iter().map(|(.., copies)| *copies).collect(),
        ..IntakeDelta::default()
    }
}

#[test]
fn the_state_of_the_version_before_is_read_and_written_anew() {
    let id = |number: i64| EventHash::new("ais", &number.to_string(), number);
    let first: Vec<_> = (0..40)
        .map(|number| (id(number), 8 * MINUTE_US, 1))
        .collect();
    let mut second = of_before(2, 90, &[(id(3), 8 * MINUTE_US, 5)]);
    let version = event_hash("ais", "corrected");
    second.versions = Some(EventVersions {
        id_high: vec![(version.0 >> 64) as u64],
        id_low: vec![version.0 as u64],
        source: vec![0],
        record_time_us: vec![7],
        row_time_us: vec![9 * MINUTE_US],
        known_until_us: vec![9 * MINUTE_US],
        offset: vec![70],
        copies: vec![1],
        standing: vec![EventStanding::Counts.into()],
    });
    let uncommitted = of_before(2, 120, &[(id(99), 8 * MINUTE_US, 1)]);
    let old = [of_before(1, 50, &first), second, uncommitted];
    let mut topic = Topic::default();
    topic.log.extend(old.into_iter().map(|delta| StateRecord {
        key: Key::Old.bytes(&partition()),
        value: Some(delta.encode_to_vec()),
    }));
    let copy_of = |number: i64| Row {
        source: "ais",
        event_id: number.to_string(),
        record_time_us: number,
        row_time_us: 8 * MINUTE_US,
        is_retracted: false,
    };
    let mut owner = topic.owner(90, SMALL);
    for turn in 0..12_u32 {
        assert_eq!(owner.known(), 41 + usize::from(turn > 0), "turn {turn}");
        let before = 5 + turn;
        assert_eq!(decide(&mut owner, &copy_of(3)), Fate::Duplicate { before });
        let is_new = decide(&mut owner, &copy_of(99)) == Fate::Accepted { former: None };
        assert_eq!(is_new, turn == 0, "turn {turn}: it was not committed");
        topic.log.extend(owner.records());
        owner.committed();
        // What was written of before stays until all of it stands in slices, some of them with each commit.
        owner = topic.owner(90 + 2 * (i64::from(turn) + 1), SMALL);
    }
    topic.compact();
    let is_old = |record: &StateRecord| Key::read(&record.key, &partition()) == Some(Key::Old);
    assert!(!topic.log.iter().any(is_old), "it is deleted in the end");
    let kinds = topic
        .log
        .iter()
        .filter_map(|record| match Key::read(&record.key, &partition()) {
            Some(Key::Slice(kind, ..)) => Some(kind),
            _ => None,
        });
    let kinds: BTreeSet<Kind> = kinds.collect();
    assert_eq!(kinds.len(), 3, "{kinds:?}");
    assert_eq!(topic.owner(114, SMALL).known(), 42);
}

#[test]
fn a_topic_that_lags_behind_the_offsets_is_noticed() {
    let mut topic = Topic::default();
    assert!(topic.takeover(17).is_whole(), "it was never written");
    let emptied = Takeover::new(partition(), 17, true);
    assert!(!emptied.is_whole(), "what was written is not there");
    let mut owner = topic.owner(0, SMALL);
    for row in rows(&mut Dice(3), 30, &["ais"]) {
        decide(&mut owner, &row);
    }
    topic.log.extend(owner.records());
    assert!(topic.takeover(30).is_whole());
    assert!(!topic.takeover(31).is_whole());
    assert_eq!(topic.takeover(31).reaches(), Some(30));
}

#[test]
fn state_of_a_version_to_come_is_refused() {
    let mut takeover = Takeover::new(partition(), 0, false);
    let later = of_before(4, 1, &[]).encode_to_vec();
    let error = takeover.take(&Key::Delta(0).bytes(&partition()), Some(&later));
    let error = error.expect_err("it cannot be read");
    assert!(error.contains("format 4, this version reads 3"), "{error}");
    takeover
        .take(b"rail/1/delta/0", Some(&later))
        .expect("of another partition");
}

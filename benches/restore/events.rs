//! Moves of containers and passages of trucks over more than four weeks, and what must come of them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use events::v1::{
    Classifier, ContainerEvent, Envelope, EquipmentEventType, GateDirection, GateEvent, MoveEvent,
    WindowStat, cell, container_event,
};
use events::{Message, Stream};
use kafka::feed::Feeder;
use quaystream::config::Config;

/// 2026-03-12T00:00:00Z: here begin a window of 28 days that tumbles, and one that hops by a week.
const ORIGIN_US: i64 = 1_773_273_600_000_000;
const DAY_US: i64 = 86_400_000_000;
/// From a week before the origin to the middle of the 27th day: four of the weeks lie in windows that are open then.
const WRITTEN_US: Range<i64> = -7 * DAY_US..26 * DAY_US + DAY_US / 2;
/// The window of 28 days that the 27th day ends, and the one that hops by a week and the 28th ends.
const FOUR_WEEKS_US: Range<i64> = -DAY_US..27 * DAY_US;
const WEEKLY_US: Range<i64> = 0..28 * DAY_US;
const TERMINALS: [&str; 5] = ["DGT", "DIT", "LOG1", "LOG2", "RRT"];
const PARTITIONS: u64 = 2;
/// Events of the second part of the 27th day.
const REST: u64 = 1_000;
/// Names follow each other by this prime, so that neighbours in time are none by key.
const STEP: u64 = 7_919;

/// The events of one run.
pub struct Traffic {
    events: u64,
    containers: u64,
    trucks: u64,
    /// How many were written.
    written: u64,
    /// Moves by terminal in [`FOUR_WEEKS_US`]: how many, and their quarters of a TEU.
    four_weeks: BTreeMap<&'static str, (i64, i64)>,
    seen: Seen,
}

/// Which keys there were by the end of [`Traffic::write`].
#[derive(Default)]
struct Seen {
    containers: Vec<bool>,
    trucks: Vec<bool>,
    /// From the origin on.
    moved: Vec<bool>,
    /// By truck and terminal, from the origin on.
    passages: Vec<bool>,
}

impl Traffic {
    pub fn new(events: u64) -> Self {
        // About every eight days a container is moved, and a truck comes every twelve or thirteen.
        let (containers, trucks) = (events / 6, events / 8 + 1);
        assert!(
            [containers, trucks].iter().all(|names| names % STEP != 0),
            "with {events} events few names would be used"
        );
        let none = |count: u64| vec![false; count as usize];
        Traffic {
            events,
            containers,
            trucks,
            written: 0,
            four_weeks: BTreeMap::new(),
            seen: Seen {
                containers: none(containers),
                trucks: none(trucks),
                moved: none(containers),
                passages: none(trucks * TERMINALS.len() as u64),
            },
        }
    }

    /// Different keys of each of the five queries and two tables at the end of [`Self::write`].
    pub fn keys(&self) -> BTreeMap<&'static str, usize> {
        let count = |seen: &[bool]| seen.iter().filter(|seen| **seen).count();
        let (containers, trucks) = (count(&self.seen.containers), count(&self.seen.trucks));
        assert_eq!(
            (containers as u64, trucks as u64),
            (self.containers, self.trucks),
            "every name is used"
        );
        BTreeMap::from([
            ("container", containers),
            ("handled", containers),
            ("moved_28_days", count(&self.seen.moved)),
            ("truck", trucks),
            ("visits", trucks),
            ("passages_28_days", count(&self.seen.passages)),
            ("four_weeks", TERMINALS.len()),
        ])
    }

    /// The row time of an event, from the origin.
    fn after_us(&self, number: u64) -> i64 {
        let place = match number.checked_sub(self.events) {
            Some(rest) if rest < REST => return WRITTEN_US.end + 1_000_000 * rest as i64,
            Some(rest) if rest < REST + PARTITIONS => return FOUR_WEEKS_US.end + rest as i64,
            Some(rest) => return WEEKLY_US.end + rest as i64,
            None => number,
        };
        let span_us = i128::from(WRITTEN_US.end - WRITTEN_US.start);
        WRITTEN_US.start + (span_us * i128::from(place) / i128::from(self.events)) as i64
    }

    /// What the frontier reaches with them.
    pub fn latest_us(&self) -> i64 {
        ORIGIN_US + self.after_us(self.events - PARTITIONS)
    }

    /// Writes up to the middle of the 27th day.
    pub fn write(&mut self, config: &Config) {
        self.send(config, self.events);
    }

    /// Writes the rest of the 27th day, and the first events of the next; how many records.
    pub fn end_day(&mut self, config: &Config) -> u64 {
        self.send(config, REST + PARTITIONS)
    }

    /// Writes the first events behind the 28th day; how many records.
    pub fn end_week(&mut self, config: &Config) -> u64 {
        self.send(config, PARTITIONS)
    }

    fn send(&mut self, config: &Config, count: u64) -> u64 {
        let mut feed = Feed::open(config);
        for number in self.written..self.written + count {
            let after_us = self.after_us(number);
            self.note(number, after_us);
            let at_us = ORIGIN_US + after_us;
            feed.send(number, at_us, &self.event(number, at_us));
        }
        feed.feeder.flush().expect("written");
        self.written += count;
        count
    }

    /// Two events of three are moves.
    fn is_move(number: u64) -> bool {
        number % 3 != 2
    }

    /// Names go round among the moves, and among the passages.
    fn container(&self, number: u64) -> u64 {
        let place = 2 * (number / 3) + number % 3;
        place.wrapping_mul(STEP) % self.containers
    }

    fn truck(&self, number: u64) -> u64 {
        (number / 3).wrapping_mul(STEP) % self.trucks
    }

    /// Of the move of a number.
    fn teu_quarters(number: u64) -> u32 {
        4 + (number % 2) as u32 * 4
    }

    fn note(&mut self, number: u64, after_us: i64) {
        let terminal = number as usize % TERMINALS.len();
        let (container, truck) = (self.container(number) as usize, self.truck(number) as usize);
        if Self::is_move(number) && FOUR_WEEKS_US.contains(&after_us) {
            let told = self.four_weeks.entry(TERMINALS[terminal]).or_default();
            told.0 += 1;
            told.1 += i64::from(Self::teu_quarters(number));
        }
        if number >= self.events {
            return;
        }
        let seen = &mut self.seen;
        match Self::is_move(number) {
            true => {
                seen.containers[container] = true;
                seen.moved[container] |= after_us >= 0;
            }
            false => {
                seen.trucks[truck] = true;
                seen.passages[truck * TERMINALS.len() + terminal] |= after_us >= 0;
            }
        }
    }

    fn event(&self, number: u64, at_us: i64) -> ContainerEvent {
        let terminal = TERMINALS[number as usize % TERMINALS.len()];
        let container = format!("MSCU{:07}", self.container(number));
        let truck = self.truck(number);
        let body = match Self::is_move(number) {
            false => container_event::Body::GateEvent(GateEvent {
                truck_id: format!("DU-QS {truck:07}"),
                gate: format!(
                    "Gate {}, lane {:02}, camera {:04}",
                    number % 9,
                    number % 14,
                    number % 1_200
                ),
                direction: GateDirection::Out.into(),
                entered_at_us: Some(at_us - 1_800_000_000),
                appointment_id: format!(
                    "{:08x}-4d21-4a76-90b7-{number:012x}",
                    number.wrapping_mul(2_654_435_761) as u32
                ),
                appointment_from_at_us: Some(at_us - 3_600_000_000),
                appointment_to_at_us: Some(at_us),
                haulier: format!(
                    "Spedition Niederrhein {:03} GmbH & Co. KG, Duisburg-Ruhrort",
                    truck % 400
                ),
                container_id: container,
            }),
            true => container_event::Body::MoveEvent(MoveEvent {
                container_id: container,
                equipment_id: format!(
                    "Reach stacker {:02}, shift {}, driver {:04}",
                    number % 40,
                    number % 3,
                    number % 900
                ),
                from_position: format!(
                    "{terminal} yard {:02}, block {:02}, bay {:02}, row {}, tier {}",
                    number % 60,
                    number % 30,
                    number % 44,
                    number % 8,
                    number % 4
                ),
                to_position: format!(
                    "Train {:05} to Chengdu, wagon 31 80 4951 {:03}-4, place {}",
                    number % 70_000,
                    number % 1_000,
                    number % 3
                ),
                started_at_us: at_us - 120_000_000,
                ended_at_us: at_us,
                event_type: EquipmentEventType::Load.into(),
                is_productive: true,
                teu_quarters: Self::teu_quarters(number),
            }),
        };
        ContainerEvent {
            envelope: Some(Envelope {
                event_id: format!("restore-{number:010}"),
                source: "bench".to_owned(),
                event_time_us: at_us,
                record_time_us: at_us,
                classifier: Classifier::Act.into(),
                terminal_id: terminal.to_owned(),
                un_location_code: "DEDUI".to_owned(),
                ..Envelope::default()
            }),
            body: Some(body),
        }
    }

    /// A row of the four weeks that the 27th day ended says what was sent.
    pub fn check(&self, row: &WindowStat) {
        assert!(row.query == "four_weeks" && row.is_final, "{row:?}");
        assert_is_of(row, &FOUR_WEEKS_US);
        let found = (number(row, "moves"), number(row, "teu_quarters"));
        let terminal = text(row, "terminal_id");
        assert_eq!(found, self.four_weeks[terminal], "moves of {terminal}");
    }

    /// And so does one, of a container, of those that the 28th day ended.
    pub fn check_container(&self, row: &WindowStat) {
        assert!(row.query == "moved_28_days" && row.is_final, "{row:?}");
        assert_is_of(row, &WEEKLY_US);
        let container = text(row, "container_id");
        let name = container.trim_start_matches("MSCU");
        let name: u64 = name.parse().expect("a name that was sent");
        let is_its = |number: &u64| {
            let is_in = WEEKLY_US.contains(&self.after_us(*number));
            Self::is_move(*number) && is_in && self.container(*number) == name
        };
        let its = (0..self.written).filter(is_its);
        let most = |(moves, most), number| (moves + 1, Self::teu_quarters(number).max(most));
        let (moves, most) = its.fold((0, 0), most);
        let found = (number(row, "moves"), number(row, "teu_quarters_max"));
        assert_eq!(found, (moves, i64::from(most)), "moves of {container}");
    }
}

fn assert_is_of(row: &WindowStat, window_us: &Range<i64>) {
    let found = (row.window_start_us, row.window_end_us);
    assert_eq!(
        found,
        (ORIGIN_US + window_us.start, ORIGIN_US + window_us.end)
    );
}

fn value<'a>(row: &'a WindowStat, column: &str) -> Option<&'a cell::Value> {
    let cell = row.cells.iter().find(|cell| cell.name == column)?;
    cell.value.as_ref()
}

fn text<'a>(row: &'a WindowStat, column: &str) -> &'a str {
    match value(row, column) {
        Some(cell::Value::Text(text)) => text,
        other => panic!("{column}: {other:?}"),
    }
}

fn number(row: &WindowStat, column: &str) -> i64 {
    match value(row, column) {
        Some(cell::Value::Integer(number)) => *number,
        other => panic!("{column}: {other:?}"),
    }
}

struct Feed {
    feeder: Feeder,
    topic: String,
}

impl Feed {
    fn open(config: &Config) -> Self {
        Feed {
            feeder: Feeder::connect(&config.kafka, 1 << 20, Duration::from_secs(20))
                .expect("a feeder"),
            topic: config
                .topic_of(Stream::Container)
                .expect("a topic")
                .to_owned(),
        }
    }

    fn send(&mut self, number: u64, at_us: i64, event: &ContainerEvent) {
        let partition = Some((number % PARTITIONS) as i32);
        let value = event.encode_to_vec();
        self.feeder
            .send(&self.topic, partition, None, Some(&value), at_us / 1_000)
            .expect("sent");
    }
}

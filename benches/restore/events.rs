//! Moves of containers and passages of trucks over five days, and what must come of the fifth.

use std::collections::BTreeMap;
use std::time::Duration;

use events::v1::{
    Classifier, ContainerEvent, Envelope, EquipmentEventType, GateDirection, GateEvent, MoveEvent,
    WindowStat, cell, container_event,
};
use events::{Message, Stream};
use kafka::feed::Feeder;
use quaystream::config::Config;

/// 2026-03-05T00:00:00Z: no window of 7 or 28 days ends within the week.
const START_US: i64 = 1_772_668_800_000_000;
const DAY_US: i64 = 86_400_000_000;
/// Where the first part of the fifth day ends.
const FIRST_PART_US: i64 = 4 * DAY_US + DAY_US / 2;
const TERMINALS: [&str; 5] = ["DGT", "DIT", "LOG1", "LOG2", "RRT"];
const PARTITIONS: u64 = 2;
/// Events of the second part of the fifth day, and two of the sixth.
const REST: u64 = 1_000;

/// The events of one run.
pub struct Traffic {
    events: u64,
    /// Moves of the fifth day by terminal: how many, and their quarters of a TEU.
    fifth: BTreeMap<&'static str, (i64, i64)>,
}

impl Traffic {
    pub fn new(events: u64) -> Self {
        Traffic {
            events,
            fifth: BTreeMap::new(),
        }
    }

    /// Keys of the five queries and two tables that are open at the end of [`Self::write`].
    pub fn keys(&self) -> u64 {
        let (containers, trucks) = (self.containers(), self.trucks());
        3 * containers + 3 * trucks + TERMINALS.len() as u64
    }

    fn containers(&self) -> u64 {
        self.events / 2
    }

    fn trucks(&self) -> u64 {
        self.events / 4
    }

    /// The row time of an event.
    fn at_us(&self, number: u64) -> i64 {
        START_US + (FIRST_PART_US as i128 * i128::from(number) / i128::from(self.events)) as i64
    }

    /// What the frontier reaches with them.
    pub fn latest_us(&self) -> i64 {
        self.at_us(self.events - PARTITIONS)
    }

    /// Records that [`Self::end_day`] writes.
    pub fn written_last(&self) -> u64 {
        REST + PARTITIONS
    }

    pub fn write(&mut self, config: &Config, numbers: std::ops::Range<u64>) {
        let mut feed = Feed::open(config);
        for number in numbers {
            let at_us = self.at_us(number);
            let event = self.event(number, at_us);
            feed.send(number, at_us, &event);
        }
        feed.feeder.flush().expect("written");
    }

    /// The rest of the fifth day, and the first events of the sixth.
    pub fn end_day(&mut self, config: &Config) {
        let mut feed = Feed::open(config);
        for place in 0..REST + PARTITIONS {
            let at_us = match place < REST {
                true => START_US + FIRST_PART_US + 1_000_000 * place as i64,
                false => START_US + 5 * DAY_US + place as i64,
            };
            let number = self.events + place;
            let event = self.event(number, at_us);
            feed.send(number, at_us, &event);
        }
        feed.feeder.flush().expect("written");
    }

    fn event(&mut self, number: u64, at_us: i64) -> ContainerEvent {
        let terminal = TERMINALS[number as usize % TERMINALS.len()];
        // Two moves to a passage. Multiplied by a prime, so that neighbours in time are none by key.
        let container = format!("MSCU{:07}", number.wrapping_mul(7_919) % self.containers());
        let body = match number % 3 {
            2 => container_event::Body::GateEvent(GateEvent {
                truck_id: format!("DU-QS {:07}", number.wrapping_mul(7_919) % self.trucks()),
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
                    number.wrapping_mul(7_919) % self.trucks() % 400
                ),
                container_id: container,
            }),
            _ => {
                let teu_quarters = 4 + (number % 2) as u32 * 4;
                if (4 * DAY_US..5 * DAY_US).contains(&(at_us - START_US)) {
                    let (moves, quarters) = self.fifth.entry(terminal).or_default();
                    *moves += 1;
                    *quarters += i64::from(teu_quarters);
                }
                container_event::Body::MoveEvent(MoveEvent {
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
                    teu_quarters,
                })
            }
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

    /// A row of the fifth day says what was sent.
    pub fn check(&self, row: &WindowStat) {
        assert!(row.query == "day" && row.is_final, "{row:?}");
        assert_eq!(row.window_start_us, START_US + 4 * DAY_US);
        let terminal = row.cells.iter().find(|cell| cell.name == "terminal_id");
        let terminal = match terminal.and_then(|cell| cell.value.as_ref()) {
            Some(cell::Value::Text(terminal)) => terminal.as_str(),
            other => panic!("{other:?}"),
        };
        let number = |name| super::number(row, name).expect("a number");
        let found = (number("moves"), number("teu_quarters"));
        assert_eq!(found, self.fifth[terminal], "moves of {terminal}");
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

//! Every kind of state, and workers of merge that take over from one another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pipeline::memory::{HandClock, MemoryLog, Stored};
use pipeline::outcome::Tally;
use pipeline::settings::Settings;
use pipeline::worker::{FoldWorker, MergeWorker, Shared, Stop, Turn};
use windows::sql::parse::SqlFile;

use crate::fixture::{port, settings};
use crate::plans::{planning, shipped};

/// Kinds of state that the shipped queries do not have.
const OWN: [(&str, &str); 6] = [
    (
        "own_sessions",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS moves
         FROM SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(terminal_id), INTERVAL '4' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "own_sliding",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS moves, max(teu_quarters) AS most
         FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '120' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "own_growing",
        "INSERT INTO window_stat SELECT window_start, window_end, count(DISTINCT container_id) AS containers
         FROM CUMULATE(move_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE, INTERVAL '120' MINUTE)
         GROUP BY window_start, window_end",
    ),
    (
        "own_early",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, sum(teu_quarters) AS teu
         FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '60' MINUTE) GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "own_joined",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS met
         FROM TUMBLE((
           SELECT g.row_time, g.terminal_id FROM equipment_event g
           JOIN move_event m ON m.terminal_id = g.terminal_id
             AND m.row_time BETWEEN g.row_time AND g.row_time + INTERVAL '20' MINUTE), DESCRIPTOR(row_time), INTERVAL '15' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "own_level",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, yard_block, level_end, level_us, changes
         FROM LEVEL((SELECT row_time, terminal_id, yard_block, yard_delta_teu_quarters FROM equipment_event
                     WHERE yard_delta_teu_quarters <> 0), DESCRIPTOR(row_time),
                    DESCRIPTOR(terminal_id, yard_block), yard_delta_teu_quarters, INTERVAL '30' MINUTE)",
    ),
];

pub const OUTPUTS: [&str; 7] = [
    "window-stats",
    "rejects",
    "berth-plan",
    "rail-plan",
    "plan-deltas",
    "plan-explanations",
    "train-loads",
];

/// Every kind of query, and both planners.
pub fn everything() -> Settings {
    let mut planners = planning(30).planners;
    planners.berths.iterations = 40;
    planners.rail.iterations = 100;
    let own = OWN.map(|(name, text)| SqlFile::new(name, text));
    Settings {
        queries: shipped("tables")
            .into_iter()
            .chain(shipped("queries"))
            .chain(own)
            .collect(),
        early: BTreeMap::from([("own_early".to_owned(), Duration::from_secs(300))]),
        planners,
        ..settings(2, 2)
    }
}

/// Merge over partials that are there; after every `turns` turns it is dropped and another one takes over.
pub struct Relay {
    pub log: MemoryLog,
    pub shared: Shared,
    pub clock: Arc<HandClock>,
}

impl Relay {
    pub fn new(settings: Settings, hours: u32, records: u64) -> Self {
        let (log, _) = port(5, hours, records, &settings);
        let clock = Arc::new(HandClock::default());
        let shared = Shared::new(settings, clock.clone(), Stop::default());
        let inputs: Vec<Arc<str>> = shared
            .settings
            .inputs
            .iter()
            .map(|input| Arc::clone(&input.topic))
            .collect();
        let (source, sink) = log.join("fold", None, &inputs, 150);
        let mut fold = FoldWorker::new(shared.clone(), source, sink).expect("fold starts");
        while fold.turn(Duration::ZERO).expect("fold goes on") != Turn::Done {
            clock.advance(Duration::from_millis(200));
        }
        Relay { log, shared, clock }
    }

    /// Runs to the end of the input, or for so many turns of each worker.
    pub fn run(&self, turns: usize, workers_max: usize) -> Arc<Tally> {
        let topics = [Arc::clone(&self.shared.settings.topics.partials)];
        let tally = Arc::<Tally>::default();
        for _ in 0..workers_max {
            let shared = Shared {
                tally: Arc::clone(&tally),
                ..self.shared.clone()
            };
            let (source, sink) = self.log.join("merge", None, &topics, 2);
            let mut merge = MergeWorker::new(shared, source, sink);
            for _ in 0..turns {
                self.clock.advance(Duration::from_millis(50));
                if merge.turn(Duration::ZERO).expect("merge goes on") == Turn::Done {
                    return tally;
                }
            }
        }
        tally
    }

    pub fn outputs(&self) -> Vec<Vec<Vec<Stored>>> {
        OUTPUTS.map(|topic| self.log.records(topic)).to_vec()
    }
}

//! A small pipeline of every kind: tumbling with early rows, hopping over what became of the records, aggregates that cannot
//! subtract, sessions, a join of streams, a join with a table as of each row, a level, a tick over a table, and the rail planner. All but the tick and the
//! sessions give rows on time and corrections.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use events::Stream;
use pipeline::backfill::BackfillFrom;
use pipeline::intake::state::StateBounds;
use pipeline::plans::agenda::Triggers;
use pipeline::plans::berths::BerthRules;
use pipeline::plans::rail::RailRules;
use pipeline::plans::{PlannerRun, PlannerSettings};
use pipeline::settings::{
    Bounded, Doubt, Input, OnTimeSettings, Settings, SnapshotSettings, SourceSettings, Topics,
};
use pipeline::ticks::TickBy;
use pipeline::worker::programs::Programs;
use windows::sql::parse::SqlFile;

use crate::reading::{Expected, Record, Rules, expect};
use crate::silence::Ran;
use crate::workload::DAY_US;

pub const PARTITIONS: i32 = 4;
pub const PARTIALS: i32 = 2;
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(10);
/// How far row times may lie ahead of the clock of their records.
pub const FUTURE_US: i64 = 300_000_000;
/// From rows on time to final ones.
pub const CORRECTION_S: u64 = 600;
/// How far the rows of a source may be out of order.
pub const OUT_OF_ORDER_S: [(&str, u64); 3] = [("tos", 300), ("gate", 60), ("rail", 120)];

/// Sources whose events are corrected and retracted; of the other, every version is an event of its own.
pub const CORRECTING: [&str; 2] = ["tos", "rail"];

const QUERIES: [(&str, &str); 10] = [
    (
        "move_sizes",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, max(event_time) AS last_at,
           min(container_id) AS first_container_id, median(CAST(teu_quarters AS BIGINT)) AS middle_teu, count(DISTINCT container_id) AS containers
         FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE, INTERVAL '60' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "stays",
        "INSERT INTO window_stat SELECT window_start, window_end, container_id, count(*) AS moves
         FROM SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(container_id), INTERVAL '20' MINUTE)
         GROUP BY window_start, window_end, container_id",
    ),
    (
        "met",
        "INSERT INTO window_stat SELECT window_start, window_end, container_id, count(*) AS meetings
         FROM TUMBLE((SELECT m.row_time, m.container_id FROM move_event m JOIN equipment_event g
                       ON g.container_id = m.container_id AND g.row_time BETWEEN m.row_time - INTERVAL '20' MINUTE AND m.row_time + INTERVAL '20' MINUTE),
                     DESCRIPTOR(row_time), INTERVAL '30' MINUTE)
         GROUP BY window_start, window_end, container_id",
    ),
    (
        "moves",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS moves, sum(teu_quarters) AS teu
         FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE) GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "intake_all",
        "INSERT INTO window_stat SELECT window_start, window_end, source, outcome, count(*) AS records
         FROM HOP(intake, DESCRIPTOR(row_time), INTERVAL '30' MINUTE, INTERVAL '60' MINUTE)
         GROUP BY window_start, window_end, source, outcome",
    ),
    (
        "yard",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, yard_block, level_end, level_us, changes
         FROM LEVEL((SELECT row_time, terminal_id, yard_block, yard_delta_teu_quarters FROM equipment_event
                     WHERE yard_delta_teu_quarters <> 0), DESCRIPTOR(row_time),
                    DESCRIPTOR(terminal_id, yard_block), yard_delta_teu_quarters, INTERVAL '30' MINUTE)",
    ),
    (
        "booking",
        "CREATE TABLE booking (PRIMARY KEY (booking_id)) AS
         SELECT booking_id, unit_id, terminal_id, teu_quarters, status, is_retracted FROM rail_booking",
    ),
    (
        "as_booked",
        "INSERT INTO window_stat SELECT window_start, window_end, h.status, count(*) AS bookings, sum(r.teu_quarters) AS teu
         FROM HOP(rail_booking, DESCRIPTOR(row_time), INTERVAL '10' MINUTE, INTERVAL '120' MINUTE) AS r
         LEFT JOIN booking_history AS h
           ON h.unit_id = r.unit_id AND h.valid_from <= r.row_time AND r.row_time < h.valid_to
         GROUP BY window_start, window_end, h.status",
    ),
    (
        "met_moves",
        "INSERT INTO window_stat SELECT window_start, window_end, s.terminal_id, count(*) AS met, count(DISTINCT h.status) AS states
         FROM SESSION((
           SELECT m.row_time, m.terminal_id, m.container_id FROM move_event m JOIN equipment_event g
             ON g.container_id = m.container_id AND g.row_time BETWEEN m.row_time - INTERVAL '10' MINUTE AND m.row_time + INTERVAL '1' MINUTE),
           DESCRIPTOR(row_time), DESCRIPTOR(terminal_id), INTERVAL '6' MINUTE) AS s
         LEFT JOIN booking_history AS h
           ON h.unit_id = s.container_id AND h.valid_from <= s.row_time AND s.row_time < h.valid_to
         GROUP BY window_start, window_end, s.terminal_id",
    ),
    (
        "open_bookings",
        "INSERT INTO window_stat SELECT window_start, window_end, status, count(*) AS bookings, sum(teu_quarters) AS teu
         FROM TICK(INTERVAL '60' MINUTE) AS t JOIN booking ON booking.teu_quarters > 0 AND NOT booking.is_retracted
         GROUP BY window_start, window_end, status",
    ),
];

/// A query that is taken out where queries change.
const GOES: [(&str, &str); 1] = [(
    "goes_gates",
    "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS passages
     FROM TUMBLE(gate_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE) GROUP BY window_start, window_end, terminal_id",
)];

/// Queries that come where queries change: of rows that cannot be taken back, of rows that can, of sessions, of a join.
const COMES: [(&str, &str); 4] = [
    (
        "comes_gates",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS passages
         FROM TUMBLE(gate_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE) GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "comes_moves",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(DISTINCT container_id) AS containers
         FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE, INTERVAL '30' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "comes_stays",
        "INSERT INTO window_stat SELECT window_start, window_end, container_id, count(*) AS moves
         FROM SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(container_id), INTERVAL '10' MINUTE)
         GROUP BY window_start, window_end, container_id",
    ),
    (
        "comes_met",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS met
         FROM TUMBLE((SELECT m.row_time, m.terminal_id FROM move_event m JOIN equipment_event g
                       ON g.container_id = m.container_id AND g.row_time BETWEEN m.row_time - INTERVAL '10' MINUTE AND m.row_time),
                     DESCRIPTOR(row_time), INTERVAL '20' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
];

/// Queries that come with their past alone: what one holds began before its first window, and merge had no rows for the other,
/// whose table nobody read by terminal, and none with that column.
const COMES_WITH_PAST: [(&str, &str); 2] = [
    (
        "comes_yard",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, level_end, level_us, changes
         FROM LEVEL((SELECT row_time, terminal_id, yard_delta_teu_quarters FROM equipment_event
                     WHERE yard_delta_teu_quarters <> 0), DESCRIPTOR(row_time),
                    DESCRIPTOR(terminal_id), yard_delta_teu_quarters, INTERVAL '20' MINUTE)",
    ),
    (
        "comes_booked",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, count(*) AS bookings, sum(gross_kg) AS gross_kg
         FROM TUMBLE(rail_booking, DESCRIPTOR(row_time), INTERVAL '20' MINUTE) GROUP BY window_start, window_end, terminal_id",
    ),
];

/// Queries of every kind that has windows. They run where they are to be mended: where `{n}` is sick, they fail from
/// [`SICK_US`] on. Windows of five minutes: the one before has been told on time by then, and not for good.
const AILS: [(&str, &str); 5] = [
    (
        "ails_gates",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, {n} AS passages
         FROM TUMBLE(gate_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE) GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "ails_moves",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, {n} AS moves
         FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE, INTERVAL '30' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "ails_stays",
        "INSERT INTO window_stat SELECT window_start, window_end, container_id, {n} AS moves
         FROM SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(container_id), INTERVAL '10' MINUTE)
         GROUP BY window_start, window_end, container_id",
    ),
    (
        "ails_met",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, {n} AS met
         FROM TUMBLE((SELECT m.row_time, m.terminal_id FROM move_event m JOIN equipment_event g
                       ON g.container_id = m.container_id AND g.row_time BETWEEN m.row_time - INTERVAL '10' MINUTE AND m.row_time),
                     DESCRIPTOR(row_time), INTERVAL '20' MINUTE)
         GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "ails_yard",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, level_end, level_us, {n} AS changes
         FROM LEVEL((SELECT row_time, terminal_id, yard_delta_teu_quarters FROM equipment_event
                     WHERE yard_delta_teu_quarters <> 0), DESCRIPTOR(row_time),
                    DESCRIPTOR(terminal_id), yard_delta_teu_quarters, INTERVAL '20' MINUTE)",
    ),
];

/// Windows that begin here are the first that a sick query cannot compute.
const SICK_US: i64 = DAY_US + 3_600_000_000;

/// The queries of [`AILS`].
fn ailing(is_sick: bool) -> Vec<SqlFile> {
    let file = |(name, text): &(&str, &str)| {
        let sound = match *name {
            "ails_yard" => "changes",
            _ => "count(*)",
        };
        let n = match is_sick {
            false => sound.to_owned(),
            true => format!(
                "{sound} / (CASE WHEN CAST(window_start AS BIGINT) < {SICK_US} THEN 1 ELSE 0 END)"
            ),
        };
        SqlFile::new(*name, text.replace("{n}", &n))
    };
    AILS.iter().map(file).collect()
}

/// How queries change in the middle of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Those that come tell the windows that are whole from then on.
    FromNow,
    /// They tell all windows of the log.
    WithPast,
    /// Some had stopped at an error; their mended texts tell what is missing.
    Mended,
}

/// Which queries processes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Running {
    #[default]
    AtFirst,
    /// Some fail from some window on.
    Sick,
    Since(Change),
}

impl Running {
    pub fn change(self) -> Option<Change> {
        match self {
            Running::Since(change) => Some(change),
            Running::AtFirst | Running::Sick => None,
        }
    }

    /// Does a query run at some time of a history that ends so?
    pub fn runs(self, query: &str) -> bool {
        if is_in(&AILS, query) {
            matches!(self, Running::Sick | Running::Since(Change::Mended))
        } else if is_in(&GOES, query) {
            !matches!(self, Running::Sick | Running::Since(Change::Mended))
        } else if is_in(&COMES, query) || is_in(&COMES_WITH_PAST, query) {
            self.change().is_some_and(|change| change.brings(query))
        } else {
            true
        }
    }

    /// Does it tell the windows from some instant on?
    pub fn comes_late(self, query: &str) -> bool {
        self == Running::Since(Change::FromNow) && Change::FromNow.brings(query)
    }

    /// Does it tell the windows up to some instant?
    pub fn breaks_off(self, query: &str) -> bool {
        let goes = is_in(&GOES, query) && self.change().is_some();
        goes || self == Running::Sick && is_in(&AILS, query)
    }

    /// How long it runs. A backfill that is begun again has paused.
    pub fn ran(self, query: &str) -> Ran {
        let is_in_parts = self.breaks_off(query) || is_in(&AILS, query);
        let may_begin_again = self == Running::Since(Change::WithPast) && !self.is_steady(query);
        match is_in_parts || may_begin_again {
            true => Ran::AtTimes,
            false if self.is_steady(query) => Ran::AllAlong,
            false => Ran::Since,
        }
    }

    /// Does what it tells hang on the partials log alone, since it does not come, go or fail?
    pub fn is_steady(self, query: &str) -> bool {
        self == Running::AtFirst || !may_begin_anew(query)
    }
}

/// Is it a query that may be taken up anew in some history?
pub fn may_begin_anew(query: &str) -> bool {
    let changing: [&[(&str, &str)]; 4] = [&GOES, &COMES, &COMES_WITH_PAST, &AILS];
    changing.into_iter().any(|queries| is_in(queries, query))
}

fn is_in(queries: &[(&str, &str)], query: &str) -> bool {
    queries.iter().any(|(name, _)| *name == query)
}

impl Change {
    /// Queries that come, here or with another change.
    pub fn comes() -> impl Iterator<Item = &'static str> {
        let all = COMES.iter().chain(&COMES_WITH_PAST);
        all.map(|(name, _)| *name)
    }

    /// Queries that fail, and are mended.
    pub fn ails() -> impl Iterator<Item = &'static str> {
        AILS.iter().map(|(name, _)| *name)
    }

    /// Is it a query that comes with this change?
    pub fn brings(self, query: &str) -> bool {
        match self {
            Change::FromNow => is_in(&COMES, query),
            Change::WithPast => is_in(&COMES, query) || is_in(&COMES_WITH_PAST, query),
            Change::Mended => false,
        }
    }
}

/// The programs of processes, by the queries that they run.
#[derive(Debug, Clone, Default)]
pub struct Shelves([Programs; 5]);

impl Shelves {
    pub fn of(&self, running: Running) -> &Programs {
        let place = match running {
            Running::AtFirst => 0,
            Running::Sick => 1,
            Running::Since(Change::FromNow) => 2,
            Running::Since(Change::WithPast) => 3,
            Running::Since(Change::Mended) => 4,
        };
        &self.0[place]
    }
}

/// One train that leaves ten hours after every tick, for all units.
const RAIL: [(&str, &str); 4] = [
    (
        "rail/slots",
        "SELECT 'S1' AS train_slot_id, '' AS service_id, 'T0' AS terminal_id, 'C' AS corridor, 'DEDUI' AS origin, 'ATVIE' AS destination,
           '1' AS track, t.tick_at + INTERVAL '10' HOUR AS departure_at, t.tick_at + INTERVAL '20' HOUR AS arrival_at,
           'OPEN' AS status, 6000 AS length_max_dm, 1500000 AS gross_max_kg, 60 AS teu_max_quarters,
           0 AS length_loaded_dm, 0 AS gross_loaded_kg, 0 AS teu_loaded_quarters, 0 AS dangerous_goods_loaded,
           t.tick_at + INTERVAL '8' HOUR AS cut_off_fco_at, nullif(t.tick_at, t.tick_at) AS cut_off_dco_at,
           nullif(t.tick_at, t.tick_at) AS cut_off_vco_at, nullif(t.tick_at, t.tick_at) AS cut_off_dgc_at,
           t.tick_at + INTERVAL '8' HOUR AS closing_at, 0 AS dangerous_goods_max
         FROM planner_tick AS t",
    ),
    (
        "rail/units",
        "SELECT k.unit_id, k.booking_id, k.terminal_id, 'DEDUI' AS origin, 'ATVIE' AS destination, '' AS train_slot_id,
           k.teu_quarters, 122 AS length_dm, 10000 AS gross_kg, '' AS dangerous_goods_class, false AS is_empty,
           false AS is_reefer, t.tick_at AS ready_at, true AS is_present, 'RELEASE' AS customs_state,
           nullif(t.tick_at, t.tick_at) AS customs_release_estimated_at, t.tick_at AS vgm_at, 1 AS priority,
           nullif(t.tick_at, t.tick_at) AS due_at, '' AS keep_together_id, '' AS customer
         FROM booking AS k CROSS JOIN planner_tick AS t WHERE k.status = 'BOOKED' ORDER BY k.unit_id, k.booking_id",
    ),
    (
        "rail/locks",
        "SELECT unit_id, nullif(unit_id, '') AS train_slot_id FROM booking WHERE teu_quarters < 0",
    ),
    (
        "rail/watch_bookings",
        "SELECT booking_id AS object_id, CAST(NULL AS BIGINT) AS value FROM booking WHERE status = 'BOOKED'",
    ),
];

pub fn files(pairs: &[(&str, &str)]) -> Vec<SqlFile> {
    pairs
        .iter()
        .map(|(name, text)| SqlFile::new(*name, *text))
        .collect()
}

/// The queries of all histories.
fn every_query() -> Vec<SqlFile> {
    let parts: [&[(&str, &str)]; 4] = [&QUERIES, &GOES, &COMES, &COMES_WITH_PAST];
    let parts = parts.into_iter().flat_map(files);
    parts.chain(ailing(false)).collect()
}

fn queries(running: Running) -> Vec<SqlFile> {
    let mut queries = files(&QUERIES);
    queries.extend(match running {
        Running::AtFirst => files(&GOES),
        Running::Sick => ailing(true),
        Running::Since(Change::Mended) => ailing(false),
        Running::Since(change) => {
            let every = every_query().into_iter();
            every.filter(|file| change.brings(&file.name)).collect()
        }
    });
    queries
}

/// All that must come out of a day.
pub fn expected(day: &[Record]) -> Expected {
    let rules = Rules::of(&settings(
        Bounded::Never,
        TickBy::Watermark,
        Running::AtFirst,
    ));
    expect(day, &rules, &every_query())
}

/// `tick_by`: what the planner follows. The clock of a history goes for about a minute.
pub fn settings(bounded: Bounded, tick_by: TickBy, running: Running) -> Settings {
    let inputs = [Stream::Container, Stream::Rail].map(|stream| Input {
        stream,
        topic: stream.name().into(),
        partitions: PARTITIONS,
    });
    let sources = OUT_OF_ORDER_S.map(|(name, seconds)| SourceSettings {
        name: name.to_owned(),
        streams: vec![match name {
            "rail" => Stream::Rail,
            _ => Stream::Container,
        }],
        out_of_order_max: Duration::from_secs(seconds),
        has_corrections: CORRECTING.contains(&name),
    });
    let [every_s, watch_s, interval_s] = match tick_by {
        TickBy::Watermark => [3_600, 600, 1_200],
        TickBy::Clock => [12, 4, 6],
    };
    let planner = |is_on, inputs| PlannerRun {
        is_on,
        inputs,
        every: Duration::from_secs(every_s),
        triggers: Triggers {
            every: Duration::from_secs(watch_s),
            interval_min: Duration::from_secs(interval_s),
            tolerances: BTreeMap::new(),
        },
        iterations: 60,
        seed: 1,
    };
    Settings {
        inputs: inputs.to_vec(),
        topics: Topics {
            partials: "partials".into(),
            partials_partitions: PARTIALS,
            intake_state: "intake-state".into(),
            snapshots: "snapshots".into(),
            rejects: "rejects".into(),
            sinks: BTreeMap::from([("window_stat".to_owned(), "window-stats".into())]),
            berth_plan: "berth-plan".into(),
            rail_plan: "rail-plan".into(),
            plan_deltas: "plan-deltas".into(),
            plan_explanations: "plan-explanations".into(),
            train_loads: "train-loads".into(),
        },
        sources: sources.to_vec(),
        out_of_order_max: Duration::from_secs(60),
        correction_max: Duration::from_secs(CORRECTION_S),
        future_max: Duration::from_micros(FUTURE_US as u64),
        past_max: None,
        sources_max: 100,
        terminals: Vec::new(),
        unknown_terminal: Doubt::Flag,
        check_digits: Doubt::Flag,
        record_bytes_max: 1_000_000,
        commit_interval: Duration::from_millis(1_500),
        commit_bytes_max: 64 << 20,
        // Some commits of fold take several records, some one.
        partials_bytes: 6_000,
        transaction_bytes_max: 1_200,
        memory_bytes_max: 4 << 20,
        snapshots: SnapshotSettings {
            interval: Duration::from_secs(4),
            commit_bytes_max: 12_000,
            object_bytes: 8_000,
        },
        // Few entries, so that slices are written, cut and deleted all the time.
        intake_state: StateBounds {
            deltas_max: 3,
            delta_entries_min: 6,
            record_entries_max: 4,
            rewritten_entries_min: 4,
        },
        idle_timeout: IDLE_TIMEOUT,
        bounded,
        backfill: (running == Running::Since(Change::WithPast)).then_some(BackfillFrom::Earliest),
        queries: queries(running),
        early: BTreeMap::from([("moves".to_owned(), Duration::from_secs(450))]),
        on_time: OnTimeSettings {
            corrected_every: Duration::from_secs(60),
            except: BTreeSet::new(),
        },
        table_keys_max: 100_000,
        query_keys_max: 100_000,
        waits_for: [("moves", "tos"), ("comes_gates", "gate")]
            .map(|(query, source)| (query.to_owned(), BTreeSet::from([source.to_owned()])))
            .into(),
        rest_after: Duration::from_secs(7 * 24 * 3_600),
        planners: PlannerSettings {
            tick_by,
            berths: planner(false, Vec::new()),
            berth_rules: BerthRules::default(),
            rail: planner(true, files(&RAIL)),
            rail_rules: RailRules::default(),
        },
    }
}

//! A small pipeline of every kind (`queries.rs`): which of its queries run where, and with what settings.

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

use crate::queries::{AILS, COMES, COMES_WITH_PAST, GOES, QUERIES, RAIL};
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

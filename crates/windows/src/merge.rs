//! What merge does for all queries: takes partials in, and computes windows, levels and ticks when their time has come.
//!
//! Time here is an *instant of the agenda*: everything with row_time below it has been seen. A window [s, e) is computed
//! at e; a tick T at T + 1 us, because it reads all rows up to and including T.

mod firing;
mod room;
mod saved;
mod settle;
mod standing;

pub use crate::state::revisions::StatKind;
pub use crate::state::saved::{Part, Piece};
pub use firing::Firing;
pub use room::Holding;
pub use settle::{Home, Outcome};

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::common::{DataFusionError, Result};

use crate::error::QueryError;
use crate::joining::Join;
use crate::program::{Program, Query, planner_tick_schema};
use crate::running::{Now, Running};
use crate::sql::session::{concatenate, run};
use crate::state::activity::{self, Activity, REST_LEAST_US};
use crate::state::constant;
use crate::state::held::Spill;
use crate::state::schedule::{Ahead, Due};
use crate::state::tables::{Span, Table};
use crate::state::waiting::Waiting;
use crate::window::floor;

/// Limits and options of merge.
#[derive(Debug, Clone)]
pub struct MergeSettings {
    /// Keys that one table may hold.
    pub table_keys_max: usize,
    /// Keys that the open windows, sessions or levels of one query may hold.
    pub query_keys_max: usize,
    /// How far the watermark lies ahead of the frontier: from the end of a window on time to its final rows, microseconds.
    pub correction_us: i64,
    /// Rows at the watermark.
    pub on_time: OnTime,
    /// By query: how often windows that are still open are computed, microseconds.
    pub early_us: BTreeMap<String, i64>,
    /// Queries with a frontier of their own: see [`Merge::next_of`]. They are over windows of streams alone.
    pub own_frontier: BTreeSet<String>,
    /// How long levels and ticks go on after the last row of any stream, microseconds; an hour or more.
    pub rest_after_us: i64,
    /// Where rows go that memory has no room for; without it all stay.
    pub spill: Option<Arc<dyn Spill>>,
}

/// Which queries give rows once the watermark passes the end of a window, and again when late rows changed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OnTime {
    /// From one look at what late rows changed to the next, microseconds of event time; 0: no query gives such rows.
    pub corrected_every_us: i64,
    /// Queries that do not.
    pub except: BTreeSet<String>,
}

impl MergeSettings {
    /// A query without rows.
    fn build(&self, query: &Query) -> Result<Running, QueryError> {
        let ahead = self.ahead(&query.name);
        let built = Running::new(query, ahead, self.query_keys_max, self.spill.as_ref());
        let mut built = built.map_err(|error| QueryError::new(&query.name, error))?;
        built.is_apart = query.may_be_apart() && self.own_frontier.contains(&query.name);
        Ok(built)
    }

    /// What a query tells ahead of its final rows.
    fn ahead(&self, query: &str) -> Ahead {
        let every_us = Some(self.on_time.corrected_every_us);
        let is_told = |every_us: &i64| *every_us > 0 && !self.on_time.except.contains(query);
        Ahead {
            correction_us: self.correction_us,
            corrected_us: every_us.filter(is_told),
            early_us: self.early_us.get(query).copied(),
        }
    }
}

/// How far event time has come, for all queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// No row to come is earlier.
    pub frontier_us: i64,
    /// Where ticks begin.
    pub begin_us: i64,
    /// If the input has ended, its largest row time: levels and ticks end with it.
    pub horizon_us: Option<i64>,
}

/// A day, microseconds: see [`MergeSettings::rest_after_us`].
pub const REST_AFTER_US: i64 = 86_400_000_000;

impl Default for MergeSettings {
    fn default() -> Self {
        MergeSettings {
            table_keys_max: 1_000_000,
            query_keys_max: 1_000_000,
            correction_us: 0,
            on_time: OnTime::default(),
            early_us: BTreeMap::new(),
            own_frontier: BTreeSet::new(),
            rest_after_us: REST_AFTER_US,
            spill: None,
        }
    }
}

/// Rows that leave.
#[derive(Debug, Clone)]
pub struct Output {
    /// Index of the query in the program.
    pub query: usize,
    /// True if no other row of this window and key follows.
    pub is_final: bool,
    /// The query's columns, then `revision` (BIGINT), `is_final` (BOOLEAN) and `stat_kind` (INTEGER, see [`StatKind`]).
    pub rows: RecordBatch,
}

/// What happened at one instant of the agenda.
#[derive(Debug, Default)]
pub struct Fired {
    /// Rows, in the order of the queries' names.
    pub outputs: Vec<Output>,
    /// Queries that stopped here; the others go on.
    pub failures: Vec<QueryError>,
}

/// Rows that were not taken, or not by all that they belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Refused {
    /// They came for windows that are final, since their source had been idle; windows that are still open have taken them.
    /// Of sessions and joins those that a final one may lack.
    pub late: usize,
    /// Their keys are new, and the table or query holds its largest number of keys.
    pub full: usize,
}

impl Absorbed {
    fn of(refused: Refused) -> Self {
        match refused == Refused::default() {
            true => Absorbed::All,
            false => Absorbed::But(refused),
        }
    }
}

/// What became of partials.
#[derive(Debug)]
pub enum Absorbed {
    /// All rows were taken.
    All,
    /// All rows but these.
    But(Refused),
    /// Rows that may be taken back, or that are: of several queries and tables.
    Kept(Outcome),
    /// No query of this name and fingerprint runs here.
    Unknown,
    /// The query stopped at these rows; the others go on.
    Failed(QueryError),
    /// The query has stopped before.
    Stopped,
}

/// How a table is read.
#[derive(Debug, Clone, Copy)]
enum AsOf {
    /// As of the instant of the agenda.
    Agenda,
    /// With all rows that came and have row_time below this, also beyond the frontier.
    Known { before_us: i64 },
}

impl AsOf {
    /// Final rows are of settled tables; what is told before them takes what is known up to the end of its window.
    fn of(due: Due) -> Self {
        match due.is_final() {
            true => AsOf::Agenda,
            false => AsOf::Known {
                before_us: due.end_us,
            },
        }
    }
}

/// The second stage of all queries.
pub struct Merge {
    program: Arc<Program>,
    running: Vec<Running>,
    /// Places of the queries in the order of their names, which is that in which they fire.
    order: Vec<usize>,
    tables: Vec<Table>,
    /// By table: some of it came with a snapshot.
    restored_tables: Vec<bool>,
    settings: MergeSettings,
    history_us: i64,
    activity: Activity,
    rest_us: i64,
    /// Rows that may still be taken back: queries and tables see them later.
    waiting: Waiting,
    /// No row before this waits any more.
    settled_us: i64,
    home: Option<Home>,
    spill: Option<Arc<dyn Spill>>,
}

impl Merge {
    /// No rows yet.
    pub fn new(
        program: impl Into<Arc<Program>>,
        settings: &MergeSettings,
    ) -> Result<Self, QueryError> {
        let program = program.into();
        let mut running = Vec::new();
        for query in &program.queries {
            running.push(settings.build(query)?);
        }
        let mut tables = Vec::new();
        for query in &program.tables {
            let table = Table::new(query, settings.table_keys_max);
            tables.push(table.map_err(|error| QueryError::new(&query.name, error))?);
        }
        let sizes = program.queries.iter().map(|query| {
            let after = query.reaches().map(|reach| reach.after_us).max();
            let panes = query.join.iter().map(|join| join.windows.size_us());
            let size = panes.fold(query.kind.size_us(), i64::max);
            let before = query.join.iter().map(Join::versions_before_us).sum();
            size.saturating_add(after.unwrap_or_default())
                .saturating_add(before)
        });
        let history_us = sizes.max().unwrap_or_default();
        let mut order: Vec<usize> = (0..running.len()).collect();
        order.sort_by_key(|&place| &program.queries[place].name);
        Ok(Merge {
            program,
            running,
            order,
            settings: settings.clone(),
            restored_tables: vec![false; tables.len()],
            tables,
            history_us,
            activity: Activity::default(),
            rest_us: settings.rest_after_us.max(REST_LEAST_US),
            waiting: Waiting::default(),
            settled_us: i64::MIN,
            home: None,
            spill: settings.spill.clone(),
        })
    }

    /// The program that runs.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// As [`Self::program`], to run it once more.
    pub fn shared_program(&self) -> Arc<Program> {
        Arc::clone(&self.program)
    }

    /// Takes the partials or table rows of one query in.
    pub fn absorb(&mut self, name: &str, fingerprint: u64, batch: &RecordBatch) -> Absorbed {
        match self.try_absorb(name, fingerprint, batch) {
            Ok(absorbed) => absorbed,
            Err(error) => Absorbed::Failed(QueryError::new(name, error)),
        }
    }

    fn try_absorb(
        &mut self,
        name: &str,
        fingerprint: u64,
        batch: &RecordBatch,
    ) -> Result<Absorbed> {
        if name == activity::NAME {
            if fingerprint != activity::FINGERPRINT {
                return Ok(Absorbed::Unknown);
            }
            self.activity.absorb(batch)?;
            return Ok(Absorbed::All);
        }
        if let Some(absorbed) = self.absorb_kept(name, fingerprint, batch)? {
            return Ok(absorbed);
        }
        let is = |known: &str, print: u64| known == name && print == fingerprint;
        let mut tables = self.program.tables.iter();
        if let Some(index) = tables.position(|table| is(&table.name, table.fingerprint)) {
            let full = self.tables[index].absorb(batch)?;
            self.table_changed(index, batch)?;
            return Ok(Absorbed::of(Refused { late: 0, full }));
        }
        for (query, running) in self.program.queries.iter().zip(&mut self.running) {
            let mut inputs = query.inputs.iter();
            if let Some(side) = inputs.position(|input| is(&query.name, input.fingerprint)) {
                if running.has_stopped() {
                    return Ok(Absorbed::Stopped);
                }
                if running.standing.is_deaf {
                    return Ok(Absorbed::All);
                }
                let refused = running.absorb(query, &self.program.task, side, batch, true);
                return refused.map(Absorbed::of).inspect_err(|_| running.stop());
            }
        }
        Ok(Absorbed::Unknown)
    }

    /// The next instant of the agenda that is not after the frontier.
    pub fn next_at(&self, reached: &Reached) -> Option<i64> {
        let now = self.now(reached.frontier_us, reached);
        let running = self.running.iter().filter(|running| !running.is_apart);
        let instants = running.filter_map(|running| running.next_at(now));
        instants.min().filter(|&at| at <= reached.frontier_us)
    }

    /// As [`Self::next_at`], for a query with a frontier of its own.
    pub fn next_of(&self, query: &str, reached: &Reached) -> Option<i64> {
        let running = &self.running[self.apart(query)?];
        let at_us = running.next_at(self.now(reached.frontier_us, reached))?;
        (at_us <= reached.frontier_us).then_some(at_us)
    }

    /// All that was due is computed: what a query tells later, and what it takes as late, then hangs on the frontier alone,
    /// and not on what other queries had due.
    pub fn pass(&mut self, reached: &Reached) {
        let running = self.running.iter_mut().filter(|running| !running.is_apart);
        running.for_each(|running| running.pass(reached));
    }

    /// As [`Self::pass`], for a query with a frontier of its own.
    pub fn pass_of(&mut self, query: &str, reached: &Reached) {
        if let Some(place) = self.apart(query) {
            self.running[place].pass(reached);
        }
    }

    /// Place of a query in the program.
    fn place(&self, query: &str) -> Option<usize> {
        let mut queries = self.program.queries.iter();
        queries.position(|known| known.name == query)
    }

    fn apart(&self, query: &str) -> Option<usize> {
        self.place(query)
            .filter(|place| self.running[*place].is_apart)
    }

    /// The first tick after `after_us`, a multiple of `every_us`, at which levels and ticks do not rest.
    pub fn next_tick(&self, after_us: i64, every_us: i64) -> Option<i64> {
        let first = floor(after_us, every_us) + every_us;
        let at = self.activity.next(first, every_us, 1, self.rest_us)?;
        Some(at - 1)
    }

    fn now(&self, frontier_us: i64, reached: &Reached) -> Now<'_> {
        Now {
            frontier_us,
            reached_us: reached.frontier_us,
            begin_us: reached.begin_us,
            horizon_us: reached.horizon_us,
            activity: &self.activity,
            rest_us: self.rest_us,
        }
    }

    /// Brings the tables to the instant `at_us`.
    pub fn advance_tables(&mut self, at_us: i64) {
        for table in &mut self.tables {
            table.advance(at_us);
        }
    }

    /// Computes everything whose time is `at_us`.
    pub fn fire(&mut self, at_us: i64, reached: &Reached) -> Fired {
        let firing = self.begin_firing(at_us, reached);
        self.fire_all(firing)
    }

    /// As [`Self::fire`], for a query with a frontier of its own.
    pub fn fire_of(&mut self, query: &str, at_us: i64, reached: &Reached) -> Fired {
        let firing = self.begin_firing_of(query, at_us, reached);
        firing.map_or_else(Fired::default, |firing| self.fire_all(firing))
    }

    fn fire_all(&mut self, mut firing: Firing) -> Fired {
        let mut fired = Fired::default();
        while let Some(told) = self.fire_next(&mut firing) {
            match told {
                Ok(output) => fired.outputs.push(output),
                Err(failure) => fired.failures.push(failure),
            }
        }
        fired
    }

    /// Gives the tables `names` to the queries that read them.
    fn fill_tables(&mut self, names: Option<&[String]>, as_of: AsOf) -> Result<()> {
        fill(&self.program, &mut self.tables, names, (as_of, Span::ALL))
    }

    /// The rows of a planner's input as of `at_us`: the tick `at_us - 1`, which reads all rows up to and including it.
    pub fn snapshot(&mut self, name: &str, at_us: i64) -> Result<RecordBatch, QueryError> {
        self.advance_tables(at_us);
        self.read_input(name, at_us.saturating_sub(1), AsOf::Agenda)
    }

    /// The rows of a planner's input at a tick of the clock: of all rows that came the newest of each key. What as-of joins
    /// and ticks of the watermark see is not touched.
    pub fn snapshot_known(&mut self, name: &str, tick_us: i64) -> Result<RecordBatch, QueryError> {
        let before_us = i64::MAX;
        self.read_input(name, tick_us, AsOf::Known { before_us })
    }

    fn read_input(
        &mut self,
        name: &str,
        tick_us: i64,
        as_of: AsOf,
    ) -> Result<RecordBatch, QueryError> {
        let rows = self.fill_tables(None, as_of).and_then(|()| {
            let tick = constant(tick_us, 1);
            let tick = RecordBatch::try_new(planner_tick_schema(), vec![tick])?;
            self.program.planner_tick.fill(vec![tick]);
            let mut snapshots = self.program.snapshots.iter();
            let found = snapshots.find(|snapshot| snapshot.name == name);
            let snapshot = found.ok_or_else(|| {
                DataFusionError::Plan(format!(
                    "there is no planner input {name}: add the file {name}.sql"
                ))
            })?;
            concatenate(&snapshot.schema, &run(&snapshot.plan, &self.program.task)?)
        });
        rows.map_err(|error| QueryError::new(name, error))
    }

    /// For each query and table: name, open windows or keys, rows held.
    pub fn sizes(&self) -> Vec<(&str, usize, usize)> {
        let queries = self
            .program
            .queries
            .iter()
            .zip(&self.running)
            .map(|(query, running)| {
                let (open, rows) = running.size();
                (query.name.as_str(), open, rows)
            });
        let tables = self
            .program
            .tables
            .iter()
            .zip(&self.tables)
            .map(|(query, table)| {
                let (keys, rows) = table.size();
                (query.name.as_str(), keys, rows)
            });
        queries.chain(tables).chain(self.waiting.sizes()).collect()
    }
}

/// Gives the tables `names` to the queries that read them: the versions of their history that hold within a span of time.
fn fill(
    program: &Program,
    tables: &mut [Table],
    names: Option<&[String]>,
    (as_of, span): (AsOf, Span),
) -> Result<()> {
    for (query, table) in program.tables.iter().zip(tables) {
        if names.is_some_and(|names| !names.contains(&query.name)) {
            continue;
        }
        query.current.fill(vec![match as_of {
            AsOf::Agenda => table.current()?,
            AsOf::Known { before_us } => table.known(before_us)?,
        }]);
        if query.has_history {
            query.history.fill(vec![match as_of {
                AsOf::Agenda => table.history(span)?,
                AsOf::Known { before_us } => table.history_known(before_us, span)?,
            }]);
        }
    }
    Ok(())
}

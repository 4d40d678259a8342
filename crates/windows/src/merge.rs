//! What merge does for all queries: takes partials in, and computes windows, levels and ticks when their time has come.
//!
//! Time here is an *instant of the agenda*: everything with row_time below it has been seen. A window [s, e) is computed
//! at e; a tick T at T + 1 us, because it reads all rows up to and including T.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::{DataFusionError, Result, exec_datafusion_err};

use crate::error::QueryError;
use crate::program::{Program, Query, planner_tick_schema};
use crate::sql::call::Kind;
use crate::sql::session::{concatenate, run};
use crate::state::constant;
use crate::state::levels::Levels;
use crate::state::panes::{Due, Panes};
use crate::state::revisions::Revisions;
use crate::state::tables::Table;
use crate::window::floor;

/// Limits and options of merge.
#[derive(Debug, Clone)]
pub struct MergeSettings {
    /// Keys that one table may hold.
    pub table_keys_max: usize,
    /// By query: how often windows that are still open are computed, microseconds. Queries that are not named, and those
    /// that join tables, give final rows alone.
    pub early_us: BTreeMap<String, i64>,
}

impl Default for MergeSettings {
    fn default() -> Self {
        MergeSettings {
            table_keys_max: 1_000_000,
            early_us: BTreeMap::new(),
        }
    }
}

/// Rows that leave.
#[derive(Debug, Clone)]
pub struct Output {
    /// Index of the query in the program.
    pub query: usize,
    /// Start of the window.
    pub window_start_us: i64,
    /// True if no other row of this window and key follows.
    pub is_final: bool,
    /// The query's columns, then `revision` (BIGINT) and `is_final` (BOOLEAN).
    pub rows: RecordBatch,
}

/// What happened at one instant of the agenda.
#[derive(Debug, Default)]
pub struct Fired {
    /// Rows, in the order of the queries.
    pub outputs: Vec<Output>,
    /// Queries that stopped here; the others go on.
    pub failures: Vec<QueryError>,
}

/// What became of partials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absorbed {
    /// All rows were taken.
    All,
    /// So many rows came for windows that are final: their source had been idle.
    Late(usize),
    /// So many rows were refused because the table holds its largest number of keys.
    Full(usize),
    /// No query of this name and fingerprint runs here.
    Unknown,
}

enum State {
    Windows(Panes),
    Levels(Levels),
    Ticks { every_us: i64, last_us: Option<i64> },
}

struct Running {
    state: State,
    revisions: Revisions,
    is_early: bool,
    has_failed: bool,
}

/// The second stage of all queries.
pub struct Merge {
    program: Program,
    running: Vec<Running>,
    tables: Vec<Table>,
    history_us: i64,
}

impl Merge {
    /// No rows yet.
    pub fn new(program: Program, settings: &MergeSettings) -> Result<Self, QueryError> {
        let mut running = Vec::new();
        for query in &program.queries {
            // A table that is not yet known up to a row's time could give the row another key than it has in the end.
            let early_us = settings.early_us.get(&query.name).copied();
            let built = Running::new(query, early_us.filter(|_| query.tables.is_empty()));
            running.push(built.map_err(|error| QueryError::new(&query.name, error))?);
        }
        let mut tables = Vec::new();
        for query in &program.tables {
            let table = Table::new(query, settings.table_keys_max);
            tables.push(table.map_err(|error| QueryError::new(&query.name, error))?);
        }
        let sizes = program.queries.iter().map(|query| match query.kind {
            Kind::Windows(windows) => windows.size_us(),
            Kind::Level { every_us, .. } | Kind::Tick { every_us } => every_us,
        });
        let history_us = sizes.max().unwrap_or_default();
        Ok(Merge {
            program,
            running,
            tables,
            history_us,
        })
    }

    /// The program that runs.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Takes the partials or table rows of one query in.
    pub fn absorb(
        &mut self,
        name: &str,
        fingerprint: u64,
        batch: &RecordBatch,
    ) -> Result<Absorbed, QueryError> {
        let count =
            |kind: fn(usize) -> Absorbed, rows| if rows == 0 { Absorbed::All } else { kind(rows) };
        let fail = |error| QueryError::new(name, error);
        let is = |known: &str, print: u64| known == name && print == fingerprint;
        if let Some(index) = self
            .program
            .tables
            .iter()
            .position(|table| is(&table.name, table.fingerprint))
        {
            let refused = self.tables[index].absorb(batch).map_err(fail)?;
            return Ok(count(Absorbed::Full, refused));
        }
        let found = self
            .program
            .queries
            .iter()
            .position(|query| is(&query.name, query.fingerprint));
        let Some(index) = found else {
            return Ok(Absorbed::Unknown);
        };
        let late = match &mut self.running[index].state {
            State::Windows(panes) => panes.absorb(batch),
            State::Levels(levels) => levels.absorb(batch),
            State::Ticks { .. } => Ok(0),
        };
        Ok(count(Absorbed::Late, late.map_err(fail)?))
    }

    /// The next instant of the agenda that is not after `frontier_us`. Ticks begin at `begin_us`; if the input has ended,
    /// `horizon_us` is its largest row time, and levels and ticks end with it.
    pub fn next_at(&self, frontier_us: i64, begin_us: i64, horizon_us: Option<i64>) -> Option<i64> {
        let instants = self
            .running
            .iter()
            .filter(|running| !running.has_failed)
            .filter_map(|running| {
                let (at, every_us) = match &running.state {
                    State::Windows(panes) => return panes.next_at(),
                    State::Levels(levels) => (levels.next_at()?, levels.every_us()),
                    State::Ticks { every_us, last_us } => {
                        let after = last_us.unwrap_or(begin_us);
                        (floor(after, *every_us) + every_us + 1, *every_us)
                    }
                };
                let is_over = horizon_us.is_some_and(|horizon| at - every_us > horizon);
                (!is_over).then_some(at)
            });
        instants.min().filter(|&at| at <= frontier_us)
    }

    /// Brings the tables to the instant `at_us`.
    pub fn advance_tables(&mut self, at_us: i64) {
        for table in &mut self.tables {
            table.advance(at_us);
        }
    }

    /// Computes everything whose time is `at_us`. `begin_us` and `horizon_us` as for [`Self::next_at`].
    pub fn fire(&mut self, at_us: i64, begin_us: i64, horizon_us: Option<i64>) -> Fired {
        self.advance_tables(at_us);
        let mut fired = Fired::default();
        for index in 0..self.running.len() {
            if self.running[index].has_failed {
                continue;
            }
            match self.fire_query(index, at_us, begin_us, horizon_us) {
                Ok(outputs) => fired.outputs.extend(outputs),
                Err(error) => {
                    self.running[index].has_failed = true;
                    fired
                        .failures
                        .push(QueryError::new(&self.program.queries[index].name, error));
                }
            }
        }
        for table in &mut self.tables {
            table.prune(at_us.saturating_sub(self.history_us));
        }
        fired
    }

    fn fire_query(
        &mut self,
        index: usize,
        at_us: i64,
        begin_us: i64,
        horizon_us: Option<i64>,
    ) -> Result<Vec<Output>> {
        let due = self.running[index].due(at_us, begin_us, horizon_us)?;
        let mut outputs = Vec::new();
        for (due, rows) in due {
            let rows = match rows {
                Some(rows) => rows,
                None => self.window(index, due.start_us)?,
            };
            if rows.iter().all(|batch| batch.num_rows() == 0) {
                continue;
            }
            self.fill_tables(&self.program.queries[index].tables.clone())?;
            let query = &self.program.queries[index];
            let (slot, plan) = &query.finish;
            slot.fill(rows);
            let batches = run(plan, &self.program.task);
            slot.fill(Vec::new());
            // In an order that does not hang on which partial came first.
            let rows = crate::bounded::sorted(&concatenate(&query.schema, &batches?)?)?;
            let running = &mut self.running[index];
            let rows =
                running
                    .revisions
                    .number(due.start_us, due.is_final, running.is_early, &rows)?;
            if rows.num_rows() > 0 {
                outputs.push(Output {
                    query: index,
                    window_start_us: due.start_us,
                    is_final: due.is_final,
                    rows,
                });
            }
        }
        if let State::Windows(panes) = &mut self.running[index].state {
            panes.close(at_us);
        }
        Ok(outputs)
    }

    fn window(&mut self, index: usize, start_us: i64) -> Result<Vec<RecordBatch>> {
        let query = &self.program.queries[index];
        let task = &self.program.task;
        let State::Windows(panes) = &mut self.running[index].state else {
            return Err(exec_datafusion_err!("query {} has no windows", query.name));
        };
        panes.window(start_us, &mut |batches| match &query.reduce {
            None => Ok(batches),
            Some((slot, plan)) => {
                slot.fill(batches);
                let reduced = run(plan, task);
                slot.fill(Vec::new());
                reduced
            }
        })
    }

    fn fill_tables(&mut self, names: &[String]) -> Result<()> {
        for (query, table) in self.program.tables.iter().zip(&mut self.tables) {
            if names.contains(&query.name) {
                query.current.fill(vec![table.current()?]);
                if query.has_history {
                    query.history.fill(vec![table.history()?]);
                }
            }
        }
        Ok(())
    }

    /// The rows of a planner's input as of `at_us`: the tick `at_us - 1`, which reads all rows up to and including it.
    pub fn snapshot(&mut self, name: &str, at_us: i64) -> Result<RecordBatch, QueryError> {
        self.advance_tables(at_us);
        let names: Vec<String> = self
            .program
            .tables
            .iter()
            .map(|table| table.name.clone())
            .collect();
        let tick = constant(at_us.saturating_sub(1), 1);
        let rows = self.fill_tables(&names).and_then(|()| {
            let tick = RecordBatch::try_new(planner_tick_schema(), vec![tick])?;
            self.program.planner_tick.fill(vec![tick]);
            let found = self
                .program
                .snapshots
                .iter()
                .find(|snapshot| snapshot.name == name);
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
                let (open, rows) = match &running.state {
                    State::Windows(panes) => panes.size(),
                    State::Levels(levels) => levels.size(),
                    State::Ticks { .. } => (0, 0),
                };
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
        queries.chain(tables).collect()
    }
}

impl Running {
    fn new(query: &Query, early_us: Option<i64>) -> Result<Self> {
        let state = match &query.kind {
            Kind::Windows(windows) => State::Windows(Panes::new(*windows, early_us)),
            Kind::Level { every_us, keys } => {
                let schema: SchemaRef = Arc::clone(&query.leaf_schema);
                State::Levels(Levels::new(*every_us, keys, schema)?)
            }
            Kind::Tick { every_us } => State::Ticks {
                every_us: *every_us,
                last_us: None,
            },
        };
        Ok(Running {
            is_early: early_us.is_some() && matches!(state, State::Windows(_)),
            state,
            revisions: Revisions::new(&query.schema, &query.key_columns)?,
            has_failed: false,
        })
    }

    /// What is to be computed at `at_us`; the rows where they are not the panes'.
    fn due(
        &mut self,
        at_us: i64,
        begin_us: i64,
        horizon_us: Option<i64>,
    ) -> Result<Vec<(Due, Option<Vec<RecordBatch>>)>> {
        let last = |start_us| Due {
            start_us,
            is_final: true,
        };
        // Another query's window may end later than the input: levels and ticks do not go on with it.
        let is_over = |every_us: i64| horizon_us.is_some_and(|horizon| at_us - every_us > horizon);
        match &mut self.state {
            State::Windows(panes) => Ok(panes
                .due(at_us)
                .into_iter()
                .map(|due| (due, None))
                .collect()),
            State::Levels(levels)
                if levels.next_at() == Some(at_us) && !is_over(levels.every_us()) =>
            {
                let rows = levels.close(at_us)?;
                Ok(vec![(last(at_us - levels.every_us()), Some(vec![rows]))])
            }
            State::Levels(_) => Ok(Vec::new()),
            State::Ticks { every_us, last_us } => {
                let tick_us = at_us - 1;
                let next_us = floor(last_us.unwrap_or(begin_us), *every_us) + *every_us;
                if tick_us != next_us || is_over(*every_us) {
                    return Ok(Vec::new());
                }
                *last_us = Some(tick_us);
                let start_us = tick_us - *every_us;
                let columns = [start_us, tick_us, tick_us].map(|instant| constant(instant, 1));
                let schema = crate::sql::call::tick_schema();
                Ok(vec![(
                    last(start_us),
                    Some(vec![RecordBatch::try_new(schema, columns.to_vec())?]),
                )])
            }
        }
    }
}

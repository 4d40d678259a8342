//! All queries of a pipeline, planned once.
//!
//! A program is for one thread: its plans share slots. Each worker compiles its own from the same files.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::physical_plan::ExecutionPlan;

use crate::compile::{Compiler, is_row_by_row};
use crate::error::{Fault, QueryError};
use crate::fold::FoldPlan;
use crate::joining::{Join, Makes};
use crate::sql::call::{Kind, instant};
use crate::sql::cut::{as_slot, leaves};
use crate::sql::functions::Functions;
use crate::sql::parse::SqlFile;
use crate::sql::slot::Slot;
use crate::state::joined::Reach;
use crate::state::waiting::Reader;

/// The streams that queries can read: name and columns, `row_time` among them.
pub type Streams = BTreeMap<String, SchemaRef>;

/// Where the rows of a windowed query are joined and finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MergeKey {
    /// One place for the whole port.
    Port,
    /// One place a terminal: the partials carry the column `terminal_id`.
    Terminal,
    /// Every place needs all of it.
    Everywhere,
    /// The port's place and that of the terminal: rows of a stream that queries of both kinds read.
    PortAndTerminal,
}

/// How a query is divided between fold and merge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// Fold aggregates by pane, merge adds the panes up.
    Partials,
    /// Fold filters and projects, merge runs the query over the window's rows.
    Rows,
    /// Fold sums changes by interval and key, merge carries the levels on.
    Levels,
    /// Fold filters and projects each stream, merge joins the rows that lie near. What can be aggregated in parts is joined pane
    /// by pane and added up, else window by window.
    Joined,
    /// Merge alone, over tables.
    Ticks,
}

/// A table: the newest row of each key, as of the instant at which it is read.
pub struct TableQuery {
    /// Name in SQL.
    pub name: String,
    /// Columns of the key.
    pub key: Vec<String>,
    /// The stream that its rows come from.
    pub stream: String,
    /// Rows of the stream to rows of the table.
    pub fold: FoldPlan,
    /// Columns, with the hidden ones.
    pub schema: SchemaRef,
    /// Of SQL, schema and format.
    pub fingerprint: u64,
    pub(crate) current: Slot,
    pub(crate) history: Slot,
    pub(crate) has_history: bool,
}

/// What a first stage made of rows.
#[derive(Debug, Default)]
pub struct Computed {
    /// Partial aggregates, level changes or rows.
    pub batches: Vec<RecordBatch>,
    /// Rows with which it cannot compute, each by itself, with the reason.
    pub bad: Vec<(RecordBatch, QueryError)>,
}

/// One stream of a windowed query.
pub struct Input {
    /// The stream.
    pub stream: String,
    /// Rows of the stream to what merge takes in.
    pub fold: FoldPlan,
    /// What goes to merge carries it, so that merge knows which input of which version of the query it is of.
    pub fingerprint: u64,
}

impl Input {
    pub(crate) fn new(stream: String, fold: FoldPlan) -> Self {
        Input {
            stream,
            fold,
            fingerprint: 0,
        }
    }
}

/// A windowed query.
pub struct Query {
    /// File name without ending.
    pub name: String,
    /// Name of the sink in `INSERT INTO`.
    pub sink: String,
    /// Its windows.
    pub kind: Kind,
    /// Where its work is done.
    pub strategy: Strategy,
    /// Where its partials go.
    pub merge_key: MergeKey,
    /// The streams that it windows, with the first stage of each; none for ticks.
    pub inputs: Vec<Input>,
    /// Tables that it joins.
    pub tables: Vec<String>,
    /// Columns of the rows that leave.
    pub schema: SchemaRef,
    /// The columns of `schema` that name a row within its window.
    pub key_columns: Vec<String>,
    /// Of SQL, partial schema and format: partials with another one belong to another version of the query.
    pub fingerprint: u64,
    pub(crate) partial_schema: SchemaRef,
    /// Columns of `partial_schema` by which partial aggregates are grouped, without the bounds.
    pub(crate) group_columns: Vec<usize>,
    pub(crate) leaf_schema: SchemaRef,
    /// The streams are joined by time under the window.
    pub(crate) join: Option<Join>,
    /// Rows of panes to partial aggregates, by merge: tables are joined as of each row's time.
    pub(crate) by_pane: Option<(Slot, Arc<dyn ExecutionPlan>)>,
    pub(crate) reduce: Option<(Slot, Arc<dyn ExecutionPlan>)>,
    pub(crate) finish: (Slot, Arc<dyn ExecutionPlan>),
    /// `finish` reads tables.
    pub(crate) finish_reads_tables: bool,
}

impl Query {
    /// The first start of a window that ends after this instant; none if what it tells may hang on all that came before.
    pub fn first_open(&self, end_us: i64) -> Option<i64> {
        match &self.kind {
            Kind::Windows(windows) if self.tables.is_empty() => Some(windows.first_open(end_us)),
            _ => None,
        }
    }

    /// True if what it tells may hang on all that came before: levels, ticks, and what is in tables.
    pub fn hangs_on_the_past(&self) -> bool {
        let is_level = !matches!(self.kind, Kind::Windows(_) | Kind::Session(_));
        is_level || !self.tables.is_empty()
    }

    /// A window is due so long after its end, microseconds: rows that lie in it may meet later ones of other streams.
    pub fn delay_us(&self) -> i64 {
        let delay_us = self.reaches().map(|reach| reach.after_us).max();
        delay_us.unwrap_or_default()
    }

    /// True if the windows of many keys may be computed in one run: nothing above the aggregate brings rows of two windows
    /// together, and no table is read whose rows hang on the end of the window.
    pub(crate) fn is_window_by_window(&self) -> bool {
        self.strategy == Strategy::Partials
            && self.tables.is_empty()
            && is_row_by_row(&self.finish.1)
    }
}

impl Query {
    /// How far from a joined row's time rows of each input have a say in it; nothing if none are joined.
    pub(crate) fn reaches(&self) -> impl Iterator<Item = Reach> {
        let join = self.join.iter();
        join.flat_map(|join| &join.reaches).map(|(reach, _)| *reach)
    }

    /// True if streams are joined pane by pane, however many windows hold the pane.
    pub fn is_joined_by_pane(&self) -> bool {
        let mut join = self.join.iter();
        join.any(|join| matches!(join.makes, Makes::Parts(..)))
    }

    /// True if it has several windowed relations over the same windows.
    pub(crate) fn is_side_by_side(&self) -> bool {
        let mut join = self.join.iter();
        join.any(|join| matches!(join.makes, Makes::All))
    }

    /// True if rows meet tables as of their own time, and merge aggregates each pane of them once.
    pub fn is_made_by_pane(&self) -> bool {
        self.by_pane.is_some()
    }

    /// True if the query may have a frontier of its own: what it tells hangs on its own rows alone, not on tables or on
    /// when rows of other streams came.
    pub fn may_be_apart(&self) -> bool {
        self.tables.is_empty() && matches!(self.kind, Kind::Windows(_) | Kind::Session(_))
    }
}

impl Reader for Query {
    fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    fn reads(&self, table: &str) -> bool {
        self.inputs.iter().any(|input| input.stream == table)
    }

    fn can_use(&self, table: &str, columns: &SchemaRef) -> bool {
        let inputs = self.inputs.iter().filter(|input| input.stream == table);
        inputs
            .map(|input| &input.fold)
            .all(|fold| fold.can_read(columns))
    }
}

impl Reader for TableQuery {
    fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    fn reads(&self, table: &str) -> bool {
        self.stream == table
    }

    fn can_use(&self, _: &str, columns: &SchemaRef) -> bool {
        self.fold.can_read(columns)
    }
}

/// A query over tables that a planner reads.
pub struct Snapshot {
    /// File name without ending.
    pub name: String,
    /// Columns of its rows.
    pub schema: SchemaRef,
    pub(crate) plan: Arc<dyn ExecutionPlan>,
}

/// All of a pipeline's queries.
pub struct Program {
    /// Tables, in the order of the files.
    pub tables: Vec<TableQuery>,
    /// Windowed queries, in the order of the files.
    pub queries: Vec<Query>,
    /// Fingerprints of all queries of the files, also if some were taken out of `queries`.
    pub fingerprints: Vec<u64>,
    /// Planners' inputs.
    pub snapshots: Vec<Snapshot>,
    pub(crate) streams: BTreeMap<String, (Slot, SchemaRef)>,
    pub(crate) planner_tick: Slot,
    pub(crate) task: Arc<datafusion::execution::TaskContext>,
}

impl Program {
    /// Plans `files` over `streams`. Returns every fault of every file.
    pub fn compile(files: &[SqlFile], streams: &Streams) -> Result<Program, Vec<Fault>> {
        Self::compile_with(files, streams, &Functions::default())
    }

    /// As [`Self::compile`], with functions of the user's.
    pub fn compile_with(
        files: &[SqlFile],
        streams: &Streams,
        functions: &Functions,
    ) -> Result<Program, Vec<Fault>> {
        Compiler::new(streams, functions)?.compile(files)
    }

    /// True if a query reads a table of which versions are kept.
    pub(crate) fn reads_history(&self, query: &Query) -> bool {
        let mut tables = self.tables.iter().filter(|table| table.has_history);
        tables.any(|table| query.tables.contains(&table.name))
    }

    /// True if some query or table reads this stream.
    pub fn reads(&self, stream: &str) -> bool {
        let inputs = self.queries.iter().flat_map(|query| &query.inputs);
        let read = inputs.map(|input| &input.stream);
        let tables = self.tables.iter().map(|table| &table.stream);
        read.chain(tables).any(|read| read == stream)
    }

    /// For each stream that some query reads, the columns needed, in the order of the stream's schema.
    pub fn needed_columns(&self) -> BTreeMap<String, Vec<String>> {
        let mut needed: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let inputs = self.queries.iter().flat_map(|query| &query.inputs);
        for fold in inputs
            .map(|input| &input.fold)
            .chain(self.tables.iter().map(|table| &table.fold))
        {
            for leaf in leaves(&fold.select) {
                let Some((name, _)) = self.stream_of(&leaf) else {
                    continue;
                };
                let columns = needed.entry(name.to_owned()).or_default();
                for field in leaf.schema().fields() {
                    if !columns.contains(field.name()) {
                        columns.push(field.name().clone());
                    }
                }
            }
        }
        for (name, columns) in &mut needed {
            let order = |column: &String| self.streams[name].1.index_of(column).ok();
            columns.sort_by_key(order);
        }
        needed
    }

    fn stream_of(&self, leaf: &Arc<dyn ExecutionPlan>) -> Option<(&str, &SchemaRef)> {
        let slot = as_slot(leaf)?.slot();
        let found = self.streams.iter().find(|(_, (stream, _))| stream.is(slot));
        found.map(|(name, (_, schema))| (name.as_str(), schema))
    }

    /// Gives the rows of a stream to all plans that read it, in place of those before.
    pub fn fill(&self, stream: &str, rows: Vec<RecordBatch>) {
        if let Some((slot, _)) = self.streams.get(stream) {
            slot.fill(rows);
        }
    }

    /// Runs a first stage over rows of its stream. Rows with which it cannot compute are found by halving.
    pub fn compute(&self, fold: &FoldPlan, stream: &str, rows: Vec<RecordBatch>) -> Computed {
        let mut computed = Computed::default();
        self.fill(stream, rows.clone());
        match fold.run() {
            Ok(batches) => computed.batches = batches,
            Err(_) => self.halve(fold, stream, rows, &mut computed),
        }
        self.fill(stream, Vec::new());
        computed
    }

    fn halve(
        &self,
        fold: &FoldPlan,
        stream: &str,
        mut open: Vec<RecordBatch>,
        computed: &mut Computed,
    ) {
        while let Some(batch) = open.pop() {
            self.fill(stream, vec![batch.clone()]);
            match fold.run() {
                Ok(batches) => computed.batches.extend(batches),
                Err(error) if batch.num_rows() <= 1 => computed.bad.push((batch, error)),
                Err(_) => {
                    let half = batch.num_rows() / 2;
                    open.push(batch.slice(0, half));
                    open.push(batch.slice(half, batch.num_rows() - half));
                }
            }
        }
    }

    /// What each query does where, for people.
    pub fn explain(&self) -> String {
        use std::fmt::Write;
        let mut text = String::new();
        for table in &self.tables {
            let history = if table.has_history {
                ", all versions that open windows need"
            } else {
                ""
            };
            let _ = writeln!(
                text,
                "table {}: newest row of {} by ({}){history}",
                table.name,
                table.stream,
                table.key.join(", ")
            );
        }
        for query in &self.queries {
            let streams: Vec<&str> = query
                .inputs
                .iter()
                .map(|input| input.stream.as_str())
                .collect();
            let streams = match streams.is_empty() {
                true => "the clock".to_owned(),
                false => streams.join(" and "),
            };
            let place = match query.strategy {
                Strategy::Partials => "fold aggregates by pane, merge adds up",
                Strategy::Rows if query.is_made_by_pane() => {
                    "fold filters, merge joins tables and aggregates pane by pane, and adds panes up"
                }
                Strategy::Rows => "fold filters, merge runs the query over each window's rows",
                Strategy::Levels => "fold sums changes, merge carries the levels",
                Strategy::Joined if query.is_side_by_side() => {
                    "fold filters, merge runs the query over each window's rows"
                }
                Strategy::Joined => match query.is_joined_by_pane() {
                    true => "fold filters, merge joins and aggregates by pane, and adds up",
                    false => "fold filters, merge joins what lies near each window",
                },
                Strategy::Ticks => "merge reads its tables at each tick",
            };
            let _ = writeln!(
                text,
                "query {} -> {}: {:?} over {streams}; {place}; by {:?}; key ({}); tables ({})",
                query.name,
                query.sink,
                query.kind,
                query.merge_key,
                query.key_columns.join(", "),
                query.tables.join(", ")
            );
        }
        for snapshot in &self.snapshots {
            let _ = writeln!(text, "planner input {}", snapshot.name);
        }
        text
    }
}

/// The table of one row that tells a planner's input its instant, in the column `tick_at`.
pub const PLANNER_TICK: &str = "planner_tick";

pub(crate) fn planner_tick_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("tick_at", instant(), false)]))
}

/// The instant from which on a version of a table holds.
pub(crate) const VALID_FROM: &str = "valid_from";
/// The instant up to which it holds.
pub(crate) const VALID_TO: &str = "valid_to";

/// Columns of a table's history: each version with the time that it holds for, [valid_from, valid_to).
pub(crate) fn history_schema(schema: &SchemaRef) -> SchemaRef {
    let bounds = [VALID_FROM, VALID_TO].map(|name| Arc::new(Field::new(name, instant(), false)));
    Arc::new(Schema::new(
        schema
            .fields()
            .iter()
            .cloned()
            .chain(bounds)
            .collect::<Vec<_>>(),
    ))
}

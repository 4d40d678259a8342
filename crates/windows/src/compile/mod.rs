//! Plans a pipeline's files: tables first, since queries join them.

mod checks;
mod interval;
mod joins;
mod query;
mod same_window;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::{Result, plan_err};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::parser::Statement;

use crate::error::{Fault, misuse};
use crate::fold::{FoldPlan, Frame};
use crate::program::{
    MergeKey, PLANNER_TICK, Program, Query, Snapshot, Strategy, Streams, TableQuery,
    history_schema, planner_tick_schema,
};
use crate::sql::call::{Kind, WINDOW_END, WINDOW_START};
use crate::sql::cut::{as_slot, leaves};
use crate::sql::functions::Functions;
use crate::sql::parse::{Definition, SqlFile, parse};
use crate::sql::relation::{Captured, StreamRelations};
use crate::sql::session::Session;
use crate::sql::slot::{Slot, SlotTable};
pub(crate) use checks::is_row_by_row;
use checks::{fingerprint, keep, key_columns, reads, shown, side_fingerprint, windows_of};

/// The column by which merge can be spread.
const TERMINAL: &str = "terminal_id";

/// Makes a [`Program`].
pub struct Compiler {
    session: Session,
    relations: Arc<StreamRelations>,
    streams: BTreeMap<String, (Slot, SchemaRef)>,
    tables: Vec<TableQuery>,
    planner_tick: Slot,
}

impl Compiler {
    /// A compiler over these streams, with these functions.
    pub fn new(streams: &Streams, functions: &Functions) -> Result<Self, Vec<Fault>> {
        let relations = Arc::new(StreamRelations::default());
        let planner_tick = Slot::default();
        let make = || {
            let session = Session::new(Arc::clone(&relations) as _, functions)?;
            let mut slots = BTreeMap::new();
            for (name, schema) in streams {
                let slot = Slot::default();
                let table = SlotTable::new(name, Arc::clone(schema), slot.clone());
                session.register(name, Arc::new(table))?;
                slots.insert(name.clone(), (slot, Arc::clone(schema)));
            }
            let tick = SlotTable::new(PLANNER_TICK, planner_tick_schema(), planner_tick.clone());
            session.register(PLANNER_TICK, Arc::new(tick))?;
            Ok((session, slots))
        };
        let (session, streams) =
            make().map_err(|error| vec![Fault::from_datafusion("streams", &error)])?;
        Ok(Compiler {
            session,
            relations,
            streams,
            tables: Vec::new(),
            planner_tick,
        })
    }

    /// Plans all files.
    pub fn compile(mut self, files: &[SqlFile]) -> Result<Program, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut rest = Vec::new();
        let mut names = BTreeSet::new();
        for file in files {
            if !names.insert(&file.name) {
                faults.push(Fault::new(
                    file.path(),
                    format!("two files of the name {}", file.name),
                    "rename one: the name is the query's",
                ));
            }
            match parse(file) {
                Ok(Definition::Table { name, key, select }) => {
                    let table = self.table(file, name, key, select);
                    self.tables.extend(keep(table, file, &mut faults));
                }
                Ok(other) => rest.push((file, other)),
                Err(fault) => faults.push(fault),
            }
        }
        let (mut queries, mut snapshots) = (Vec::new(), Vec::new());
        for (file, definition) in rest {
            match definition {
                Definition::Insert { sink, select } => {
                    queries.extend(keep(self.query(file, sink, select), file, &mut faults));
                }
                Definition::Snapshot { select } => {
                    snapshots.extend(keep(self.snapshot(file, select), file, &mut faults));
                }
                Definition::Table { .. } => {}
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Program {
            tables: self.tables,
            fingerprints: queries.iter().map(|query| query.fingerprint).collect(),
            queries,
            snapshots,
            streams: self.streams,
            planner_tick: self.planner_tick,
            task: self.session.task(),
        })
    }

    /// The plan of a statement and its windowed relations. Those of a statement that cannot be planned are forgotten with it.
    fn plan(&self, statement: Statement) -> Result<(Arc<dyn ExecutionPlan>, Vec<Captured>)> {
        let plan = self.session.plan(statement);
        let plan = plan.and_then(|plan| self.session.compile(&plan));
        let captured = self.relations.take();
        Ok((plan?, captured))
    }

    fn table(
        &self,
        file: &SqlFile,
        name: String,
        key: Vec<String>,
        select: Statement,
    ) -> Result<TableQuery> {
        let (select, captured) = self.plan(select)?;
        if !captured.is_empty() {
            return plan_err!("a table has no windows: select from the stream itself");
        }
        let stream = self.only_stream(&select)?;
        let schema = select.schema();
        for column in &key {
            if schema.index_of(column).is_err() {
                return plan_err!("the key column {column} is not selected: add it to the SELECT");
            }
        }
        let table = TableQuery {
            fingerprint: fingerprint(file, &schema),
            key,
            stream,
            fold: FoldPlan {
                query: name.clone(),
                select,
                frame: Frame::None,
                aggregate: None,
                task: self.session.task(),
            },
            current: Slot::default(),
            history: Slot::default(),
            has_history: false,
            name: name.clone(),
            schema: Arc::clone(&schema),
        };
        let shown = shown(&schema);
        let history = format!("{name}_history");
        let current = SlotTable::new(&name, Arc::clone(&shown), table.current.clone());
        self.session.register(&name, Arc::new(current))?;
        let versions = SlotTable::new(&history, history_schema(&shown), table.history.clone());
        self.session.register(&history, Arc::new(versions))?;
        Ok(table)
    }

    fn snapshot(&mut self, file: &SqlFile, select: Statement) -> Result<Snapshot> {
        let (plan, captured) = self.plan(select)?;
        if !captured.is_empty() {
            return plan_err!(
                "a planner's input has no windows: it is read at the planner's ticks"
            );
        }
        self.tables_of(&plan)?;
        Ok(Snapshot {
            name: file.name.clone(),
            schema: plan.schema(),
            plan,
        })
    }

    fn query(&mut self, file: &SqlFile, sink: String, select: Statement) -> Result<Query> {
        let (plan, captured) = self.plan(select)?;
        let relations = windows_of(captured)?;
        let captured = &relations[0];
        let schema = plan.schema();
        for bound in [WINDOW_START, WINDOW_END] {
            if schema.index_of(bound).is_err() {
                return Err(misuse(
                    captured.at,
                    format!("the rows have no column {bound}"),
                    "add window_start and window_end to the SELECT, and to the GROUP BY if there is one",
                ));
            }
        }
        let mut tables = self.tables_of(&plan)?;
        for relation in &relations {
            if let Some(input) = &relation.call.input {
                let under = self.tables_in(&leaves(&self.session.compile(input)?));
                let more = under.into_iter().filter(|name| !tables.contains(name));
                tables.extend(more.collect::<Vec<_>>());
            }
        }
        let mut query = match &captured.call.kind {
            _ if relations.len() > 1 => self.side_by_side(file, &relations, &plan)?,
            Kind::Windows(_) | Kind::Session(_) => self.windowed(file, captured, &plan)?,
            Kind::Level { keys, .. } => self.level(file, captured, keys, &plan)?,
            Kind::Tick { .. } => self.tick(file, captured, &plan),
        };
        query.sink = sink;
        query.key_columns = key_columns(&schema);
        // Rows that may be corrected are spread before fold's part is done, by the stream's own column.
        let is_by_terminal = schema.index_of(TERMINAL).is_ok()
            && !query.inputs.is_empty()
            && (query.inputs.iter()).all(|input| input.fold.passes(TERMINAL));
        if is_by_terminal
            && tables.is_empty()
            // Rows of two streams that meet may name different terminals, or none.
            && matches!(query.strategy, Strategy::Partials | Strategy::Levels)
            && is_row_by_row(&query.finish.1)
        {
            query.merge_key = MergeKey::Terminal;
        }
        if reads(&plan, &self.planner_tick) {
            return Err(misuse(
                captured.at,
                format!("{PLANNER_TICK} has a row for planners' inputs alone"),
                "use window_end here, or tick_at of TICK",
            ));
        }
        let mut known = self.tables.iter();
        if let Some(table) = known.find(|table| reads(&plan, &table.current))
            && query.join.is_some()
            && !query.is_side_by_side()
        {
            let table = &table.name;
            return Err(misuse(
                captured.at,
                format!(
                    "{table} is read as of the end of the window, which a join of streams outlasts"
                ),
                &format!("join {table}_history as of the row's time"),
            ));
        }
        if let Some(table) = self.history_read(&plan)
            && matches!(captured.call.kind, Kind::Tick { .. })
        {
            return Err(misuse(
                captured.at,
                format!("{table}_history is kept for open windows alone"),
                "join it in TUMBLE, HOP, CUMULATE, SESSION or LEVEL; TICK reads the table as of its instant",
            ));
        }
        query.tables = tables;
        query.fingerprint = fingerprint(file, &query.partial_schema);
        let is_joined = query.join.is_some();
        for (index, input) in query.inputs.iter_mut().enumerate() {
            input.fingerprint = match is_joined {
                true => side_fingerprint(query.fingerprint, index),
                false => query.fingerprint,
            };
        }
        Ok(query)
    }

    /// The first table whose history `plan` reads.
    fn history_read(&self, plan: &Arc<dyn ExecutionPlan>) -> Option<&str> {
        let found = self.tables.iter().find(|table| reads(plan, &table.history));
        found.map(|table| table.name.as_str())
    }

    /// The tables that a second stage reads; marks those whose history it reads.
    fn tables_of(&mut self, plan: &Arc<dyn ExecutionPlan>) -> Result<Vec<String>> {
        let leaves = leaves(plan);
        for leaf in leaves.iter().filter_map(as_slot) {
            let mut streams = self.streams.iter();
            if let Some((name, _)) = streams.find(|(_, (stream, _))| stream.is(leaf.slot())) {
                return plan_err!(
                    "the stream {name} is read without a window: put it into TUMBLE or HOP, or make a table of it"
                );
            }
        }
        Ok(self.tables_in(&leaves))
    }

    /// The tables among some leaves; marks those whose history is read.
    fn tables_in(&mut self, leaves: &[Arc<dyn ExecutionPlan>]) -> Vec<String> {
        let mut names = Vec::new();
        for leaf in leaves.iter().filter_map(as_slot) {
            for table in &mut self.tables {
                let is_history = table.history.is(leaf.slot());
                table.has_history |= is_history;
                let is_read = is_history || table.current.is(leaf.slot());
                if is_read && !names.contains(&table.name) {
                    names.push(table.name.clone());
                }
            }
        }
        names
    }
}

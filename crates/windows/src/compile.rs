//! Plans a pipeline's files: tables first, since queries join them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::default_table_source::provider_as_source;
use datafusion::common::{Result, plan_err};
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, cast, ident, lit};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::tokenizer::Span;
use twox_hash::XxHash3_64;

use crate::error::{Fault, misuse};
use crate::fold::{FoldPlan, with_bounds};
use crate::program::{
    MergeKey, PLANNER_TICK, Program, Query, Snapshot, Strategy, Streams, TableQuery,
    history_schema, planner_tick_schema,
};
use crate::sql::call::{Kind, ROW_TIME, WINDOW_END, WINDOW_START};
use crate::sql::cut::{as_slot, cut, leaves};
use crate::sql::parse::{Definition, SqlFile, parse};
use crate::sql::relation::{Captured, StreamRelations};
use crate::sql::session::Session;
use crate::sql::slot::{Slot, SlotTable};

/// The column by which merge can be spread.
const TERMINAL: &str = "terminal_id";
/// Changes whenever what fold sends to merge changes its form.
const STATE_FORMAT: u64 = 1;

/// Makes a [`Program`].
pub struct Compiler {
    session: Session,
    relations: Arc<StreamRelations>,
    streams: BTreeMap<String, (Slot, SchemaRef)>,
    tables: Vec<TableQuery>,
    planner_tick: Slot,
}

impl Compiler {
    /// A compiler over these streams.
    pub fn new(streams: &Streams) -> Result<Self, Vec<Fault>> {
        let relations = Arc::new(StreamRelations::default());
        let planner_tick = Slot::default();
        let make = || {
            let session = Session::new(Arc::clone(&relations) as _)?;
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
            queries,
            snapshots,
            streams: self.streams,
            planner_tick: self.planner_tick,
            task: self.session.task(),
        })
    }

    fn table(
        &self,
        file: &SqlFile,
        name: String,
        key: Vec<String>,
        select: Statement,
    ) -> Result<TableQuery> {
        let select = self.session.compile(&self.session.plan(select)?)?;
        if !self.relations.take().is_empty() {
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
                pane_us: None,
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
        let plan = self.session.compile(&self.session.plan(select)?)?;
        if !self.relations.take().is_empty() {
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
        let plan = self.session.compile(&self.session.plan(select)?)?;
        let captured = only_window(self.relations.take())?;
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
        let tables = self.tables_of(&plan)?;
        let mut query = match &captured.call.kind {
            Kind::Windows(_) => self.windowed(file, &captured, &plan)?,
            Kind::Level { keys, .. } => self.level(file, &captured, keys, &plan)?,
            Kind::Tick { .. } => self.tick(file, &captured, &plan),
        };
        query.sink = sink;
        query.key_columns = key_columns(&schema);
        let is_by_terminal = [&query.partial_schema, &schema]
            .iter()
            .all(|schema| schema.index_of(TERMINAL).is_ok());
        if is_by_terminal
            && tables.is_empty()
            && query.strategy != Strategy::Rows
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
        if let Some(table) = self.history_read(&plan)
            && !matches!(captured.call.kind, Kind::Windows(_))
        {
            return Err(misuse(
                captured.at,
                format!("{table}_history is kept for open windows alone"),
                "join it in TUMBLE or HOP; LEVEL and TICK read the table as of their instant",
            ));
        }
        query.tables = tables;
        query.fingerprint = fingerprint(file, &query.partial_schema);
        Ok(query)
    }

    fn windowed(
        &self,
        file: &SqlFile,
        captured: &Captured,
        plan: &Arc<dyn ExecutionPlan>,
    ) -> Result<Query> {
        let Kind::Windows(windows) = captured.call.kind else {
            return plan_err!("not a window");
        };
        let pane_us = Some(windows.pane_us());
        let mut wanted: Vec<String> = vec![ROW_TIME.to_owned()];
        for leaf in leaves(plan) {
            let reads = as_slot(&leaf).is_some_and(|leaf| leaf.slot().is(&captured.slot));
            for field in leaf.schema().fields().iter().filter(|_| reads) {
                let known = [WINDOW_START, WINDOW_END].contains(&field.name().as_str());
                if !known && !wanted.contains(field.name()) {
                    wanted.push(field.name().clone());
                }
            }
        }
        let select = self.select(captured, &wanted)?;
        let stream = Some(self.only_stream(&select)?);
        let rows_schema = with_bounds(&select.schema());
        let parts = cut(plan, &captured.slot)?;
        let fold = |aggregate| FoldPlan {
            query: file.name.clone(),
            select: Arc::clone(&select),
            pane_us,
            aggregate,
            task: self.session.task(),
        };
        let mut query = self.blank(file, captured, plan, rows_schema);
        query.stream = stream;
        match parts {
            Some(parts) => {
                query.strategy = Strategy::Partials;
                query.partial_schema = parts.partial_schema;
                query.fold = Some(fold(Some((captured.slot.clone(), parts.fold))));
                query.reduce = Some((parts.reduce_slot, parts.reduce));
                query.finish = (parts.merge_slot, parts.merge);
            }
            None => query.fold = Some(fold(None)),
        }
        Ok(query)
    }

    fn level(
        &self,
        file: &SqlFile,
        captured: &Captured,
        keys: &[String],
        plan: &Arc<dyn ExecutionPlan>,
    ) -> Result<Query> {
        let Kind::Level { every_us, .. } = captured.call.kind else {
            return plan_err!("not a level");
        };
        let Some(input) = &captured.call.input else {
            return plan_err!("a level has an input");
        };
        let select = self.session.compile(input)?;
        let stream = Some(self.only_stream(&select)?);
        let slot = Slot::default();
        let rows = SlotTable::new("level", with_bounds(&select.schema()), slot.clone());
        let micros = |name| cast(ident(name), DataType::Int64);
        let weighted = ident("delta") * (micros(WINDOW_END) - micros(ROW_TIME));
        let groups = [WINDOW_START, WINDOW_END]
            .into_iter()
            .chain(keys.iter().map(String::as_str));
        let sums: LogicalPlan =
            LogicalPlanBuilder::scan("level", provider_as_source(Arc::new(rows)), None)?
                .aggregate(
                    groups.map(ident),
                    [
                        sum(ident("delta")).alias("delta_sum"),
                        sum(weighted).alias("delta_us"),
                        count(lit(1_i64)).alias("changes"),
                    ],
                )?
                .build()?;
        let sums = self.session.compile(&sums)?;
        let mut query = self.blank(file, captured, plan, sums.schema());
        query.strategy = Strategy::Levels;
        query.stream = stream;
        query.fold = Some(FoldPlan {
            query: file.name.clone(),
            select,
            pane_us: Some(every_us),
            aggregate: Some((slot, sums)),
            task: self.session.task(),
        });
        Ok(query)
    }

    fn tick(&self, file: &SqlFile, captured: &Captured, plan: &Arc<dyn ExecutionPlan>) -> Query {
        Query {
            strategy: Strategy::Ticks,
            ..self.blank(file, captured, plan, Arc::new(Schema::empty()))
        }
    }

    fn blank(
        &self,
        file: &SqlFile,
        captured: &Captured,
        plan: &Arc<dyn ExecutionPlan>,
        partial_schema: SchemaRef,
    ) -> Query {
        Query {
            name: file.name.clone(),
            sink: String::new(),
            kind: captured.call.kind.clone(),
            strategy: Strategy::Rows,
            merge_key: MergeKey::Port,
            stream: None,
            tables: Vec::new(),
            fold: None,
            schema: plan.schema(),
            key_columns: Vec::new(),
            fingerprint: 0,
            partial_schema,
            leaf_schema: Arc::clone(&captured.call.schema),
            reduce: None,
            finish: (captured.slot.clone(), Arc::clone(plan)),
        }
    }

    /// The windowed relation's input, cut down to the columns that the query reads.
    fn select(&self, captured: &Captured, wanted: &[String]) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(input) = &captured.call.input else {
            return plan_err!("a window has an input");
        };
        let columns = input
            .schema()
            .iter()
            .filter(|(_, field)| wanted.contains(field.name()))
            .map(|(qualifier, field)| (qualifier, field).into())
            .collect::<Vec<_>>();
        let columns = columns
            .into_iter()
            .map(datafusion::logical_expr::Expr::Column);
        let plan = LogicalPlanBuilder::from(input.clone())
            .project(columns)?
            .build()?;
        self.session.compile(&plan)
    }

    /// The one stream that a first stage reads.
    fn only_stream(&self, plan: &Arc<dyn ExecutionPlan>) -> Result<String> {
        let leaves = leaves(plan);
        let [leaf] = leaves.as_slice() else {
            return plan_err!(
                "{} sources: select from one stream here, and join tables to the windowed relation outside",
                leaves.len()
            );
        };
        let slot = as_slot(leaf).map(|leaf| leaf.slot());
        let stream = self
            .streams
            .iter()
            .find(|(_, (stream, _))| slot.is_some_and(|slot| stream.is(slot)));
        match stream {
            Some((name, _)) if is_row_wise(plan) => Ok(name.clone()),
            Some((name, _)) => plan_err!(
                "aggregates, sorts and joins under the window would run over each commit's rows of {name} alone: use columns and WHERE only"
            ),
            None => plan_err!("this is a table: windows are over streams"),
        }
    }

    /// The first table whose history `plan` reads.
    fn history_read(&self, plan: &Arc<dyn ExecutionPlan>) -> Option<&str> {
        let found = self.tables.iter().find(|table| reads(plan, &table.history));
        found.map(|table| table.name.as_str())
    }

    /// The tables that a second stage reads; marks those whose history it reads.
    fn tables_of(&mut self, plan: &Arc<dyn ExecutionPlan>) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for leaf in leaves(plan) {
            let Some(slot) = as_slot(&leaf).map(|leaf| leaf.slot().clone()) else {
                continue;
            };
            if let Some((name, _)) = self
                .streams
                .iter()
                .find(|(_, (stream, _))| stream.is(&slot))
            {
                return plan_err!(
                    "the stream {name} is read without a window: put it into TUMBLE or HOP, or make a table of it"
                );
            }
            for table in &mut self.tables {
                table.has_history |= table.history.is(&slot);
                if (table.history.is(&slot) || table.current.is(&slot))
                    && !names.contains(&table.name)
                {
                    names.push(table.name.clone());
                }
            }
        }
        Ok(names)
    }
}

fn reads(plan: &Arc<dyn ExecutionPlan>, slot: &Slot) -> bool {
    let leaves = leaves(plan);
    let mut slots = leaves.iter().filter_map(as_slot);
    slots.any(|leaf| leaf.slot().is(slot))
}

fn is_row_wise(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let row_wise = [
        "FilterExec",
        "ProjectionExec",
        "CoalesceBatchesExec",
        "CooperativeExec",
        "SlotExec",
    ];
    row_wise.contains(&plan.name()) && plan.children().into_iter().all(is_row_wise)
}

/// The one call of a query.
fn only_window(mut captured: Vec<Captured>) -> Result<Captured> {
    let hint = "a query has exactly one of TUMBLE, HOP, LEVEL, TICK in its FROM, and may join tables to it";
    match (captured.pop(), captured.len()) {
        (Some(only), 0) => Ok(only),
        (Some(second), more) => Err(misuse(
            second.at,
            format!("{} windowed relations in one query", more + 1),
            hint,
        )),
        (None, _) => Err(misuse(Span::empty(), "the query has no window", hint)),
    }
}

/// True if the steps down to the aggregate (or leaf) make each row from one row, so that they give the same for the
/// rows of one terminal as for those of all.
fn is_row_by_row(plan: &Arc<dyn ExecutionPlan>) -> bool {
    match plan.name() {
        "AggregateExec" => plan
            .children()
            .first()
            .is_some_and(|child| as_slot(child).is_some()),
        "SlotExec" => true,
        "FilterExec" | "ProjectionExec" | "CoalesceBatchesExec" | "CooperativeExec" => {
            plan.children().into_iter().all(is_row_by_row)
        }
        _ => false,
    }
}

fn keep<T>(result: Result<T>, file: &SqlFile, faults: &mut Vec<Fault>) -> Option<T> {
    result
        .map_err(|error| faults.push(Fault::from_datafusion(&file.path(), &error)))
        .ok()
}

/// The columns of a table without those that only order its versions.
fn shown(schema: &SchemaRef) -> SchemaRef {
    let fields = schema
        .fields()
        .iter()
        .filter(|field| !field.name().starts_with("__"));
    Arc::new(Schema::new(fields.cloned().collect::<Vec<Arc<Field>>>()))
}

/// The text columns that follow the window's bounds: by our files' convention they name the row.
fn key_columns(schema: &SchemaRef) -> Vec<String> {
    let fields = schema.fields().iter();
    let behind =
        fields.skip_while(|field| [WINDOW_START, WINDOW_END].contains(&field.name().as_str()));
    behind
        .take_while(|field| {
            matches!(
                field.data_type(),
                DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8
            )
        })
        .map(|field| field.name().clone())
        .collect()
}

fn fingerprint(file: &SqlFile, schema: &SchemaRef) -> u64 {
    let text = format!("{STATE_FORMAT}\n{}\n{}\n{schema:?}", file.name, file.text);
    XxHash3_64::oneshot(text.as_bytes())
}

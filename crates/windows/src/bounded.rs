//! The oracle: the same SQL over a finite log as bounded tables, in plain DataFusion.
//!
//! It shares the reading of files and calls with the engine, and nothing after that: no panes, no partial aggregates, no
//! levels, no keyed tables, no frontier. TUMBLE is a `date_bin`, HOP a cross join with the windows' offsets, SESSION a count of
//! the gaps before a row, LEVEL a join of all intervals with all changes, and a version is a table's row as of an instant if
//! it is before that and the next of its key is not. Slow and obvious; every engine test compares with it.

mod asof;
mod relations;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::SchemaRef;
use arrow::row::{RowConverter, SortField};
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, ident};
use datafusion::sql::parser::Statement;

use crate::error::Fault;
use crate::program::Streams;
use crate::sql::call::{ROW_TIME, WINDOW_END, WINDOW_START};
use crate::sql::functions::Functions;
use crate::sql::parse::{Definition, SqlFile, parse};
use crate::sql::session::{Session, concatenate, run as run_plan};
use crate::state::instants;
use asof::Versions;
use relations::{BoundedRelations, Frame, Planned};

/// What the log spans.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Where ticks begin, microseconds: see [`crate::frontier::Frontier::begin_us`].
    pub begin_us: i64,
    /// Largest row time of the log, microseconds: levels and ticks end with it.
    pub horizon_us: i64,
    /// How long levels and ticks go on after a row: see [`crate::merge::MergeSettings::rest_after_us`].
    pub rest_after_us: i64,
}

/// What the log holds beside the rows that count, by stream.
#[derive(Debug, Clone, Default)]
pub struct Besides {
    /// Retractions of what is final or unknown: tables with a column `is_retracted` show them, and nothing else does.
    pub retractions: BTreeMap<String, Vec<RecordBatch>>,
    /// Times of rows that counted once and were taken back: levels and ticks do not rest after them.
    pub taken_back_us: BTreeMap<String, Vec<i64>>,
}

/// The rows of every windowed query of `files` over the log, each sorted by all its columns. `rows` may lack streams.
pub fn run(
    files: &[SqlFile],
    schemas: &Streams,
    rows: &BTreeMap<String, Vec<RecordBatch>>,
    extent: Extent,
) -> Result<BTreeMap<String, RecordBatch>, Vec<Fault>> {
    run_with(
        files,
        schemas,
        rows,
        &Besides::default(),
        extent,
        &Functions::default(),
    )
}

/// As [`run`], with corrections and retractions, and with functions of the user's.
pub fn run_with(
    files: &[SqlFile],
    schemas: &Streams,
    rows: &BTreeMap<String, Vec<RecordBatch>>,
    besides: &Besides,
    extent: Extent,
    functions: &Functions,
) -> Result<BTreeMap<String, RecordBatch>, Vec<Fault>> {
    let mut faults = Vec::new();
    let mut definitions = Vec::new();
    for file in files {
        match parse(file) {
            Ok(definition) => definitions.push((file, definition)),
            Err(fault) => faults.push(fault),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let fail = |file: &SqlFile| {
        let path = file.path();
        move |error| vec![Fault::from_datafusion(&path, &error)]
    };
    let log = SqlFile::new("log", "");
    let mut oracle = Oracle::new(schemas, rows, extent, functions).map_err(fail(&log))?;
    for (file, definition) in &definitions {
        if let Definition::Table { name, key, select } = definition {
            oracle
                .table(name, key, select.clone(), rows, besides)
                .map_err(fail(file))?;
        }
    }
    let mut streams = BTreeSet::new();
    for (file, definition) in &definitions {
        if let Definition::Table { select, .. } | Definition::Insert { select, .. } = definition {
            streams.extend(oracle.reads(select).map_err(fail(file))?);
        }
    }
    oracle.tell(rows, besides, &streams).map_err(fail(&log))?;
    let mut results = BTreeMap::new();
    for (file, definition) in &definitions {
        if let Definition::Insert { select, .. } = definition {
            let rows = oracle.query(select).map_err(fail(file))?;
            results.insert(file.name.clone(), rows);
        }
    }
    Ok(results)
}

/// The rows of `batch` sorted by all columns.
pub fn sorted(batch: &RecordBatch) -> Result<RecordBatch> {
    let fields = batch.schema();
    let fields = fields
        .fields()
        .iter()
        .map(|field| SortField::new(field.data_type().clone()));
    let rows = RowConverter::new(fields.collect())?.convert_columns(batch.columns())?;
    let mut order: Vec<u32> = (0..batch.num_rows() as u32).collect();
    order.sort_by(|&left, &right| rows.row(left as usize).cmp(&rows.row(right as usize)));
    Ok(take_record_batch(batch, &UInt32Array::from(order))?)
}

struct Oracle {
    session: Session,
    relations: Arc<BoundedRelations>,
    tables: Vec<Versions>,
}

impl Oracle {
    fn new(
        schemas: &Streams,
        rows: &BTreeMap<String, Vec<RecordBatch>>,
        extent: Extent,
        functions: &Functions,
    ) -> Result<Self> {
        let relations = Arc::new(BoundedRelations::new(extent));
        let session = Session::new(Arc::clone(&relations) as _, functions)?;
        for (name, schema) in schemas {
            let batches = rows.get(name).cloned().unwrap_or_default();
            session.register(name, memory(schema, batches)?)?;
        }
        Ok(Oracle {
            session,
            relations,
            tables: Vec::new(),
        })
    }

    fn table(
        &mut self,
        name: &str,
        key: &[String],
        select: Statement,
        rows: &BTreeMap<String, Vec<RecordBatch>>,
        besides: &Besides,
    ) -> Result<()> {
        let plan = self.session.compile(&self.session.plan(select.clone())?)?;
        let mut versions = run_plan(&plan, &self.session.task())?;
        if plan.schema().index_of("is_retracted").is_ok() {
            for (stream, retractions) in &besides.retractions {
                let counting = rows.get(stream).cloned().unwrap_or_default();
                versions.extend(self.shown(&select, stream, retractions, counting)?);
            }
        }
        let versions = memory(&plan.schema(), versions)?;
        let versions = Versions::new(&self.session, name, key, versions)?;
        let current = versions.current(&self.session, i64::MAX)?;
        self.session.register(name, current)?;
        let history = Arc::clone(&versions.history);
        self.session.register(&format!("{name}_history"), history)?;
        self.tables.push(versions);
        Ok(())
    }

    /// What a table shows of retractions of a stream; nothing if it is of another stream.
    fn shown(
        &self,
        select: &Statement,
        stream: &str,
        retractions: &[RecordBatch],
        counting: Vec<RecordBatch>,
    ) -> Result<Vec<RecordBatch>> {
        let Some(schema) = retractions.first().map(RecordBatch::schema) else {
            return Ok(Vec::new());
        };
        if !self.reads(select)?.contains(stream) {
            return Ok(Vec::new());
        }
        let put = |rows| self.session.replace(stream, memory(&schema, rows)?);
        put(retractions.to_vec())?;
        let plan = self.session.compile(&self.session.plan(select.clone())?)?;
        let rows = run_plan(&plan, &self.session.task());
        put(counting)?;
        rows
    }

    /// The streams and tables that a statement reads.
    fn reads(&self, select: &Statement) -> Result<BTreeSet<String>> {
        tables_read(&self.session.plan(select.clone())?)
    }

    /// When rows of `streams` came.
    fn tell(
        &self,
        rows: &BTreeMap<String, Vec<RecordBatch>>,
        besides: &Besides,
        streams: &BTreeSet<String>,
    ) -> Result<()> {
        let mut times = Vec::new();
        let read = rows.iter().filter(|(name, _)| streams.contains(*name));
        for batch in read.flat_map(|(_, batches)| batches) {
            times.extend_from_slice(instants(batch, ROW_TIME)?);
        }
        let taken_back = besides.taken_back_us.iter();
        let taken_back = taken_back.filter(|(name, _)| streams.contains(*name));
        times.extend(taken_back.flat_map(|(_, times)| times));
        self.relations.tell(times);
        Ok(())
    }

    fn query(&self, select: &Statement) -> Result<RecordBatch> {
        self.relations.set(Frame::Whole);
        let plan = self.session.plan(select.clone())?;
        let relations = self.relations.take()?;
        let schema = self.session.compile(&plan)?.schema();
        let read = tables_read(&plan)?;
        let tables: Vec<&Versions> = self
            .tables
            .iter()
            .filter(|table| read.contains(&table.name))
            .collect();
        if tables.is_empty() {
            return sorted(&concatenate(&schema, &self.execute(&plan)?)?);
        }
        let mut rows = Vec::new();
        for (start_us, end_us) in self.windows(&relations)? {
            for table in &tables {
                let current = table.current(&self.session, relations[0].seen_before_us(end_us))?;
                self.session.replace(&table.name, current)?;
            }
            self.relations.set(Frame::Only { start_us, end_us });
            rows.extend(self.execute(&self.session.plan(select.clone())?)?);
        }
        sorted(&concatenate(&schema, &rows)?)
    }

    fn execute(&self, plan: &LogicalPlan) -> Result<Vec<RecordBatch>> {
        run_plan(&self.session.compile(plan)?, &self.session.task())
    }

    /// All windows that hold anything.
    fn windows(&self, relations: &[Planned]) -> Result<BTreeSet<(i64, i64)>> {
        let mut found = BTreeSet::new();
        for relation in relations {
            let plan = LogicalPlanBuilder::from(relation.plan.clone())
                .project([ident(WINDOW_START), ident(WINDOW_END)])?
                .build()?;
            for batch in self.execute(&plan)? {
                let starts = instants(&batch, WINDOW_START)?.iter().copied();
                found.extend(starts.zip(instants(&batch, WINDOW_END)?.iter().copied()));
            }
        }
        Ok(found)
    }
}

fn memory(schema: &SchemaRef, batches: Vec<RecordBatch>) -> Result<Arc<MemTable>> {
    Ok(Arc::new(MemTable::try_new(
        Arc::clone(schema),
        vec![batches],
    )?))
}

fn tables_read(plan: &LogicalPlan) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            names.insert(scan.table_name.table().to_owned());
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(names)
}

//! A leaf of a plan whose rows are put in before each run: plans are made once and run many times.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
};

use crate::state::held::Held;
use crate::state::panes::with_window;

/// The rows of one leaf, shared by all plans that read it.
#[derive(Debug, Clone, Default)]
pub struct Slot(Arc<Mutex<Filled>>);

#[derive(Debug, Clone, Default)]
struct Filled {
    rows: Vec<Held>,
    /// The window that the rows are shown in, in place of their panes.
    window: Option<(i64, i64)>,
}

impl Filled {
    fn load(&self, rows: &Held) -> Result<RecordBatch> {
        let rows = rows.load()?;
        match self.window {
            Some((start_us, end_us)) => with_window(&rows, start_us, end_us),
            None => Ok(rows),
        }
    }
}

impl Slot {
    /// Puts rows in, in place of those before. Their columns may be more than a plan reads, in any order.
    pub fn fill(&self, batches: Vec<RecordBatch>) {
        self.fill_held(batches.into_iter().map(Held::from).collect());
    }

    /// As [`Self::fill`]; rows that are kept away are read back batch by batch as the plan asks for them.
    pub fn fill_held(&self, rows: Vec<Held>) {
        self.put(Filled { rows, window: None });
    }

    /// As [`Self::fill_held`], rows of panes that are shown with the bounds of the window that holds them, microseconds.
    pub fn fill_window(&self, rows: Vec<Held>, window: (i64, i64)) {
        let window = Some(window);
        self.put(Filled { rows, window });
    }

    fn put(&self, filled: Filled) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = filled;
    }

    fn filled(&self) -> Filled {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// True if both are the same slot.
    pub fn is(&self, other: &Slot) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A slot as a table, for planning.
#[derive(Debug)]
pub struct SlotTable {
    name: String,
    schema: SchemaRef,
    slot: Slot,
}

impl SlotTable {
    /// A table `name` over `slot`.
    pub fn new(name: impl Into<String>, schema: SchemaRef, slot: Slot) -> Self {
        SlotTable {
            name: name.into(),
            schema,
            slot,
        }
    }
}

#[async_trait::async_trait]
impl TableProvider for SlotTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = match projection {
            Some(columns) => Arc::new(self.schema.project(columns)?),
            None => Arc::clone(&self.schema),
        };
        Ok(Arc::new(SlotExec::new(
            &self.name,
            schema,
            self.slot.clone(),
        )))
    }
}

/// Reads a slot, picking its columns by name.
#[derive(Debug)]
pub struct SlotExec {
    name: String,
    slot: Slot,
    properties: Arc<PlanProperties>,
}

impl SlotExec {
    /// A leaf of this schema over `slot`.
    pub fn new(name: &str, schema: SchemaRef, slot: Slot) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        SlotExec {
            name: name.to_owned(),
            slot,
            properties: Arc::new(properties),
        }
    }

    /// The slot that this leaf reads.
    pub fn slot(&self) -> &Slot {
        &self.slot
    }
}

impl DisplayAs for SlotExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let columns: Vec<&str> = self
            .properties
            .eq_properties
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        write!(f, "{}: {}", self.name, columns.join(", "))
    }
}

impl ExecutionPlan for SlotExec {
    fn name(&self) -> &str {
        "SlotExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, _: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let schema = Arc::clone(self.properties.eq_properties.schema());
        let wanted = Arc::clone(&schema);
        let filled = self.slot.filled();
        let rows = filled.rows.clone().into_iter();
        let batches = rows.map(move |rows| pick(&filled.load(&rows)?, &wanted));
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            schema,
            futures::stream::iter(batches),
        )))
    }
}

/// The columns of `schema` out of `batch`: all as they stand if the names agree one by one, else by name. Partial
/// aggregates may hold several columns of one name (what `first_value` and `last_value` are ordered by).
pub fn pick(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let theirs = batch.schema_ref().fields();
    let agree = theirs.len() == schema.fields().len()
        && theirs
            .iter()
            .zip(schema.fields())
            .all(|(left, right)| left.name() == right.name());
    if agree {
        return Ok(RecordBatch::try_new_with_options(
            Arc::clone(schema),
            batch.columns().to_vec(),
            &options,
        )?);
    }
    let columns = schema
        .fields()
        .iter()
        .map(|field| {
            batch.column_by_name(field.name()).cloned().ok_or_else(|| {
                DataFusionError::Internal(format!("column {} was not decoded", field.name()))
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &options,
    )?)
}

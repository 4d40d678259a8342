//! The DataFusion session in which queries are planned: one partition, no rewriting at run time.

use std::sync::Arc;

use arrow::array::{Array, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, plan_err};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::TaskContext;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::planner::RelationPlanner;
use datafusion::physical_plan::execution_plan::reset_plan_states;
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::SessionConfig;
use datafusion::sql::parser::Statement;
use futures::executor::block_on;

use super::checked::CheckedArithmetic;
use super::functions::Functions;

/// Plans statements and runs plans, on the calling thread.
pub struct Session {
    context: SessionContext,
    task: Arc<TaskContext>,
}

impl Session {
    /// A session whose table functions (TUMBLE and so on) are `relations`, with these functions.
    pub fn new(relations: Arc<dyn RelationPlanner>, functions: &Functions) -> Result<Self> {
        let mut config = SessionConfig::new().with_target_partitions(1);
        let options = config.options_mut();
        options.sql_parser.collect_spans = true;
        options.sql_parser.map_string_types_to_utf8view = false;
        options.execution.collect_statistics = false;
        // A partial aggregate is sent over the network: reduce it however many keys there are.
        options
            .execution
            .skip_partial_aggregation_probe_ratio_threshold = 1.0;
        options.optimizer.enable_round_robin_repartition = false;
        // Plans run many times, so nothing learnt in one run may stay in them.
        options.optimizer.enable_dynamic_filter_pushdown = false;
        options.optimizer.enable_topk_dynamic_filter_pushdown = false;
        options.optimizer.enable_join_dynamic_filter_pushdown = false;
        options.optimizer.enable_aggregate_dynamic_filter_pushdown = false;
        let mut context = SessionContext::new_with_config(config);
        context.register_function_rewrite(Arc::new(CheckedArithmetic::default()))?;
        context.register_relation_planner(relations)?;
        for function in &functions.scalars {
            context.register_udf(function.clone());
        }
        for function in &functions.aggregates {
            context.register_udaf(function.clone());
        }
        let task = context.task_ctx();
        Ok(Session { context, task })
    }

    /// Makes a table known under `name`.
    pub fn register(&self, name: &str, table: Arc<dyn TableProvider>) -> Result<()> {
        self.context.register_table(name, table).map(|_| ())
    }

    /// Makes another table known under `name`.
    pub fn replace(&self, name: &str, table: Arc<dyn TableProvider>) -> Result<()> {
        self.context.deregister_table(name)?;
        self.register(name, table)
    }

    /// The logical plan of a statement.
    pub fn plan(&self, statement: Statement) -> Result<LogicalPlan> {
        block_on(self.context.state().statement_to_plan(statement))
    }

    /// The plan that runs.
    pub fn compile(&self, plan: &LogicalPlan) -> Result<Arc<dyn ExecutionPlan>> {
        let plan = block_on(self.context.state().create_physical_plan(plan))?;
        plan.apply(|node| match node.name() {
            "UnionExec" | "InterleaveExec" => plan_err!(
                "UNION is not supported, its rows come in no order: write one query a file, or FULL JOIN and coalesce"
            ),
            _ => Ok(TreeNodeRecursion::Continue),
        })?;
        Ok(plan)
    }

    /// How plans of this session are run.
    pub fn task(&self) -> Arc<TaskContext> {
        Arc::clone(&self.task)
    }
}

/// Runs a plan to its end and returns its rows without empty batches, in no more memory than they take.
pub fn run(plan: &Arc<dyn ExecutionPlan>, task: &Arc<TaskContext>) -> Result<Vec<RecordBatch>> {
    let plan = if plan.children().is_empty() {
        Arc::clone(plan)
    } else {
        reset_plan_states(Arc::clone(plan))?
    };
    let batches = block_on(collect(plan, Arc::clone(task)))?;
    let batches = batches.into_iter().filter(|batch| batch.num_rows() > 0);
    batches.map(without_spare_room).collect()
}

/// A filter makes room for thousands of rows in each column, however few it lets pass. Rows are kept for hours, and counted by
/// what they hold.
fn without_spare_room(batch: RecordBatch) -> Result<RecordBatch> {
    let (schema, mut columns, rows) = batch.into_parts();
    columns.iter_mut().for_each(Array::shrink_to_fit);
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(
        schema, columns, &options,
    )?)
}

/// Several batches as one.
pub fn concatenate(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<RecordBatch> {
    Ok(arrow::compute::concat_batches(schema, batches)?)
}

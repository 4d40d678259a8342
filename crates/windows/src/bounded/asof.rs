//! Tables as of an instant, by the next version of each.

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::catalog::default_table_source::provider_as_source;
use datafusion::common::{Result, ScalarValue};
use datafusion::datasource::MemTable;
use datafusion::functions_window::expr_fn::lead;
use datafusion::logical_expr::{ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, ident, lit};

use super::memory;
use crate::sql::call::ROW_TIME;
use crate::sql::session::{Session, run};
use crate::state::tables::FOREVER_US;

/// All versions of a table's rows.
pub struct Versions {
    /// Name in SQL.
    pub name: String,
    /// Each with the time that it holds for.
    pub history: Arc<MemTable>,
}

impl Versions {
    /// A table over all its versions, of which the next of a key follows in the order of age.
    pub fn new(session: &Session, name: &str, key: &[String], rows: Arc<MemTable>) -> Result<Self> {
        let age = [ROW_TIME, "__record_time", "__event_id"];
        let next = lead(ident(ROW_TIME), Some(1), Some(time(FOREVER_US)))
            .partition_by(key.iter().map(ident).collect())
            .order_by(age.map(|name| ident(name).sort(true, false)).to_vec())
            .build()?;
        let bounds = [
            ident(ROW_TIME).alias(VALID_FROM),
            ident("__next").alias(VALID_TO),
        ];
        let shown = columns(&rows).filter(|name| !name.starts_with("__"));
        let plan = scan(&rows)?
            .window([next.alias("__next")])?
            .project(shown.map(ident).chain(bounds))?
            .build()?;
        Ok(Versions {
            name: name.to_owned(),
            history: collect(session, &plan)?,
        })
    }

    /// The newest row of each key among those with row_time < `before_us`: the next is not one of them.
    pub fn current(&self, session: &Session, before_us: i64) -> Result<Arc<MemTable>> {
        let before = || lit(time(before_us));
        let is_newest = ident(VALID_FROM)
            .lt(before())
            .and(ident(VALID_TO).gt_eq(before()));
        let shown = columns(&self.history);
        let shown = shown.filter(|name| ![VALID_FROM, VALID_TO].contains(&name.as_str()));
        let plan = scan(&self.history)?
            .filter(is_newest)?
            .project(shown.map(ident))?
            .build()?;
        collect(session, &plan)
    }
}

const VALID_FROM: &str = "valid_from";
const VALID_TO: &str = "valid_to";

fn scan(rows: &Arc<MemTable>) -> Result<LogicalPlanBuilder> {
    let source = provider_as_source(Arc::clone(rows) as _);
    LogicalPlanBuilder::scan("versions", source, None)
}

fn columns(rows: &Arc<MemTable>) -> impl Iterator<Item = String> + use<> {
    let fields = rows.schema().fields().clone();
    let names: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
    names.into_iter()
}

fn time(instant_us: i64) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(Some(instant_us), Some("UTC".into()))
}

fn collect(session: &Session, plan: &LogicalPlan) -> Result<Arc<MemTable>> {
    let plan = session.compile(plan)?;
    memory(&plan.schema(), run(&plan, &session.task())?)
}

//! Tables as of an instant, by window functions over all versions.

use std::sync::Arc;

use datafusion::catalog::default_table_source::provider_as_source;
use datafusion::common::{Result, ScalarValue};
use datafusion::datasource::MemTable;
use datafusion::functions_window::expr_fn::{lead, row_number};
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, SortExpr, ident, lit,
};

use super::memory;
use crate::sql::call::ROW_TIME;
use crate::sql::session::{Session, run};
use crate::state::tables::FOREVER_US;

/// All versions of a table's rows.
pub struct Versions {
    /// Name in SQL.
    pub name: String,
    key: Vec<String>,
    rows: Arc<MemTable>,
}

impl Versions {
    /// A table over all its versions.
    pub fn new(name: &str, key: &[String], rows: Arc<MemTable>) -> Self {
        Versions {
            name: name.to_owned(),
            key: key.to_vec(),
            rows,
        }
    }

    /// The newest row of each key among those with row_time < `before_us`.
    pub fn current(&self, session: &Session, before_us: i64) -> Result<Arc<MemTable>> {
        let newest = row_number()
            .partition_by(self.keys())
            .order_by(self.age(false))
            .build()?;
        let plan = self
            .scan()?
            .filter(ident(ROW_TIME).lt(lit(time(before_us))))?
            .window([newest.alias("__place")])?
            .filter(ident("__place").eq(lit(1_u64)))?
            .project(self.shown())?
            .build()?;
        collect(session, &plan)
    }

    /// All versions with the time that each holds for.
    pub fn history(&self, session: &Session) -> Result<Arc<MemTable>> {
        let next = lead(ident(ROW_TIME), Some(1), Some(time(FOREVER_US)))
            .partition_by(self.keys())
            .order_by(self.age(true))
            .build()?;
        let bounds = [
            ident(ROW_TIME).alias("valid_from"),
            ident("__next").alias("valid_to"),
        ];
        let plan = self
            .scan()?
            .window([next.alias("__next")])?
            .project(self.shown().into_iter().chain(bounds))?
            .build()?;
        collect(session, &plan)
    }

    fn scan(&self) -> Result<LogicalPlanBuilder> {
        LogicalPlanBuilder::scan(
            "versions",
            provider_as_source(Arc::clone(&self.rows) as _),
            None,
        )
    }

    fn keys(&self) -> Vec<Expr> {
        self.key.iter().map(ident).collect()
    }

    fn age(&self, is_ascending: bool) -> Vec<SortExpr> {
        [ROW_TIME, "__record_time", "__event_id"]
            .map(|name| ident(name).sort(is_ascending, false))
            .to_vec()
    }

    fn shown(&self) -> Vec<Expr> {
        use datafusion::catalog::TableProvider;
        let schema = self.rows.schema();
        let names = schema.fields().iter().map(|field| field.name());
        names
            .filter(|name| !name.starts_with("__"))
            .map(ident)
            .collect()
    }
}

fn time(instant_us: i64) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(Some(instant_us), Some("UTC".into()))
}

fn collect(session: &Session, plan: &LogicalPlan) -> Result<Arc<MemTable>> {
    let plan = session.compile(plan)?;
    memory(&plan.schema(), run(&plan, &session.task())?)
}

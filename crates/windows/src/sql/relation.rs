//! Table functions while streaming: each call becomes a leaf that the engine fills, and its input a plan of its own.

use std::sync::{Arc, Mutex, PoisonError};

use datafusion::catalog::default_table_source::provider_as_source;
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::sql::sqlparser::ast::{Spanned, TableFactor};
use datafusion::sql::sqlparser::tokenizer::Span;

use super::call::Call;
use super::slot::{Slot, SlotTable};

/// A call that was planned, with the leaf that stands for it.
#[derive(Debug, Clone)]
pub struct Captured {
    /// The call.
    pub call: Call,
    /// The leaf's rows.
    pub slot: Slot,
    /// Where the call stands in the SQL.
    pub at: Span,
}

/// Plans our table functions and keeps what it saw.
#[derive(Debug, Default)]
pub struct StreamRelations {
    captured: Mutex<Vec<Captured>>,
}

impl StreamRelations {
    /// The calls since the last time, in the order in which they were planned.
    pub fn take(&self) -> Vec<Captured> {
        std::mem::take(&mut *self.captured.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl RelationPlanner for StreamRelations {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let Some(call) = Call::read(&relation, context)? else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let TableFactor::Table { name, alias, .. } = relation else {
            return plan_err!("a table function is called by its name");
        };
        let at = name.span();
        let name = name.to_string().to_lowercase();
        let slot = Slot::default();
        let table = SlotTable::new(&name, Arc::clone(&call.schema), slot.clone());
        let plan =
            LogicalPlanBuilder::scan(name, provider_as_source(Arc::new(table)), None)?.build()?;
        self.captured
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Captured { call, slot, at });
        Ok(RelationPlanning::Planned(Box::new(PlannedRelation::new(
            plan, alias,
        ))))
    }
}

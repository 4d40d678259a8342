//! One windowed query, by the kind of its windows.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::catalog::default_table_source::provider_as_source;
use datafusion::common::{Result, plan_err};
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, cast, ident, lit};
use datafusion::physical_plan::ExecutionPlan;

use super::Compiler;
use super::checks::is_row_wise;
use crate::fold::{FoldPlan, Frame, with_bounds};
use crate::program::{Input, MergeKey, Query, Strategy};
use crate::sql::call::{Kind, ROW_TIME, WINDOW_END, WINDOW_START};
use crate::sql::cut::{as_slot, cut, leaves};
use crate::sql::parse::SqlFile;
use crate::sql::relation::Captured;
use crate::sql::slot::{Slot, SlotTable};
use crate::window::Windows;

impl Compiler {
    pub(super) fn windowed(
        &self,
        file: &SqlFile,
        captured: &Captured,
        plan: &Arc<dyn ExecutionPlan>,
    ) -> Result<Query> {
        let frame = match &captured.call.kind {
            Kind::Windows(windows) => Frame::panes(windows.clone()),
            Kind::Session(rule) => Frame::Sessions(rule.clone()),
            Kind::Level { .. } | Kind::Tick { .. } => return plan_err!("not a window"),
        };
        let mut wanted = wanted_of(captured, plan);
        let keys: &[String] = match &captured.call.kind {
            Kind::Session(rule) => &rule.keys,
            _ => &[],
        };
        wanted.extend(
            keys.iter()
                .filter(|key| !wanted.contains(key))
                .cloned()
                .collect::<Vec<_>>(),
        );
        let select = self.select(captured, &wanted)?;
        if leaves(&select).len() > 1 {
            return self.joined(file, captured, plan, &select, None);
        }
        let stream = self.only_stream(&select)?;
        let rows_schema = with_bounds(&select.schema());
        let parts = cut(plan, &captured.slot, &[])?;
        let fold = |aggregate| FoldPlan {
            query: file.name.clone(),
            select: Arc::clone(&select),
            frame,
            aggregate,
            task: self.session.task(),
        };
        let mut query = self.blank(file, captured, plan, rows_schema);
        // Sessions of several keys can only be told apart in partial aggregates that carry the key.
        let carries = |schema: &SchemaRef| keys.iter().all(|key| schema.index_of(key).is_ok());
        let fold = match parts.filter(|parts| carries(&parts.partial_schema)) {
            Some(parts) => {
                query.strategy = Strategy::Partials;
                query.partial_schema = parts.partial_schema;
                query.group_columns = parts.group_columns;
                query.reduce = Some((parts.reduce_slot, parts.reduce));
                query.finish = (parts.merge_slot, parts.merge);
                fold(Some((captured.slot.clone(), parts.fold)))
            }
            None => {
                self.cut_by_pane(captured, plan, &mut query)?;
                fold(None)
            }
        };
        query.inputs = vec![Input::new(stream, fold)];
        Ok(query)
    }

    /// Rows that meet tables as of their own time give the same whatever the window: merge aggregates each pane of them once.
    fn cut_by_pane(
        &self,
        captured: &Captured,
        plan: &Arc<dyn ExecutionPlan>,
        query: &mut Query,
    ) -> Result<()> {
        let histories: Vec<&Slot> = self.tables.iter().map(|table| &table.history).collect();
        let is_windows = matches!(captured.call.kind, Kind::Windows(_));
        let parts = match is_windows {
            true => cut(plan, &captured.slot, &histories)?,
            false => None,
        };
        if let Some(parts) = parts {
            query.by_pane = Some((captured.slot.clone(), parts.fold));
            query.reduce = Some((parts.reduce_slot, parts.reduce));
            let is_table = |leaf: &Arc<dyn ExecutionPlan>| {
                let slot = as_slot(leaf).map(|leaf| leaf.slot());
                slot.is_some_and(|slot| !slot.is(&parts.merge_slot))
            };
            query.finish_reads_tables = leaves(&parts.merge).iter().any(is_table);
            query.finish = (parts.merge_slot, parts.merge);
        }
        Ok(())
    }

    pub(super) fn level(
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
        let changes = self.changes(keys, &select.schema())?;
        if leaves(&select).len() > 1 {
            return self.joined(file, captured, plan, &select, Some(changes));
        }
        let stream = self.only_stream(&select)?;
        let Some(intervals) = Windows::new(every_us, every_us) else {
            return plan_err!("a level is told at intervals above zero");
        };
        let mut query = self.blank(file, captured, plan, changes.1.schema());
        query.strategy = Strategy::Levels;
        let fold = FoldPlan {
            query: file.name.clone(),
            select,
            frame: Frame::panes(intervals),
            aggregate: Some(changes),
            task: self.session.task(),
        };
        query.inputs = vec![Input::new(stream, fold)];
        Ok(query)
    }

    /// Rows of this schema, with the bounds of their intervals, to sums of changes by interval and key.
    fn changes(&self, keys: &[String], rows: &SchemaRef) -> Result<(Slot, Arc<dyn ExecutionPlan>)> {
        let slot = Slot::default();
        let rows = SlotTable::new("level", with_bounds(rows), slot.clone());
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
        Ok((slot, self.session.compile(&sums)?))
    }

    pub(super) fn tick(
        &self,
        file: &SqlFile,
        captured: &Captured,
        plan: &Arc<dyn ExecutionPlan>,
    ) -> Query {
        Query {
            strategy: Strategy::Ticks,
            ..self.blank(file, captured, plan, Arc::new(Schema::empty()))
        }
    }

    pub(super) fn blank(
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
            inputs: Vec::new(),
            tables: Vec::new(),
            schema: plan.schema(),
            key_columns: Vec::new(),
            fingerprint: 0,
            partial_schema,
            group_columns: Vec::new(),
            leaf_schema: Arc::clone(&captured.call.schema),
            join: None,
            by_pane: None,
            reduce: None,
            finish: (captured.slot.clone(), Arc::clone(plan)),
            finish_reads_tables: true,
        }
    }

    /// The windowed relation's input, cut down to the columns that the query reads.
    pub(super) fn select(
        &self,
        captured: &Captured,
        wanted: &[String],
    ) -> Result<Arc<dyn ExecutionPlan>> {
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
    pub(super) fn only_stream(&self, plan: &Arc<dyn ExecutionPlan>) -> Result<String> {
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
}

/// The columns of a windowed relation's input that a query reads, with the rows' time.
pub(super) fn wanted_of(captured: &Captured, plan: &Arc<dyn ExecutionPlan>) -> Vec<String> {
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
    wanted
}

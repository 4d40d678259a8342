//! What a query's plan reads, may do, and is named by.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::Result;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::sqlparser::tokenizer::Span;
use twox_hash::XxHash3_64;

use crate::error::{Fault, misuse};
use crate::sql::call::{WINDOW_END, WINDOW_START};
use crate::sql::cut::{as_slot, leaves};
use crate::sql::parse::SqlFile;
use crate::sql::relation::Captured;
use crate::sql::slot::Slot;

/// Changes whenever what fold sends to merge changes its form.
const STATE_FORMAT: u64 = 1;

pub(super) fn reads(plan: &Arc<dyn ExecutionPlan>, slot: &Slot) -> bool {
    let leaves = leaves(plan);
    let mut slots = leaves.iter().filter_map(as_slot);
    slots.any(|leaf| leaf.slot().is(slot))
}

pub(super) fn is_row_wise(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let row_wise = [
        "FilterExec",
        "ProjectionExec",
        "CoalesceBatchesExec",
        "CooperativeExec",
        "SlotExec",
    ];
    row_wise.contains(&plan.name()) && plan.children().into_iter().all(is_row_wise)
}

/// The windowed relations of a query, one at least.
pub(super) fn windows_of(captured: Vec<Captured>) -> Result<Vec<Captured>> {
    match captured.is_empty() {
        false => Ok(captured),
        true => Err(misuse(
            Span::empty(),
            "the query has no window",
            "a query has TUMBLE, HOP, CUMULATE, SESSION, LEVEL or TICK in its FROM, and may join tables to it",
        )),
    }
}

/// True if the steps down to the aggregate (or leaf) make each row from one row, so that they give the same for the
/// rows of one terminal as for those of all.
pub(crate) fn is_row_by_row(plan: &Arc<dyn ExecutionPlan>) -> bool {
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

pub(super) fn keep<T>(result: Result<T>, file: &SqlFile, faults: &mut Vec<Fault>) -> Option<T> {
    result
        .map_err(|error| faults.push(Fault::from_datafusion(&file.path(), &error)))
        .ok()
}

/// The columns of a table without those that only order its versions.
pub(super) fn shown(schema: &SchemaRef) -> SchemaRef {
    let fields = schema
        .fields()
        .iter()
        .filter(|field| !field.name().starts_with("__"));
    Arc::new(Schema::new(fields.cloned().collect::<Vec<Arc<Field>>>()))
}

/// The text columns that follow the window's bounds: by our files' convention they name the row.
pub(super) fn key_columns(schema: &SchemaRef) -> Vec<String> {
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

pub(super) fn fingerprint(file: &SqlFile, schema: &SchemaRef) -> u64 {
    let mut text = format!("{STATE_FORMAT}\n{}\n{}\n{schema:?}", file.name, file.text);
    for source in &file.waits_for {
        text += &format!("\n{source:?}");
    }
    XxHash3_64::oneshot(text.as_bytes())
}

/// Of one input of a query that has several.
pub(super) fn side_fingerprint(query: u64, side: usize) -> u64 {
    XxHash3_64::oneshot(format!("{query} side {side}").as_bytes())
}

//! Reads the arguments of a window call.

use std::collections::BTreeMap;

use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::sql::sqlparser::ast::{
    Expr as SqlExpr, FunctionArg, FunctionArgExpr, FunctionArguments, Spanned, TableFactor, Value,
};

use super::call::{ROW_TIME, instant};
use crate::error::misuse;

/// Arguments by place, and those given as `name => value`.
pub(super) struct Arguments<'a> {
    pub placed: Vec<&'a SqlExpr>,
    pub named: BTreeMap<String, &'a SqlExpr>,
}

impl<'a> Arguments<'a> {
    /// Sorts them; `known` are the names that the function has.
    pub fn read(
        function: &str,
        arguments: &'a [FunctionArg],
        known: &[&str],
        usage: &str,
    ) -> Result<Self> {
        let mut read = Arguments {
            placed: Vec::new(),
            named: BTreeMap::new(),
        };
        for argument in arguments {
            match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) if read.named.is_empty() => {
                    read.placed.push(value);
                }
                FunctionArg::Named {
                    name,
                    arg: FunctionArgExpr::Expr(value),
                    ..
                } if known.contains(&name.value.to_lowercase().as_str()) => {
                    read.named.insert(name.value.to_lowercase(), value);
                }
                other => {
                    let message = format!("{function} does not take `{other}`");
                    return Err(misuse(other.span(), message, usage));
                }
            }
        }
        Ok(read)
    }
}

/// A text between quotes.
pub(super) fn text(argument: &SqlExpr) -> Option<&str> {
    match argument {
        SqlExpr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn plan_input(
    input: &SqlExpr,
    context: &mut dyn RelationPlannerContext,
) -> Result<LogicalPlan> {
    let factor = match input {
        SqlExpr::Subquery(query) => TableFactor::Derived {
            lateral: false,
            subquery: query.clone(),
            alias: None,
            sample: None,
        },
        other => {
            return Err(misuse(
                other.span(),
                format!("`{other}` is not a stream"),
                "give its name, or (SELECT ... FROM stream)",
            ));
        }
    };
    context.plan(factor)
}

pub(super) fn descriptor(argument: &SqlExpr) -> Result<Vec<String>> {
    if let SqlExpr::Function(function) = argument
        && function.name.to_string().eq_ignore_ascii_case("descriptor")
        && let FunctionArguments::List(list) = &function.args
    {
        return list
            .args
            .iter()
            .map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(SqlExpr::Identifier(name))) => {
                    Ok(name.value.to_lowercase())
                }
                other => Err(misuse(
                    other.span(),
                    format!("DESCRIPTOR takes column names, not `{other}`"),
                    "write DESCRIPTOR(row_time)",
                )),
            })
            .collect();
    }
    Err(misuse(
        argument.span(),
        format!("`{argument}` should be DESCRIPTOR(column)"),
        "write DESCRIPTOR(row_time) for the time, DESCRIPTOR(a, b) for keys",
    ))
}

/// Windows are over the row time alone, because lateness is decided on it once, for all queries.
pub(super) fn check_time(argument: &SqlExpr, input: &LogicalPlan) -> Result<()> {
    let columns = descriptor(argument)?;
    if columns != [ROW_TIME] {
        return Err(misuse(
            argument.span(),
            format!("windows are over row_time, not {}", columns.join(", ")),
            "write DESCRIPTOR(row_time): lateness is decided on it, for all queries alike",
        ));
    }
    match input.schema().field_with_unqualified_name(ROW_TIME) {
        Ok(field) if *field.data_type() == instant() => Ok(()),
        _ => Err(misuse(
            argument.span(),
            "the windowed rows have no column row_time",
            "add row_time to the sub-query's SELECT",
        )),
    }
}

pub(super) fn interval_us(
    argument: &SqlExpr,
    context: &mut dyn RelationPlannerContext,
) -> Result<i64> {
    let planned = context.sql_to_expr(argument.clone(), &DFSchema::empty())?;
    let micros = match &planned {
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(interval)), _)
            if interval.months == 0 =>
        {
            i64::from(interval.days)
                .checked_mul(86_400_000_000)
                .and_then(|days| days.checked_add(interval.nanoseconds / 1_000))
        }
        Expr::Literal(ScalarValue::IntervalDayTime(Some(interval)), _) => Some(
            i64::from(interval.days) * 86_400_000_000 + i64::from(interval.milliseconds) * 1_000,
        ),
        _ => None,
    };
    match micros {
        Some(micros) if micros > 0 => Ok(micros),
        _ => Err(misuse(
            argument.span(),
            format!("`{argument}` is not a fixed length of time above zero"),
            "write INTERVAL '15' MINUTE; months vary",
        )),
    }
}

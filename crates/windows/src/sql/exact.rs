//! Keeps queries a function of the log: refuses what hangs on the order of arrival, on a clock or on chance, and completes
//! orders that leave ties.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArguments, OrderByExpr, OrderByOptions, Query, Spanned, visit_expressions_mut,
};

use crate::error::Fault;

/// Aggregates whose value is that of a row by its place, or the list of all.
const ORDERED: [&str; 5] = [
    "first_value",
    "last_value",
    "nth_value",
    "array_agg",
    "string_agg",
];
/// Aggregates that keep a sketch whose merge hangs on the order of the parts.
const SKETCHES: [&str; 3] = [
    "approx_percentile_cont",
    "approx_percentile_cont_with_weight",
    "approx_median",
];
/// Takes whichever row comes.
const ARBITRARY: &str = "any_value";
/// Functions of the moment or of chance.
const VOLATILE: [&str; 9] = [
    "now",
    "current_timestamp",
    "current_date",
    "current_time",
    "today",
    "localtimestamp",
    "random",
    "uuid",
    "gen_random_uuid",
];

/// Checks every function of `query`, and appends its argument to the ORDER BY of each ordered aggregate, so that rows
/// that tie are equal in all that is seen of them.
pub fn make_exact(file: &str, query: &mut Query) -> Result<(), Fault> {
    let walked = visit_expressions_mut(query, |expression| match expression {
        Expr::Function(function) if function.over.is_none() => {
            match exact_function(file, function) {
                Ok(()) => ControlFlow::Continue(()),
                Err(fault) => ControlFlow::Break(fault),
            }
        }
        _ => ControlFlow::Continue(()),
    });
    match walked {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(fault) => Err(fault),
    }
}

fn is_distinct(function: &Function) -> bool {
    match &function.args {
        FunctionArguments::List(list) => {
            list.duplicate_treatment == Some(DuplicateTreatment::Distinct)
        }
        _ => false,
    }
}

fn exact_function(file: &str, function: &mut Function) -> Result<(), Fault> {
    let name = function.name.to_string().to_lowercase();
    let at = function.name.span().start;
    let fault = |message: String, hint: &str| Fault {
        at: (at.line > 0).then_some((at.line, at.column)),
        ..Fault::new(file, message, hint)
    };
    let known = name.as_str();
    if SKETCHES.contains(&known) {
        return Err(fault(
            format!("{name} depends on the order in which partial results arrive"),
            "use approx_percentile(x, 0.5), whose parts add up in any order, or percentile_cont(0.5) WITHIN GROUP (ORDER BY x), which is exact",
        ));
    }
    if known == ARBITRARY {
        return Err(fault(
            format!("{name} depends on the order in which rows arrive"),
            "use min(x), or first_value(x ORDER BY ...)",
        ));
    }
    if VOLATILE.contains(&known) {
        return Err(fault(
            format!("{name} is not a function of the log"),
            "use window_end, or tick_at in a TICK query",
        ));
    }
    if known == "bit_xor" && is_distinct(function) {
        return Err(fault(
            "bit_xor of DISTINCT values has no partial results".to_owned(),
            "take the distinct values in a sub-query over the window first",
        ));
    }
    if !ORDERED.contains(&known) {
        return Ok(());
    }
    let missing = || {
        fault(
            format!("{name} without ORDER BY depends on the order in which rows arrive"),
            "write it with an order inside, such as last_value(x ORDER BY record_time)",
        )
    };
    let FunctionArguments::List(list) = &mut function.args else {
        return Err(missing());
    };
    let argument = match list.args.first() {
        Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))) => argument.clone(),
        _ => return Err(missing()),
    };
    let is_distinct = list.duplicate_treatment.is_some();
    let order = list.clauses.iter_mut().find_map(|clause| match clause {
        FunctionArgumentClause::OrderBy(order) => Some(order),
        _ => None,
    });
    let order = order.ok_or_else(missing)?;
    if !is_distinct && !order.iter().any(|by| by.expr == argument) {
        order.push(OrderByExpr {
            expr: argument,
            options: OrderByOptions::default(),
            with_fill: None,
        });
    }
    Ok(())
}

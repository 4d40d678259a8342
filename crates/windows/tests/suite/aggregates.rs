//! Every aggregate that DataFusion has, in parts that are added up in any order, or refused; one of the user's among them.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions_aggregate::all_default_aggregate_functions;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
};
use windows::program::{Program, Strategy};
use windows::sql::functions::Functions;
use windows::sql::parse::SqlFile;

use crate::engine::compile;
use crate::oracle::check_equal;
use crate::text::streams;
use crate::time::{moves, random_moves};

/// The shipped functions, and `span(x)`: largest minus least.
pub fn functions() -> Functions {
    let mut functions = Functions::default();
    functions.aggregates.push(AggregateUDF::new_from_impl(Span {
        signature: Signature::exact(vec![DataType::Int64], Volatility::Immutable),
    }));
    functions
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Span {
    signature: Signature,
}

impl AggregateUDFImpl for Span {
    fn name(&self) -> &str {
        "span"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Ends(None)))
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let field = |name| Field::new(format!("{}[{name}]", arguments.name), DataType::Int64, true);
        Ok(["least", "most"].map(|name| Arc::new(field(name))).to_vec())
    }
}

#[derive(Debug)]
struct Ends(Option<(i64, i64)>);

impl Ends {
    fn widen(&mut self, values: &ArrayRef) {
        for value in values.as_primitive::<Int64Type>().iter().flatten() {
            let (least, most) = self.0.unwrap_or((value, value));
            self.0 = Some((least.min(value), most.max(value)));
        }
    }
}

impl Accumulator for Ends {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.widen(&values[0]);
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        states.iter().for_each(|state| self.widen(state));
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let ends = [self.0.map(|ends| ends.0), self.0.map(|ends| ends.1)];
        Ok(ends.map(ScalarValue::Int64).to_vec())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(self.0.map(|(least, most)| most - least)))
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }
}

/// What a query may make of an aggregate. `{}` stands for its name.
enum Use {
    /// It is computed in parts.
    Calls(&'static [&'static str]),
    /// With an order alone; what it is called without one is refused.
    Ordered(&'static [&'static str], &'static str),
    /// It is refused for what it hangs on.
    Refused(&'static str, &'static str),
    /// It says of which set of columns a row is; there is no such aggregate by itself.
    OfGroupingSets,
}

/// What is to be tested of an aggregate of DataFusion's; none of one that nobody here has thought of.
fn to_test(name: &str) -> Option<Use> {
    use Use::{Calls, OfGroupingSets, Ordered, Refused};
    const OF_TWO: &[&str] = &[
        "{}(teu_quarters, teu_quarters * teu_quarters)",
        "{}(CAST(teu_quarters AS DOUBLE) / 7, 2) FILTER (WHERE from_position <> 'b')",
    ];
    const OF_FLOATS: &[&str] = &["{}(teu_quarters)", "{}(CAST(teu_quarters AS DOUBLE) / 7)"];
    const OF_BITS: &[&str] = &["{}(teu_quarters)", "{}(CAST(teu_quarters AS INTEGER) * 5)"];
    const OF_TRUTHS: &[&str] = &[
        "{}(teu_quarters > 2)",
        "{}(nullif(from_position, 'a') = 'b')",
    ];
    const ENDS: &[&str] = &[
        "{}(teu_quarters)",
        "{}(DISTINCT teu_quarters)",
        "{}(from_position)",
        "{}(row_time) FILTER (WHERE teu_quarters > 20)",
        "{}(CAST(teu_quarters AS DECIMAL(20, 3)) / 7)",
        "{}(CAST(teu_quarters AS DOUBLE) / 9)",
        "{}(teu_quarters > 20)",
    ];
    const SUMS: &[&str] = &[
        "{}(teu_quarters)",
        "{}(DISTINCT teu_quarters)",
        "{}(teu_quarters) FILTER (WHERE from_position = 'a')",
        "{}(CAST(teu_quarters AS DECIMAL(12, 2)) * 3)",
        "{}(CAST(teu_quarters AS DECIMAL(20, 3)) / 7)",
        "{}(DISTINCT CAST(teu_quarters AS DECIMAL(12, 2)) * 5)",
        "{}(CAST(teu_quarters AS DOUBLE) / 9)",
        "{}(sqrt(CAST(teu_quarters AS DOUBLE)))",
    ];
    const VALUES: &[&str] = &[
        "{}(teu_quarters ORDER BY row_time)",
        "{}(from_position ORDER BY row_time DESC, teu_quarters)",
        // Most rows tie.
        "{}(teu_quarters ORDER BY terminal_id)",
    ];
    Some(match name {
        "any_value" => Refused(
            "{}(teu_quarters)",
            "depends on the order in which rows arrive",
        ),
        "approx_median" => Refused(
            "{}(teu_quarters)",
            "depends on the order in which partial results arrive",
        ),
        "approx_percentile_cont" => Refused(
            "{}(0.5) WITHIN GROUP (ORDER BY teu_quarters)",
            "depends on the order in which partial results arrive",
        ),
        "approx_percentile_cont_with_weight" => Refused(
            "{}(teu_quarters, 0.5) WITHIN GROUP (ORDER BY teu_quarters)",
            "depends on the order in which partial results arrive",
        ),
        "array_agg" => Ordered(
            &[
                "{}(teu_quarters ORDER BY row_time)",
                "{}(teu_quarters ORDER BY terminal_id)",
                "{}(DISTINCT teu_quarters ORDER BY teu_quarters)",
            ],
            "{}(teu_quarters)",
        ),
        "first_value" | "last_value" => Ordered(VALUES, "{}(teu_quarters)"),
        "nth_value" => Ordered(
            &[
                "{}(teu_quarters, 2 ORDER BY row_time)",
                "{}(from_position, 3 ORDER BY row_time DESC, teu_quarters)",
                "{}(teu_quarters, -2 ORDER BY row_time)",
                "{}(teu_quarters, 4 ORDER BY terminal_id)",
            ],
            "{}(teu_quarters, 2)",
        ),
        "string_agg" => Ordered(
            &[
                "{}(from_position, ',' ORDER BY row_time)",
                "{}(from_position, ',' ORDER BY terminal_id)",
            ],
            "{}(from_position, ',')",
        ),
        "sum" | "avg" => Calls(SUMS),
        "min" | "max" => Calls(ENDS),
        "count" => Calls(&[
            "{}(*)",
            "{}(nullif(from_position, 'a'))",
            "{}(DISTINCT teu_quarters)",
            "{}(DISTINCT from_position) FILTER (WHERE teu_quarters > 20)",
        ]),
        "approx_distinct" => Calls(&["{}(teu_quarters)", "{}(from_position)"]),
        "median" => Calls(&["{}(teu_quarters)", "{}(DISTINCT teu_quarters)"]),
        "percentile_cont" => Calls(&["{}(0.3) WITHIN GROUP (ORDER BY teu_quarters)"]),
        "bit_and" | "bit_or" | "bit_xor" => Calls(OF_BITS),
        "bool_and" | "bool_or" => Calls(OF_TRUTHS),
        "var" | "var_pop" | "stddev" | "stddev_pop" => Calls(OF_FLOATS),
        "corr" | "covar_samp" | "covar_pop" => Calls(OF_TWO),
        "regr_slope" | "regr_intercept" | "regr_count" | "regr_r2" | "regr_avgx" | "regr_avgy"
        | "regr_sxx" | "regr_syy" | "regr_sxy" => Calls(OF_TWO),
        "grouping" => OfGroupingSets,
        _ => return None,
    })
}

const HOP: &str =
    "HOP(move_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE, INTERVAL '80' MINUTE)";
const SESSION: &str =
    "SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(equipment_id), INTERVAL '12' MINUTE)";

/// Calls, some to a query, over windows that slide and sessions.
fn queries(name: &str, calls: &[String], to_a_query: usize) -> Vec<SqlFile> {
    let mut files = Vec::new();
    for (index, calls) in calls.chunks(to_a_query).enumerate() {
        let columns = calls.iter().enumerate();
        let columns = columns.map(|(column, call)| format!("{call} AS c{column}"));
        let columns = columns.collect::<Vec<_>>().join(", ");
        for (windows, from) in [("hop", HOP), ("session", SESSION)] {
            let name = format!("{name}_{windows}_{index}");
            files.push(moves(&name, &columns, from, "equipment_id"));
        }
    }
    files
}

/// The fault of a query that calls an aggregate so.
fn fault(call: &str) -> String {
    let file = moves("q", &format!("{call} AS x"), HOP, "equipment_id");
    match Program::compile(&[file], &streams()) {
        Ok(_) => panic!("`{call}` was accepted"),
        Err(faults) => faults[0].to_string(),
    }
}

/// The part of the documents that says what is refused.
fn documented() -> &'static str {
    let text = include_str!("../../../../docs/QUERIES.md");
    let (_, text) = text
        .split_once("Refused, with a way to mend it:")
        .expect("it says so");
    text.split_once("\n\n").expect("a paragraph").0
}

#[test]
fn every_aggregate_of_datafusion_adds_up_in_any_order_or_is_refused() {
    let mut ordered = Vec::new();
    let mut calls = vec![
        "span(teu_quarters)".to_owned(),
        "approx_percentile(teu_quarters, 0.9)".to_owned(),
        "approx_percentile(teu_quarters * 1000 - 9000, 0.25)".to_owned(),
    ];
    for function in all_default_aggregate_functions() {
        let name = function.name();
        let Some(to_test) = to_test(name) else {
            panic!("{name} is neither tested nor refused");
        };
        let aliases = function.aliases().iter().map(String::as_str);
        for called in std::iter::once(name).chain(aliases) {
            let call = |call: &&str| call.replace("{}", called);
            match to_test {
                Use::Calls(of) => calls.extend(of.iter().map(call)),
                Use::Ordered(of, without) => {
                    ordered.extend(of.iter().map(call));
                    let fault = fault(&call(&without));
                    let refusal = format!("{called} without ORDER BY depends on the order");
                    assert!(fault.contains(&refusal), "{fault}");
                    assert!(documented().contains(&format!("`{called}`")), "{called}");
                }
                Use::Refused(as_in, why) => {
                    let fault = fault(&call(&as_in));
                    assert!(fault.contains(&format!("{called} {why}")), "{fault}");
                    assert!(documented().contains(&format!("`{called}`")), "{called}");
                }
                Use::OfGroupingSets => {}
            }
        }
    }
    // DataFusion keeps one order a query.
    let files = [queries("q", &calls, 12), queries("ordered", &ordered, 1)].concat();
    for query in &compile(&files).queries {
        assert_eq!(query.strategy, Strategy::Partials, "{}", query.name);
    }
    let rows = check_equal(&files, &random_moves(5, 90, 300), &[10, 14, 1]);
    assert!(rows.values().all(|rows| rows.len() > 6), "{rows:?}");
}

#[test]
fn distinct_values_alone_add_up() {
    let distinct = |name: &str, windows: &str, columns: &str| {
        SqlFile::new(
            name,
            format!(
                "INSERT INTO window_stat SELECT DISTINCT window_start, window_end, {columns} FROM {windows}"
            ),
        )
    };
    let files = [
        moves("sum", "sum(DISTINCT teu_quarters) AS s", HOP, "terminal_id"),
        moves(
            "count",
            "count(DISTINCT teu_quarters) AS s",
            SESSION,
            "equipment_id",
        ),
        distinct("rows", HOP, "terminal_id, from_position"),
        distinct("rows_session", SESSION, "equipment_id, from_position"),
    ];
    for query in &compile(&files).queries {
        assert_eq!(query.strategy, Strategy::Partials, "{}", query.name);
    }
    let rows = check_equal(&files, &random_moves(5, 90, 300), &[10, 14, 1]);
    assert!(rows.values().all(|rows| rows.len() > 6), "{rows:?}");
}

#[test]
fn sets_of_columns_are_told_apart() {
    let files = ["HOP", "SESSION"].map(|name| {
        let windows = if name == "HOP" { HOP } else { SESSION };
        SqlFile::new(
            name.to_lowercase(),
            format!(
                "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, from_position, count(*) AS n, grouping(from_position) AS g
                 FROM {windows} GROUP BY GROUPING SETS ((window_start, window_end, equipment_id, from_position), (window_start, window_end, equipment_id))"
            ),
        )
    });
    let rows = check_equal(&files, &random_moves(5, 90, 300), &[10, 14, 1]);
    assert!(rows.values().all(|rows| rows.len() > 6), "{rows:?}");
}

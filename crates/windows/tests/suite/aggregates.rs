//! Every aggregate that has partial states, in parts that are added up in any order; one of the user's among them.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, Field, FieldRef, Int64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
};
use windows::program::Strategy;
use windows::sql::functions::Functions;

use crate::engine::compile;
use crate::oracle::check_equal;
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

const X: &str = "teu_quarters";

#[test]
fn all_aggregates_add_up_in_any_order() {
    let exact = format!(
        "span({X}) AS a1, approx_percentile({X}, 0.9) AS a2, approx_percentile({X} * 1000 - 9000, 0.25) AS a3, sum(DISTINCT {X}) AS a4, count(DISTINCT {X}) AS a5, avg(DISTINCT {X}) AS a6, min(DISTINCT {X}) AS a7, bit_and({X}) AS a8, bit_or({X}) AS a9, bit_xor({X}) AS b1, bool_and({X} > 2) AS b2, bool_or({X} > 35) AS b3, median(DISTINCT {X}) AS b4, percentile_cont(0.3) WITHIN GROUP (ORDER BY {X}) AS b5, count(DISTINCT from_position) FILTER (WHERE {X} > 20) AS b6, array_agg(DISTINCT {X} ORDER BY {X}) AS b7, sum({X}) FILTER (WHERE from_position = 'a') AS b8, min(from_position) AS b9"
    );
    let floats = format!(
        "avg({X}) AS a1, stddev({X}) AS a2, stddev_pop({X}) AS a3, var_samp({X}) AS a4, var_pop({X}) AS a5, covar_samp({X}, {X} * {X}) AS a6, covar_pop({X}, 2) AS a7, corr({X}, {X} * {X}) AS a8, regr_slope({X}, {X} * {X}) AS a9, sum(CAST({X} AS DOUBLE) / 7) AS b1, avg(sqrt(CAST({X} AS DOUBLE))) AS b2"
    );
    let hop = "HOP(move_event, DESCRIPTOR(row_time), INTERVAL '10' MINUTE, INTERVAL '80' MINUTE)";
    let session =
        "SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(equipment_id), INTERVAL '12' MINUTE)";
    let files = [
        moves("exact_hop", &exact, hop, "equipment_id"),
        moves("exact_session", &exact, session, "equipment_id"),
        moves("floats_hop", &floats, hop, "equipment_id"),
        moves("floats_session", &floats, session, "equipment_id"),
        moves(
            "one_distinct",
            &format!("sum(DISTINCT {X}) AS s"),
            hop,
            "terminal_id",
        ),
        moves(
            "one_distinct_session",
            &format!("count(DISTINCT {X}) AS s"),
            session,
            "equipment_id",
        ),
    ];
    for query in &compile(&files).queries {
        assert_eq!(query.strategy, Strategy::Partials, "{}", query.name);
    }
    let rows = check_equal(&files, &random_moves(5, 90, 300), &[10, 14, 1]);
    assert!(rows.values().all(|rows| rows.len() > 6), "{rows:?}");
}

//! `percentile_cont(p) WITHIN GROUP (ORDER BY x)`, exact, as DataFusion's, with another state: each value once, with how often
//! it came. DataFusion's keeps every value, so that its state grows with the rows of a window; this one grows with the
//! different values alone. Parts add up in any order to the same.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, ListArray, RecordBatch};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, exec_err, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, Signature, Volatility,
};

/// New values are put in order once there are so many, or as many as there are in order.
const UNSORTED_MIN: usize = 64;
/// Steps into which the way between two neighbours is cut, as DataFusion does.
const STEPS: f64 = 1_000_000.0;

/// The aggregate. It takes the place of DataFusion's.
pub fn percentile_cont() -> AggregateUDF {
    AggregateUDF::new_from_impl(PercentileCont {
        signature: Signature::user_defined(Volatility::Immutable),
        aliases: vec!["quantile_cont".to_owned()],
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct PercentileCont {
    signature: Signature,
    aliases: Vec<String>,
}

impl AggregateUDFImpl for PercentileCont {
    fn name(&self) -> &str {
        "percentile_cont"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [value, share] if (value.is_numeric() || value.is_null()) && share.is_numeric() => {
                Ok(vec![DataType::Float64, DataType::Float64])
            }
            other => plan_err!(
                "percentile_cont takes a share and orders by a number, such as percentile_cont(0.9) WITHIN GROUP (ORDER BY delay_s), not {other:?}"
            ),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn supports_within_group_clause(&self) -> bool {
        true
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let Some(share) = arguments.exprs.get(1) else {
            return exec_err!("percentile_cont has a share, and a number to order by");
        };
        let nothing = RecordBatch::new_empty(Arc::new(arguments.schema.clone()));
        let share = match share.evaluate(&nothing)? {
            ColumnarValue::Scalar(share) => share.to_array()?,
            ColumnarValue::Array(share) => share,
        };
        let share = share.as_primitive_opt::<Float64Type>();
        let share = share.filter(|share| share.len() == 1 && share.is_valid(0));
        let share = share.map(|share| share.value(0));
        let Some(share) = share.filter(|share| (0.0..=1.0).contains(share)) else {
            return exec_err!("the share of percentile_cont is a number from 0 to 1, not a column");
        };
        let order = arguments.order_bys.first();
        let is_descending = order.is_some_and(|order| order.options.descending);
        Ok(Box::new(Values {
            share: if is_descending { 1.0 - share } else { share },
            is_distinct: arguments.is_distinct,
            sorted: Vec::new(),
            unsorted: Vec::new(),
        }))
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let field = |what: &str, kind: DataType| {
            let item = Arc::new(Field::new_list_field(kind, true));
            let name = format!("{}[{what}]", arguments.name);
            Arc::new(Field::new(name, DataType::List(item), true))
        };
        Ok(vec![
            field("values", DataType::Float64),
            field("counts", DataType::Int64),
        ])
    }
}

/// The values of one group.
#[derive(Debug)]
struct Values {
    share: f64,
    is_distinct: bool,
    /// Each value once, ascending, and how often it came.
    sorted: Vec<(f64, i64)>,
    /// Those that came since.
    unsorted: Vec<(f64, i64)>,
}

impl Values {
    fn add(&mut self, value: f64, count: i64) {
        self.unsorted.push((value, count));
        if self.unsorted.len() >= UNSORTED_MIN.max(self.sorted.len()) {
            self.sort();
        }
    }

    /// Brings the values that came since among the others.
    fn sort(&mut self) {
        if self.unsorted.is_empty() {
            return;
        }
        let mut all = std::mem::take(&mut self.sorted);
        all.append(&mut self.unsorted);
        all.sort_unstable_by(|(left, _), (right, _)| left.total_cmp(right));
        all.dedup_by(|(next, more), (value, count)| {
            let is_same = next.total_cmp(value).is_eq();
            if is_same {
                *count = count.saturating_add(*more);
            }
            is_same
        });
        self.sorted = all;
    }

    fn count(&self, count: i64) -> i64 {
        if self.is_distinct { 1 } else { count }
    }

    /// The value of this rank, from 0.
    fn at(&self, rank: i64) -> Option<f64> {
        let mut below = 0;
        let mut values = self.sorted.iter();
        let found = values.find(|&&(_, count)| {
            below += self.count(count);
            below > rank
        });
        found.map(|(value, _)| *value)
    }
}

impl Accumulator for Values {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let values = columns.first();
        let values = values.and_then(|values| values.as_primitive_opt::<Float64Type>());
        let values = values.ok_or_else(|| exec_datafusion_err!("percentile_cont takes DOUBLE"))?;
        for value in values.iter().flatten() {
            self.add(value, 1);
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists = |place: usize| {
            let states = states.get(place);
            let lists = states.and_then(|states| states.as_list_opt::<i32>());
            lists.ok_or_else(|| exec_datafusion_err!("values and counts are lists"))
        };
        for (values, counts) in lists(0)?.iter().zip(lists(1)?.iter()) {
            let (Some(values), Some(counts)) = (values, counts) else {
                continue;
            };
            let values = values.as_primitive_opt::<Float64Type>();
            let counts = counts.as_primitive_opt::<Int64Type>();
            let (Some(values), Some(counts)) = (values, counts) else {
                return exec_err!("values are a list of DOUBLE, counts of BIGINT");
            };
            match counts.is_empty() {
                true => {
                    let values = values.values().iter();
                    values.for_each(|&value| self.add(value, 1));
                }
                false => {
                    let pairs = values.values().iter().zip(counts.values());
                    pairs.for_each(|(&value, &count)| self.add(value, count));
                }
            }
        }
        Ok(())
    }

    /// Without counts where each value came once.
    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.sort();
        let values = self.sorted.iter().map(|(value, _)| *value);
        let values = Float64Array::from_iter_values(values);
        let is_plain = self.sorted.iter().all(|&(_, count)| count == 1);
        let counts = self.sorted.iter().filter(|_| !is_plain);
        let counts = Int64Array::from_iter_values(counts.map(|(_, count)| *count));
        Ok(vec![list(Arc::new(values)), list(Arc::new(counts))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.sort();
        let total: i64 = self
            .sorted
            .iter()
            .map(|&(_, count)| self.count(count))
            .sum();
        let index = self.share * (total - 1).max(0) as f64;
        let lower = self.at(index.floor() as i64);
        let upper = self.at(index.ceil() as i64);
        let value = lower.zip(upper).map(|(lower, upper)| {
            let weight = (index.fract() * STEPS).floor() / STEPS;
            match weight == 0.0 {
                // The way from infinity to itself is not a number.
                true => lower,
                false => lower + (upper - lower) * weight,
            }
        });
        Ok(ScalarValue::Float64(value))
    }

    fn size(&self) -> usize {
        let values = self.sorted.capacity() + self.unsorted.capacity();
        size_of::<Self>() + values * size_of::<(f64, i64)>()
    }
}

fn list(items: ArrayRef) -> ScalarValue {
    let field = Arc::new(Field::new_list_field(items.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths([items.len()]);
    ScalarValue::List(Arc::new(ListArray::new(field, offsets, items, None)))
}

#[cfg(test)]
mod tests {
    use datafusion::physical_plan::displayable;
    use datafusion::prelude::SessionContext;
    use futures::executor::block_on;

    use super::*;

    fn values(share: f64, values: &[f64]) -> Values {
        let mut group = Values {
            share,
            is_distinct: false,
            sorted: Vec::new(),
            unsorted: Vec::new(),
        };
        let column = Float64Array::from(values.to_vec());
        group.update_batch(&[Arc::new(column)]).expect("taken");
        group
    }

    fn told(group: &mut Values) -> Option<f64> {
        match group.evaluate().expect("evaluated") {
            ScalarValue::Float64(value) => value,
            other => panic!("{other}"),
        }
    }

    /// By the definition: all values in order, and the straight line between two neighbours.
    fn expected(share: f64, values: &[f64]) -> f64 {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let index = share * (sorted.len() - 1) as f64;
        let (lower, upper) = (
            sorted[index.floor() as usize],
            sorted[index.ceil() as usize],
        );
        lower + (upper - lower) * index.fract()
    }

    #[test]
    fn a_percentile_is_that_of_all_values_however_they_are_split() {
        let all: Vec<f64> = (0..1_000_u32)
            .map(|place| f64::from(place * 7_919 % 83) - 40.0)
            .collect();
        for share in [0.0, 0.1, 0.5, 0.9, 0.999, 1.0] {
            let mut whole = values(share, &all);
            assert!((told(&mut whole).expect("a value") - expected(share, &all)).abs() < 1e-4);
            for parts in [2, 7, 500] {
                let mut sum = values(share, &[]);
                for part in all.chunks(all.len() / parts).rev() {
                    let state = values(share, part).state().expect("a state");
                    let state = state
                        .iter()
                        .map(|state| state.to_array().expect("an array"));
                    sum.merge_batch(&state.collect::<Vec<_>>()).expect("merged");
                }
                assert_eq!(told(&mut sum), told(&mut whole), "{share} of {parts} parts");
                assert_eq!(sum.sorted, whole.sorted);
            }
        }
    }

    #[test]
    fn the_state_grows_with_the_different_values_alone() {
        let of = |rows: u32, different: u32| {
            let all: Vec<f64> = (0..rows).map(|row| f64::from(row % different)).collect();
            values(0.5, &all).state().expect("a state")
        };
        assert_eq!(of(100_000, 10)[0], of(1_000, 10)[0]);
        let ScalarValue::List(counts) = &of(50, 50)[1] else {
            panic!("a list");
        };
        assert!(counts.value(0).is_empty(), "counts where each came once");
    }

    #[test]
    fn nothing_has_no_percentile_and_one_value_is_its_own() {
        assert_eq!(told(&mut values(0.5, &[])), None);
        assert_eq!(
            told(&mut values(0.3, &[f64::INFINITY])),
            Some(f64::INFINITY)
        );
    }

    #[test]
    fn it_answers_as_datafusions_and_sorts_nothing_beforehand() {
        let rows: Vec<String> = (0..200)
            .map(|row| format!("({})", row * 37 % 61 - 9))
            .collect();
        let answer = |share: &str, is_ours: bool| {
            let context = SessionContext::new();
            if is_ours {
                context.register_udaf(percentile_cont());
            }
            let rows = rows.join(", ");
            let sql = format!("SELECT {share} AS p FROM (VALUES {rows}) AS t(x)");
            let frame = block_on(context.sql(&sql)).expect("planned");
            let plan = block_on(frame.clone().create_physical_plan()).expect("planned");
            let plan = displayable(plan.as_ref()).indent(false).to_string();
            assert!(!is_ours || !plan.contains("SortExec"), "{plan}");
            let rows = block_on(frame.collect()).expect("computed");
            rows[0].column(0).as_primitive::<Float64Type>().value(0)
        };
        for share in [
            "percentile_cont(0.3) WITHIN GROUP (ORDER BY x)",
            "percentile_cont(0.3) WITHIN GROUP (ORDER BY x DESC)",
            "percentile_cont(0) WITHIN GROUP (ORDER BY x DESC)",
            "percentile_cont(1) WITHIN GROUP (ORDER BY x)",
            "percentile_cont(DISTINCT x, 0.77)",
            "quantile_cont(x, 0.5)",
        ] {
            assert_eq!(answer(share, true), answer(share, false), "{share}");
        }
    }
}

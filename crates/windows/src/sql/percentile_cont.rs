//! `percentile_cont(p) WITHIN GROUP (ORDER BY x)`, exact, as DataFusion's, with another state: each value once, with how often
//! it came. DataFusion's keeps every value, so that its state grows with the rows of a window; this one grows with the
//! different values alone. Parts add up in any order to the same.
//!
//! A state is a list of values, as DataFusion's is, and as fold sends it. What was added up begins with NULL, which no list of
//! values does: behind it stand values and their counts in turn.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, ListArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, exec_err, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
};

use super::percentile::share;

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
        let share = share(&arguments)?;
        let order = arguments.order_bys.first();
        let is_descending = order.is_some_and(|order| order.options.descending);
        Ok(Box::new(Values {
            share: if is_descending { 1.0 - share } else { share },
            is_distinct: arguments.is_distinct,
            is_sum: false,
            sorted: Vec::new(),
            unsorted: Vec::new(),
        }))
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let item = Arc::new(Field::new_list_field(DataType::Float64, true));
        let distinct = if arguments.is_distinct {
            "distinct_"
        } else {
            ""
        };
        let name = format!("{}[{distinct}percentile_cont]", arguments.name);
        Ok(vec![Arc::new(Field::new(name, DataType::List(item), true))])
    }
}

/// The values of one group.
#[derive(Debug)]
struct Values {
    share: f64,
    is_distinct: bool,
    /// It holds states of others.
    is_sum: bool,
    /// Each value once, ascending, and how often it came.
    sorted: Vec<(f64, u64)>,
    /// Those that came since.
    unsorted: Vec<(f64, u64)>,
}

impl Values {
    fn add(&mut self, value: f64, count: u64) {
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
            if is_same && !self.is_distinct {
                *count = count.saturating_add(*more);
            }
            is_same
        });
        self.sorted = all;
    }

    /// The value of this rank, from 0.
    fn at(&self, rank: u64) -> Option<f64> {
        let mut below = 0;
        let mut values = self.sorted.iter();
        let found = values.find(|&&(_, count)| {
            below += count;
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
        let lists = states.first();
        let lists = lists.and_then(|states| states.as_list_opt::<i32>());
        let lists = lists.ok_or_else(|| exec_datafusion_err!("values are a list"))?;
        self.is_sum = true;
        for list in lists.iter().flatten() {
            let Some(numbers) = list.as_primitive_opt::<Float64Type>() else {
                return exec_err!("values are a list of DOUBLE");
            };
            match numbers.is_empty() || numbers.is_valid(0) {
                true => numbers
                    .values()
                    .iter()
                    .for_each(|&value| self.add(value, 1)),
                false => {
                    let pairs = numbers.values()[1..].chunks_exact(2);
                    pairs.for_each(|pair| self.add(pair[0], pair[1] as u64));
                }
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.sort();
        let sorted = self.sorted.iter();
        let is_counted = self.is_sum && sorted.clone().any(|&(_, count)| count > 1);
        let numbers: Float64Array = match is_counted {
            false => {
                let values = sorted.flat_map(|&(value, count)| (0..count).map(move |_| value));
                values.map(Some).collect()
            }
            true => {
                let pairs = sorted.flat_map(|&(value, count)| [value, count as f64]);
                std::iter::once(None).chain(pairs.map(Some)).collect()
            }
        };
        let field = Arc::new(Field::new_list_field(DataType::Float64, true));
        let offsets = OffsetBuffer::from_lengths([numbers.len()]);
        let list = ListArray::new(field, offsets, Arc::new(numbers), None);
        Ok(vec![ScalarValue::List(Arc::new(list))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.sort();
        let total: u64 = self.sorted.iter().map(|&(_, count)| count).sum();
        let index = self.share * total.saturating_sub(1) as f64;
        let lower = self.at(index.floor() as u64);
        let upper = self.at(index.ceil() as u64);
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
        size_of::<Self>() + values * size_of::<(f64, u64)>()
    }
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
            is_sum: false,
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
    fn a_sum_grows_with_the_different_values_alone() {
        let of = |rows: u32, different: u32| {
            let all: Vec<f64> = (0..rows).map(|row| f64::from(row % different)).collect();
            let part = values(0.5, &all).state().expect("a state");
            let mut sum = values(0.5, &[]);
            sum.merge_batch(&[part[0].to_array().expect("an array")])
                .expect("merged");
            let state = sum.state().expect("a state")[0].to_array().expect("one");
            let state = state.as_list::<i32>().value(0);
            (state.len(), state.is_null(0))
        };
        assert_eq!(of(100_000, 10), (21, true));
        assert_eq!(of(50, 50), (50, false), "as DataFusion's");
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

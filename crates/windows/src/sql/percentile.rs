//! `approx_percentile(x, p)`: a percentile from counts in fixed buckets, so that parts add up in any order to the same
//! counts. DataFusion's `approx_percentile_cont` keeps a t-digest, whose merge hangs on the order of the parts.
//!
//! Buckets are exact for whole numbers below 256 and have 128 steps for each doubling above, told by their middle: the
//! answer is within 1/256 (0.4 %) of the value at that rank. The rank is the nearest: the smallest value with at least the
//! share p of all values at or below it. State: at most some thousand counts a group, only those above zero.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::{Result, ScalarValue, exec_datafusion_err, exec_err, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, Signature, Volatility,
};

/// Steps for each doubling.
const STEPS: u64 = 128;
/// Below this each number has a bucket of its own.
const EXACT: u64 = 2 * STEPS;

/// The aggregate.
pub fn approx_percentile() -> AggregateUDF {
    AggregateUDF::new_from_impl(ApproxPercentile {
        signature: Signature::user_defined(Volatility::Immutable),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ApproxPercentile {
    signature: Signature,
}

impl AggregateUDFImpl for ApproxPercentile {
    fn name(&self) -> &str {
        "approx_percentile"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [value, share] if (value.is_integer() || value.is_null()) && share.is_numeric() => {
                Ok(vec![DataType::Int64, DataType::Float64])
            }
            other => plan_err!(
                "approx_percentile takes a whole number and a share, such as approx_percentile(delay_s, 0.9), not {other:?}; scale fractions to a smaller unit"
            ),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Counts {
            millionths: (share(&arguments)? * 1e6).round() as i128,
            counts: BTreeMap::new(),
        }))
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let item = Arc::new(Field::new_list_field(DataType::Int64, true));
        let name = format!("{}[counts]", arguments.name);
        Ok(vec![Arc::new(Field::new(name, DataType::List(item), true))])
    }
}

/// The share that a percentile is asked for: its second argument, the same for all rows.
pub(super) fn share(arguments: &AccumulatorArgs) -> Result<f64> {
    let name = arguments.name;
    let Some(share) = arguments.exprs.get(1) else {
        return exec_err!("{name} lacks its share, a number from 0 to 1");
    };
    let nothing = RecordBatch::new_empty(Arc::new(arguments.schema.clone()));
    let share = match share.evaluate(&nothing)? {
        ColumnarValue::Scalar(share) => share.to_array()?,
        ColumnarValue::Array(share) => share,
    };
    let share = share.as_primitive_opt::<Float64Type>();
    let share = share.filter(|share| share.len() == 1 && share.is_valid(0));
    match share.map(|share| share.value(0)) {
        Some(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => exec_err!("the share of {name} is a number from 0 to 1, not a column"),
    }
}

/// How many values lie in each bucket.
#[derive(Debug)]
struct Counts {
    /// The share, in millionths.
    millionths: i128,
    counts: BTreeMap<i64, i64>,
}

impl Counts {
    fn add(&mut self, bucket: i64, count: i64) {
        let sum = self.counts.entry(bucket).or_default();
        *sum = sum.saturating_add(count);
    }
}

impl Accumulator for Counts {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let values = values
            .first()
            .and_then(|values| values.as_primitive_opt::<Int64Type>());
        let values =
            values.ok_or_else(|| exec_datafusion_err!("approx_percentile takes BIGINT"))?;
        for value in values.iter().flatten() {
            self.add(bucket(value), 1);
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let lists = states
            .first()
            .and_then(|states| states.as_list_opt::<i32>());
        let lists = lists.ok_or_else(|| exec_datafusion_err!("counts are a list"))?;
        for list in lists.iter().flatten() {
            let Some(numbers) = list.as_primitive_opt::<Int64Type>() else {
                return exec_err!("counts are a list of BIGINT");
            };
            for pair in numbers.values().chunks_exact(2) {
                self.add(pair[0], pair[1]);
            }
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let pairs = self
            .counts
            .iter()
            .flat_map(|(&bucket, &count)| [bucket, count]);
        let pairs: Vec<ScalarValue> = pairs
            .map(|number| ScalarValue::Int64(Some(number)))
            .collect();
        let list = ScalarValue::new_list_nullable(&pairs, &DataType::Int64);
        Ok(vec![ScalarValue::List(list)])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let total: i128 = self.counts.values().map(|&count| i128::from(count)).sum();
        let rank = ((total * self.millionths + 999_999) / 1_000_000).max(1);
        let mut below = 0;
        for (&bucket, &count) in &self.counts {
            below += i128::from(count);
            if below >= rank {
                return Ok(ScalarValue::Int64(Some(middle(bucket))));
            }
        }
        Ok(ScalarValue::Int64(None))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.counts.len() * size_of::<(i64, i64)>()
    }
}

/// Buckets are in the order of their values.
fn bucket(value: i64) -> i64 {
    let size = value.unsigned_abs();
    let number = match size < EXACT {
        true => size,
        false => {
            let shift = u64::from(size.ilog2() - STEPS.ilog2());
            EXACT + (shift - 1) * STEPS + ((size >> shift) - STEPS)
        }
    };
    let number = number as i64;
    if value < 0 { -number } else { number }
}

/// The middle of a bucket.
fn middle(bucket: i64) -> i64 {
    let number = bucket.unsigned_abs();
    let size = match number < EXACT {
        true => number,
        false => {
            let shift = (number - EXACT) / STEPS + 1;
            let least = ((number - EXACT) % STEPS + STEPS) << shift;
            least + (1 << (shift - 1))
        }
    };
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    if bucket < 0 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percentile(values: &[i64], millionths: i128) -> i64 {
        let mut counts = Counts {
            millionths,
            counts: BTreeMap::new(),
        };
        let column = arrow::array::Int64Array::from(values.to_vec());
        counts.update_batch(&[Arc::new(column)]).expect("counted");
        match counts.evaluate().expect("evaluated") {
            ScalarValue::Int64(Some(value)) => value,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn every_value_is_told_within_a_256th() {
        let mut values: Vec<i64> = (0..63)
            .flat_map(|bit| [-1, 0, 1, 7].map(|d| (1_i64 << bit) + d))
            .collect();
        values.extend(values.clone().iter().map(|value| -value));
        values.extend([i64::MIN, i64::MAX, 0]);
        values.sort_unstable();
        for pair in values.windows(2) {
            assert!(bucket(pair[0]) <= bucket(pair[1]), "{pair:?} out of order");
        }
        for value in values {
            let told = i128::from(middle(bucket(value)));
            let error = (told - i128::from(value)).abs();
            assert!(
                error * 256 <= i128::from(value).abs(),
                "{value} is told as {told}"
            );
        }
    }

    #[test]
    fn the_rank_is_the_nearest() {
        let values: Vec<i64> = (1..=100).collect();
        assert_eq!(percentile(&values, 500_000), 50);
        assert_eq!(percentile(&values, 501_000), 51);
        assert_eq!(percentile(&values, 0), 1);
        assert_eq!(percentile(&values, 1_000_000), 100);
    }
}

//! SQL functions that ports need and DataFusion lacks, or does in another way.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::datatypes::{DataType, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::{
    AggregateUDF, ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

/// Functions that queries may call beyond DataFusion's. An aggregate has to give the same whatever the order of its rows
/// and of its parts: its `state` is what fold sends to merge.
#[derive(Debug, Clone)]
pub struct Functions {
    /// Of one row.
    pub scalars: Vec<ScalarUDF>,
    /// Of many rows.
    pub aggregates: Vec<AggregateUDF>,
}

impl Default for Functions {
    fn default() -> Self {
        Functions {
            scalars: vec![ScalarUDF::new_from_impl(SignFlips {
                signature: Signature::any(1, Volatility::Immutable),
            })],
            aggregates: vec![
                super::percentile::approx_percentile(),
                super::percentile_cont::percentile_cont(),
                super::sum::sum(),
            ],
        }
    }
}

/// `sign_flips(array_agg(x ORDER BY t))`: how often a series turns from rising to falling or back. Equal neighbours and
/// NULLs are passed over. A forecast that is honestly getting better turns seldom; one that turns at each report is noise.
#[derive(Debug, PartialEq, Eq, Hash)]
struct SignFlips {
    signature: Signature,
}

impl ScalarUDFImpl for SignFlips {
    fn name(&self) -> &str {
        "sign_flips"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [DataType::List(item)]
                if matches!(
                    item.data_type(),
                    DataType::Int64 | DataType::Timestamp(TimeUnit::Microsecond, _)
                ) =>
            {
                Ok(DataType::Int64)
            }
            other => datafusion::common::plan_err!(
                "sign_flips takes a list of BIGINT or of microsecond timestamps, such as array_agg(x ORDER BY t), not {other:?}"
            ),
        }
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let lists = ColumnarValue::values_to_arrays(&arguments.args)?.remove(0);
        let Some(lists) = lists.as_list_opt::<i32>() else {
            return exec_err!("sign_flips takes a list");
        };
        let flips: Int64Array = (0..lists.len())
            .map(|row| (!lists.is_null(row)).then(|| flips(&lists.value(row))))
            .collect();
        Ok(ColumnarValue::Array(Arc::new(flips)))
    }
}

fn flips(series: &ArrayRef) -> i64 {
    let value = |index: usize| match series.as_primitive_opt::<Int64Type>() {
        Some(numbers) => numbers.value(index),
        None => series
            .as_primitive::<TimestampMicrosecondType>()
            .value(index),
    };
    let (mut flips, mut last, mut direction) = (0, None, 0);
    for index in (0..series.len()).filter(|&index| !series.is_null(index)) {
        let value = value(index);
        let step = last.map_or(0, |last: i64| (value - last).signum());
        if step != 0 {
            flips += i64::from(direction == -step);
            direction = step;
        }
        last = Some(value);
    }
    flips
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_flips_where_it_turns() {
        let series =
            |values: &[i64]| flips(&(Arc::new(Int64Array::from(values.to_vec())) as ArrayRef));
        assert_eq!(series(&[]), 0);
        assert_eq!(series(&[1, 2, 3]), 0);
        assert_eq!(series(&[1, 2, 2, 1, 3]), 2);
        assert_eq!(series(&[5, 4, 4, 4, 5]), 1);
    }
}

//! `sum` of whole numbers that do not fit is an error. DataFusion's wraps around in silence; of other numbers, and of distinct
//! ones, this is DataFusion's.
//!
//! Parts are 64 bits, as DataFusion's are, so that a sum whose parts do not fit fails too, even if the whole would.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::{DataFusionError, Result, ScalarValue, exec_datafusion_err};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF,
    SetMonotonicity, Signature,
};
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::prim_op::PrimitiveGroupsAccumulator;

/// The aggregate. It takes the place of DataFusion's.
pub fn sum() -> AggregateUDF {
    AggregateUDF::new_from_impl(Sum { theirs: sum_udaf() })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Sum {
    theirs: Arc<AggregateUDF>,
}

impl Sum {
    fn is_ours(arguments: &AccumulatorArgs<'_>) -> bool {
        *arguments.return_field.data_type() == DataType::Int64 && !arguments.is_distinct
    }
}

impl AggregateUDFImpl for Sum {
    fn name(&self) -> &str {
        self.theirs.name()
    }

    fn signature(&self) -> &Signature {
        self.theirs.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.theirs.return_type(arguments)
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.theirs.state_fields(arguments)
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match Sum::is_ours(&arguments) {
            true => Ok(Box::new(Total::default())),
            false => self.theirs.accumulator(arguments),
        }
    }

    fn create_sliding_accumulator(
        &self,
        arguments: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        match Sum::is_ours(&arguments) {
            true => Ok(Box::new(Total::default())),
            false => self.theirs.create_sliding_accumulator(arguments),
        }
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs<'_>) -> bool {
        self.theirs.groups_accumulator_supported(arguments)
    }

    fn create_groups_accumulator(
        &self,
        arguments: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        match Sum::is_ours(&arguments) {
            true => Ok(Box::new(Totals::new())),
            false => self.theirs.create_groups_accumulator(arguments),
        }
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.theirs.inner().set_monotonicity(data_type)
    }
}

fn does_not_fit() -> DataFusionError {
    exec_datafusion_err!(
        "a sum of BIGINT is beyond 64 bits; add decimals up: sum(CAST(... AS DECIMAL(38, 0)))"
    )
}

/// The sum of one group, or of a frame that rows leave again.
#[derive(Debug, Default)]
struct Total {
    sum: i128,
    /// Values that are in it.
    count: u64,
}

impl Total {
    fn value(&self) -> Result<ScalarValue> {
        let sum = i64::try_from(self.sum).map_err(|_| does_not_fit())?;
        Ok(ScalarValue::Int64((self.count > 0).then_some(sum)))
    }
}

impl Accumulator for Total {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values[0].as_primitive::<Int64Type>().iter().flatten() {
            self.sum += i128::from(value);
            self.count += 1;
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for value in values[0].as_primitive::<Int64Type>().iter().flatten() {
            self.sum -= i128::from(value);
            self.count -= 1;
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.value()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value()?])
    }

    fn size(&self) -> usize {
        std::mem::size_of_val(self)
    }
}

/// The sums of many groups: DataFusion's, which note that one has wrapped around.
struct Totals {
    theirs: Box<dyn GroupsAccumulator>,
    has_wrapped: Arc<AtomicBool>,
}

impl Totals {
    fn new() -> Self {
        let has_wrapped = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&has_wrapped);
        let add = move |sum: &mut i64, value: i64| {
            let (total, wraps) = sum.overflowing_add(value);
            *sum = total;
            if wraps {
                flag.store(true, Ordering::Relaxed);
            }
        };
        let theirs = PrimitiveGroupsAccumulator::<Int64Type, _>::new(&DataType::Int64, add);
        Totals {
            theirs: Box::new(theirs),
            has_wrapped,
        }
    }

    fn checked(&self) -> Result<()> {
        match self.has_wrapped.load(Ordering::Relaxed) {
            true => Err(does_not_fit()),
            false => Ok(()),
        }
    }
}

impl GroupsAccumulator for Totals {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        groups_all: usize,
    ) -> Result<()> {
        self.theirs
            .update_batch(values, groups, filter, groups_all)?;
        self.checked()
    }

    fn merge_batch(
        &mut self,
        states: &[ArrayRef],
        groups: &[usize],
        groups_all: usize,
    ) -> Result<()> {
        self.theirs.merge_batch(states, groups, groups_all)?;
        self.checked()
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.theirs.evaluate(emit_to)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        self.theirs.state(emit_to)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        self.theirs.convert_to_state(values, filter)
    }

    fn size(&self) -> usize {
        self.theirs.size() + std::mem::size_of_val(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use arrow::array::Int64Array;

    fn numbers(values: &[Option<i64>]) -> [ArrayRef; 1] {
        [Arc::new(Int64Array::from(values.to_vec()))]
    }

    #[test]
    fn a_total_fits_or_fails() {
        let mut total = Total::default();
        assert_eq!(total.evaluate().expect("nothing"), ScalarValue::Int64(None));
        let most = numbers(&[Some(i64::MAX), None]);
        total.update_batch(&most).expect("fits");
        assert_eq!(
            total.evaluate().expect("fits"),
            ScalarValue::Int64(Some(i64::MAX))
        );
        total.update_batch(&numbers(&[Some(1)])).expect("is kept");
        let error = total.evaluate().expect_err("does not fit").to_string();
        assert!(error.contains("DECIMAL"), "{error}");
        total.retract_batch(&most).expect("leaves");
        assert_eq!(
            total.evaluate().expect("fits again"),
            ScalarValue::Int64(Some(1))
        );
    }

    #[test]
    fn one_group_that_does_not_fit_is_an_error() {
        let values = numbers(&[Some(i64::MIN), Some(7), None, Some(-1)]);
        let mut fits = Totals::new();
        fits.update_batch(&values, &[0, 1, 1, 1], None, 2)
            .expect("fits");
        let sums = fits.evaluate(EmitTo::All).expect("sums");
        assert_eq!(
            sums.as_primitive::<Int64Type>(),
            &Int64Array::from(vec![i64::MIN, 6])
        );
        let mut wraps = Totals::new();
        let error = wraps.update_batch(&values, &[0, 1, 1, 0], None, 2);
        assert!(error.is_err());
        let states = numbers(&[Some(i64::MAX), Some(i64::MAX)]);
        assert!(Totals::new().merge_batch(&states, &[0, 0], 1).is_err());
    }
}

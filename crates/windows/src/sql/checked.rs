//! Whole numbers that do not fit are an error. DataFusion's +, - and * wrap around in silence; here each becomes a function
//! that says so, and the row is rejected in the query's name.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::kernels::numeric::{add, mul, sub};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue, exec_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};

/// `+` of whole numbers.
pub const SUM: &str = "checked_sum";
/// `-` of whole numbers.
pub const DIFFERENCE: &str = "checked_difference";
/// `*` of whole numbers.
const PRODUCT: &str = "checked_product";

/// Replaces +, - and * of whole numbers.
#[derive(Debug)]
pub struct CheckedArithmetic {
    functions: [(Operator, Arc<ScalarUDF>); 3],
}

impl Default for CheckedArithmetic {
    fn default() -> Self {
        let function = |operator, name| {
            let signature = Signature::exact(vec![DataType::Int64; 2], Volatility::Immutable);
            let function = Checked {
                name,
                operator,
                signature,
            };
            (operator, Arc::new(ScalarUDF::new_from_impl(function)))
        };
        CheckedArithmetic {
            functions: [
                function(Operator::Plus, SUM),
                function(Operator::Minus, DIFFERENCE),
                function(Operator::Multiply, PRODUCT),
            ],
        }
    }
}

impl FunctionRewrite for CheckedArithmetic {
    fn name(&self) -> &str {
        "checked_arithmetic"
    }

    fn rewrite(
        &self,
        expression: Expr,
        schema: &DFSchema,
        _: &ConfigOptions,
    ) -> Result<Transformed<Expr>> {
        let Expr::BinaryExpr(BinaryExpr { left, op, right }) = expression else {
            return Ok(Transformed::no(expression));
        };
        let known = self.functions.iter().find(|(operator, _)| *operator == op);
        let is_whole = |side: &Expr| {
            side.get_type(schema)
                .is_ok_and(|kind| kind.is_signed_integer())
        };
        match known.filter(|_| is_whole(&left) && is_whole(&right)) {
            Some((_, function)) => {
                let call = ScalarFunction::new_udf(Arc::clone(function), vec![*left, *right]);
                Ok(Transformed::yes(Expr::ScalarFunction(call)))
            }
            None => Ok(Transformed::no(Expr::BinaryExpr(BinaryExpr {
                left,
                op,
                right,
            }))),
        }
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    name: &'static str,
    operator: Operator,
    signature: Signature,
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [left, right] = arguments.args.as_slice() else {
            return exec_err!("{} has two arguments", self.name);
        };
        let computed = match (left, right) {
            (ColumnarValue::Array(left), ColumnarValue::Array(right)) => self.compute(left, right),
            (ColumnarValue::Array(left), ColumnarValue::Scalar(right)) => {
                self.compute(left, &right.to_scalar()?)
            }
            (ColumnarValue::Scalar(left), ColumnarValue::Array(right)) => {
                self.compute(&left.to_scalar()?, right)
            }
            (ColumnarValue::Scalar(left), ColumnarValue::Scalar(right)) => {
                let value = self.compute(&left.to_array()?, &right.to_array()?)?;
                return ScalarValue::try_from_array(&value, 0).map(ColumnarValue::Scalar);
            }
        };
        Ok(ColumnarValue::Array(computed?))
    }
}

impl Checked {
    fn compute(
        &self,
        left: &dyn arrow::array::Datum,
        right: &dyn arrow::array::Datum,
    ) -> Result<ArrayRef, ArrowError> {
        match self.operator {
            Operator::Plus => add(left, right),
            Operator::Minus => sub(left, right),
            _ => mul(left, right),
        }
    }
}

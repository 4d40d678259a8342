//! Bounds on time that are written as numbers: `abs(to_unixtime(a) - to_unixtime(b)) <= 600`, or the difference of two times as
//! BIGINT, which is microseconds.

use std::any::Any;

use arrow::datatypes::{DataType, Schema, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, CastExpr, Literal};
use datafusion::physical_expr::{PhysicalExprRef, ScalarFunctionExpr};

use super::times::difference_of;
use crate::sql::checked::{DIFFERENCE, SUM};

/// `first operator second`, plus something between the two, microseconds.
pub(super) struct Apart<'a> {
    pub first: &'a PhysicalExprRef,
    pub operator: Operator,
    pub second: &'a PhysicalExprRef,
    pub plus_us: (i64, i64),
}

/// A number that grows with one time, or with one and against another: in units of `unit_us` it is first - second, plus
/// something between `plus_us`.
struct Number<'a> {
    first: &'a PhysicalExprRef,
    second: Option<&'a PhysicalExprRef>,
    plus_us: (f64, f64),
    unit_us: f64,
}

impl Number<'_> {
    fn plus(mut self, from: f64, to: f64) -> Self {
        self.plus_us.0 += from * self.unit_us;
        self.plus_us.1 += to * self.unit_us;
        self
    }
}

/// The comparisons of two times that `left operator right` is made of, where both are numbers; over rows of this schema.
pub(super) fn apart<'a>(
    left: &'a PhysicalExprRef,
    operator: Operator,
    right: &'a PhysicalExprRef,
    schema: &Schema,
) -> Vec<Apart<'a>> {
    let turned = operator.swap();
    let mut found = Vec::new();
    if let Some(length) = literal(right) {
        found.extend(compared(left, operator, length, schema));
    } else if let (Some(length), Some(turned)) = (literal(left), turned) {
        found.extend(compared(right, turned, length, schema));
    } else if let Some(difference) = minus(left, right, schema) {
        found.extend(apart_by(difference, operator, 0.0));
    }
    found
}

fn compared<'a>(
    number: &'a PhysicalExprRef,
    operator: Operator,
    length: f64,
    schema: &Schema,
) -> Vec<Apart<'a>> {
    let within = call(number, "abs").and_then(<[_]>::first);
    let is_below = matches!(operator, Operator::Lt | Operator::LtEq | Operator::Eq);
    let both = match within {
        None => [
            number_of(number, schema).map(|number| (number, operator, length)),
            None,
        ],
        Some(_) if !is_below => [None, None],
        Some(number) => [
            number_of(number, schema).map(|number| (number, Operator::LtEq, length)),
            number_of(number, schema).map(|number| (number, Operator::GtEq, -length)),
        ],
    };
    let both = both.into_iter().flatten();
    both.filter_map(|(number, operator, length)| apart_by(number, operator, length))
        .collect()
}

fn apart_by(number: Number<'_>, operator: Operator, length: f64) -> Option<Apart<'_>> {
    let length_us = length * number.unit_us;
    let from_us = (length_us - number.plus_us.1).floor();
    let to_us = (length_us - number.plus_us.0).ceil();
    Some(Apart {
        first: number.first,
        operator,
        second: number.second?,
        // Beyond what fits they are as wide as can be.
        plus_us: (from_us as i64, to_us as i64),
    })
}

fn number_of<'a>(expression: &'a PhysicalExprRef, schema: &Schema) -> Option<Number<'a>> {
    let node = expression.as_ref() as &dyn Any;
    if let Some(cast) = node.downcast_ref::<CastExpr>() {
        return match (cast.cast_type(), unit_us(cast.expr(), schema)) {
            (DataType::Int64, Some(unit_us)) => Some(of_time(cast.expr(), unit_us)),
            (DataType::Int64 | DataType::Int32, None) => {
                Some(number_of(cast.expr(), schema)?.plus(-1.0, 1.0))
            }
            (DataType::Float64 | DataType::Decimal128(..), None) => number_of(cast.expr(), schema),
            _ => None,
        };
    }
    if let Some(arguments) = call(expression, "to_unixtime") {
        return Some(of_time(arguments.first()?, 1e6).plus(-1.0, 1.0));
    }
    if let Some([part, time]) = call(expression, "date_part") {
        let part = (part.as_ref() as &dyn Any).downcast_ref::<Literal>()?;
        let part = part.value().try_as_str().flatten()?;
        if !part.eq_ignore_ascii_case("epoch") {
            return None;
        }
        let (first, second) = match difference_of(time) {
            Some((first, second)) => (first, Some(second)),
            None => (time, None),
        };
        // Of a number of seconds with a fraction the last digits are lost.
        let number = Number {
            second,
            ..of_time(first, 1e6)
        };
        return Some(number.plus(-1e-5, 1e-5));
    }
    let (left, operator, right) = arithmetic(expression)?;
    match (operator, literal(left), literal(right)) {
        (Operator::Plus, _, Some(more)) => Some(number_of(left, schema)?.plus(more, more)),
        (Operator::Plus, Some(more), _) => Some(number_of(right, schema)?.plus(more, more)),
        (Operator::Minus, None, Some(less)) => Some(number_of(left, schema)?.plus(-less, -less)),
        (Operator::Minus, None, None) => minus(left, right, schema),
        // Whole numbers lose a part of the unit.
        (Operator::Divide, None, Some(by)) if by > 0.0 => {
            let number = number_of(left, schema)?;
            let unit_us = number.unit_us * by;
            Some(Number { unit_us, ..number }.plus(-1.0, 1.0))
        }
        _ => None,
    }
}

fn minus<'a>(
    left: &'a PhysicalExprRef,
    right: &'a PhysicalExprRef,
    schema: &Schema,
) -> Option<Number<'a>> {
    let (left, right) = (number_of(left, schema)?, number_of(right, schema)?);
    let is_difference = left.second.is_none() && right.second.is_none();
    (is_difference && left.unit_us == right.unit_us).then_some(Number {
        first: left.first,
        second: Some(right.first),
        plus_us: (
            left.plus_us.0 - right.plus_us.1,
            left.plus_us.1 - right.plus_us.0,
        ),
        unit_us: left.unit_us,
    })
}

fn of_time(first: &PhysicalExprRef, unit_us: f64) -> Number<'_> {
    Number {
        first,
        second: None,
        plus_us: (0.0, 0.0),
        unit_us,
    }
}

/// How long a unit is of a time as a number.
fn unit_us(time: &PhysicalExprRef, schema: &Schema) -> Option<f64> {
    match time.data_type(schema).ok()? {
        DataType::Timestamp(TimeUnit::Second, _) => Some(1e6),
        DataType::Timestamp(TimeUnit::Millisecond, _) => Some(1e3),
        DataType::Timestamp(TimeUnit::Microsecond, _) => Some(1.0),
        _ => None,
    }
}

fn call<'a>(expression: &'a PhysicalExprRef, name: &str) -> Option<&'a [PhysicalExprRef]> {
    let call = (expression.as_ref() as &dyn Any).downcast_ref::<ScalarFunctionExpr>()?;
    (call.name() == name).then(|| call.args())
}

/// The two sides of `+`, `-` or `/`; of whole numbers the first two are functions.
fn arithmetic(
    expression: &PhysicalExprRef,
) -> Option<(&PhysicalExprRef, Operator, &PhysicalExprRef)> {
    for (name, operator) in [(SUM, Operator::Plus), (DIFFERENCE, Operator::Minus)] {
        if let Some([left, right]) = call(expression, name) {
            return Some((left, operator, right));
        }
    }
    let node = (expression.as_ref() as &dyn Any).downcast_ref::<BinaryExpr>()?;
    Some((node.left(), *node.op(), node.right()))
}

fn literal(expression: &PhysicalExprRef) -> Option<f64> {
    let literal = (expression.as_ref() as &dyn Any).downcast_ref::<Literal>()?;
    match literal.value() {
        ScalarValue::Int64(Some(value)) => Some(*value as f64),
        ScalarValue::Int32(Some(value)) => Some(f64::from(*value)),
        ScalarValue::Float64(Some(value)) if value.is_finite() => Some(*value),
        _ => None,
    }
}

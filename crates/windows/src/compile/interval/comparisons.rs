//! What conditions say of times: comparisons of two of them.

use std::any::Any;
use std::collections::BTreeSet;

use arrow::datatypes::Schema;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::PhysicalExprRef;
use datafusion::physical_expr::expressions::BinaryExpr;
use datafusion::physical_expr::utils::split_conjunction;

use super::bounds::Bounds;
use super::numbers::{self, Apart};
use super::times::{Instant, difference_of, length_us};

/// `left operator right`, of a condition that holds.
pub(super) struct Comparison {
    pub left: Instant,
    operator: Operator,
    pub right: Instant,
    /// It does not hold where one is null.
    pub rejects_null: bool,
}

impl Comparison {
    /// Lowers the bounds to what it says.
    pub fn tell(&self, apart: &mut Bounds) {
        let mut not_after = |left: &Instant, right: &Instant| {
            if left.time != right.time {
                let most_us = right.to_us.saturating_sub(left.from_us);
                apart.lower(left.time, right.time, most_us);
            }
        };
        if matches!(self.operator, Operator::Lt | Operator::LtEq | Operator::Eq) {
            not_after(&self.left, &self.right);
        }
        if matches!(self.operator, Operator::Gt | Operator::GtEq | Operator::Eq) {
            not_after(&self.right, &self.left);
        }
    }
}

/// The comparisons of times that hold wherever `predicate` does, over rows of this schema. `operand` reads a time.
pub(super) fn comparisons_of(
    predicate: &PhysicalExprRef,
    schema: &Schema,
    operand: &mut dyn FnMut(&PhysicalExprRef) -> Option<Instant>,
) -> Vec<Comparison> {
    let mut all = Vec::new();
    for conjunct in split_conjunction(predicate) {
        let Some(node) = (conjunct.as_ref() as &dyn Any).downcast_ref::<BinaryExpr>() else {
            continue;
        };
        let (left, operator, right) = (node.left(), *node.op(), node.right());
        if operator == Operator::Or {
            let either = [left, right].map(|branch| comparisons_of(branch, schema, operand));
            all.extend(of_either(&either[0], &either[1]));
            continue;
        }
        let mut told = numbers::apart(left, operator, right, schema);
        // `a - b <= i` is one of a and b plus i.
        let apart = |difference, length, operator| {
            let (first, second) = difference_of(difference)?;
            let plus_us = length_us(length)?;
            Some(Apart {
                first,
                operator,
                second,
                plus_us,
            })
        };
        told.extend(apart(left, right, operator).or_else(|| apart(right, left, operator.swap()?)));
        told.push(Apart {
            first: left,
            operator,
            second: right,
            plus_us: (0, 0),
        });
        for Apart {
            first,
            operator,
            second,
            plus_us,
        } in told
        {
            let (first, second) = (operand(first), operand(second));
            all.extend(compared(first, operator, second.map(|at| at.plus(plus_us))));
        }
    }
    all
}

/// What holds if one of two conditions does: the wider of the bounds that both give.
fn of_either(one: &[Comparison], other: &[Comparison]) -> Vec<Comparison> {
    let told = |comparisons: &[Comparison]| {
        let (mut apart, mut present) = (Bounds::default(), BTreeSet::new());
        for comparison in comparisons {
            comparison.tell(&mut apart);
            if comparison.rejects_null {
                present.extend([comparison.left.time, comparison.right.time]);
            }
        }
        (apart, present)
    };
    let ((one, present), (other, present_too)) = (told(one), told(other));
    let bounds = one.iter().filter_map(|(left, right, us)| {
        let us = us.max(other.get(left, right)?);
        Some(Comparison {
            left: Instant::of(left),
            operator: Operator::LtEq,
            right: Instant::of(right).plus((us, us)),
            rejects_null: false,
        })
    });
    let present = present.intersection(&present_too).map(|&time| Comparison {
        left: Instant::of(time),
        operator: Operator::Eq,
        right: Instant::of(time),
        rejects_null: true,
    });
    bounds.chain(present).collect()
}

/// A comparison of two times that bounds them.
pub(super) fn compared(
    left: Option<Instant>,
    operator: Operator,
    right: Option<Instant>,
) -> Option<Comparison> {
    let (operator, rejects_null) = match operator {
        Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq | Operator::Eq => {
            (operator, true)
        }
        Operator::IsNotDistinctFrom => (Operator::Eq, false),
        _ => return None,
    };
    Some(Comparison {
        left: left?,
        operator,
        right: right?,
        rejects_null,
    })
}

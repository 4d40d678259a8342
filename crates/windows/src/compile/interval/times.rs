//! Times of rows, read out of expressions.

use std::any::Any;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CaseExpr, CastExpr, Column, IsNotNullExpr, Literal,
};
use datafusion::physical_expr::{PhysicalExprRef, ScalarFunctionExpr};

use super::bounds::Time;
use super::reach::Rows;
use crate::state::joined::Place;

const DAY_US: i64 = 86_400_000_000;

/// A time of the row plus something: at least `from_us`, at most `to_us`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instant {
    pub time: Time,
    pub from_us: i64,
    pub to_us: i64,
}

impl Instant {
    /// The time itself.
    pub fn of(time: Time) -> Self {
        Instant {
            time,
            from_us: 0,
            to_us: 0,
        }
    }

    /// The instant moved by something between the two.
    pub fn plus(self, (from_us, to_us): (i64, i64)) -> Self {
        Instant {
            time: self.time,
            from_us: self.from_us.saturating_add(from_us),
            to_us: self.to_us.saturating_add(to_us),
        }
    }
}

/// Which of several times a chosen one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Any,
    Greatest,
    Least,
}

/// What a row chooses one of.
struct Alternatives {
    choice: Choice,
    times: Vec<Instant>,
    is_present: bool,
}

/// The times that rows choose from several, numbered behind those of the sides.
pub(super) struct Choices {
    /// By time: where rows of it come from.
    places: Vec<Vec<Place>>,
    /// Chosen times of the expressions that are being read.
    known: Vec<(PhysicalExprRef, Instant)>,
}

impl Choices {
    /// So many sides, and nothing chosen.
    pub fn new(sides: usize) -> Self {
        let place = |side| Place {
            side,
            from_us: 0,
            to_us: 0,
        };
        Choices {
            places: (0..sides).map(|side| vec![place(side)]).collect(),
            known: Vec::new(),
        }
    }

    /// Expressions over other columns follow.
    pub fn begin(&mut self) {
        self.known.clear();
    }

    /// Where rows of an instant come from.
    pub fn places(&self, at: Instant) -> Vec<Place> {
        let places = self.places[at.time].iter();
        let moved = places.map(|place| Place {
            side: place.side,
            from_us: place.from_us.saturating_add(at.from_us),
            to_us: place.to_us.saturating_add(at.to_us),
        });
        moved.collect()
    }

    /// The time of `rows` that an expression is: a column, plus or minus an interval, rounded, or chosen from several.
    /// `column` gives the column of `rows` that one of the expression is.
    pub fn instant(
        &mut self,
        expression: &PhysicalExprRef,
        rows: &mut Rows,
        column: &dyn Fn(usize) -> Option<usize>,
    ) -> Option<Instant> {
        let node = expression.as_ref() as &dyn Any;
        if let Some(shown) = node.downcast_ref::<Column>() {
            return rows.time(column(shown.index())?);
        }
        if let Some(cast) = node.downcast_ref::<CastExpr>() {
            let lost_us = lost_us(cast.cast_type())?;
            let instant = self.instant(cast.expr(), rows, column)?;
            // Towards zero, which is forward before 1970.
            return Some(instant.plus((-lost_us, lost_us)));
        }
        if let Some(sum) = node.downcast_ref::<BinaryExpr>() {
            return match sum.op() {
                Operator::Plus => {
                    let (time, interval) = match interval_us(sum.right()) {
                        Some(interval) => (sum.left(), interval),
                        None => (sum.right(), interval_us(sum.left())?),
                    };
                    Some(self.instant(time, rows, column)?.plus(interval))
                }
                Operator::Minus => {
                    let (from_us, to_us) = interval_us(sum.right())?;
                    let instant = self.instant(sum.left(), rows, column)?;
                    Some(instant.plus((to_us.saturating_neg(), from_us.saturating_neg())))
                }
                _ => None,
            };
        }
        if let Some(call) = node.downcast_ref::<ScalarFunctionExpr>()
            && let Some((time, width_us)) = rounded(call)
        {
            let instant = self.instant(time, rows, column)?;
            return Some(instant.plus((1 - width_us, 0)));
        }
        let known = self.known.iter();
        if let Some((_, instant)) = known.clone().find(|(known, _)| known == expression) {
            return Some(*instant);
        }
        let alternatives = self.alternatives(expression, rows, column)?;
        let chosen = self.choose(alternatives, rows)?;
        self.known.push((expression.clone(), chosen));
        Some(chosen)
    }

    fn alternatives(
        &mut self,
        expression: &PhysicalExprRef,
        rows: &mut Rows,
        column: &dyn Fn(usize) -> Option<usize>,
    ) -> Option<Alternatives> {
        let node = expression.as_ref() as &dyn Any;
        if let Some(call) = node.downcast_ref::<ScalarFunctionExpr>() {
            let choice = match call.name() {
                "greatest" => Choice::Greatest,
                "least" => Choice::Least,
                _ => return None,
            };
            let mut times = Vec::new();
            for argument in call.args().iter().filter(|argument| !is_null(argument)) {
                times.push(self.instant(argument, rows, column)?);
            }
            return Some(Alternatives {
                choice,
                is_present: times.iter().any(|at| rows.present.contains(&at.time)),
                times,
            });
        }
        let case = node.downcast_ref::<CaseExpr>()?;
        let mut times = Vec::new();
        let mut is_present = case.else_expr().is_some();
        let whens = case.when_then_expr().iter();
        let results = whens.map(|(when, then)| (Some(when), then));
        // COALESCE(a, b) is planned as CASE WHEN a IS NOT NULL THEN a ELSE b END.
        for (when, then) in results.chain(case.else_expr().map(|last| (None, last))) {
            if is_null(then) {
                is_present = false;
                continue;
            }
            let guard = when.and_then(|when| (when.as_ref() as &dyn Any).downcast_ref());
            let is_guarded = guard.is_some_and(|guard: &IsNotNullExpr| guard.arg() == then);
            let at = self.instant(then, rows, column)?;
            is_present &= is_guarded || rows.present.contains(&at.time);
            times.push(at);
        }
        Some(Alternatives {
            choice: Choice::Any,
            times,
            is_present,
        })
    }

    /// Gives `rows` one more time, which is one of several.
    fn choose(&mut self, alternatives: Alternatives, rows: &mut Rows) -> Option<Instant> {
        let from = &alternatives.times;
        let first = *from.first()?;
        if alternatives.is_present && from.iter().all(|at| *at == first) {
            return Some(first);
        }
        let chosen = self.places.len();
        let places = from.iter().flat_map(|&at| self.places(at)).collect();
        self.places.push(places);
        let widest = |bounds: &dyn Fn(&Instant) -> Option<i64>| {
            let all: Option<Vec<i64>> = from.iter().map(bounds).collect();
            all?.into_iter().max()
        };
        for &time in &rows.times.clone() {
            let later = widest(&|at| Some(rows.apart.get(at.time, time)?.saturating_add(at.to_us)));
            let earlier =
                widest(&|at| Some(rows.apart.get(time, at.time)?.saturating_sub(at.from_us)));
            later
                .into_iter()
                .for_each(|us| rows.apart.lower(chosen, time, us));
            earlier
                .into_iter()
                .for_each(|us| rows.apart.lower(time, chosen, us));
        }
        for side in 0..self.places.len() {
            let after =
                widest(&|at| Some(rows.after.get(side, at.time)?.saturating_sub(at.from_us)));
            let before =
                widest(&|at| Some(rows.before.get(side, at.time)?.saturating_add(at.to_us)));
            after
                .into_iter()
                .for_each(|us| rows.after.lower(side, chosen, us));
            before
                .into_iter()
                .for_each(|us| rows.before.lower(side, chosen, us));
        }
        for at in from {
            match alternatives.choice {
                Choice::Any => {}
                Choice::Greatest => rows
                    .apart
                    .lower(at.time, chosen, at.from_us.saturating_neg()),
                Choice::Least => rows.apart.lower(chosen, at.time, at.to_us),
            }
        }
        rows.times.insert(chosen);
        rows.apart.lower(chosen, chosen, 0);
        if alternatives.is_present {
            rows.present.insert(chosen);
        }
        rows.apart.close(&rows.present);
        rows.tighten();
        Some(Instant::of(chosen))
    }
}

fn is_null(expression: &PhysicalExprRef) -> bool {
    let literal = (expression.as_ref() as &dyn Any).downcast_ref::<Literal>();
    literal.is_some_and(|literal| literal.value().is_null())
}

/// By how much a time is moved at most that becomes one of this type; none if it is another time then, that of a clock on a wall.
fn lost_us(kind: &DataType) -> Option<i64> {
    let DataType::Timestamp(unit, zone) = kind else {
        return None;
    };
    let is_utc = zone
        .as_ref()
        .is_none_or(|zone| ["UTC", "+00:00"].contains(&zone.as_ref()));
    is_utc.then_some(match unit {
        TimeUnit::Second => 999_999,
        TimeUnit::Millisecond => 999,
        TimeUnit::Microsecond | TimeUnit::Nanosecond => 0,
    })
}

/// The time that `date_trunc` or `date_bin` takes back to the beginning of its unit, and how long that is at most.
fn rounded(call: &ScalarFunctionExpr) -> Option<(&PhysicalExprRef, i64)> {
    let [unit, time, ..] = call.args() else {
        return None;
    };
    let width_us = match call.name() {
        "date_bin" => interval_us(unit)?.1,
        "date_trunc" => {
            let unit = (unit.as_ref() as &dyn Any).downcast_ref::<Literal>()?;
            let unit = unit.value().try_as_str().flatten()?;
            match unit.to_lowercase().as_str() {
                "microsecond" => 1,
                "millisecond" => 1_000,
                "second" => 1_000_000,
                "minute" => 60_000_000,
                "hour" => 3_600_000_000,
                "day" => DAY_US,
                "week" => 7 * DAY_US,
                "month" => 31 * DAY_US,
                "quarter" => 92 * DAY_US,
                "year" => 366 * DAY_US,
                _ => return None,
            }
        }
        _ => return None,
    };
    (width_us > 0).then_some((time, width_us))
}

/// The two sides of `a - b`, where b is no interval.
pub(super) fn difference_of(
    expression: &PhysicalExprRef,
) -> Option<(&PhysicalExprRef, &PhysicalExprRef)> {
    let node = expression.as_ref() as &dyn Any;
    if let Some(cast) = node.downcast_ref::<CastExpr>() {
        let is_length = matches!(
            cast.cast_type(),
            DataType::Interval(_) | DataType::Duration(_)
        );
        return is_length.then(|| difference_of(cast.expr())).flatten();
    }
    let difference = node.downcast_ref::<BinaryExpr>()?;
    let is_difference =
        *difference.op() == Operator::Minus && interval_us(difference.right()).is_none();
    is_difference.then(|| (difference.left(), difference.right()))
}

/// What a difference of times is compared with, at least and at most. None if it has days or months: a difference has none,
/// so that it is less whatever it is.
pub(super) fn length_us(expression: &PhysicalExprRef) -> Option<(i64, i64)> {
    let literal = (expression.as_ref() as &dyn Any).downcast_ref::<Literal>()?;
    match literal.value() {
        ScalarValue::IntervalMonthDayNano(Some(interval)) => {
            let is_of_clock = interval.months == 0 && interval.days == 0;
            is_of_clock.then_some(()).and(interval_us(expression))
        }
        ScalarValue::DurationSecond(Some(length)) => exactly(length.checked_mul(1_000_000)?),
        ScalarValue::DurationMillisecond(Some(length)) => exactly(length.checked_mul(1_000)?),
        ScalarValue::DurationMicrosecond(Some(length)) => exactly(*length),
        ScalarValue::DurationNanosecond(Some(length)) => {
            let us = length.div_euclid(1_000);
            Some((us, us + i64::from(length.rem_euclid(1_000) > 0)))
        }
        _ => None,
    }
}

fn exactly(us: i64) -> Option<(i64, i64)> {
    Some((us, us))
}

/// The length of an interval, at least and at most: a month has 28 to 31 days.
fn interval_us(expression: &PhysicalExprRef) -> Option<(i64, i64)> {
    let literal = (expression.as_ref() as &dyn Any).downcast_ref::<Literal>()?;
    let (months, days, nanoseconds) = match literal.value() {
        ScalarValue::IntervalMonthDayNano(Some(interval)) => {
            (interval.months, interval.days, interval.nanoseconds)
        }
        ScalarValue::IntervalDayTime(Some(interval)) => {
            let nanoseconds = i64::from(interval.milliseconds) * 1_000_000;
            (0, interval.days, nanoseconds)
        }
        ScalarValue::IntervalYearMonth(Some(months)) => (*months, 0, 0),
        _ => return None,
    };
    let month = |days: i64| i64::from(months) * days * DAY_US;
    let (short, long) = (month(28).min(month(31)), month(28).max(month(31)));
    let days = i64::from(days) * DAY_US;
    let floor_us = nanoseconds.div_euclid(1_000);
    let ceil_us = floor_us + i64::from(nanoseconds.rem_euclid(1_000) > 0);
    Some((
        short.saturating_add(days).saturating_add(floor_us),
        long.saturating_add(days).saturating_add(ceil_us),
    ))
}

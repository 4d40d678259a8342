//! Forecasts as an expectation and a spread: when a unit can be lifted follows from when its vessel, barge or truck
//! arrives and how long handling takes (query K1). The objective turns the spread into the probability of a missed
//! train ([`cost::miss_permille`](super::cost::miss_permille)) and that into money
//! ([`Weights::missed_connection`](super::Weights::missed_connection)).

use super::unit::Unit;

/// Thousandths of a standard deviation from the median to the 90th percentile of a normal distribution.
const P90_PERMILLE: i64 = 1282;

/// An instant or a duration that is not certain: a normal distribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Forecast {
    /// The expectation, minutes (since the epoch if it is an instant).
    pub expected_min: i64,
    /// One standard deviation, minutes; 0 for a fact.
    pub spread_min: i64,
}

impl Forecast {
    /// What is known for certain.
    pub fn fact(at_min: i64) -> Self {
        Forecast {
            expected_min: at_min,
            spread_min: 0,
        }
    }

    /// A forecast of which the median and the 90th percentile were measured.
    pub fn of_percentiles(p50_min: i64, p90_min: i64) -> Self {
        let above_min = p90_min.saturating_sub(p50_min).max(0);
        Forecast {
            expected_min: p50_min,
            spread_min: (above_min.saturating_mul(1000) + P90_PERMILLE / 2) / P90_PERMILLE,
        }
    }

    /// One after the other, independent of each other: an arrival, then its handling.
    pub fn then(self, next: Forecast) -> Self {
        let squares = |a: i64, b: i64| a.saturating_mul(a).saturating_add(b.saturating_mul(b));
        Forecast {
            expected_min: self.expected_min.saturating_add(next.expected_min),
            spread_min: root(squares(self.spread_min, next.spread_min)),
        }
    }

    /// The same, but not before `now_at_min`: what was to come by now and has not come, comes now at best.
    pub fn not_before(self, now_at_min: i64) -> Self {
        Forecast {
            expected_min: self.expected_min.max(now_at_min),
            ..self
        }
    }
}

impl Unit {
    /// Takes a forecast of readiness over.
    pub fn set_ready(&mut self, ready: Forecast) {
        self.ready_at_min = ready.expected_min;
        self.ready_spread_min = ready.spread_min;
    }
}

/// The whole square root, rounded to the nearest.
fn root(square: i64) -> i64 {
    let floor = square.max(0).isqrt();
    floor + i64::from(square - floor * floor > floor)
}

#[cfg(test)]
mod tests {
    use super::Forecast;

    #[test]
    fn spreads_add_as_squares() {
        let arrival = Forecast {
            expected_min: 1_000,
            spread_min: 30,
        };
        let handling = Forecast {
            expected_min: 90,
            spread_min: 40,
        };
        let ready = arrival.then(handling);
        assert_eq!((ready.expected_min, ready.spread_min), (1_090, 50));
        assert_eq!(ready.then(Forecast::fact(5)).spread_min, 50);
        assert_eq!(ready.not_before(2_000).expected_min, 2_000);
    }

    #[test]
    fn percentiles_give_the_spread() {
        let handling = Forecast::of_percentiles(100, 228);
        assert_eq!((handling.expected_min, handling.spread_min), (100, 100));
        assert_eq!(Forecast::of_percentiles(100, 90).spread_min, 0);
    }
}

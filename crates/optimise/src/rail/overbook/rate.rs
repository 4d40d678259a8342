//! Show rates from what was measured (query R6: bookings and no-shows of 28 days by customer and service).

use std::collections::BTreeMap;

/// What shows up for certain, thousandths.
pub const CERTAIN_PERMILLE: i64 = 1000;

/// Two standard deviations: the interval covers the true rate in about 19 of 20 cases.
const DEVIATIONS: f64 = 1.96;

/// How many bookings of one kind there were, and how many of them came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ShowRate {
    /// Bookings that should have come.
    pub booked: i64,
    /// Bookings that came.
    pub shown: i64,
}

impl ShowRate {
    /// The share that came, thousandths; 1000 if nothing was measured.
    pub fn permille(&self) -> i64 {
        match self.booked {
            ..=0 => 1000,
            booked => self.shown.clamp(0, booked) * 1000 / booked,
        }
    }

    /// The upper end of the rate's interval (Wilson 1927), thousandths, rounded up: few observations must not make a
    /// planner bold. 1000 if nothing was measured.
    pub fn upper_permille(&self) -> i64 {
        if self.booked <= 0 {
            return 1000;
        }
        let n = self.booked as f64;
        let share = self.shown.clamp(0, self.booked) as f64 / n;
        let z2 = DEVIATIONS * DEVIATIONS;
        let root = (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
        let upper = (share + z2 / (2.0 * n) + DEVIATIONS * root) / (1.0 + z2 / n);
        // A hair less, so that 1 does not round up to 1001.
        ((upper * 1000.0 - 1e-9).ceil() as i64).clamp(0, 1000)
    }
}

/// What was measured, by customer and service.
#[derive(Debug, Clone, Default)]
pub struct Rates {
    pairs: BTreeMap<(String, String), ShowRate>,
    services: BTreeMap<String, ShowRate>,
}

impl Rates {
    /// Adds bookings that came, and such that did not.
    pub fn add(&mut self, customer: &str, service: &str, shows: i64, no_shows: i64) {
        let pair = (customer.to_owned(), service.to_owned());
        let of_service = self.services.entry(service.to_owned()).or_default();
        for rate in [self.pairs.entry(pair).or_default(), of_service] {
            rate.shown += shows.max(0);
            rate.booked += shows.max(0) + no_shows.max(0);
        }
    }

    /// How often a booking shows up, thousandths: the upper end of the interval that was measured for the customer on the
    /// service, else for the service, if at least `bookings_min` bookings are behind it; else always.
    pub fn permille(&self, customer: &str, service: &str, bookings_min: i64) -> i64 {
        let pair = (customer.to_owned(), service.to_owned());
        let measured = [self.pairs.get(&pair), self.services.get(service)];
        let enough = |rate: &&ShowRate| rate.booked >= bookings_min.max(1);
        let found = measured.into_iter().flatten().find(enough);
        found.map_or(CERTAIN_PERMILLE, ShowRate::upper_permille)
    }
}

#[cfg(test)]
mod tests {
    use super::{Rates, ShowRate};

    #[test]
    fn rates_are_those_of_the_customer_then_of_the_service() {
        let mut rates = Rates::default();
        rates.add("often", "S", 50, 50);
        rates.add("new", "S", 5, 5);
        // Wilson's interval for 50 of 100 ends at 59.6 %, for 55 of 110 at 59.2 %.
        assert_eq!(rates.permille("often", "S", 30), 597);
        assert_eq!(rates.permille("new", "S", 30), 592);
        assert_eq!(rates.permille("new", "S", 0), 764);
        assert_eq!(rates.permille("often", "T", 30), 1000);
        assert_eq!(rates.permille("often", "S", 111), 1000);
    }

    #[test]
    fn few_observations_leave_the_rate_open() {
        let rate = |shown, booked| ShowRate { booked, shown }.upper_permille();
        assert_eq!(rate(0, 0), 1000);
        assert_eq!(rate(10, 10), 1000);
        // Wilson's interval for 9 of 10 is 59.6 to 98.2 %, for 900 of 1000 it is 88.0 to 91.7 %.
        assert_eq!(rate(9, 10), 983);
        assert_eq!(rate(900, 1000), 918);
        assert_eq!(
            ShowRate {
                booked: 8,
                shown: 7
            }
            .permille(),
            875
        );
    }
}

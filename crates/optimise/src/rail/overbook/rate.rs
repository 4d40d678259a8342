//! Show rates from what was measured (query R6: bookings and no-shows of 28 days by customer and service).

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

#[cfg(test)]
mod tests {
    use super::ShowRate;

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

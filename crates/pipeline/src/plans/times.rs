//! Instants in microseconds, minutes of the planners, and how people read them.

/// Microseconds in a minute.
pub const MINUTE_US: i64 = 60_000_000;

/// Minutes from `epoch_us` to `at_us`, rounded down.
pub fn floor_min(at_us: i64, epoch_us: i64) -> i64 {
    at_us.saturating_sub(epoch_us).div_euclid(MINUTE_US)
}

/// Minutes from `epoch_us` to `at_us`, rounded up.
pub fn ceil_min(at_us: i64, epoch_us: i64) -> i64 {
    let since_us = at_us.saturating_sub(epoch_us);
    since_us.div_euclid(MINUTE_US) + i64::from(since_us.rem_euclid(MINUTE_US) > 0)
}

/// The instant so many minutes after `epoch_us`.
pub fn instant_us(epoch_us: i64, minutes: i64) -> i64 {
    epoch_us.saturating_add(minutes.saturating_mul(MINUTE_US))
}

/// "2026-03-01T06:15Z", rounded down.
pub fn text(at_us: i64) -> String {
    let minutes = at_us.div_euclid(MINUTE_US);
    let (day, minute) = (minutes.div_euclid(1440), minutes.rem_euclid(1440));
    // Days are counted from 0000-03-01, so that a leap day is the last of its year.
    let days = day + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!(
        "{year:04}-{month:02}-{of_month:02}T{:02}:{:02}Z",
        minute / 60,
        minute % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_rounded_outwards_and_read_well() {
        assert_eq!((floor_min(-1, 0), ceil_min(-1, 0)), (-1, 0));
        assert_eq!((floor_min(90_000_000, 0), ceil_min(90_000_000, 0)), (1, 2));
        assert_eq!(instant_us(60_000_000, 2), 180_000_000);
        assert_eq!(text(0), "1970-01-01T00:00Z");
        assert_eq!(text(951_826_500_000_000), "2000-02-29T12:15Z");
        assert_eq!(text(1_772_323_199_000_000), "2026-02-28T23:59Z");
        assert_eq!(text(-1), "1969-12-31T23:59Z");
    }
}

//! Spans in microseconds, and when in the day things happen.

/// One second, in microseconds.
pub const SECOND_US: i64 = 1_000_000;
/// One minute, in microseconds.
pub const MINUTE_US: i64 = 60 * SECOND_US;
/// One hour, in microseconds.
pub const HOUR_US: i64 = 60 * MINUTE_US;
/// One day, in microseconds.
pub const DAY_US: i64 = 24 * HOUR_US;

/// How busy each hour of the day is, in percent of the busiest.
pub(crate) type Rhythm = [u32; 24];

/// Lorries: early morning to evening, with a dent at noon.
pub(crate) const TRUCKS: Rhythm = [
    8, 6, 6, 10, 25, 55, 85, 100, 98, 95, 92, 85, 78, 88, 95, 92, 80, 62, 45, 32, 25, 20, 15, 10,
];

/// Barges: around the clock, fewer at night.
pub(crate) const BARGES: Rhythm = [
    55, 50, 50, 55, 65, 80, 95, 100, 100, 95, 90, 90, 90, 92, 95, 95, 92, 88, 82, 78, 72, 68, 62,
    58,
];

/// Offices: bookings and papers.
pub(crate) const OFFICES: Rhythm = [
    3, 3, 3, 3, 5, 12, 40, 75, 100, 100, 98, 90, 70, 85, 95, 90, 75, 45, 22, 14, 10, 8, 5, 4,
];

/// The share of the busiest hour at an instant, in parts per million.
pub(crate) fn share_ppm(rhythm: &Rhythm, at_us: i64) -> u32 {
    rhythm[(at_us.rem_euclid(DAY_US) / HOUR_US) as usize] * 10_000
}

/// Year, month and day of an instant (proleptic Gregorian calendar, UTC).
pub(crate) fn date(at_us: i64) -> (i64, u32, u32) {
    let days = at_us.div_euclid(DAY_US) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_shifted + 2) / 5 + 1) as u32;
    let month = if month_shifted < 10 {
        month_shifted + 3
    } else {
        month_shifted - 9
    } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_known_instants() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(1_772_409_600 * SECOND_US), (2026, 3, 2));
        assert_eq!(date(1_709_164_800 * SECOND_US), (2024, 2, 29));
        assert_eq!(date(-1), (1969, 12, 31));
    }

    #[test]
    fn a_rhythm_follows_the_clock() {
        assert_eq!(share_ppm(&TRUCKS, 7 * HOUR_US + 59 * MINUTE_US), 1_000_000);
        assert_eq!(share_ppm(&TRUCKS, DAY_US + MINUTE_US), 80_000);
    }
}

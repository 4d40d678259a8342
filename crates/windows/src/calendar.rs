//! Windows of local time: days, shifts and weeks of a time zone. On the days on which its clocks change they are shorter
//! or longer.

use arrow::array::timezone::Tz;
use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeDelta, TimeZone};

use crate::window::floor;

const SECOND_US: i64 = 1_000_000;
const HOUR_US: i64 = 3_600 * SECOND_US;
const DAY_US: i64 = 24 * HOUR_US;
/// Monday, 1970-01-05T00:00: where days are counted from, so that seven are a week.
const MONDAY_US: i64 = 4 * DAY_US;

/// Windows of one length of local time, side by side.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: Tz,
    name: String,
    size_us: i64,
    begin_us: i64,
}

impl PartialEq for Calendar {
    fn eq(&self, other: &Self) -> bool {
        let own = (&self.name, self.size_us, self.begin_us);
        own == (&other.name, other.size_us, other.begin_us)
    }
}

impl Eq for Calendar {}

impl Calendar {
    /// Windows of `size_us` in the zone of this name ("Europe/Berlin"), the first of a day or week `begin_us` after its
    /// midnight. None if there is no such zone, or if the size is neither whole hours that divide a day nor whole days.
    pub fn new(zone: &str, size_us: i64, begin_us: i64) -> Option<Self> {
        let is_shift = size_us >= HOUR_US && size_us % HOUR_US == 0 && DAY_US % size_us == 0;
        let is_days = size_us > 0 && size_us % DAY_US == 0;
        (is_shift || is_days).then_some(())?;
        Some(Calendar {
            zone: zone.parse().ok()?,
            name: zone.to_owned(),
            size_us,
            begin_us: begin_us.rem_euclid(size_us),
        })
    }

    /// Name of the zone.
    pub fn zone(&self) -> &str {
        &self.name
    }

    /// Length by the clock on the wall.
    pub fn size_us(&self) -> i64 {
        self.size_us
    }

    /// When the first window of a day or week begins, after midnight of the day or the Monday.
    pub fn begin_us(&self) -> i64 {
        self.begin_us
    }

    /// No window is longer: clocks are set back by a day at most.
    pub fn longest_us(&self) -> i64 {
        self.size_us + DAY_US
    }

    /// Bounds of the window that holds `time_us`.
    pub fn window(&self, time_us: i64) -> (i64, i64) {
        let local_us = time_us + self.offset_us(time_us);
        let origin_us = MONDAY_US + self.begin_us;
        let mut start = floor(local_us - origin_us, self.size_us) + origin_us;
        // Clocks that are set back show times again that belong to the window before: that one is over.
        while self.instant(start + self.size_us) <= time_us {
            start += self.size_us;
        }
        (self.instant(start), self.instant(start + self.size_us))
    }

    /// Local time minus universal time.
    fn offset_us(&self, time_us: i64) -> i64 {
        let utc = naive(time_us);
        let offset = self.zone.offset_from_utc_datetime(&utc).fix();
        i64::from(offset.local_minus_utc()) * SECOND_US
    }

    /// The first instant at which the clocks show `local_us` or later.
    fn instant(&self, local_us: i64) -> i64 {
        let shown = naive(local_us);
        match self.zone.offset_from_local_datetime(&shown) {
            MappedLocalTime::Single(offset) => {
                local_us - i64::from(offset.fix().local_minus_utc()) * SECOND_US
            }
            MappedLocalTime::Ambiguous(one, other) => {
                let ahead = one
                    .fix()
                    .local_minus_utc()
                    .max(other.fix().local_minus_utc());
                local_us - i64::from(ahead) * SECOND_US
            }
            MappedLocalTime::None => self.leap(local_us),
        }
    }

    /// The instant at which the clocks pass over `local_us`.
    fn leap(&self, local_us: i64) -> i64 {
        // A day before and after, the clocks show less and more than that for certain.
        let (mut before, mut after) = (local_us - 2 * DAY_US, local_us + 2 * DAY_US);
        while after - before > SECOND_US {
            let middle = before + (after - before) / 2;
            if middle + self.offset_us(middle) < local_us {
                before = middle;
            } else {
                after = middle;
            }
        }
        // Clocks change on whole seconds.
        floor(after, SECOND_US)
    }
}

fn naive(time_us: i64) -> NaiveDateTime {
    let farthest = match time_us < 0 {
        true => NaiveDateTime::MIN + TimeDelta::days(3),
        false => NaiveDateTime::MAX - TimeDelta::days(3),
    };
    DateTime::from_timestamp_micros(time_us).map_or(farthest, |time| time.naive_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        let time = DateTime::parse_from_rfc3339(text).expect(text);
        time.timestamp_micros()
    }

    fn check(calendar: &Calendar, time: &str, start: &str, end: &str) {
        assert_eq!(calendar.window(at(time)), (at(start), at(end)), "{time}");
    }

    #[test]
    fn a_day_has_23_hours_in_march_and_25_in_october() {
        let days = Calendar::new("Europe/Berlin", DAY_US, 0).expect("days");
        check(
            &days,
            "2026-03-29T12:00:00Z",
            "2026-03-28T23:00:00Z",
            "2026-03-29T22:00:00Z",
        );
        check(
            &days,
            "2026-10-25T22:59:59Z",
            "2026-10-24T22:00:00Z",
            "2026-10-25T23:00:00Z",
        );
        check(
            &days,
            "2026-07-01T22:00:00Z",
            "2026-07-01T22:00:00Z",
            "2026-07-02T22:00:00Z",
        );
    }

    #[test]
    fn shifts_begin_by_the_clock_on_the_wall() {
        let shifts = Calendar::new("Europe/Berlin", 8 * HOUR_US, 6 * HOUR_US).expect("shifts");
        check(
            &shifts,
            "2026-03-29T01:30:00Z",
            "2026-03-28T21:00:00Z",
            "2026-03-29T04:00:00Z",
        );
        check(
            &shifts,
            "2026-10-25T01:30:00Z",
            "2026-10-24T20:00:00Z",
            "2026-10-25T05:00:00Z",
        );
        check(
            &shifts,
            "2026-10-25T05:00:00Z",
            "2026-10-25T05:00:00Z",
            "2026-10-25T13:00:00Z",
        );
    }

    #[test]
    fn weeks_begin_on_monday() {
        let weeks = Calendar::new("Europe/Berlin", 7 * DAY_US, 0).expect("weeks");
        check(
            &weeks,
            "2026-03-29T12:00:00Z",
            "2026-03-22T23:00:00Z",
            "2026-03-29T22:00:00Z",
        );
    }

    #[test]
    fn windows_lie_side_by_side_whatever_the_clocks_do() {
        // Havana changes at midnight, Lord Howe by half an hour, Apia left out a whole day.
        for zone in [
            "Europe/Berlin",
            "America/Havana",
            "Australia/Lord_Howe",
            "Pacific/Apia",
        ] {
            for size in [1, 2, 8, 24, 168] {
                let calendar = Calendar::new(zone, size * HOUR_US, 0).expect(zone);
                let (mut time, last) = (at("2011-01-01T00:00:00Z"), at("2012-02-01T00:00:00Z"));
                while time < last {
                    let (start, end) = calendar.window(time);
                    assert!(start <= time && time < end, "{zone} {size}: {time}");
                    assert_eq!(calendar.window(start), (start, end), "{zone} {size}");
                    assert_eq!(calendar.window(end - 1), (start, end), "{zone} {size}");
                    time = end;
                }
            }
        }
    }

    #[test]
    fn unknown_zones_and_odd_lengths_are_none() {
        assert_eq!(Calendar::new("Europe/Ruhrort", DAY_US, 0), None);
        assert_eq!(Calendar::new("Europe/Berlin", 5 * HOUR_US, 0), None);
        assert_eq!(Calendar::new("Europe/Berlin", HOUR_US / 2, 0), None);
    }
}

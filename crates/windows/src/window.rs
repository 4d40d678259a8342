//! Event-time windows and the panes that they share. Times are microseconds since 1970-01-01T00:00:00Z.

use crate::calendar::Calendar;

/// Windows over all of time, and the panes of which they are made: every row lies in exactly one pane, every window is a
/// run of whole panes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Windows {
    /// Of one length, a new one every `slide_us`, aligned to 1970-01-01T00:00:00Z. Tumbling windows have
    /// `slide_us == size_us`.
    Hop {
        /// Length of a window.
        size_us: i64,
        /// From the start of one window to the start of the next.
        slide_us: i64,
    },
    /// All that start at a multiple of `size_us`, one for every `step_us` up to the whole.
    Cumulate {
        /// Length of the longest.
        size_us: i64,
        /// From the end of one to the end of the next.
        step_us: i64,
    },
    /// Side by side, between instants of local time.
    Local(Calendar),
}

impl Windows {
    /// Windows of `size_us` that start every `slide_us`. None unless 0 < slide <= size.
    pub fn new(size_us: i64, slide_us: i64) -> Option<Self> {
        (slide_us > 0 && slide_us <= size_us).then_some(Windows::Hop { size_us, slide_us })
    }

    /// Windows that grow by `step_us` up to `size_us`. None unless the one is a whole number of the other.
    pub fn growing(size_us: i64, step_us: i64) -> Option<Self> {
        let is_whole = step_us > 0 && size_us > 0 && size_us % step_us == 0;
        is_whole.then_some(Windows::Cumulate { size_us, step_us })
    }

    /// Length of the longest window.
    pub fn size_us(&self) -> i64 {
        match self {
            Windows::Hop { size_us, .. } | Windows::Cumulate { size_us, .. } => *size_us,
            Windows::Local(calendar) => calendar.longest_us(),
        }
    }

    /// How many panes the longest window has.
    pub fn panes(&self) -> i64 {
        match *self {
            Windows::Hop { size_us, slide_us } => size_us / gcd(size_us, slide_us),
            Windows::Cumulate { size_us, step_us } => size_us / step_us,
            Windows::Local(_) => 1,
        }
    }

    /// Bounds of the pane that holds `time_us`.
    pub fn pane(&self, time_us: i64) -> (i64, i64) {
        let of = |length_us| {
            let start = floor(time_us, length_us);
            (start, start + length_us)
        };
        match self {
            Windows::Hop { size_us, slide_us } => of(gcd(*size_us, *slide_us)),
            Windows::Cumulate { step_us, .. } => of(*step_us),
            Windows::Local(calendar) => calendar.window(time_us),
        }
    }

    /// End of the first window that ends after `time_us`: the earliest of those that hold it.
    pub fn next_end(&self, time_us: i64) -> i64 {
        match *self {
            Windows::Hop { size_us, slide_us } => {
                floor(time_us.saturating_sub(size_us), slide_us) + slide_us + size_us
            }
            Windows::Cumulate { .. } | Windows::Local(_) => self.pane(time_us).1,
        }
    }

    /// End of the last window that holds `time_us`.
    pub fn last_end(&self, time_us: i64) -> i64 {
        match *self {
            Windows::Hop { size_us, slide_us } => floor(time_us, slide_us) + size_us,
            Windows::Cumulate { size_us, .. } => floor(time_us, size_us) + size_us,
            Windows::Local(_) => self.pane(time_us).1,
        }
    }

    /// Start of the window that ends at `end_us`, if one does.
    pub fn start_of(&self, end_us: i64) -> Option<i64> {
        match *self {
            Windows::Hop { size_us, slide_us } => {
                let start_us = end_us - size_us;
                (start_us.rem_euclid(slide_us) == 0).then_some(start_us)
            }
            Windows::Cumulate { size_us, step_us } => {
                (end_us.rem_euclid(step_us) == 0).then_some(floor(end_us - 1, size_us))
            }
            Windows::Local(_) => {
                let (start_us, end) = self.pane(end_us - 1);
                (end == end_us).then_some(start_us)
            }
        }
    }

    /// Start of the earliest window that ends after `time_us`: what lies before it is needed no more then.
    pub fn first_open(&self, time_us: i64) -> i64 {
        let end_us = self.next_end(time_us);
        self.start_of(end_us).unwrap_or(time_us)
    }

    /// Bounds of all windows that hold `time_us`, the earliest end first.
    pub fn holding(&self, time_us: i64) -> Vec<(i64, i64)> {
        let last = self.last_end(time_us);
        let mut end = self.next_end(time_us);
        let mut found = Vec::new();
        while end <= last {
            found.extend(self.start_of(end).map(|start| (start, end)));
            end = self.next_end(end);
        }
        found
    }
}

/// The largest multiple of `step` that is not above `value`.
pub fn floor(value: i64, step: i64) -> i64 {
    value - value.rem_euclid(step)
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(windows: &Windows, all: &[(i64, i64)]) {
        for time in -40..40 {
            let mut holding: Vec<_> = all
                .iter()
                .copied()
                .filter(|(start, end)| *start <= time && time < *end)
                .collect();
            holding.sort_by_key(|window| window.1);
            assert_eq!(windows.holding(time), holding, "{windows:?} {time}");
            let (start, end) = windows.pane(time);
            assert!(start <= time && time < end);
            for (from, to) in all {
                let is_whole = (to <= &start || &end <= from) || (from <= &start && &end <= to);
                assert!(is_whole, "{windows:?}: pane {start} cuts {from}");
            }
            let open = all.iter().filter(|(_, end)| *end > time);
            let first = open.map(|(start, _)| *start).min();
            assert_eq!(Some(windows.first_open(time)), first, "{windows:?} {time}");
        }
    }

    #[test]
    fn panes_divide_every_window_and_windows_hold_their_times() {
        for (size, slide) in [(60, 60), (60, 5), (7, 3), (36, 15), (10, 4)] {
            let windows = Windows::new(size, slide).expect("valid");
            let all: Vec<_> = (-200..200).map(|n| (n * slide, n * slide + size)).collect();
            check(&windows, &all);
        }
    }

    #[test]
    fn windows_grow_by_their_step_and_begin_anew() {
        for (size, step) in [(12, 3), (10, 10), (7, 1)] {
            let windows = Windows::growing(size, step).expect("valid");
            let starts = (-100..100).map(|n| n * size);
            let all: Vec<_> = starts
                .flat_map(|start| (1..=size / step).map(move |n| (start, start + n * step)))
                .collect();
            check(&windows, &all);
        }
        assert_eq!(Windows::growing(10, 4), None);
    }

    #[test]
    fn a_slide_above_the_size_would_lose_events() {
        assert_eq!(Windows::new(5, 10), None);
        assert_eq!(Windows::new(5, 0), None);
    }
}

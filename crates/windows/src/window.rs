//! Event-time windows and the panes that they share. Times are microseconds since 1970-01-01T00:00:00Z.

/// Windows of one length that start every `slide`, aligned to 1970-01-01T00:00:00Z. Tumbling windows have
/// `slide == size`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    size_us: i64,
    slide_us: i64,
}

impl Windows {
    /// Windows of `size_us` that start every `slide_us`. None unless 0 < slide <= size.
    pub fn new(size_us: i64, slide_us: i64) -> Option<Self> {
        (slide_us > 0 && slide_us <= size_us).then_some(Windows { size_us, slide_us })
    }

    /// Length of a window.
    pub fn size_us(self) -> i64 {
        self.size_us
    }

    /// From the start of one window to the start of the next.
    pub fn slide_us(self) -> i64 {
        self.slide_us
    }

    /// Length of a pane: every window is a whole number of panes, and an event lies in exactly one.
    pub fn pane_us(self) -> i64 {
        gcd(self.size_us, self.slide_us)
    }

    /// Start of the pane that holds `time_us`.
    pub fn pane_of(self, time_us: i64) -> i64 {
        floor(time_us, self.pane_us())
    }

    /// Start of the earliest window that holds `time_us`.
    pub fn first_window_of(self, time_us: i64) -> i64 {
        floor(time_us.saturating_sub(self.size_us), self.slide_us) + self.slide_us
    }

    /// Start of the latest window that holds `time_us`.
    pub fn last_window_of(self, time_us: i64) -> i64 {
        floor(time_us, self.slide_us)
    }

    /// End of the first window that ends after `time_us`.
    pub fn next_end(self, time_us: i64) -> i64 {
        floor(time_us.saturating_sub(self.size_us), self.slide_us) + self.slide_us + self.size_us
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

    #[test]
    fn panes_divide_every_window_and_windows_hold_their_times() {
        for (size, slide) in [(60, 60), (60, 5), (7, 3), (360, 15), (10, 4)] {
            let windows = Windows::new(size, slide).expect("valid");
            assert_eq!(size % windows.pane_us(), 0);
            assert_eq!(slide % windows.pane_us(), 0);
            for time in -50..50 {
                let (first, last) = (windows.first_window_of(time), windows.last_window_of(time));
                assert!(
                    first <= time && time < first + size,
                    "{time} in {first}+{size}"
                );
                assert!(last <= time && time < last + size);
                assert!(
                    first - slide + size <= time,
                    "no earlier window holds {time}"
                );
                assert!(last + slide > time, "no later window holds {time}");
                let end = windows.next_end(time);
                assert!(
                    end > time && end - slide <= time,
                    "{end} is the first end after {time}"
                );
                assert_eq!((end - size).rem_euclid(slide), 0);
            }
        }
    }

    #[test]
    fn a_slide_above_the_size_would_lose_events() {
        assert_eq!(Windows::new(5, 10), None);
        assert_eq!(Windows::new(5, 0), None);
    }
}

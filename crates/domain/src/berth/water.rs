//! The forecast water level as a step function.

/// The level from one minute on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// First minute.
    pub from_min: i64,
    /// Level above the reference gauge, cm (negative below).
    pub deviation_cm: i64,
}

/// A forecast. Before its first step the first level holds, after the last the last; without steps the level is 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Water {
    /// Steps, ascending by time.
    pub levels: Vec<Level>,
    /// From this level on traffic stops: nobody berths or leaves, cm above the reference gauge.
    pub stop_cm: Option<i64>,
}

impl Water {
    /// Level at a minute, cm above the reference gauge.
    pub fn at_cm(&self, minute: i64) -> i64 {
        let after = self
            .levels
            .partition_point(|level| level.from_min <= minute);
        match after {
            0 => self.levels.first().map_or(0, |level| level.deviation_cm),
            n => self.levels[n - 1].deviation_cm,
        }
    }

    /// Lowest and highest level from `start_min` (inside) to `end_min` (outside), cm above the reference gauge.
    pub fn range_cm(&self, start_min: i64, end_min: i64) -> (i64, i64) {
        let first = self.at_cm(start_min);
        let mut range = (first, first);
        let from = self
            .levels
            .partition_point(|level| level.from_min <= start_min);
        for level in &self.levels[from..] {
            if level.from_min >= end_min {
                break;
            }
            range = (
                range.0.min(level.deviation_cm),
                range.1.max(level.deviation_cm),
            );
        }
        range
    }

    /// True if vessels may berth and leave at this minute.
    pub fn traffic_flows(&self, minute: i64) -> bool {
        self.stop_cm
            .is_none_or(|stop_cm| self.at_cm(minute) < stop_cm)
    }
}

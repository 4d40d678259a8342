//! How far re-splits go: few trains and few steps while that pays, more of both once it no longer does.

/// How many trains are freed at once, and how many steps one split may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Trains freed.
    pub trains: usize,
    /// Steps at most.
    pub steps: u32,
}

/// From quick to thorough. A split of few trains mostly ends long before its steps run out.
const LEVELS: [Level; 9] = [
    Level::new(3, 1_500),
    Level::new(3, 20_000),
    Level::new(4, 20_000),
    Level::new(4, 100_000),
    Level::new(5, 100_000),
    Level::new(5, 400_000),
    Level::new(6, 1_000_000),
    Level::new(8, 1_000_000),
    Level::new(12, 1_000_000),
];
/// Attempts in vain at most before the next level.
const PATIENCE: u64 = 300;

impl Level {
    const fn new(trains: usize, steps: u32) -> Self {
        Level { trains, steps }
    }
}

/// The present level of one plan's re-splits.
#[derive(Debug, Clone, Copy, Default)]
pub struct Depth {
    level: usize,
    in_vain: u64,
}

impl Depth {
    /// What the next attempt should do.
    pub fn level(&self) -> Level {
        LEVELS[self.level]
    }

    /// Takes note of an attempt among so many trains.
    pub fn note(&mut self, trains: usize, is_better: bool) {
        if is_better {
            self.level = self.level.saturating_sub(1);
            self.in_vain = 0;
            return;
        }
        self.in_vain += 1;
        let ways = ways(trains, self.level().trains);
        if self.in_vain >= PATIENCE.min(2 * ways) && self.level + 1 < LEVELS.len() {
            self.level += 1;
            self.in_vain = 0;
        }
    }

    /// True once the level `until` has been left behind: this plan has given what it can at that price.
    pub fn is_past(&self, until: usize) -> bool {
        self.level > until
    }
}

/// How many sets of `chosen` there are out of `trains`; at most a great many.
fn ways(trains: usize, chosen: usize) -> u64 {
    let mut ways = 1_u64;
    for nth in 0..chosen.min(trains) as u64 {
        ways = (ways * (trains as u64 - nth) / (nth + 1)).min(u64::from(u32::MAX));
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::{Depth, ways};

    #[test]
    fn sets_are_counted() {
        assert_eq!(ways(10, 3), 120);
        assert_eq!(ways(2, 5), 1);
        assert_eq!(ways(60, 6), 50_063_860);
    }

    #[test]
    fn failure_goes_deeper_and_success_comes_back() {
        let mut depth = Depth::default();
        let first = depth.level();
        for _ in 0..240 {
            depth.note(10, false);
        }
        assert!(depth.is_past(0));
        assert!(depth.level().steps > first.steps);
        depth.note(10, true);
        assert_eq!(depth.level(), first);
    }
}

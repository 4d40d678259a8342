//! By how much one time may exceed another.

use std::collections::{BTreeMap, BTreeSet};

/// The number of a time: the row_time of a side, or one that is chosen from several.
pub(super) type Time = usize;

/// For pairs of times the most by which the first lies behind the second, microseconds. Pairs that are missing have no
/// bound.
#[derive(Debug, Clone, Default)]
pub(super) struct Bounds(BTreeMap<(Time, Time), i64>);

impl Bounds {
    /// The most by which `left` lies behind `right`.
    pub fn get(&self, left: Time, right: Time) -> Option<i64> {
        self.0.get(&(left, right)).copied()
    }

    /// All pairs.
    pub fn iter(&self) -> impl Iterator<Item = (Time, Time, i64)> + '_ {
        self.0.iter().map(|(&(left, right), &us)| (left, right, us))
    }

    /// One more bound.
    pub fn lower(&mut self, left: Time, right: Time, us: i64) {
        let most = self.0.entry((left, right)).or_insert(us);
        *most = us.min(*most);
    }

    /// The bounds of both.
    pub fn union(mut self, other: &Bounds) -> Bounds {
        for (left, right, us) in other.iter() {
            self.lower(left, right, us);
        }
        self
    }

    /// The bounds of the pairs that are wanted.
    pub fn of(&self, is_wanted: impl Fn(Time, Time) -> bool) -> Bounds {
        let wanted = self
            .0
            .iter()
            .filter(|((left, right), _)| is_wanted(*left, *right));
        Bounds(wanted.map(|(&pair, &us)| (pair, us)).collect())
    }

    /// What follows: Floyd and Warshall's shortest paths, by way of times that are never null.
    pub fn close(&mut self, present: &BTreeSet<Time>) {
        for &via in present {
            let ends: Vec<(Time, Time, i64)> = self.iter().collect();
            for &(from, _, first_us) in ends.iter().filter(|end| end.1 == via) {
                for &(_, to, then_us) in ends.iter().filter(|end| end.0 == via) {
                    self.lower(from, to, first_us.saturating_add(then_us));
                }
            }
        }
    }
}

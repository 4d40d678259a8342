//! The programme of one knapsack: the greatest profit of the first so many objects within every part of the capacity.
//!
//! Profits are whole, in 32 bits: the inner loops are then vectors. The caller sees to it that no sum overflows.

/// An object that is worth taking and fits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gain {
    /// Of the capacity, at most all.
    pub(super) weight: usize,
    /// More than 0.
    pub(super) profit: i32,
}

/// The tables, kept for their memory.
#[derive(Debug, Default)]
pub(super) struct Programme {
    width: usize,
    lines: usize,
    /// A line for each number of objects, from none to all.
    table: Vec<i32>,
    /// The same for the last so many objects, one line.
    back: Vec<i32>,
    spare: Vec<i32>,
}

impl Programme {
    /// Fills the table; returns how many cells that were.
    pub(super) fn fill(&mut self, capacity: usize, gains: &[Gain]) -> u64 {
        let width = capacity + 1;
        (self.width, self.lines) = (width, gains.len());
        let cells = (gains.len() + 1) * width;
        if self.table.len() < cells {
            self.table.resize(cells, 0);
        }
        self.table[..width].fill(0);
        for (nth, gain) in gains.iter().enumerate() {
            let (above, below) = self.table.split_at_mut((nth + 1) * width);
            add(&above[nth * width..], &mut below[..width], *gain);
        }
        cells as u64
    }

    /// The greatest profit within `room`.
    pub(super) fn best(&self, room: usize) -> i32 {
        self.table[self.lines * self.width + room]
    }

    /// Names the objects of the best choice, last first.
    pub(super) fn trace(&self, gains: &[Gain], mut take: impl FnMut(usize)) {
        let mut room = self.width - 1;
        for nth in (0..self.lines).rev() {
            if self.table[(nth + 1) * self.width + room] != self.table[nth * self.width + room] {
                take(nth);
                room -= gains[nth].weight;
            }
        }
    }

    /// What the row earns if an object changes sides: without it where it is taken, else with it. In the order of objects.
    pub(super) fn otherwise(&mut self, gains: &[Gain], is_taken: &[bool], out: &mut Vec<i32>) {
        let width = self.width;
        out.clear();
        out.resize(gains.len(), 0);
        self.back.clear();
        self.back.resize(width, 0);
        self.spare.resize(width, 0);
        for (nth, gain) in gains.iter().enumerate().rev() {
            let before = &self.table[nth * width..(nth + 1) * width];
            let (room, profit) = if is_taken[nth] {
                (width - 1, 0)
            } else {
                (width - 1 - gain.weight, gain.profit)
            };
            let pairs = before[..=room].iter().zip(self.back[..=room].iter().rev());
            let best = pairs.fold(0, |best, (before, after)| best.max(before + after));
            out[nth] = best + profit;
            add(&self.back, &mut self.spare[..width], *gain);
            std::mem::swap(&mut self.back, &mut self.spare);
        }
    }
}

/// The next line: `gain` left or taken.
fn add(before: &[i32], after: &mut [i32], gain: Gain) {
    let weight = gain.weight;
    let width = after.len();
    after[..weight].copy_from_slice(&before[..weight]);
    let cells = after[weight..].iter_mut().zip(&before[weight..width]);
    for ((after, &skip), &take) in cells.zip(before) {
        *after = skip.max(take + gain.profit);
    }
}

#[cfg(test)]
mod tests {
    use super::{Gain, Programme};
    use crate::random::Random;

    fn best_of(capacity: usize, gains: &[Gain], fixed: Option<(usize, bool)>) -> i32 {
        let sets = 0..1_usize << gains.len();
        let is_asked =
            |set: &usize| fixed.is_none_or(|(nth, taken)| (set >> nth & 1 == 1) == taken);
        let worth = |set: usize| {
            let taken = (0..gains.len()).filter(|nth| set >> nth & 1 == 1);
            let (mut weight, mut profit) = (0, 0);
            for nth in taken {
                weight += gains[nth].weight;
                profit += gains[nth].profit;
            }
            (weight <= capacity).then_some(profit)
        };
        sets.filter(is_asked).filter_map(worth).max().unwrap_or(-1)
    }

    #[test]
    fn agrees_with_all_sets() {
        let mut random = Random::new(5);
        let mut programme = Programme::default();
        for _ in 0..200 {
            let capacity = 1 + random.below(30);
            let gains: Vec<Gain> = (0..random.below(9))
                .map(|_| Gain {
                    weight: random.below(capacity + 1),
                    profit: 1 + random.below(40) as i32,
                })
                .collect();
            programme.fill(capacity, &gains);
            assert_eq!(programme.best(capacity), best_of(capacity, &gains, None));
            let mut is_taken = vec![false; gains.len()];
            programme.trace(&gains, |nth| is_taken[nth] = true);
            let mut otherwise = Vec::new();
            programme.otherwise(&gains, &is_taken, &mut otherwise);
            for (nth, &profit) in otherwise.iter().enumerate() {
                let asked = best_of(capacity, &gains, Some((nth, !is_taken[nth])));
                assert_eq!(profit, asked);
            }
        }
    }
}

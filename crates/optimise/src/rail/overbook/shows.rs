//! The distribution of what shows up.

use domain::rail::UNLIMITED;

/// TEU, length, mass.
pub(super) const MEASURES: usize = 3;
/// Kilograms of one step of the mass distribution; masses are rounded up.
const STEP_KG: i64 = 100;

/// A sum of independent show-ups; everything above the room is one bucket with its mean.
#[derive(Debug, Clone)]
pub(super) struct Shows {
    chance: Vec<f64>,
    /// The chance of more than there is room for.
    pub over: f64,
    /// Sum of (amount - room) times chance, over the bucket.
    pub excess: f64,
}

impl Shows {
    fn new(room: i64) -> Self {
        let mut chance = vec![0.0; room.max(0) as usize + 1];
        chance[0] = 1.0;
        Shows {
            chance,
            over: 0.0,
            excess: 0.0,
        }
    }

    /// With one more that shows up with `permille` and then takes `amount`.
    fn with(&self, amount: i64, permille: i64) -> Self {
        let shows = permille.clamp(0, 1000) as f64 / 1000.0;
        let amount = amount.max(0) as usize;
        let mut next = vec![0.0; self.chance.len()];
        let mut over = self.over;
        let mut excess = self.excess + self.over * shows * amount as f64;
        for (at, &chance) in self.chance.iter().enumerate().filter(|(_, p)| **p > 0.0) {
            next[at] += chance * (1.0 - shows);
            match next.get_mut(at + amount) {
                Some(cell) => *cell += chance * shows,
                None => {
                    over += chance * shows;
                    excess += chance * shows * (at + amount + 1 - self.chance.len()) as f64;
                }
            }
        }
        Shows {
            chance: next,
            over,
            excess,
        }
    }
}

/// TEU quarters, decimetres, kilograms in steps of the distributions.
pub(super) fn steps([teu_quarters, length_dm, gross_kg]: [i64; MEASURES]) -> [i64; MEASURES] {
    [
        teu_quarters,
        length_dm,
        gross_kg.saturating_add(STEP_KG - 1) / STEP_KG,
    ]
}

/// Nobody has shown up yet; nothing is told of a measure without limit.
pub(super) fn rooms([teu_quarters, length_dm, gross_kg]: [i64; MEASURES]) -> [Option<Shows>; 3] {
    let limited = |room: i64, step: i64| (room != UNLIMITED).then(|| Shows::new(room / step));
    [
        limited(teu_quarters, 1),
        limited(length_dm, 1),
        limited(gross_kg, STEP_KG),
    ]
}

/// With one more that shows up with `permille` and then takes `amounts`.
pub(super) fn with(
    shows: &[Option<Shows>; MEASURES],
    amounts: [i64; MEASURES],
    permille: i64,
) -> [Option<Shows>; MEASURES] {
    let next = |at: usize| {
        let shows = shows[at].as_ref();
        shows.map(|shows| shows.with(amounts[at], permille))
    };
    std::array::from_fn(next)
}

/// The chance of an overfull train in each measure.
pub(super) fn risks(shows: &[Option<Shows>; MEASURES]) -> [f64; MEASURES] {
    std::array::from_fn(|at| shows[at].as_ref().map_or(0.0, |shows| shows.over))
}

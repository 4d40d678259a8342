//! The relaxation in compact form: the options in play and the rows looked at, nothing else.

use crate::rail::active::Active;
use crate::rail::core::Core;

/// The relaxation in compact form.
pub(super) struct Form {
    pub(super) first: Vec<usize>,
    pub(super) options: Vec<u32>,
    pub(super) cost: Vec<f64>,
    use_first: Vec<usize>,
    uses: Vec<(usize, f64)>,
    pub(super) rows: usize,
}

/// Not one of the rows looked at.
const OUT: usize = usize::MAX;

impl Form {
    /// Over one item in `every`, on rows with that part of their room.
    pub(super) fn new(core: &Core, active: &Active, rows: &[u32], every: usize) -> Self {
        let mut place = vec![OUT; core.capacity().len()];
        for (at, &row) in rows.iter().enumerate() {
            place[row as usize] = at;
        }
        let mut form = Form {
            first: vec![0],
            options: Vec::with_capacity(active.len()),
            cost: Vec::with_capacity(active.len()),
            use_first: vec![0],
            uses: Vec::new(),
            rows: rows.len(),
        };
        for item in (0..core.items()).step_by(every) {
            for &option in active.of(item) {
                form.options.push(option);
                form.cost.push(core.cost(option as usize) as f64);
                for used in core.uses(option as usize) {
                    let row = used.row as usize;
                    let room = core.capacity()[row].max(1) as f64 / every as f64;
                    let part = used.amount as f64 / room;
                    if place[row] != OUT {
                        form.uses.push((place[row], part));
                    }
                }
                // Trains of a chain come in any order, the factorisation reads the lower triangle alone.
                let start = form.use_first[form.use_first.len() - 1];
                form.uses[start..].sort_unstable_by_key(|(row, _)| *row);
                form.use_first.push(form.uses.len());
            }
            form.first.push(form.options.len());
        }
        form
    }

    pub(super) fn uses(&self, at: usize) -> &[(usize, f64)] {
        &self.uses[self.use_first[at]..self.use_first[at + 1]]
    }

    pub(super) fn items(&self) -> usize {
        self.first.len() - 1
    }

    /// Priced use of an option.
    pub(super) fn priced(&self, at: usize, prices: &[f64]) -> f64 {
        self.uses(at)
            .iter()
            .map(|&(row, part)| prices[row] * part)
            .sum()
    }
}

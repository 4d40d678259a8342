//! The kernel's form of a problem: flat arrays, items with options, options with sparse uses of capacity rows.

use std::collections::BTreeMap;

use domain::rail::assignment::Assignment;

/// An option's use of one capacity row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    /// The row.
    pub row: u32,
    /// How much of it, at least 0.
    pub amount: i64,
}

/// How much of each row could be used at most.
fn most_used(problem: &Assignment) -> Vec<i64> {
    let mut most = vec![0; problem.capacities.len()];
    let mut of_item = BTreeMap::new();
    for choices in &problem.items {
        of_item.clear();
        for &(row, amount) in choices.iter().flat_map(|choice| &choice.uses) {
            let so_far = of_item.entry(row).or_insert(0);
            *so_far = amount.max(*so_far);
        }
        of_item
            .iter()
            .for_each(|(&row, amount)| most[row] += amount);
    }
    most
}

/// Items, options and capacities. Options of an item lie side by side; so do the uses and the trains of an option.
#[derive(Debug, Clone, Default)]
pub struct Core {
    first: Vec<u32>,
    cost: Vec<i64>,
    use_first: Vec<u32>,
    uses: Vec<Use>,
    leg_first: Vec<u32>,
    legs: Vec<u32>,
    capacity: Vec<i64>,
    train_of: Vec<u32>,
    trains: usize,
}

impl Core {
    /// A core without items; each capacity row belongs to a train.
    pub fn new(trains: usize, capacity: Vec<i64>, train_of: Vec<u32>) -> Self {
        debug_assert_eq!(capacity.len(), train_of.len());
        Core {
            first: vec![0],
            use_first: vec![0],
            leg_first: vec![0],
            capacity,
            train_of,
            trains,
            ..Core::default()
        }
    }

    /// Opens an item; its options follow by [`Core::push_option`]. Every item needs one option that always fits.
    pub fn push_item(&mut self) {
        let options = self.cost.len() as u32;
        self.first.push(options);
    }

    /// Adds an option to the item opened last. Uses of rows that do not bind may be left out.
    pub fn push_option(&mut self, cost: i64, trains: &[u32], uses: impl IntoIterator<Item = Use>) {
        self.cost.push(cost);
        self.legs.extend_from_slice(trains);
        self.leg_first.push(self.legs.len() as u32);
        self.uses
            .extend(uses.into_iter().filter(|used| used.amount > 0));
        self.use_first.push(self.uses.len() as u32);
        if let Some(last) = self.first.last_mut() {
            *last = self.cost.len() as u32;
        }
    }

    /// The core of a bare assignment. Rows that hold all that could come are left out, so that a train for whoever stays
    /// is an option without uses. Where an item has none, one is added as its last, dearer than any plan: a plan that
    /// takes it is infeasible (see [`Core::is_artificial`]).
    pub fn of_assignment(problem: &Assignment) -> Self {
        let most = most_used(problem);
        let binds = |row: usize| most[row] > problem.capacities[row];
        let mut train_of = vec![0; problem.capacities.len()];
        for choice in problem.items.iter().flatten() {
            let rows = choice.uses.iter();
            rows.for_each(|&(row, _)| train_of[row] = choice.train as u32);
        }
        let mut core = Core::new(problem.trains, problem.capacities.clone(), train_of);
        let dearest = |choices: &Vec<domain::rail::assignment::Choice>| {
            choices.iter().map(|choice| choice.cost.abs()).max()
        };
        let penalty: i64 = 1 + 2 * problem.items.iter().filter_map(dearest).sum::<i64>();
        for choices in &problem.items {
            core.push_item();
            let mut is_free = false;
            for choice in choices {
                let rows = choice.uses.iter();
                let uses = rows.filter(|&&(row, amount)| amount > 0 && binds(row));
                let uses: Vec<Use> = uses
                    .map(|&(row, amount)| Use {
                        row: row as u32,
                        amount,
                    })
                    .collect();
                let train = [choice.train as u32];
                let trains: &[u32] = if uses.is_empty() { &[] } else { &train };
                is_free |= uses.is_empty();
                core.push_option(choice.cost, trains, uses);
            }
            if !is_free {
                core.push_option(penalty, &[], []);
            }
        }
        core
    }

    /// True if `option` (counted within `item`) is the one that [`Core::of_assignment`] added.
    pub fn is_artificial(problem: &Assignment, item: usize, option: usize) -> bool {
        option >= problem.items[item].len()
    }

    /// How many items there are.
    pub fn items(&self) -> usize {
        self.first.len() - 1
    }

    /// How many options there are in all.
    pub fn options(&self) -> usize {
        self.cost.len()
    }

    /// How many trains there are.
    pub fn trains(&self) -> usize {
        self.trains
    }

    /// The options of an item.
    pub fn options_of(&self, item: usize) -> std::ops::Range<usize> {
        self.first[item] as usize..self.first[item + 1] as usize
    }

    /// The price of an option.
    pub fn cost(&self, option: usize) -> i64 {
        self.cost[option]
    }

    /// What an option uses.
    pub fn uses(&self, option: usize) -> &[Use] {
        &self.uses[self.use_first[option] as usize..self.use_first[option + 1] as usize]
    }

    /// The trains of an option.
    pub fn legs(&self, option: usize) -> &[u32] {
        &self.legs[self.leg_first[option] as usize..self.leg_first[option + 1] as usize]
    }

    /// The capacity of each row.
    pub fn capacity(&self) -> &[i64] {
        &self.capacity
    }

    /// The price of a whole choice.
    pub fn total(&self, choice: &[u32]) -> i64 {
        choice
            .iter()
            .map(|&option| self.cost[option as usize])
            .sum()
    }

    /// What is left of each row under a choice; negative where it is exceeded.
    pub fn room(&self, choice: &[u32]) -> Vec<i64> {
        let mut room = self.capacity.clone();
        for &option in choice {
            for used in self.uses(option as usize) {
                room[used.row as usize] -= used.amount;
            }
        }
        room
    }

    /// The train of each row.
    pub fn train_of_rows(&self) -> &[u32] {
        &self.train_of
    }

    /// True if `option` fits into `room`.
    pub fn fits(&self, room: &[i64], option: usize) -> bool {
        self.uses(option)
            .iter()
            .all(|used| used.amount <= room[used.row as usize])
    }
}

#[cfg(test)]
mod tests {
    use domain::rail::assignment::{Assignment, Choice};

    use super::Core;

    /// A train that holds everybody is where one stays: it uses no row, and no item needs another way out.
    #[test]
    fn rows_that_hold_all_are_left_out() {
        let choice = |train: usize, cost| Choice {
            train,
            cost,
            uses: vec![(train, 4)],
        };
        let mut problem = Assignment {
            trains: 2,
            capacities: vec![7, 8],
            items: vec![vec![choice(0, 1), choice(1, 9)]; 2],
        };
        let core = Core::of_assignment(&problem);
        assert_eq!(core.options(), 4);
        assert_eq!((core.legs(0), core.uses(0).len()), (&[0][..], 1));
        assert_eq!((core.legs(1), core.uses(1).len()), (&[][..], 0));
        // One short of all: now it may be full, and an item needs a way out.
        problem.capacities[1] = 7;
        let core = Core::of_assignment(&problem);
        assert_eq!(core.options(), 6);
        assert_eq!((core.legs(1), core.uses(1).len()), (&[1][..], 1));
    }
}

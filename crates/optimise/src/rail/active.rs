//! The options still in play: those that fixing has left, side by side for the inner loops.

use super::core::Core;

/// Options in play, item by item.
#[derive(Debug, Clone)]
pub struct Active {
    first: Vec<u32>,
    options: Vec<u32>,
}

impl Active {
    /// Every option that fits into empty trains.
    pub fn new(core: &Core) -> Self {
        let mut active = Active {
            first: vec![0],
            options: Vec::with_capacity(core.options()),
        };
        for item in 0..core.items() {
            let fits = core
                .options_of(item)
                .filter(|&option| core.fits(core.capacity(), option));
            active.options.extend(fits.map(|option| option as u32));
            active.first.push(active.options.len() as u32);
        }
        active
    }

    /// The options of an item that are in play.
    pub fn of(&self, item: usize) -> &[u32] {
        &self.options[self.first[item] as usize..self.first[item + 1] as usize]
    }

    /// How many are in play in all.
    pub fn len(&self) -> usize {
        self.options.len()
    }

    /// True if none is in play.
    pub fn is_empty(&self) -> bool {
        self.options.is_empty()
    }

    /// Keeps the options for which `keep(item, option)` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(usize, u32) -> bool) {
        let mut end = 0;
        let mut start = 0;
        for item in 0..self.first.len() - 1 {
            let stop = self.first[item + 1] as usize;
            for at in start..stop {
                let option = self.options[at];
                if keep(item, option) {
                    self.options[end] = option;
                    end += 1;
                }
            }
            start = stop;
            self.first[item + 1] = end as u32;
        }
        self.options.truncate(end);
    }

    /// Puts the options of every item in ascending order of `key`, ties by number.
    pub fn sort_by_key(&mut self, key: &[i64]) {
        for item in 0..self.first.len() - 1 {
            let range = self.first[item] as usize..self.first[item + 1] as usize;
            self.options[range].sort_unstable_by_key(|&option| (key[option as usize], option));
        }
    }
}

//! The memory of a process, shared by its workers: each says what it holds, all see the sum.
//!
//! The ids of events that are not yet late come off the bound first: waiting gives nothing of them back, time alone does,
//! which passes as fold reads on. Of what they leave, an eighth of the bound at least, three marks are shares: above
//! [`SPILL`] merge keeps rows away that are wanted last, until there is [`SPILLED`] again. Above [`PAUSE`] fold stops
//! reading events, until there is [`RESUME`] again; what it holds leaves with its commits. With all of it held merge stops
//! reading too. That comes only where it is filled by what cannot be kept away: levels, tables, sessions and revisions,
//! which the bounds on keys limit. Short of it merge reads on whatever fold does, so that windows close and give their
//! memory back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use windows::state::held::Spill;

/// Eighths of the bound.
const SPILL: usize = 4;
/// See [`SPILL`].
const SPILLED: usize = 3;
/// See [`SPILL`].
const PAUSE: usize = 6;
/// See [`SPILL`].
const RESUME: usize = 5;
/// The whole.
const FULL: usize = 8;
/// There is always so much beside ids, eighths of the bound.
const BESIDE_IDS: usize = 1;

/// What a process may hold, and what it does.
#[derive(Debug)]
pub struct Budget {
    bytes_max: usize,
    bytes: AtomicUsize,
    /// Of these.
    ids: AtomicUsize,
}

impl Budget {
    /// Nothing is held yet.
    pub fn new(bytes_max: usize) -> Self {
        Budget {
            bytes_max,
            bytes: AtomicUsize::new(0),
            ids: AtomicUsize::new(0),
        }
    }

    /// The bound.
    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// What all workers hold.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Of that the ids of events that are not yet late.
    pub fn ids(&self) -> usize {
        self.ids.load(Ordering::Relaxed)
    }

    /// What is held beside ids.
    fn beside_ids(&self) -> usize {
        self.bytes().saturating_sub(self.ids())
    }

    /// So many eighths of what may be held beside ids.
    fn share(&self, eighths: usize) -> usize {
        let left = self.bytes_max.saturating_sub(self.ids());
        left.max(self.bytes_max / FULL * BESIDE_IDS) / FULL * eighths
    }

    /// How many bytes should be kept away now.
    pub fn excess(&self) -> usize {
        let bytes = self.beside_ids();
        match bytes > self.share(SPILL) {
            true => bytes - self.share(SPILLED),
            false => 0,
        }
    }

    /// Whether fold should read no events, if it does so now or not.
    pub fn pauses_fold(&self, is_paused: bool) -> bool {
        self.beside_ids() > self.share(if is_paused { RESUME } else { PAUSE })
    }

    /// Whether not all that may be held is.
    pub fn has_room(&self) -> bool {
        !self.pauses_merge(false)
    }

    /// Whether merge should read no partials, if it does so now or not.
    pub fn pauses_merge(&self, is_paused: bool) -> bool {
        self.beside_ids() > self.share(if is_paused { PAUSE } else { FULL })
    }
}

/// What one holder has of a budget; given back when it is dropped.
#[derive(Debug)]
pub struct Account {
    budget: Arc<Budget>,
    bytes: usize,
    ids: usize,
}

/// A sum has one part that is another one now.
fn replace(sum: &AtomicUsize, before: usize, now: usize) {
    match now >= before {
        true => sum.fetch_add(now - before, Ordering::Relaxed),
        false => sum.fetch_sub(before - now, Ordering::Relaxed),
    };
}

impl Account {
    /// Holds nothing.
    pub fn new(budget: &Arc<Budget>) -> Self {
        Account {
            budget: Arc::clone(budget),
            bytes: 0,
            ids: 0,
        }
    }

    /// The holder has so many bytes now.
    pub fn set(&mut self, bytes: usize) {
        let before = std::mem::replace(&mut self.bytes, bytes);
        replace(&self.budget.bytes, before, bytes);
    }

    /// So many of its bytes are the ids of events that are not yet late.
    pub fn set_ids(&mut self, ids: usize) {
        let before = std::mem::replace(&mut self.ids, ids);
        replace(&self.budget.ids, before, ids);
    }

    /// What it has.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The budget that it is of.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.set_ids(0);
        self.set(0);
    }
}

/// The memory of a process, and where to go with what it has no room for.
#[derive(Debug, Clone)]
pub struct Memory {
    /// Shared by all workers.
    pub budget: Arc<Budget>,
    /// Without it nothing is kept away, and intake pauses sooner.
    pub spill: Option<Arc<dyn Spill>>,
}

impl Memory {
    /// So many bytes, and nowhere to go with more.
    pub fn new(bytes_max: usize) -> Self {
        Memory {
            budget: Arc::new(Budget::new(bytes_max)),
            spill: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_share_one_budget_and_give_back_what_they_had() {
        let budget = Arc::new(Budget::new(800));
        let (mut one, mut two) = (Account::new(&budget), Account::new(&budget));
        one.set(300);
        two.set(100);
        assert_eq!((budget.bytes(), budget.excess()), (400, 0));
        two.set(150);
        assert_eq!((budget.bytes(), budget.excess()), (450, 150));
        assert!(!budget.pauses_fold(false));
        one.set(451);
        assert!(budget.pauses_fold(false));
        one.set(351);
        assert!(!budget.pauses_fold(false));
        assert!(budget.pauses_fold(true), "until there is more room");
        one.set(651);
        assert!(budget.pauses_merge(false));
        one.set(500);
        assert!(!budget.pauses_merge(false));
        assert!(budget.pauses_merge(true));
        drop(one);
        assert_eq!(budget.bytes(), 150);
    }

    #[test]
    fn marks_are_shares_of_what_ids_leave_and_that_is_an_eighth_at_least() {
        let budget = Arc::new(Budget::new(800));
        let (mut fold, mut merge) = (Account::new(&budget), Account::new(&budget));
        for (ids, left) in [(0, 800), (400, 400), (720, 100), (5_000, 100)] {
            fold.set(ids);
            fold.set_ids(ids);
            let mut at = |eighths: usize| {
                merge.set(left / 8 * eighths);
                (
                    budget.excess(),
                    budget.pauses_fold(false),
                    budget.pauses_merge(false),
                )
            };
            assert_eq!(at(4), (0, false, false), "{ids}");
            assert_eq!(at(5), (left / 8 * 2, false, false), "{ids}");
            assert_eq!(at(7), (left / 8 * 4, true, false), "{ids}");
            assert_eq!(at(9), (left / 8 * 6, true, true), "{ids}");
        }
        drop(fold);
        assert_eq!((budget.ids(), budget.bytes()), (0, 100 / 8 * 9));
    }
}

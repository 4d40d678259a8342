//! A plan as one sequence of ships per berth, each ship starting as early as its place in the sequence allows.

use super::instance::{BerthOption, Instance};
use crate::random::Random;

/// No berth.
pub(super) const NOWHERE: u16 = u16::MAX;

/// One position in so many is overlooked in a randomised insertion.
const BLINK_ONE_IN: u32 = 128;

/// One ship in a sequence, with its times in slots.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    pub ship: u16,
    pub start: i32,
    pub end: i32,
    /// First slot at which it may start here.
    pub start_from: i32,
    pub end_to: i32,
    pub weight: i64,
}

/// All sequences.
#[derive(Debug, Clone)]
pub(super) struct Sequences {
    pub at: Vec<Vec<Slot>>,
    pub berth_of: Vec<u16>,
    pub value: i64,
}

/// Where a ship goes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Insertion {
    pub delta: i64,
    pub berth: u16,
    pub position: u16,
}

impl Sequences {
    pub fn empty(instance: &Instance) -> Self {
        Sequences {
            at: vec![Vec::with_capacity(instance.ships); instance.berths],
            berth_of: vec![NOWHERE; instance.ships],
            value: instance.price.iter().sum(),
        }
    }

    pub fn copy_from(&mut self, other: &Sequences) {
        for (mine, theirs) in self.at.iter_mut().zip(&other.at) {
            mine.clear();
            mine.extend_from_slice(theirs);
        }
        self.berth_of.copy_from_slice(&other.berth_of);
        self.value = other.value;
    }

    /// The start slot of a ship, if it has a stay.
    pub fn start_of(&self, ship: usize) -> Option<i32> {
        let sequence = self.at.get(usize::from(self.berth_of[ship]))?;
        sequence
            .iter()
            .find(|slot| usize::from(slot.ship) == ship)
            .map(|slot| slot.start)
    }

    /// True if the ship has no stay.
    pub fn is_without(&self, ship: usize) -> bool {
        self.berth_of[ship] == NOWHERE
    }

    /// By ship: berth, start and end in slots.
    pub fn stays(&self) -> Vec<Option<(usize, i32, i32)>> {
        let mut stays = vec![None; self.berth_of.len()];
        for (berth, sequence) in self.at.iter().enumerate() {
            for slot in sequence {
                stays[usize::from(slot.ship)] = Some((berth, slot.start, slot.end));
            }
        }
        stays
    }

    /// The cheapest place, among `options` (ascending by floor), of a ship that has none. `random` makes it overlook some.
    pub fn best_insertion(
        &self,
        instance: &Instance,
        ship: usize,
        options: &[BerthOption],
        random: Option<&mut Random>,
    ) -> Option<Insertion> {
        let mut best: Option<Insertion> = None;
        let mut best_delta = 0_i64;
        let price = instance.price[ship];
        let mut blink = Blink::new(random);
        for option in options {
            if option.floor - price >= best_delta {
                break;
            }
            let sequence = &self.at[usize::from(option.berth)];
            let mut position = 0;
            // behind everyone who is gone before the ship can start: earlier places only push them
            while position < sequence.len() && sequence[position].end <= option.start_from {
                position += 1;
            }
            loop {
                let ready = if position == 0 {
                    i32::MIN
                } else {
                    sequence[position - 1].end
                };
                let end = ready.max(option.start_from) + option.handling;
                let own = instance.cost(ship, option, end) - price;
                if own >= best_delta || end > option.end_to {
                    break;
                }
                if !blink.overlooks()
                    && let Some(delta) = push_cost(&sequence[position..], end, own, best_delta)
                {
                    best_delta = delta;
                    best = Some(Insertion {
                        delta,
                        berth: option.berth,
                        position: position as u16,
                    });
                }
                if position == sequence.len() {
                    break;
                }
                position += 1;
            }
        }
        best
    }

    /// Puts a ship where an insertion says.
    pub fn insert(&mut self, instance: &Instance, ship: usize, insertion: Insertion) {
        let Some(option) = instance.option(ship, usize::from(insertion.berth)) else {
            return;
        };
        let position = usize::from(insertion.position);
        let sequence = &mut self.at[usize::from(insertion.berth)];
        sequence.insert(position, slot_of(instance, ship, option));
        retime(sequence, position);
        self.berth_of[ship] = insertion.berth;
        self.value += insertion.delta;
    }

    /// Puts a ship at the end of a berth's sequence; false if it may not lie there or would be too late.
    pub fn append(&mut self, instance: &Instance, ship: usize, berth: usize) -> bool {
        if berth >= instance.berths {
            return false;
        }
        let Some(option) = instance.option(ship, berth) else {
            return false;
        };
        let ready = self.at[berth].last().map_or(i32::MIN, |last| last.end);
        let end = ready.max(option.start_from) + option.handling;
        if end > option.end_to {
            return false;
        }
        let insertion = Insertion {
            delta: instance.cost(ship, option, end) - instance.price[ship],
            berth: berth as u16,
            position: self.at[berth].len() as u16,
        };
        self.insert(instance, ship, insertion);
        true
    }

    /// By ship: what the plan would save if the ship were not there and the others moved up; its price if it has no stay.
    pub fn marginal_costs(&self, instance: &Instance) -> Vec<i64> {
        let mut costs = instance.price.clone();
        let mut without = self.clone();
        for (ship, cost) in costs.iter_mut().enumerate() {
            let berth = self.berth_of[ship];
            if berth == NOWHERE {
                continue;
            }
            without.remove_from(instance, usize::from(berth), |other| other == ship);
            let saved = self.value - (without.value - instance.price[ship]);
            *cost = saved.min(*cost);
            without.at[usize::from(berth)].clone_from(&self.at[usize::from(berth)]);
            without.berth_of[ship] = berth;
            without.value = self.value;
        }
        costs
    }

    /// Takes ships out of one berth; the others move up. `is_out` says which.
    pub fn remove_from(
        &mut self,
        instance: &Instance,
        berth: usize,
        is_out: impl Fn(usize) -> bool,
    ) {
        let mut delta = 0_i64;
        let sequence = &mut self.at[berth];
        let Some(first) = sequence
            .iter()
            .position(|slot| is_out(usize::from(slot.ship)))
        else {
            return;
        };
        for slot in &sequence[first..] {
            delta -= slot.weight * i64::from(slot.end);
        }
        for slot in sequence.iter() {
            let ship = usize::from(slot.ship);
            if is_out(ship) {
                let place_cost = instance
                    .option(ship, berth)
                    .map_or(0, |option| option.place_cost);
                delta += instance.price[ship] - instance.constant[ship] - place_cost;
                self.berth_of[ship] = NOWHERE;
            }
        }
        sequence.retain(|slot| !is_out(usize::from(slot.ship)));
        retime(sequence, first);
        for slot in &sequence[first..] {
            delta += slot.weight * i64::from(slot.end);
        }
        self.value += delta;
    }
}

fn slot_of(instance: &Instance, ship: usize, option: &BerthOption) -> Slot {
    Slot {
        ship: ship as u16,
        start: 0,
        end: option.handling,
        start_from: option.start_from,
        end_to: option.end_to,
        weight: instance.weight[ship],
    }
}

/// The cost when everyone from here on is pushed by a stay that ends at `end`; none if a limit breaks or `worst` is
/// reached.
#[inline]
fn push_cost(followers: &[Slot], end: i32, own: i64, worst: i64) -> Option<i64> {
    let mut delta = own;
    let mut ready = end;
    for slot in followers {
        let push = ready - slot.start;
        if push <= 0 {
            break;
        }
        delta += slot.weight * i64::from(push);
        ready = slot.end + push;
        if delta >= worst || ready > slot.end_to {
            return None;
        }
    }
    (delta < worst).then_some(delta)
}

/// Sets the times from `position` on, each as early as it may be.
fn retime(sequence: &mut [Slot], position: usize) {
    let mut ready = if position == 0 {
        i32::MIN
    } else {
        sequence[position - 1].end
    };
    for slot in &mut sequence[position..] {
        let handling = slot.end - slot.start;
        slot.start = ready.max(slot.start_from);
        slot.end = slot.start + handling;
        ready = slot.end;
    }
}

/// Random oversights, drawn 8 at a time.
struct Blink<'a> {
    random: Option<&'a mut Random>,
    bits: u64,
    left: u32,
}

impl<'a> Blink<'a> {
    fn new(random: Option<&'a mut Random>) -> Self {
        Blink {
            random,
            bits: 0,
            left: 0,
        }
    }

    #[inline]
    fn overlooks(&mut self) -> bool {
        let Some(random) = self.random.as_deref_mut() else {
            return false;
        };
        if self.left == 0 {
            self.bits = random.next_u64();
            self.left = 9;
        }
        let draw = (self.bits & u64::from(BLINK_ONE_IN - 1)) == 0;
        self.bits >>= 7;
        self.left -= 1;
        draw
    }
}

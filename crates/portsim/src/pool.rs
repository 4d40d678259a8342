//! Storage for what comes and goes: craft, calls, containers, lorries, trains. Places are used again, ids are not.

use std::fmt;
use std::marker::PhantomData;

/// Names one thing in a [`Pool`], also after it is gone.
pub(crate) struct Id<T> {
    place: u32,
    turn: u32,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        (self.place, self.turn) == (other.place, other.turn)
    }
}
impl<T> Eq for Id<T> {}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.place, self.turn)
    }
}

#[derive(Debug)]
struct Slot<T> {
    turn: u32,
    thing: Option<T>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Pool<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

impl<T> Pool<T> {
    pub(crate) fn new() -> Self {
        Pool {
            slots: Vec::new(),
            free: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, thing: T) -> Id<T> {
        let place = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot {
                turn: 0,
                thing: None,
            });
            self.slots.len() as u32 - 1
        });
        let slot = &mut self.slots[place as usize];
        slot.thing = Some(thing);
        Id {
            place,
            turn: slot.turn,
            of: PhantomData,
        }
    }

    pub(crate) fn get(&self, id: Id<T>) -> Option<&T> {
        let slot = self.slots.get(id.place as usize)?;
        slot.thing.as_ref().filter(|_| slot.turn == id.turn)
    }

    pub(crate) fn get_mut(&mut self, id: Id<T>) -> Option<&mut T> {
        let slot = self.slots.get_mut(id.place as usize)?;
        slot.thing.as_mut().filter(|_| slot.turn == id.turn)
    }

    pub(crate) fn remove(&mut self, id: Id<T>) -> Option<T> {
        let slot = self.slots.get_mut(id.place as usize)?;
        if slot.turn != id.turn {
            return None;
        }
        let thing = slot.thing.take()?;
        slot.turn = slot.turn.wrapping_add(1);
        self.free.push(id.place);
        Some(thing)
    }

    /// The first thing, by place, for which `is_it` holds.
    pub(crate) fn find(&self, is_it: impl Fn(&T) -> bool) -> Option<&T> {
        self.slots
            .iter()
            .filter_map(|slot| slot.thing.as_ref())
            .find(|thing| is_it(thing))
    }

    /// The ids of all things for which `is_it` holds, by place.
    pub(crate) fn ids(&self, is_it: impl Fn(&T) -> bool) -> Vec<Id<T>> {
        let of_slot = |(place, slot): (usize, &Slot<T>)| {
            slot.thing.as_ref().filter(|thing| is_it(thing))?;
            Some(Id {
                place: place as u32,
                turn: slot.turn,
                of: PhantomData,
            })
        };
        self.slots.iter().enumerate().filter_map(of_slot).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_used_again_and_the_old_id_finds_nothing() {
        let mut pool = Pool::new();
        let first = pool.add("a");
        assert_eq!(pool.remove(first), Some("a"));
        assert_eq!(pool.remove(first), None);
        let second = pool.add("b");
        assert_eq!(pool.get(first), None);
        assert_eq!(pool.get_mut(second).copied(), Some("b"));
        assert_eq!(pool.len(), 1);
    }
}

//! Sessions that may still grow, by key and by end, without their rows.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::state::held::keyed_bytes;

/// A session that may still grow.
#[derive(Debug)]
pub(super) struct Session {
    pub start_us: i64,
    pub end_us: i64,
    /// Numbers of its rows, counted over all batches.
    pub rows: Vec<usize>,
}

/// The sessions of one key: they lie apart and in order.
#[derive(Debug)]
struct Keyed {
    key: Arc<[u8]>,
    sessions: Vec<Session>,
}

/// The open sessions of all keys. A key has a number while it has sessions, so that only looking it up reads its bytes.
#[derive(Debug, Default)]
pub(super) struct OpenSessions {
    numbers: HashMap<Arc<[u8]>, usize>,
    keyed: Vec<Keyed>,
    /// Numbers of keys that have no session any more.
    free: Vec<usize>,
    /// End and number of the key.
    ends: BTreeSet<(i64, usize)>,
}

/// What becomes of a part of a session.
pub(super) enum Joined {
    /// It is a session, or belongs to one.
    Open,
    /// It would be a session that is final.
    Late,
    /// Its key is new, and there are as many as there may be.
    Full,
}

impl OpenSessions {
    /// Adds a part to the sessions of its key that it touches. What ends at `closed_us` or before is final.
    pub fn join(
        &mut self,
        key: &[u8],
        mut part: Session,
        closed_us: i64,
        keys_max: usize,
    ) -> Joined {
        let number = match self.numbers.get(key) {
            Some(&number) => number,
            None if part.end_us <= closed_us => return Joined::Late,
            None if self.len() >= keys_max => return Joined::Full,
            None => self.number(key),
        };
        let sessions = &mut self.keyed[number].sessions;
        // Those that the part touches are neighbours.
        let from = sessions.partition_point(|session| session.end_us <= part.start_us);
        let to = sessions.partition_point(|session| session.start_us < part.end_us);
        if from >= to && part.end_us <= closed_us {
            return Joined::Late;
        }
        for mut touched in sessions.drain(from..to.max(from)) {
            self.ends.remove(&(touched.end_us, number));
            part.start_us = part.start_us.min(touched.start_us);
            part.end_us = part.end_us.max(touched.end_us);
            if touched.rows.len() >= part.rows.len() {
                std::mem::swap(&mut touched.rows, &mut part.rows);
            }
            part.rows.append(&mut touched.rows);
        }
        self.ends.insert((part.end_us, number));
        sessions.insert(from, part);
        Joined::Open
    }

    fn number(&mut self, key: &[u8]) -> usize {
        let key: Arc<[u8]> = key.into();
        let number = self.free.pop().unwrap_or(self.keyed.len());
        if number == self.keyed.len() {
            self.keyed.push(Keyed {
                key: Arc::clone(&key),
                sessions: Vec::new(),
            });
        } else {
            self.keyed[number].key = Arc::clone(&key);
        }
        self.numbers.insert(key, number);
        number
    }

    /// The ends at `until_us` or before, ascending.
    pub fn ends(&self, until_us: i64) -> impl DoubleEndedIterator<Item = i64> {
        self.ends
            .range(..=(until_us, usize::MAX))
            .map(|&(end, _)| end)
    }

    /// Takes out the sessions that end at `at_us` or before, in the order of end, key and start whatever the order in which
    /// keys came.
    pub fn take(&mut self, at_us: i64) -> Vec<Session> {
        let later = self.ends.split_off(&(at_us.saturating_add(1), 0));
        let ending = std::mem::replace(&mut self.ends, later);
        let mut taken = Vec::with_capacity(ending.len());
        for (end_us, number) in ending {
            let Keyed { key, sessions } = &mut self.keyed[number];
            let place = sessions.partition_point(|session| session.end_us < end_us);
            taken.push((end_us, Arc::clone(key), sessions.remove(place)));
            if sessions.is_empty() {
                self.numbers.remove(key);
                self.free.push(number);
            }
        }
        taken.sort_unstable_by(|left, right| (left.0, &left.1).cmp(&(right.0, &right.1)));
        taken.into_iter().map(|(_, _, session)| session).collect()
    }

    /// All sessions, by key and start.
    pub fn iter(&self) -> impl Iterator<Item = &Session> {
        let mut keyed: Vec<&Keyed> = self.keyed.iter().collect();
        keyed.sort_unstable_by(|left, right| left.key.cmp(&right.key));
        keyed.into_iter().flat_map(|keyed| &keyed.sessions)
    }

    /// Keys with sessions.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// What they take in memory without the numbers of their rows.
    pub fn bytes(&self) -> usize {
        let key = self.numbers.keys().next().map_or(0, |key| key.len());
        let session = std::mem::size_of::<Session>() + std::mem::size_of::<Keyed>();
        keyed_bytes(self.keyed.len(), key, session)
            + self.ends.len() * std::mem::size_of::<(i64, usize)>()
    }
}

//! Consumer groups by the classic protocol: members join, one of them assigns, all sync and send heartbeats.
//!
//! - [`group`] is one group's state and its timers; [`join`] and [`sync`] are the two steps of a rebalance.
//! - [`membership`] is heartbeats, leaving and expiry; [`offsets`] what a group committed, also in transactions.
//!
//! Who assigns partitions to whom is the clients' business, so range, round-robin and cooperative-sticky all work.

pub(crate) mod group;
pub(crate) mod join;
pub(crate) mod membership;
pub(crate) mod offsets;
pub(crate) mod sync;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kafka_protocol::ResponseError;

use self::group::Group;

/// A group behind its own lock.
#[derive(Debug)]
pub(crate) struct Cell(Mutex<Group>);

impl Cell {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Group> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All groups.
#[derive(Debug)]
pub(crate) struct Groups {
    by_id: Mutex<BTreeMap<String, Arc<Cell>>>,
    groups_max: usize,
}

impl Groups {
    pub(crate) fn new(groups_max: usize) -> Self {
        Self {
            by_id: Mutex::default(),
            groups_max,
        }
    }

    fn index(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Cell>>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Cell>> {
        self.index().get(id).cloned()
    }

    /// The group of this id, made if it is new.
    pub(crate) fn get_or_create(&self, id: &str) -> Result<Arc<Cell>, ResponseError> {
        let mut index = self.index();
        if let Some(cell) = index.get(id) {
            return Ok(Arc::clone(cell));
        }
        if index.len() >= self.groups_max {
            return Err(ResponseError::PolicyViolation);
        }
        let cell = Arc::new(Cell(Mutex::new(Group::default())));
        index.insert(id.to_owned(), Arc::clone(&cell));
        Ok(cell)
    }

    /// All groups in order of id.
    pub(crate) fn all(&self) -> Vec<(String, Arc<Cell>)> {
        self.index()
            .iter()
            .map(|(id, cell)| (id.clone(), Arc::clone(cell)))
            .collect()
    }

    /// Removes a group that has no members.
    pub(crate) fn remove(&self, id: &str) -> Result<(), ResponseError> {
        let mut index = self.index();
        let cell = index.get(id).ok_or(ResponseError::GroupIdNotFound)?;
        if !cell.lock().is_empty() {
            return Err(ResponseError::NonEmptyGroup);
        }
        index.remove(id);
        Ok(())
    }

    /// Lets sessions and rebalances that are overdue expire, and forgets groups without members or offsets.
    pub(crate) fn expire(&self, now_ms: i64) {
        for (_, cell) in self.all() {
            cell.lock().expire(now_ms);
        }
        self.index()
            .retain(|_, cell| Arc::strong_count(cell) > 1 || !cell.lock().is_forgettable(now_ms));
    }

    /// Forgets the offsets of a topic that is gone.
    pub(crate) fn forget_topic(&self, topic: &str) {
        for (_, cell) in self.all() {
            cell.lock().forget_topic(topic);
        }
    }
}

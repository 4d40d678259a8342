//! An object store in memory, that tears, loses, fails and hangs when asked.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::depot::{Store, StoreError};

/// What it says when it is asked not to answer.
pub const AWAY: &str = "asked not to answer";

#[derive(Debug, Default)]
struct Inside {
    objects: BTreeMap<String, Vec<u8>>,
    /// Calls that do not reach it.
    unreachable: usize,
    /// Writes that keep half of what they were given.
    torn: usize,
    /// Writes wait.
    is_held: bool,
}

/// Objects in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    inside: Mutex<Inside>,
    released: Condvar,
}

impl MemoryStore {
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reach(&self) -> Result<MutexGuard<'_, Inside>, StoreError> {
        let mut inside = self.lock();
        match inside.unreachable {
            0 => Ok(inside),
            _ => {
                inside.unreachable -= 1;
                Err(StoreError(AWAY.to_owned()))
            }
        }
    }

    /// Names of all objects, in order.
    pub fn names(&self) -> Vec<String> {
        self.lock().objects.keys().cloned().collect()
    }

    /// The next calls fail.
    pub fn cut_off(&self, calls: usize) {
        self.lock().unreachable = calls;
    }

    /// The next writes keep half of what they were given, and do not say so.
    pub fn tear(&self, writes: usize) {
        self.lock().torn = writes;
    }

    /// Loses the object that lies `back` objects before the last one.
    pub fn lose(&self, back: usize) {
        let mut inside = self.lock();
        if let Some(name) = inside.objects.keys().rev().nth(back).cloned() {
            inside.objects.remove(&name);
        }
    }

    /// Writes wait until they are released.
    pub fn hold(&self, is_held: bool) {
        self.lock().is_held = is_held;
        self.released.notify_all();
    }
}

impl Store for MemoryStore {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let mut inside = self.reach()?;
        while inside.is_held {
            inside = self
                .released
                .wait(inside)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let kept = match inside.torn {
            0 => bytes.len(),
            _ => bytes.len() / 2,
        };
        inside.torn = inside.torn.saturating_sub(1);
        inside
            .objects
            .insert(name.to_owned(), bytes[..kept].to_vec());
        Ok(())
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.reach()?.objects.get(name).cloned())
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let prefix = format!("{folder}/");
        let inside = self.reach()?;
        let names = inside.objects.keys();
        Ok(names
            .filter(|name| name.starts_with(&prefix))
            .cloned()
            .collect())
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        self.reach()?.objects.remove(name);
        Ok(())
    }

    fn place(&self) -> String {
        "memory".to_owned()
    }
}

//! Files of spilled rows that lie in memory, for tests and the simulation of faults.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::spill::{File, Files};

/// A folder in memory. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles {
    files: Arc<AtomicUsize>,
    is_full: Arc<AtomicBool>,
    is_sick: Arc<AtomicBool>,
}

impl MemoryFiles {
    /// Files that are there.
    pub fn count(&self) -> usize {
        self.files.load(Ordering::Relaxed)
    }

    /// Nothing can be written any more, or again.
    pub fn fill_up(&self, is_full: bool) {
        self.is_full.store(is_full, Ordering::Relaxed);
    }

    /// What is read back is not what was written.
    pub fn damage(&self) {
        self.is_sick.store(true, Ordering::Relaxed);
    }
}

impl Files for MemoryFiles {
    fn write(&self, bytes: &[u8]) -> io::Result<Box<dyn File>> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.files.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(MemoryFile {
            bytes: bytes.to_vec(),
            folder: self.clone(),
        }))
    }
}

#[derive(Debug)]
struct MemoryFile {
    bytes: Vec<u8>,
    folder: MemoryFiles,
}

impl File for MemoryFile {
    fn read(&self, from: usize, bytes: usize) -> io::Result<Vec<u8>> {
        let found = self.bytes.get(from..from + bytes);
        let mut found = found.ok_or(io::ErrorKind::UnexpectedEof)?.to_vec();
        if self.folder.is_sick.load(Ordering::Relaxed)
            && let Some(last) = found.last_mut()
        {
            *last ^= 1;
        }
        Ok(found)
    }
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        self.folder.files.fetch_sub(1, Ordering::Relaxed);
    }
}

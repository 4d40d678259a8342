//! Rows outside memory: a few batches a file, each an Arrow IPC stream of its own, so that they come back one by one.
//!
//! Files hold nothing that is needed by the next process: its state comes from the snapshot and the log. So the checksum of
//! each batch stays in memory, and a file goes when the last of its batches is let go.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::RecordBatch;
use events::ipc;
use twox_hash::XxHash3_64;
use windows::state::held::{Kept, Spill, SpillError};

use crate::outcome::Tally;

/// Bytes that are kept outside memory. They are let go when this is dropped.
pub trait File: std::fmt::Debug + Send + Sync {
    /// Reads some of them.
    fn read(&self, from: usize, bytes: usize) -> io::Result<Vec<u8>>;
}

/// Keeps bytes outside memory: a folder, or a test's own.
pub trait Files: std::fmt::Debug + Send + Sync {
    /// Keeps these.
    fn write(&self, bytes: &[u8]) -> io::Result<Box<dyn File>>;
}

/// Keeps batches in files.
#[derive(Debug)]
pub struct Spilling {
    files: Box<dyn Files>,
    tally: Arc<Tally>,
    has_failed: AtomicBool,
}

impl Spilling {
    /// Counts in `tally`.
    pub fn new(files: Box<dyn Files>, tally: Arc<Tally>) -> Self {
        Spilling {
            files,
            tally,
            has_failed: AtomicBool::new(false),
        }
    }

    fn try_keep(&self, batches: &[RecordBatch]) -> Result<Vec<Arc<dyn Kept>>, SpillError> {
        let mut bytes = Vec::new();
        let mut places = Vec::with_capacity(batches.len());
        for batch in batches {
            let from = bytes.len();
            bytes.extend(ipc::write(batch.schema_ref(), std::slice::from_ref(batch))?);
            places.push((
                from,
                bytes.len() - from,
                XxHash3_64::oneshot(&bytes[from..]),
            ));
        }
        let file = self.files.write(&bytes);
        let file = file.map_err(|error| SpillError(format!("rows cannot be spilled: {error}")))?;
        let file = Arc::new(Counted {
            file,
            bytes: bytes.len() as u64,
            tally: Arc::clone(&self.tally),
        });
        self.tally.spilled(bytes.len() as u64);
        let kept = places.into_iter().map(|(from, bytes, checksum)| {
            let file = Arc::clone(&file);
            Arc::new(Spilled {
                file,
                from,
                bytes,
                checksum,
            }) as Arc<dyn Kept>
        });
        Ok(kept.collect())
    }
}

impl Spill for Spilling {
    fn keep(&self, batches: &[RecordBatch]) -> Result<Vec<Arc<dyn Kept>>, SpillError> {
        let kept = self.try_keep(batches);
        let had_failed = self.has_failed.swap(kept.is_err(), Ordering::Relaxed);
        if let (Err(error), false) = (&kept, had_failed) {
            tracing::warn!(%error, "rows stay in memory: make room where state.spill_folder lies, or intake may pause");
        }
        kept
    }
}

/// A file whose bytes are counted as long as it is there.
#[derive(Debug)]
struct Counted {
    file: Box<dyn File>,
    bytes: u64,
    tally: Arc<Tally>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.tally.unspilled(self.bytes);
    }
}

/// One batch of a file.
#[derive(Debug)]
struct Spilled {
    file: Arc<Counted>,
    from: usize,
    bytes: usize,
    checksum: u64,
}

impl Kept for Spilled {
    fn load(&self) -> Result<RecordBatch, SpillError> {
        let fault = |what: String| {
            SpillError(format!(
                "spilled rows cannot be read back: {what}; check the disk of state.spill_folder and start again: state is \
                 restored from the snapshot and the log"
            ))
        };
        let read = self.file.file.read(self.from, self.bytes);
        let bytes = read.map_err(|error| fault(error.to_string()))?;
        if XxHash3_64::oneshot(&bytes) != self.checksum {
            return Err(fault("they are not what was written".to_owned()));
        }
        let mut batches = ipc::read(bytes)?;
        match (batches.pop(), batches.is_empty()) {
            (Some(batch), true) => Ok(batch),
            _ => Err(fault("there is not one batch".to_owned())),
        }
    }
}

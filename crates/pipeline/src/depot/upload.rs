//! A snapshot on its way into a store.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::objects::{append, seal};
use super::{Store, StoreError, Stored, object_name};
use crate::error::EngineError;
use crate::snapshot::{State, pieces};

/// Asks an upload to end before its next object. Clones share the request.
#[derive(Debug, Clone, Default)]
pub struct Halt(Arc<AtomicBool>);

impl Halt {
    /// Ask.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why an upload has not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// It was asked to end.
    #[error("it was asked to end")]
    Halted,
    /// The store did not take an object; it can be tried again.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The state cannot be written.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// A snapshot that is being written into a folder.
#[derive(Debug)]
pub struct Upload {
    /// What is left to encode. Rows are shared with the state that goes on.
    left: VecDeque<State>,
    /// The object in the making.
    object: Vec<u8>,
    stored: Stored,
    object_bytes: usize,
    pieces: u32,
    bytes: u64,
}

impl Upload {
    /// Begins. An object ends with the piece that makes it `object_bytes` large.
    pub fn new(folder: String, state: Vec<State>, object_bytes: usize) -> Self {
        Upload {
            left: state.into(),
            object: Vec::new(),
            stored: Stored {
                folder,
                objects: Vec::new(),
            },
            object_bytes,
            pieces: 0,
            bytes: 0,
        }
    }

    /// Writes objects, `objects_max` at most; true once all of the state is in the store. After an error of the store it
    /// can be called again, and goes on with the object that was not taken.
    pub fn run(
        &mut self,
        store: &dyn Store,
        halt: &Halt,
        objects_max: usize,
    ) -> Result<bool, Broken> {
        for _ in 0..objects_max {
            self.fill()?;
            if self.object.is_empty() {
                return Ok(true);
            }
            if halt.is_requested() {
                return Err(Broken::Halted);
            }
            let name = object_name(&self.stored.folder, self.stored.objects.len());
            let sealed = seal(&self.object);
            store
                .put(&name, &self.object)
                .inspect_err(|_| crate::outcome::store_failed("put"))?;
            crate::outcome::store_written(sealed.bytes);
            self.bytes += sealed.bytes;
            self.stored.objects.push(sealed);
            self.object.clear();
            tracing::debug!(
                name,
                bytes = self.bytes,
                "an object of a snapshot is written"
            );
        }
        Ok(self.left.is_empty() && self.object.is_empty())
    }

    /// Encodes state until the object is large enough, or nothing is left.
    fn fill(&mut self) -> Result<(), EngineError> {
        while self.object.len() < self.object_bytes {
            let Some(state) = self.left.pop_front() else {
                break;
            };
            let (object, pieces) = (&mut self.object, &mut self.pieces);
            pieces::encode(&state, &mut |value| {
                append(object, &value);
                *pieces += 1;
            })?;
        }
        Ok(())
    }

    /// What was written.
    pub fn stored(&self) -> &Stored {
        &self.stored
    }

    /// Pieces, and bytes of all objects.
    pub fn size(&self) -> (u32, u64) {
        (self.pieces, self.bytes)
    }
}

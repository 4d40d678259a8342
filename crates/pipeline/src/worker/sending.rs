//! A snapshot on its way into the object store, beside the worker: commits go on, and a store that does not answer costs
//! nothing but the snapshot.

use std::time::Duration;

use crate::depot::beside::Beside;
use crate::depot::upload::{Broken, Halt, Upload};
use crate::depot::{Depot, StoreError};
use crate::error::EngineError;

/// From the first failure to the next attempt, and the longest wait between two.
const BACKOFF_MIN: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// Objects of one attempt where work is done at once: so commits come in between there too.
const OBJECTS_AT_ONCE: usize = 1;

/// A snapshot that is being sent.
pub(super) struct Sending {
    depot: Depot,
    stage: Stage,
    halt: Halt,
    failures: u32,
}

enum Stage {
    Busy(Beside<(Upload, Result<bool, Broken>)>),
    Waits(Upload, Duration),
    /// It failed for good, or is done.
    Over,
}

impl Sending {
    /// Begins at the next [`Self::poll`].
    pub fn new(depot: Depot, upload: Upload) -> Self {
        Sending {
            depot,
            stage: Stage::Waits(upload, Duration::ZERO),
            halt: Halt::default(),
            failures: 0,
        }
    }

    /// Goes on; `now` on the clock of the worker. The upload, once all is in the store.
    pub fn poll(&mut self, now: Duration) -> Result<Option<Upload>, EngineError> {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Waits(upload, until) if now >= until => self.begin(upload)?,
            stage => stage,
        };
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Busy(work) if work.has_ended() => self.ended(work, now),
            stage => {
                self.stage = stage;
                Ok(None)
            }
        }
    }

    fn begin(&self, mut upload: Upload) -> Result<Stage, EngineError> {
        let (store, halt) = (self.depot.store.clone(), self.halt.clone());
        let objects_max = match self.depot.is_threaded {
            true => usize::MAX,
            false => OBJECTS_AT_ONCE,
        };
        let work = move || {
            let result = upload.run(store.as_ref(), &halt, objects_max);
            (upload, result)
        };
        Beside::begin("snapshot", self.depot.is_threaded, work)
            .map(Stage::Busy)
            .map_err(|error| {
                EngineError::State(format!(
                    "there is no thread for a snapshot: {error}; raise the limit of threads of this process"
                ))
            })
    }

    fn ended(
        &mut self,
        work: Beside<(Upload, Result<bool, Broken>)>,
        now: Duration,
    ) -> Result<Option<Upload>, EngineError> {
        let Some((upload, result)) = work.end() else {
            let text = "the thread that writes a snapshot panicked; its message is above";
            return Err(EngineError::Bug(text.to_owned()));
        };
        match result {
            Ok(true) => return Ok(Some(upload)),
            Ok(false) => self.stage = Stage::Waits(upload, now),
            Err(Broken::Halted) => {}
            Err(Broken::Engine(error)) => return Err(error),
            Err(Broken::Store(error)) => {
                self.failures += 1;
                self.stage = Stage::Waits(upload, now + self.backoff(&error));
            }
        }
        Ok(None)
    }

    fn backoff(&self, error: &StoreError) -> Duration {
        let doublings = (self.failures - 1).min(16);
        let wait = BACKOFF_MIN.saturating_mul(1 << doublings).min(BACKOFF_MAX);
        tracing::warn!(
            store = self.depot.store.place(),
            %error,
            failures = self.failures,
            again_in_s = wait.as_secs(),
            "a snapshot could not be written; processing goes on, and the partials log is not trimmed until it is"
        );
        wait
    }
}

impl Drop for Sending {
    /// The partition is lost or given up: what was written of the snapshot is swept away by its next owner.
    fn drop(&mut self) {
        self.halt.request();
    }
}

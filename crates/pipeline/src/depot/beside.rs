//! Work beside a worker, so that its commits do not wait for a store.

use std::thread::JoinHandle;

/// One piece of work: on a thread of its own, or done at once where a run must be the same twice.
#[derive(Debug)]
pub enum Beside<T> {
    /// It may still be at it.
    Thread(JoinHandle<T>),
    /// It is done.
    Done(T),
}

impl<T: Send + 'static> Beside<T> {
    /// Begins. `name` is the thread's.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn begin(
        name: &str,
        is_threaded: bool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> std::io::Result<Self> {
        match is_threaded {
            false => Ok(Beside::Done(work())),
            true => std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(work)
                .map(Beside::Thread),
        }
    }

    /// True once [`Self::end`] does not wait.
    pub fn has_ended(&self) -> bool {
        match self {
            Beside::Thread(thread) => thread.is_finished(),
            Beside::Done(_) => true,
        }
    }

    /// What came of it; none if the thread panicked.
    pub fn end(self) -> Option<T> {
        match self {
            Beside::Thread(thread) => thread.join().ok(),
            Beside::Done(done) => Some(done),
        }
    }
}

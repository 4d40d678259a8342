//! The two loops: read, work, commit. A worker runs on a thread of its own; nothing is shared between workers but the
//! log. The commit is the one place where outputs, state and positions leave the process.
//!
//! Reading order: this file (what both share), [`fold`], [`merge`], [`programs`], `take_up`, `recover`, `snapshots`, `sending`, `backfill`, `spare`, `relief`.

mod backfill;
mod beginning;
pub mod fold;
pub mod merge;
pub mod programs;
mod recover;
mod relief;
mod sending;
mod snapshots;
mod spare;
mod standstill;
mod take_up;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use fold::FoldWorker;
pub use merge::MergeWorker;
use programs::Programs;

use crate::backfill::Archive;
use crate::budget::Memory;
use crate::clock::Clock;
use crate::depot::Depot;
use crate::log::{LogError, Signal, Source};
use crate::outcome::Tally;
use crate::settings::Settings;

/// How long a worker waits for records before it looks at its other duties.
const WAIT: Duration = Duration::from_millis(20);

/// Asks workers to finish their commit and stop. Clones share the request.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Ask.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Was it asked for?
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What all workers of a process share.
#[derive(Clone)]
pub struct Shared {
    /// Settings.
    pub settings: Arc<Settings>,
    /// Clock.
    pub clock: Arc<dyn Clock>,
    /// Totals.
    pub tally: Arc<Tally>,
    /// Request to stop.
    pub stop: Stop,
    /// Plans that were made before.
    pub programs: Programs,
    /// Where the pieces of snapshots lie; none: in the snapshots topic.
    pub depot: Option<Depot>,
    /// The input of before, for backfills; none where there are none.
    pub archive: Option<Archive>,
    /// Memory that all may use.
    pub memory: Memory,
}

impl Shared {
    /// With totals of zero.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>, stop: Stop) -> Self {
        Shared {
            memory: Memory::new(settings.memory_bytes_max),
            settings: Arc::new(settings),
            clock,
            tally: Arc::default(),
            stop,
            programs: Programs::default(),
            depot: None,
            archive: None,
        }
    }
}

/// What one turn of a worker came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// There was work.
    Worked,
    /// There was nothing to do.
    Idle,
    /// All input has ended and everything is committed.
    Done,
}

/// Whether a stage reads nothing for want of memory.
#[derive(Debug, Default)]
struct Pause {
    is_on: bool,
}

impl Pause {
    /// Stops reading, or goes on, if that is news.
    fn turn(
        &mut self,
        is_wanted: bool,
        stage: &'static str,
        shared: &Shared,
        source: &mut impl Source,
    ) -> Result<(), LogError> {
        if is_wanted == self.is_on {
            return Ok(());
        }
        self.is_on = is_wanted;
        source.pause(is_wanted)?;
        shared.tally.paused(stage, is_wanted);
        let budget = &shared.memory.budget;
        let (bytes, bytes_max, ids) = (budget.bytes(), budget.bytes_max(), budget.ids());
        let (largest, its_bytes) = shared.tally.largest().unwrap_or_default();
        match is_wanted {
            true => tracing::warn!(
                stage,
                bytes,
                bytes_max,
                ids,
                largest,
                its_bytes,
                "reading pauses for want of memory; if it lasts, raise limits.memory_bytes_max, or lower the bounds on keys"
            ),
            false => tracing::info!(stage, bytes, bytes_max, "reading goes on"),
        }
        Ok(())
    }
}

/// Parts the signals of one fetch into ends of partitions, which come after the records, and changes of ownership, which
/// come before them: the records may be those of a partition that was assigned in the same fetch.
fn part(signals: Vec<Signal>) -> (Vec<Signal>, Vec<Signal>) {
    signals
        .into_iter()
        .partition(|signal| matches!(signal, Signal::End(..)))
}

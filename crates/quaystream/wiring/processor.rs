//! The processor: fold and merge workers over Kafka, one thread each.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use kafka::history::KafkaHistory;
use kafka::{
    Delivery, Isolation, KafkaSink, KafkaSource, Membership, Start, TransactionalId, Worker,
};
use pipeline::backfill::Archive;
use pipeline::error::EngineError;
use pipeline::log::LogError;
use pipeline::outcome::Tally;
use pipeline::spill::Spilling;
use pipeline::worker::{FoldWorker, MergeWorker, Shared};
use windows::state::held::Spill;

use super::clock::SystemClock;
use super::depot::depot;
use super::signals::StopRequest;
use super::spill::SpillFolder;
use crate::config::{Config, Guarantee};

/// A worker stopped with an error.
#[derive(Debug, thiserror::Error)]
#[error("worker {worker} stopped")]
pub struct WorkerError {
    worker: String,
    source: EngineError,
}

/// The two stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Fold,
    Merge,
}

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Stage::Fold => "fold",
            Stage::Merge => "merge",
        }
    }
}

/// A worker that panics says nothing: the others would go on without its stage.
struct StopIfPanicking(StopRequest);

impl Drop for StopIfPanicking {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.request();
        }
    }
}

/// Running workers. They stop when their input ends, when asked, or when one of them fails.
pub struct Processor {
    /// Totals of all workers.
    pub tally: Arc<Tally>,
    stop: StopRequest,
    threads: Vec<JoinHandle<()>>,
    ended: Receiver<Result<(), WorkerError>>,
}

impl Processor {
    /// Starts the workers that the configuration asks for.
    pub fn start(config: &Config, stop: &StopRequest) -> std::io::Result<Processor> {
        let clock = Arc::new(SystemClock::default());
        let mut shared = Shared {
            depot: depot(config, &process_name()).map_err(std::io::Error::other)?,
            archive: Some(archive(config, stop)),
            ..Shared::new(config.engine.clone(), clock, stop.engine.clone())
        };
        let tally = Arc::clone(&shared.tally);
        if config.merge_workers > 0 {
            shared.memory.spill = spill(config, &tally);
        }
        let (tell, ended) = channel();
        let fold = (0..config.fold_workers).map(|slot| (Stage::Fold, slot));
        let merge = (0..config.merge_workers).map(|slot| (Stage::Merge, slot));
        let mut threads = Vec::new();
        for (stage, slot) in fold.chain(merge) {
            let name = format!("{}-{slot}", stage.name());
            let worker = worker(config, stage, slot, stop);
            let (config, shared, stop, tell) =
                (config.clone(), shared.clone(), stop.clone(), tell.clone());
            let run = move || {
                let _guard = StopIfPanicking(stop.clone());
                let name = format!("{}-{slot}", stage.name());
                let result = run(&config, stage, worker, shared);
                if result.is_err() {
                    stop.request();
                }
                // The receiver lives as long as the processor.
                let _ = tell.send(result.map_err(|source| WorkerError {
                    worker: name,
                    source,
                }));
            };
            threads.push(std::thread::Builder::new().name(name).spawn(run)?);
        }
        Ok(Processor {
            tally,
            stop: stop.clone(),
            threads,
            ended,
        })
    }

    /// True once every worker has ended.
    pub fn has_ended(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Waits until every worker has ended, calling `look` every `every`. The first error wins.
    pub fn wait(
        mut self,
        every: Duration,
        mut look: impl FnMut(&Tally),
    ) -> Result<Arc<Tally>, WorkerError> {
        while !self.has_ended() {
            look(&self.tally);
            for _ in 0..(every.as_millis() / 20).max(1) {
                if self.has_ended() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        let mut first = Ok(());
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                self.stop.request();
                let source =
                    EngineError::Bug("the thread panicked; its message is above".to_owned());
                first = first.and(Err(WorkerError {
                    worker: "(one)".to_owned(),
                    source,
                }));
            }
        }
        let results: Vec<_> = self.ended.try_iter().collect();
        results
            .into_iter()
            .fold(first, Result::and)
            .map(|()| self.tally)
    }
}

/// Where rows go that memory has no room for, if the folder can be used.
fn spill(config: &Config, tally: &Arc<Tally>) -> Option<Arc<dyn Spill>> {
    let folder = &config.spill_folder;
    match SpillFolder::open(folder) {
        Ok(files) => Some(Arc::new(Spilling::new(Box::new(files), Arc::clone(tally)))),
        Err(error) => {
            let folder = folder.display();
            tracing::warn!(%folder, %error, "rows cannot be spilled, intake pauses sooner: set state.spill_folder to a folder that can be written");
            None
        }
    }
}

fn run(config: &Config, stage: Stage, worker: Worker, shared: Shared) -> Result<(), EngineError> {
    let (source, sink): (KafkaSource, KafkaSink) = match kafka::connect(&config.kafka, worker) {
        Ok(pair) => pair,
        Err(_) if shared.stop.is_requested() => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let stop = shared.stop.clone();
    let result = match stage {
        Stage::Fold => FoldWorker::new(shared, source, sink)?.run(),
        Stage::Merge => MergeWorker::new(shared, source, sink).run(),
    };
    match result {
        // A stop request ends waits for brokers that do not answer; the commit in the making is done again later.
        Err(EngineError::Log(LogError::Aborted(reason))) if stop.is_requested() => {
            tracing::warn!(
                reason,
                "the last commit was aborted; it is made again at the next start"
            );
            Ok(())
        }
        other => other,
    }
}

fn worker(config: &Config, stage: Stage, slot: usize, stop: &StopRequest) -> Worker {
    let group = format!("{}.{}", config.application, stage.name());
    let process = config.instance.clone().unwrap_or_else(process_name);
    let instance = format!("{process}-{slot}");
    let topics = match stage {
        Stage::Fold => config
            .engine
            .inputs
            .iter()
            .map(|input| input.topic.to_string())
            .collect(),
        Stage::Merge => vec![config.engine.topics.partials.to_string()],
    };
    let id = format!("{group}.{instance}");
    let id = if config.instance.is_some() {
        TransactionalId::Slot(id)
    } else {
        TransactionalId::Process(id)
    };
    let mut worker = Worker::new(group, instance, Membership::Topics(topics));
    worker.static_member = config.instance.is_some();
    worker.start = Start::Earliest;
    worker.isolation = Isolation::ReadCommitted;
    worker.delivery = match config.guarantee {
        Guarantee::ExactlyOnce => Delivery::ExactlyOnce {
            id,
            timeout: config.transaction_timeout,
        },
        Guarantee::AtLeastOnce => Delivery::AtLeastOnce,
    };
    worker.batch_rows = config.fetch_rows_max;
    worker.batch_bytes = config.fetch_bytes_max;
    worker.queued_bytes = config.queued_bytes_max;
    worker.record_bytes_max = config.written_bytes_max();
    worker.patience = config.patience;
    worker.stop = Arc::clone(&stop.client);
    worker
}

/// The input of before, read in a group of its own that commits nothing.
fn archive(config: &Config, stop: &StopRequest) -> Archive {
    let reader = worker(config, Stage::Fold, 0, stop);
    Archive {
        history: Arc::new(KafkaHistory::new(&config.kafka, reader)),
        is_threaded: true,
    }
}

fn process_name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() {
        "host"
    } else {
        host.trim()
    };
    format!("{host}-{}-{}", std::process::id(), super::clock::now_us())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_panics_stops_the_others() {
        let stop = StopRequest::default();
        let guard = StopIfPanicking(stop.clone());
        let panics = std::thread::spawn(move || {
            let _guard = guard;
            panic!("a bug");
        });
        assert!(panics.join().is_err());
        assert!(stop.is_requested());
        let other = StopRequest::default();
        drop(StopIfPanicking(other.clone()));
        assert!(!other.is_requested(), "one that ends stops nobody");
    }
}

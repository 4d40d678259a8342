//! The smallest engine: copies its input topic to an output topic, exactly once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kafka::{KafkaSink, KafkaSource};
use pipeline::log::{
    Batch, Beginning, Commit, LogError, Outgoing, Partition, Position, Signal, Sink, Source,
};

pub struct Copier {
    pub source: KafkaSource,
    pub sink: KafkaSink,
    pub out: Arc<str>,
    pub positions: BTreeMap<Partition, Position>,
    pub ends: BTreeMap<Partition, i64>,
    pub signals: Vec<Signal>,
    pub copied: usize,
    pub aborted: usize,
}

impl Copier {
    pub fn new((source, sink): (KafkaSource, KafkaSink), out: &str) -> Self {
        Copier {
            source,
            sink,
            out: Arc::from(out),
            positions: BTreeMap::new(),
            ends: BTreeMap::new(),
            signals: Vec::new(),
            copied: 0,
            aborted: 0,
        }
    }

    /// Takes partitions over.
    pub fn begin(&mut self, starts: &[(Partition, Beginning)]) {
        let starts = starts.iter();
        let starts = starts.map(|(partition, start)| (partition.clone(), start.position.clone()));
        self.positions.extend(starts);
    }

    /// One fetch and, if it brought records, one commit.
    pub fn step(&mut self, wait: Duration) -> Result<usize, LogError> {
        let mut batch = Batch::default();
        let signals = self.source.fetch(&mut batch, wait)?;
        for signal in &signals {
            match signal {
                Signal::Assigned(starts) => self.begin(starts),
                Signal::Lost(gone) => gone.iter().for_each(|p| {
                    self.positions.remove(p);
                }),
                Signal::Revoking(gone) => {
                    // All that was fetched is committed: nothing is open.
                    gone.iter().for_each(|p| {
                        self.positions.remove(p);
                    });
                    self.source.release()?;
                }
                Signal::End(partition, next) => {
                    self.ends.insert(partition.clone(), *next);
                }
                Signal::Unreachable(_) | Signal::Reachable => {}
            }
        }
        self.signals.extend(signals);
        if batch.is_empty() {
            return Ok(0);
        }
        let commit = self.commit_of(&batch);
        let positions = commit.positions.clone();
        match self.sink.commit(commit) {
            Ok(()) => {
                self.positions.extend(positions);
                self.copied += batch.len();
                Ok(batch.len())
            }
            Err(LogError::Aborted(_)) => {
                self.aborted += 1;
                self.source.rewind()?;
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }

    pub fn commit_of(&self, batch: &Batch) -> Commit {
        let mut commit = Commit::default();
        let mut next = BTreeMap::new();
        for entry in batch.entries() {
            let partition = batch.partition(entry);
            next.insert(partition.clone(), Position::from(entry.offset + 1));
            commit.records.push(Outgoing {
                topic: self.out.clone(),
                partition: Some(partition.index),
                key: batch.key(entry).map(<[u8]>::to_vec),
                value: batch.value(entry).map(<[u8]>::to_vec),
                timestamp_ms: entry.timestamp_ms,
                headers: vec![("from", entry.offset.to_string().into_bytes())],
            });
        }
        commit.positions = next.into_iter().collect();
        commit
    }

    /// Steps until `done` holds, at most 180 s.
    pub fn run(&mut self, mut done: impl FnMut(&Copier) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(180);
        while !done(self) {
            assert!(
                Instant::now() < deadline,
                "not done within 180 s: {:?}",
                self.signals
            );
            self.step(Duration::from_millis(50)).expect("step");
        }
    }
}

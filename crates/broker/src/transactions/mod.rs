//! The transaction coordinator: who may write under a transactional id, which partitions and groups a transaction
//! touched, and how it ends.
//!
//! A transaction ends under its own lock: markers go to every partition and pending offsets to every group before
//! the answer goes out, so there are no "prepare" states to resume from.

mod init;
mod state;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kafka_protocol::ResponseError;

pub(crate) use self::state::ProducerEpoch;
use self::state::{Status, Transaction};
use crate::groups::Groups;
use crate::topics::Topics;

/// How long an unused transactional id is kept (`transactional.id.expiration.ms`).
const ID_EXPIRY_MS: i64 = 604_800_000;

type Cell = Arc<Mutex<Transaction>>;

/// All transactional ids.
#[derive(Debug)]
pub(crate) struct Transactions {
    by_id: Mutex<BTreeMap<String, Cell>>,
    next_producer_id: AtomicI64,
    ids_max: usize,
    topics: Arc<Topics>,
    groups: Arc<Groups>,
}

fn lock(cell: &Cell) -> MutexGuard<'_, Transaction> {
    cell.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Transactions {
    pub(crate) fn new(topics: Arc<Topics>, groups: Arc<Groups>, ids_max: usize) -> Self {
        Self {
            by_id: Mutex::default(),
            next_producer_id: AtomicI64::new(1_000),
            ids_max,
            topics,
            groups,
        }
    }

    fn index(&self) -> MutexGuard<'_, BTreeMap<String, Cell>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A producer id that no one has.
    pub(crate) fn new_producer_id(&self) -> i64 {
        self.next_producer_id.fetch_add(1, Ordering::Relaxed)
    }

    fn get(&self, id: &str) -> Option<Cell> {
        self.index().get(id).cloned()
    }

    fn checked(&self, id: &str, producer: ProducerEpoch) -> Result<Cell, ResponseError> {
        if id.is_empty() {
            return Err(ResponseError::InvalidRequest);
        }
        let cell = self
            .get(id)
            .ok_or(ResponseError::InvalidProducerIdMapping)?;
        let transaction = lock(&cell);
        if transaction.producer_id != producer.producer_id {
            return Err(ResponseError::InvalidProducerIdMapping);
        }
        if transaction.epoch != producer.epoch {
            return Err(ResponseError::ProducerFenced);
        }
        drop(transaction);
        Ok(cell)
    }

    /// Takes partitions into the transaction, which starts with the first.
    pub(crate) fn add_partitions(
        &self,
        id: &str,
        producer: ProducerEpoch,
        partitions: impl IntoIterator<Item = (String, i32)>,
        now_ms: i64,
    ) -> Result<(), ResponseError> {
        let cell = self.checked(id, producer)?;
        let mut transaction = lock(&cell);
        transaction.begin(now_ms);
        transaction.partitions.extend(partitions);
        Ok(())
    }

    /// Takes a group's offsets into the transaction.
    pub(crate) fn add_group(
        &self,
        id: &str,
        producer: ProducerEpoch,
        group: &str,
        now_ms: i64,
    ) -> Result<(), ResponseError> {
        let cell = self.checked(id, producer)?;
        let mut transaction = lock(&cell);
        transaction.begin(now_ms);
        transaction.groups.insert(group.to_owned());
        Ok(())
    }

    /// Whether the producer may write to this partition in its open transaction.
    pub(crate) fn verify_partition(
        &self,
        id: &str,
        producer: ProducerEpoch,
        topic: &str,
        index: i32,
    ) -> Result<(), ResponseError> {
        let cell = self.checked(id, producer).map_err(|error| match error {
            ResponseError::ProducerFenced => ResponseError::InvalidProducerEpoch,
            other => other,
        })?;
        let transaction = lock(&cell);
        let is_in = transaction.status == Status::Ongoing
            && transaction
                .partitions
                .iter()
                .any(|(name, number)| name == topic && *number == index);
        if is_in {
            Ok(())
        } else {
            Err(ResponseError::InvalidTxnState)
        }
    }

    /// Runs `commit` if the producer may commit this group's offsets in its open transaction, which cannot end meanwhile.
    pub(crate) fn with_group<T>(
        &self,
        id: &str,
        producer: ProducerEpoch,
        group: &str,
        commit: impl FnOnce() -> T,
    ) -> Result<T, ResponseError> {
        let cell = self.checked(id, producer).map_err(|error| match error {
            ResponseError::ProducerFenced => ResponseError::InvalidProducerEpoch,
            other => other,
        })?;
        let transaction = lock(&cell);
        let is_in = transaction.epoch == producer.epoch
            && transaction.status == Status::Ongoing
            && transaction.groups.contains(group);
        if is_in {
            Ok(commit())
        } else {
            Err(ResponseError::InvalidTxnState)
        }
    }

    /// Ends the transaction as its producer wishes. Asking twice is no fault.
    pub(crate) fn end(
        &self,
        id: &str,
        producer: ProducerEpoch,
        committed: bool,
        now_ms: i64,
    ) -> Result<(), ResponseError> {
        let cell = self.checked(id, producer)?;
        let mut transaction = lock(&cell);
        match (transaction.status, committed) {
            (Status::Ongoing, _) => {
                self.end_locked(&mut transaction, committed, now_ms);
                Ok(())
            }
            (Status::CompleteCommit, true) | (Status::CompleteAbort, false) => Ok(()),
            _ => Err(ResponseError::InvalidTxnState),
        }
    }

    fn end_locked(&self, transaction: &mut Transaction, committed: bool, now_ms: i64) {
        for (topic, index) in std::mem::take(&mut transaction.partitions) {
            if let Some(partition) = self.topics.partition(&topic, index) {
                partition.log().append_marker(
                    transaction.producer_id,
                    transaction.epoch,
                    committed,
                    now_ms,
                );
                partition.wake();
            }
        }
        for group in std::mem::take(&mut transaction.groups) {
            if let Some(cell) = self.groups.get(&group) {
                cell.lock()
                    .end_transaction(transaction.producer_id, committed);
            }
        }
        transaction.status = if committed {
            Status::CompleteCommit
        } else {
            Status::CompleteAbort
        };
        transaction.used_at_ms = now_ms;
    }

    /// Aborts transactions that took too long, and fences their producers; forgets ids unused for a week.
    pub(crate) fn expire(&self, now_ms: i64) {
        let all: Vec<(String, Cell)> = self
            .index()
            .iter()
            .map(|(id, cell)| (id.clone(), Arc::clone(cell)))
            .collect();
        for (id, cell) in all {
            let mut transaction = lock(&cell);
            let is_overdue = transaction.status == Status::Ongoing
                && now_ms.saturating_sub(transaction.started_at_ms)
                    > i64::from(transaction.timeout_ms);
            if is_overdue {
                tracing::info!(transactional_id = %id, timeout_ms = transaction.timeout_ms, "transaction timed out and is aborted");
                transaction.epoch = transaction.epoch.saturating_add(1);
                transaction.last_epoch = None;
                self.end_locked(&mut transaction, false, now_ms);
            } else if transaction.status != Status::Ongoing
                && now_ms.saturating_sub(transaction.used_at_ms) > ID_EXPIRY_MS
            {
                drop(transaction);
                self.index().remove(&id);
            }
        }
    }
}

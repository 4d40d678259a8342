//! Becoming the only writer under a transactional id.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use kafka_protocol::ResponseError;

use super::state::{ProducerEpoch, Status, Transaction};
use super::{Transactions, lock};

/// Longest transaction timeout that a producer may ask for (`transaction.max.timeout.ms`).
const TIMEOUT_MAX_MS: i32 = 900_000;
impl Transactions {
    /// Makes the caller the only writer under `id`: ends what its predecessor left open and raises the epoch.
    pub(crate) fn init(
        &self,
        id: &str,
        timeout_ms: i32,
        expected: Option<ProducerEpoch>,
        now_ms: i64,
    ) -> Result<ProducerEpoch, ResponseError> {
        if id.is_empty() {
            return Err(ResponseError::InvalidRequest);
        }
        if timeout_ms <= 0 || timeout_ms > TIMEOUT_MAX_MS {
            return Err(ResponseError::InvalidTransactionTimeout);
        }
        let Some(cell) = self.get(id) else {
            return self.init_new(id, timeout_ms, now_ms);
        };
        let mut transaction = lock(&cell);
        if let Some(expected) = expected {
            if expected.producer_id != transaction.producer_id {
                return Err(ResponseError::ProducerFenced);
            }
            if Some(expected.epoch) == transaction.last_epoch && expected.epoch != transaction.epoch
            {
                // The answer to the first try was lost.
                return Ok(ProducerEpoch {
                    producer_id: transaction.producer_id,
                    epoch: transaction.epoch,
                });
            }
            if expected.epoch != transaction.epoch {
                return Err(ResponseError::ProducerFenced);
            }
        }
        if transaction.status == Status::Ongoing {
            transaction.epoch = transaction.epoch.saturating_add(1);
            self.end_locked(&mut transaction, false, now_ms);
        }
        transaction.last_epoch = expected.map(|expected| expected.epoch);
        if transaction.epoch >= i16::MAX - 1 {
            transaction.producer_id = self.new_producer_id();
            transaction.epoch = 0;
            transaction.last_epoch = None;
        } else {
            transaction.epoch += 1;
        }
        transaction.status = Status::Empty;
        transaction.timeout_ms = timeout_ms;
        transaction.used_at_ms = now_ms;
        Ok(ProducerEpoch {
            producer_id: transaction.producer_id,
            epoch: transaction.epoch,
        })
    }

    fn init_new(
        &self,
        id: &str,
        timeout_ms: i32,
        now_ms: i64,
    ) -> Result<ProducerEpoch, ResponseError> {
        let mut index = self.index();
        if index.len() >= self.ids_max {
            return Err(ResponseError::PolicyViolation);
        }
        let producer_id = self.new_producer_id();
        let transaction = Transaction {
            producer_id,
            epoch: 0,
            last_epoch: None,
            timeout_ms,
            status: Status::Empty,
            partitions: BTreeSet::new(),
            groups: BTreeSet::new(),
            started_at_ms: 0,
            used_at_ms: now_ms,
        };
        index.insert(id.to_owned(), Arc::new(Mutex::new(transaction)));
        Ok(ProducerEpoch {
            producer_id,
            epoch: 0,
        })
    }
}

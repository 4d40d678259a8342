//! What all connections share, and the work that goes on between requests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::clock::now_ms;
use crate::groups::Groups;
use crate::identifiers::Identifiers;
use crate::log::charge_bytes;
use crate::log::compaction::compact;
use crate::memory::Memory;
use crate::settings::Settings;
use crate::topics::Topics;
use crate::transactions::Transactions;

/// The only node's id.
pub(crate) const NODE_ID: i32 = 1;
/// How often sessions, rebalances and transactions are looked at.
const TICK: Duration = Duration::from_millis(100);
/// How long a partition remembers an idle producer (`producer.id.expiration.ms`).
const PRODUCER_EXPIRY_MS: i64 = 86_400_000;
/// A frame up to this size is read without asking for room.
pub(crate) const SMALL_FRAME_BYTES: usize = 64 * 1024;

/// The broker's state.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) address: SocketAddr,
    pub(crate) cluster_id: String,
    pub(crate) identifiers: Identifiers,
    pub(crate) memory: Arc<Memory>,
    pub(crate) topics: Arc<Topics>,
    pub(crate) groups: Arc<Groups>,
    pub(crate) transactions: Transactions,
    /// Room for large requests, in units of [`SMALL_FRAME_BYTES`].
    pub(crate) frames: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn new(settings: Settings, address: SocketAddr) -> Self {
        let identifiers = Identifiers::default();
        let memory = Arc::new(Memory::new(settings.memory_max_bytes));
        let topics = Arc::new(Topics::new(Arc::clone(&memory), settings.partitions_max));
        let groups = Arc::new(Groups::new(settings.groups_max));
        let transactions = Transactions::new(
            Arc::clone(&topics),
            Arc::clone(&groups),
            settings.groups_max,
        );
        let frames = Arc::new(Semaphore::new(
            settings
                .requests_in_flight_max_bytes
                .div_ceil(SMALL_FRAME_BYTES),
        ));
        let cluster_id = format!("embedded-{}", identifiers.next().simple());
        Self {
            settings,
            address,
            cluster_id,
            identifiers,
            memory,
            topics,
            groups,
            transactions,
            frames,
        }
    }

    pub(crate) fn host(&self) -> String {
        self.address.ip().to_string()
    }

    /// Charges the memory budget with a batch; drops what retention lets go if that is what it takes.
    pub(crate) fn reserve(&self, batch_bytes: usize) -> bool {
        let bytes = charge_bytes(batch_bytes);
        if self.memory.try_reserve(bytes) {
            return true;
        }
        let now_ms = now_ms();
        if self.memory.may_reclaim(now_ms) {
            self.clean(now_ms);
            self.compact_dirty(now_ms);
        }
        let fits = self.memory.try_reserve(bytes);
        if !fits && self.memory.may_warn(now_ms) {
            tracing::error!(
                used_bytes = self.memory.used_bytes(),
                memory_max_bytes = self.memory.max_bytes(),
                "the embedded broker's memory is full and retention lets nothing go: records are refused. \
                 Set retention.bytes or retention.ms on the topics, delete topics or records, or raise memory_max_bytes"
            );
        }
        fits
    }

    /// Drops what retention lets go, in every log.
    fn clean(&self, now_ms: i64) {
        for topic in self.topics.all() {
            let config = topic.config();
            for partition in topic.partitions() {
                let mut log = partition.log();
                log.producers_mut().forget_idle(now_ms - PRODUCER_EXPIRY_MS);
                let dropped_bytes = log.enforce_retention(&config, now_ms);
                drop(log);
                if dropped_bytes > 0 {
                    tracing::debug!(topic = %topic.name, dropped_bytes, "old records dropped");
                }
            }
        }
    }

    /// Compacts the logs that are worth it.
    fn compact_dirty(&self, now_ms: i64) {
        for topic in self.topics.all() {
            let config = topic.config();
            for partition in topic.partitions() {
                let won_bytes = compact(&partition, &config, now_ms);
                if won_bytes > 0 {
                    tracing::debug!(topic = %topic.name, won_bytes, "log compacted");
                }
            }
        }
    }

    /// Runs timers until the broker stops.
    pub(crate) async fn tend(self: Arc<Self>) {
        let mut cleaned_at_ms = now_ms();
        let mut compacted_at_ms = cleaned_at_ms;
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let clean_every_ms = millis(self.settings.retention_check_interval);
        let compact_every_ms = millis(self.settings.compaction_check_interval);
        loop {
            ticks.tick().await;
            let now_ms = now_ms();
            self.groups.expire(now_ms);
            self.transactions.expire(now_ms);
            let cleans = now_ms.saturating_sub(cleaned_at_ms) >= clean_every_ms;
            let compacts = now_ms.saturating_sub(compacted_at_ms) >= compact_every_ms;
            if cleans || compacts {
                let shared = Arc::clone(&self);
                let work = tokio::task::spawn_blocking(move || {
                    if cleans {
                        shared.clean(now_ms);
                    }
                    if compacts {
                        shared.compact_dirty(now_ms);
                    }
                });
                if let Err(error) = work.await {
                    tracing::error!(%error, "cleaning the logs failed");
                }
                cleaned_at_ms = if cleans { now_ms } else { cleaned_at_ms };
                compacted_at_ms = if compacts { now_ms } else { compacted_at_ms };
            }
        }
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

//! Retention by time and by size: the oldest batches go.

use super::Log;
use crate::topic_config::TopicConfig;

/// How far a log may outgrow `retention.bytes` between two looks.
const SLACK_MAX_BYTES: usize = 1024 * 1024;

impl Log {
    /// Drops from the front what the topic's retention lets go. Gives the number of bytes dropped.
    pub(crate) fn enforce_retention(&mut self, config: &TopicConfig, now_ms: i64) -> usize {
        if !config.deletes {
            return 0;
        }
        let before_bytes = self.size_bytes;
        while let Some(front) = self.batches.front() {
            let by_size = config
                .retention_bytes
                .is_some_and(|keep| self.size_bytes.saturating_sub(front.bytes.len()) >= keep);
            let by_time = config.retention_ms.is_some_and(|keep| {
                front.max_timestamp_ms >= 0 && now_ms.saturating_sub(front.max_timestamp_ms) > keep
            });
            if !(by_size || by_time) || front.last_offset >= self.stable_offset() {
                break;
            }
            self.start_offset = front.last_offset + 1;
            self.pop_front();
        }
        self.trim_aborted();
        before_bytes - self.size_bytes
    }

    /// Whether the log outgrew `retention.bytes` by enough to be worth a look right after an append.
    pub(crate) fn is_oversize(&self, config: &TopicConfig) -> bool {
        config.deletes
            && config
                .retention_bytes
                .is_some_and(|keep| self.size_bytes > keep + (keep / 8).min(SLACK_MAX_BYTES))
    }
}

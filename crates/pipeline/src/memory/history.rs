//! The log in memory as input of before.

use super::MemoryLog;
use crate::backfill::History;
use crate::log::{Batch, LogError, Partition, missing};

impl History for MemoryLog {
    fn begin(&self, partition: &Partition, at_ms: Option<i64>) -> Result<(i64, i64), LogError> {
        let shelf = self.lock();
        let (oldest, end) = (shelf.start(partition), shelf.stable_end(partition));
        let is_from = |offset: &i64| {
            let record = shelf.at(partition, *offset);
            record.is_some_and(|record| at_ms.is_none_or(|at_ms| record.timestamp_ms >= at_ms))
        };
        let begin = match at_ms {
            None => oldest,
            Some(_) => (oldest..end).find(is_from).unwrap_or(end),
        };
        Ok((oldest, begin))
    }

    fn read(
        &self,
        partition: &Partition,
        from: i64,
        to: i64,
        visit: &mut dyn FnMut(&Batch) -> Result<(), LogError>,
    ) -> Result<(), LogError> {
        let mut batch = Batch::default();
        {
            let shelf = self.lock();
            let there = (shelf.start(partition), shelf.stable_end(partition));
            if from < there.0 || to > there.1 {
                return Err(missing(partition, there, (from, to)));
            }
            for offset in from..to {
                if let Some(record) = shelf.at(partition, offset) {
                    let (key, value) = (record.key.as_deref(), record.value.as_deref());
                    batch.push(partition, offset, record.timestamp_ms, key, value);
                }
            }
        }
        visit(&batch)
    }
}

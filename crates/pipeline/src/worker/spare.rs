//! A worker that owns nothing, because there are more workers than partitions. It stands by for the others, and ends when
//! they have come to the end of the input.

use std::time::Duration;

use super::Shared;
use crate::error::EngineError;
use crate::log::{LogError, Partition, Source};
use crate::merge::declared;
use crate::partials::{self, PORT_PARTITION};
use crate::settings::Bounded;
use windows::frontier::Frontier;

/// From its last partition, or from joining, to its first question, and from question to question.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// What a worker that owns nothing knows of the others.
#[derive(Debug, Default)]
pub(super) struct Spare {
    asked_at: Option<Duration>,
    /// Offset in the partials topic up to which the ends of partitions are known.
    read_to: Option<i64>,
    frontier: Option<Frontier>,
}

impl Spare {
    /// The group has answered, or there is something to do: the wait begins anew.
    pub(super) fn begin(&mut self, shared: &Shared) {
        self.asked_at = Some(shared.clock.elapsed());
    }

    /// Whether a worker that owns nothing now has nothing to wait for: fold has told the end of every input partition.
    pub(super) fn has_ended(
        &mut self,
        shared: &Shared,
        source: &mut impl Source,
    ) -> Result<bool, EngineError> {
        let now = shared.clock.elapsed();
        let waited = self.asked_at.map(|at| now.saturating_sub(at));
        let is_bounded = shared.settings.bounded == Bounded::UntilEnd;
        if !is_bounded || waited.is_none_or(|waited| waited < ASK_EVERY) {
            return Ok(false);
        }
        self.asked_at = Some(now);
        let frontier = self
            .frontier
            .get_or_insert_with(|| declared(&shared.settings));
        let home = Partition::new(shared.settings.topics.partials.clone(), PORT_PARTITION);
        let mut failure = None;
        let read = source.replay(&home, self.read_to, None, &mut |batch| {
            for entry in batch.entries() {
                let value = batch.value(entry).unwrap_or_default();
                match partials::read(&home, entry.offset, value) {
                    Ok(message) => partials::update(frontier, message.frontiers),
                    Err(error) => {
                        let text = error.to_string();
                        failure = Some(error);
                        return Err(LogError::Fatal(text));
                    }
                }
            }
            Ok(())
        });
        if let Some(error) = failure {
            return Err(error.into());
        }
        self.read_to = Some(read?);
        Ok(frontier.ended().is_some())
    }
}

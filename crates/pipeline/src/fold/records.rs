//! The way of one record: decode, judge, decide, keep or reject.

use events::decode::{Head, Kind};
use events::v1::{Classifier, RejectReason};

use events::Stream;

use super::Fold;
use crate::intake::partition::{Arrival, Fate};
use crate::intake::rejects::{Refusal, outgoing, reason_name};
use crate::intake::rows::IntakeRow;
use crate::log::{Batch, Entry};
use crate::settings::{Doubt, Settings, micros};

/// Source of records that cannot be read, in the `intake` stream.
const UNREADABLE: &str = "(unreadable)";

impl Fold {
    /// Decodes and checks records. They are kept until the commit, for the reject topic.
    pub fn take(&mut self, batch: Batch) {
        if batch.is_empty() {
            return;
        }
        let places: Vec<Option<usize>> = batch
            .partitions()
            .iter()
            .map(|partition| {
                self.owned
                    .iter()
                    .position(|owned| owned.intake.partition == *partition)
            })
            .collect();
        for entry in batch.entries() {
            if let Some(place) = places[entry.partition] {
                self.take_record(place, &batch, entry);
            }
        }
        self.held.push(batch);
    }

    fn take_record(&mut self, place: usize, batch: &Batch, entry: &Entry) {
        let owned = &mut self.owned[place];
        if entry.offset < owned.intake.next_offset {
            return;
        }
        owned.intake.next_offset = entry.offset + 1;
        owned.end = None;
        self.timestamp_ms = self.timestamp_ms.max(entry.timestamp_ms);
        let stream = owned.stream;
        let counts = self.counts.entry(stream).or_default();
        counts.records += 1;
        let value = batch.value(entry).unwrap_or_default();
        // A tombstone of compacted reference data is legitimate: nothing has to be done, the newest row is not undone.
        if batch.value(entry).is_none() && stream == Stream::Reference {
            return;
        }
        let Some(decoder) = self.decoders.get_mut(&stream) else {
            return;
        };
        let head = match decoder.read(value) {
            Ok(head) => head,
            Err(error) => {
                let refusal = Refusal {
                    at_byte: error.at_byte,
                    ..Refusal::new(error.reason, error.to_string())
                };
                return self.reject(place, batch, entry, None, refusal);
            }
        };
        match self.settings.judge(&head, entry.timestamp_ms) {
            Ok(()) => {}
            Err(refusal) => return self.reject(place, batch, entry, Some(&head), refusal),
        }
        let owned = &mut self.owned[place];
        let row_time_us = head.row_time_us();
        let settings = &self.settings;
        let sources = &owned.intake.sources;
        if sources.len() >= settings.sources_max
            && !sources.contains_key(head.source)
            && !settings.declares(head.source)
        {
            let refusal = Refusal::new(
                RejectReason::SourceLimit,
                format!(
                    "source {} is not listed, and the partition has {} sources: correct the field `source`, list it under [[sources]], or raise limits.sources_max",
                    head.source,
                    sources.len()
                ),
            );
            return self.reject(place, batch, entry, Some(&head), refusal);
        }
        owned
            .intake
            .source(head.source, || settings.rules(head.source));
        let is_heartbeat = head.kind == Kind::Heartbeat;
        let fate = owned.intake.decide(&Arrival {
            source: head.source,
            event_id: if is_heartbeat { "" } else { head.event_id },
            record_time_us: head.record_time_us,
            row_time_us,
            offset: entry.offset,
            is_retracted: head.is_retracted,
        });
        match owned.heard.get_mut(head.source) {
            Some(heard) => *heard = self.listened,
            None => {
                owned.heard.insert(head.source.to_owned(), self.listened);
            }
        }
        match fate {
            Fate::Accepted { .. } if is_heartbeat => counts.heartbeats += 1,
            Fate::Accepted { former } => {
                counts.accepted += 1;
                counts.corrected += u64::from(former.is_some());
                let partition = owned.intake.partition.index;
                decoder.keep(value, row_time_us, partition, entry.offset);
                let outcome = match former {
                    Some(_) => "corrected",
                    None => "accepted",
                };
                self.take_back(place, former);
                self.tell(place, entry, &head, outcome, "", 1);
                self.flag(place, entry, &head);
            }
            Fate::Retraction { former } => {
                counts.retracted += 1;
                self.take_back(place, former);
                self.tell(place, entry, &head, "retracted", "", 1);
                if former.is_none() {
                    self.keep_for_tables(place, entry, value, row_time_us);
                }
            }
            Fate::Superseded => {
                counts.superseded += 1;
                self.tell(place, entry, &head, "superseded", "", 1);
            }
            Fate::Duplicate { before } => {
                counts.duplicates += 1;
                self.tell(place, entry, &head, "duplicate", "", i64::from(before) + 1);
            }
            Fate::Late { by_us } => {
                let refusal = Refusal::new(
                    RejectReason::Late,
                    format!(
                        "the row came {:.1} s after its windows were final: raise out_of_order_max_s of source {} if that is usual",
                        by_us as f64 / 1e6,
                        head.source
                    ),
                );
                self.reject(place, batch, entry, Some(&head), refusal);
            }
        }
    }

    /// Doubts that do not need the body.
    fn flag(&mut self, place: usize, entry: &Entry, head: &Head<'_>) {
        let is_known = self.settings.knows_terminal(head.terminal_id);
        for (doubtful, reason) in [
            (head.flags.has_unknown_enum, "unknown_enum"),
            (head.flags.is_saturated, "number_too_large"),
            (!is_known, "unknown_terminal"),
        ] {
            if doubtful {
                *self.flagged.entry(reason).or_default() += 1;
                self.tell(place, entry, head, "flagged", reason, 1);
            }
        }
    }

    /// Writes one row of the `intake` stream.
    fn tell(
        &mut self,
        place: usize,
        entry: &Entry,
        head: &Head<'_>,
        outcome: &'static str,
        reason: &str,
        copies: i64,
    ) {
        let Kind::Table(table) = head.kind else {
            return;
        };
        let intake = &self.owned[place].intake;
        let latest = intake
            .sources
            .get(head.source)
            .and_then(|source| source.row_time_max_us);
        let is_fact = matches!(head.classifier, Classifier::Act | Classifier::Unspecified);
        self.intake_rows.push(&IntakeRow {
            row_time_us: latest.unwrap_or_else(|| head.row_time_us()),
            source: head.source,
            stream: self.owned[place].stream.name(),
            table: &table.table().name,
            terminal_id: head.terminal_id,
            outcome,
            reason,
            copies,
            delay_us: is_fact.then(|| head.record_time_us.saturating_sub(head.event_time_us)),
            partition: intake.partition.index,
            offset: entry.offset,
        });
    }

    fn reject(
        &mut self,
        place: usize,
        batch: &Batch,
        entry: &Entry,
        head: Option<&Head<'_>>,
        mut refusal: Refusal,
    ) {
        *self.rejected.entry(refusal.reason).or_default() += 1;
        let owned = &self.owned[place];
        let source = head.map_or(UNREADABLE, |head| head.source);
        // Time of the source in this partition, or of any: what cannot be read has none of its own.
        let known = owned
            .intake
            .sources
            .get(source)
            .and_then(|source| source.row_time_max_us);
        let latest = known.or_else(|| owned.intake.latest_us());
        let outcome = if refusal.reason == RejectReason::Late {
            "late"
        } else {
            "rejected"
        };
        let table = head.and_then(|head| match head.kind {
            Kind::Table(table) => Some(table.table().name.as_str()),
            Kind::Heartbeat => None,
        });
        self.intake_rows.push(&IntakeRow {
            row_time_us: latest.unwrap_or(entry.timestamp_ms.saturating_mul(1_000)),
            source,
            stream: owned.stream.name(),
            table: table.unwrap_or_default(),
            terminal_id: head.map_or("", |head| head.terminal_id),
            outcome,
            reason: reason_name(refusal.reason),
            copies: 1,
            delay_us: None,
            partition: owned.intake.partition.index,
            offset: entry.offset,
        });
        if let Some(head) = head {
            refusal.source = head.source.to_owned();
            refusal.event_id = head.event_id.to_owned();
        }
        self.rejects.push(outgoing(
            &self.settings.topics.rejects,
            batch.partition(entry),
            entry.offset,
            entry.timestamp_ms,
            batch.key(entry),
            batch.value(entry).unwrap_or_default(),
            &refusal,
        ));
    }
}

impl Settings {
    /// Refuses a readable record whose envelope cannot be believed.
    fn judge(&self, head: &Head<'_>, timestamp_ms: i64) -> Result<(), Refusal> {
        let limit_us = timestamp_ms
            .saturating_mul(1_000)
            .saturating_add(micros(self.future_max));
        let ahead_us = head.row_time_us().saturating_sub(limit_us);
        if ahead_us > 0 {
            return Err(Refusal::new(
                RejectReason::Future,
                format!(
                    "the row lies {:.0} s further ahead of its Kafka timestamp than future_max_s = {}: correct the clock of source {}",
                    ahead_us as f64 / 1e6,
                    self.future_max.as_secs(),
                    head.source
                ),
            ));
        }
        let behind_us = timestamp_ms
            .saturating_mul(1_000)
            .saturating_sub(head.row_time_us());
        if let Some(past_max) = self.past_max
            && behind_us > micros(past_max)
        {
            return Err(Refusal::new(
                RejectReason::Past,
                format!(
                    "the row lies {:.0} s further behind its Kafka timestamp than past_max_s = {}: correct the clock of source {}, or raise past_max_s",
                    (behind_us - micros(past_max)) as f64 / 1e6,
                    past_max.as_secs(),
                    head.source
                ),
            ));
        }
        if self.unknown_terminal == Doubt::Reject && !self.knows_terminal(head.terminal_id) {
            return Err(Refusal::new(
                RejectReason::UnknownTerminal,
                format!(
                    "terminal {} is not listed: add it to `terminals` or correct the source",
                    head.terminal_id
                ),
            ));
        }
        Ok(())
    }

    fn knows_terminal(&self, terminal_id: &str) -> bool {
        terminal_id.is_empty()
            || self.terminals.is_empty()
            || self.terminals.iter().any(|known| known == terminal_id)
    }
}

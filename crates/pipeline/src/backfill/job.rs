//! One backfill: folds the input of before, on a thread beside.

use std::collections::BTreeMap;
use std::sync::Arc;

use windows::frontier::Frontier;
use windows::program::Program;

use super::outbox::Outbox;
use super::past::{Named, Past};
use super::{BackfillFrom, History, Wanted};
use crate::budget::Memory;
use crate::clock::Clock;
use crate::coverage;
use crate::error::EngineError;
use crate::fold::Fold;
use crate::intake::partition::PartitionIntake;
use crate::intake::state::takeover::Takeover;
use crate::log::{Batch, LogError, Outgoing, Partition};
use crate::merge::{declared, windows_of_finals};
use crate::outcome::Tally;
use crate::partials;
use crate::settings::{Bounded, Settings, micros};
use crate::worker::Stop;

/// Records that are read of one partition before the one is chosen that lies furthest back.
const STRETCH: i64 = 20_000;
/// Records that are read at once to find the first one.
const FIRST: i64 = 1_000;
/// Input that is folded at once, bytes.
const FOLD_BYTES: usize = 8 << 20;

/// What one partition of merge asks for.
pub struct Job {
    /// As of the engine.
    pub settings: Arc<Settings>,
    /// The queries to backfill, and all tables.
    pub program: Arc<Program>,
    /// The partition of the partials topic.
    pub partition: Partition,
    /// What of each query.
    pub wanted: BTreeMap<Named, Wanted>,
    /// By input partition: fold had read so far at the hand-over.
    pub until: BTreeMap<Partition, i64>,
    /// How far time had come there.
    pub frontier: Frontier,
    /// For the measures of fold alone.
    pub clock: Arc<dyn Clock>,
    /// Of the process.
    pub memory: Memory,
    /// It is of no use any more.
    pub halt: Stop,
    /// The process stops.
    pub stop: Stop,
    /// It runs on a thread of its own.
    pub is_threaded: bool,
}

/// A partition of the input on the way.
struct Stretch {
    partition: Partition,
    next: i64,
    until: i64,
    is_cut: bool,
    latest_us: Option<i64>,
}

impl Stretch {
    fn is_open(&self) -> bool {
        self.next < self.until
    }
}

impl Job {
    /// What of each query, by its place in the program.
    fn wanted(&self) -> impl Iterator<Item = (usize, Wanted)> {
        let queries = self.program.queries.iter().enumerate();
        queries.filter_map(|(place, query)| {
            let named = (query.name.clone(), query.fingerprint);
            Some((place, *self.wanted.get(&named)?))
        })
    }

    fn check(&self) -> Result<(), EngineError> {
        match self.halt.is_requested() || self.stop.is_requested() {
            true => Err(EngineError::Stopped),
            false => Ok(()),
        }
    }

    /// Reads everything up to the hand-over; what is due by then goes to the outbox.
    pub fn run(self, history: &dyn History, outbox: &Outbox) -> Result<Past, EngineError> {
        let settings = Arc::new(Settings {
            bounded: Bounded::Never,
            ..Settings::clone(&self.settings)
        });
        let tally = Arc::new(Tally::silent());
        let program = Arc::clone(&self.program);
        let mut fold = Fold::new(Arc::clone(&settings), program, self.clock.clone(), tally)?;
        let mut state = windows_of_finals(
            &settings,
            Arc::clone(&self.program),
            &self.partition,
            self.memory.spill.clone(),
        )?;
        for (place, wanted) in self.wanted() {
            state.set_first_revision(place, wanted.first_revision);
            if let Some(told_us) = wanted.told_us {
                state.set_told(place, told_us);
            }
        }
        let frontier = declared(&settings);
        let mut past = Past::new(
            Arc::clone(&settings),
            self.partition.clone(),
            state,
            frontier,
            &self.memory,
        );
        let mut stretches = self.stretches(history, &past, &mut fold)?;
        let total = stretches.iter().map(|stretch| stretch.until - stretch.next);
        outbox.expect(total.sum());
        let lost = self.lost(history, &stretches)?;
        self.set_whole_from(&mut past, &lost);
        let ended = stretches.iter().filter(|stretch| !stretch.is_open());
        ended.for_each(|stretch| self.end(&mut past, stretch));
        while let Some(place) = furthest_back(&stretches) {
            self.check()?;
            // Of a partition that was not begun nobody knows whether its rows lie before those of the others.
            let has_begun = |stretch: &Stretch| !stretch.is_open() || stretch.latest_us.is_some();
            let told = Some(outbox).filter(|_| stretches.iter().all(has_begun));
            let stretch = &mut stretches[place];
            let to = (stretch.next + STRETCH).min(stretch.until);
            self.read(history, stretch, to, &mut fold, &mut past, told)?;
            outbox.advance(to - stretch.next);
            stretch.next = to;
            stretch.latest_us = fold
                .intake(&stretch.partition)
                .and_then(PartitionIntake::latest_us);
            self.feed(&mut fold, &mut past, told)?;
            if !stretches[place].is_open() {
                self.end(&mut past, &stretches[place]);
            }
        }
        past.reach(self.frontier.clone())?;
        self.tell(&mut past, outbox)?;
        Ok(past)
    }

    fn read(
        &self,
        history: &dyn History,
        stretch: &Stretch,
        to: i64,
        fold: &mut Fold,
        past: &mut Past,
        outbox: Option<&Outbox>,
    ) -> Result<(), EngineError> {
        let mut failure = None;
        let read = history.read(&stretch.partition, stretch.next, to, &mut |batch| {
            fold.take(copy(batch));
            let done = match fold.bytes_waiting() >= FOLD_BYTES {
                true => self.feed(fold, past, outbox),
                false => self.check(),
            };
            done.map_err(|error| {
                let text = error.to_string();
                failure = Some(error);
                LogError::Fatal(text)
            })
        });
        match failure {
            Some(error) => Err(error),
            None => Ok(read?),
        }
    }

    fn stretches(
        &self,
        history: &dyn History,
        past: &Past,
        fold: &mut Fold,
    ) -> Result<Vec<Stretch>, EngineError> {
        let at_ms = self.begin_ms(past);
        let mut stretches = Vec::new();
        for (partition, until) in &self.until {
            let (oldest, begin) = history.begin(partition, at_ms)?;
            let begin = begin.min(*until);
            fold.assign(begin, Takeover::new(partition.clone(), begin, false))?;
            stretches.push(Stretch {
                partition: partition.clone(),
                next: begin,
                until: *until,
                is_cut: begin == oldest && oldest > 0,
                latest_us: None,
            });
        }
        Ok(stretches)
    }

    /// The timestamp of the first records that may belong to windows from the instant on: what they need lies before it, and
    /// what was late or out of order is to be judged as it was. None if that may be any record.
    fn begin_ms(&self, past: &Past) -> Option<i64> {
        let needed = self.wanted().map(|(query, wanted)| match wanted.from {
            BackfillFrom::Earliest => None,
            BackfillFrom::Instant(_) if self.program.queries[query].hangs_on_the_past() => None,
            BackfillFrom::Instant(at_us) => Some(at_us - past.state.before_us(query)),
        });
        let needed_us = needed.min()??;
        let margin = self.settings.future_max + self.settings.correction_max;
        let first_us = needed_us - micros(margin) - self.out_of_order_us();
        Some(first_us.div_euclid(1_000))
    }

    /// By how much rows of any source may be out of order, microseconds.
    fn out_of_order_us(&self) -> i64 {
        let sources = self.settings.sources.iter();
        let most = sources.map(|source| source.out_of_order_max).max();
        micros(most.unwrap_or_default().max(self.settings.out_of_order_max))
    }

    /// Of the partitions that have lost their beginning, the instant behind all rows that are lost. Such a record has come
    /// before the first one that is left, and a row that lies further ahead of its record's timestamp than may be is refused.
    fn lost(
        &self,
        history: &dyn History,
        stretches: &[Stretch],
    ) -> Result<BTreeMap<coverage::Key, i64>, EngineError> {
        let mut lost = BTreeMap::new();
        for stretch in stretches.iter().filter(|stretch| stretch.is_cut) {
            let (topic, index) = (stretch.partition.topic.to_string(), stretch.partition.index);
            let ahead_us = micros(self.settings.future_max);
            let last_us = match self.first_ms(history, stretch)? {
                Some(first_ms) => Some(first_ms * 1_000 + ahead_us),
                // Nothing is left of it.
                None => self.frontier.furthest_of(&topic, index),
            };
            let last_us = last_us.or(self.frontier.furthest_us());
            let until_us = last_us.map_or(i64::MIN, |last_us| last_us + self.out_of_order_us());
            lost.insert((topic, index), until_us);
        }
        Ok(lost)
    }

    /// The timestamp of the first record that is left of a partition.
    fn first_ms(
        &self,
        history: &dyn History,
        stretch: &Stretch,
    ) -> Result<Option<i64>, EngineError> {
        let mut from = stretch.next;
        let mut first_ms = None;
        while from < stretch.until && first_ms.is_none() {
            self.check()?;
            let to = (from + FIRST).min(stretch.until);
            history.read(&stretch.partition, from, to, &mut |batch| {
                let first = batch.entries().first();
                first_ms = first_ms.or(first.map(|entry| entry.timestamp_ms));
                Ok(())
            })?;
            from = to;
        }
        Ok(first_ms)
    }

    /// Windows are told from the instant asked for on; or, where the log has lost its beginning, from where what is lost
    /// cannot belong to them.
    fn set_whole_from(&self, past: &mut Past, lost: &BTreeMap<coverage::Key, i64>) {
        for (place, wanted) in self.wanted() {
            let query = &self.program.queries[place];
            let inputs = coverage::all_inputs(query, &self.program, &self.settings);
            let lost = lost
                .iter()
                .filter(|(partition, _)| inputs.contains(*partition));
            let oldest_us = lost.map(|(_, until_us)| *until_us).max();
            let oldest_us = oldest_us.unwrap_or(i64::MIN);
            // What windows from an instant on need of before it is read too.
            let whole_from_us = match wanted.from {
                BackfillFrom::Instant(at_us) => {
                    oldest_us.max(at_us.saturating_sub(past.state.before_us(place)))
                }
                BackfillFrom::Earliest => oldest_us,
            };
            past.state.set_whole_from(place, whole_from_us);
        }
    }

    /// A partition was read to its end: its sources are where they were at the hand-over, and hold nothing back that was not
    /// held back then.
    fn end(&self, past: &mut Past, stretch: &Stretch) {
        let partition = &stretch.partition;
        for (origin, progress) in self.frontier.origins() {
            if *origin.topic == *partition.topic && origin.partition == partition.index {
                past.frontier.update(origin.clone(), *progress, None);
            }
        }
    }

    /// What was read goes through fold into the state beside, and what is due into the outbox, if there is one.
    fn feed(
        &self,
        fold: &mut Fold,
        past: &mut Past,
        outbox: Option<&Outbox>,
    ) -> Result<(), EngineError> {
        let Some(commit) = fold.commit()? else {
            return Ok(());
        };
        fold.committed();
        let is_ours = |record: &&Outgoing| {
            record.topic == self.partition.topic && record.partition == Some(self.partition.index)
        };
        for record in commit.records.iter().filter(is_ours) {
            let value = record.value.as_deref().unwrap_or_default();
            let message = partials::read(&self.partition, 0, value)?;
            past.absorb(message, record.timestamp_ms)?;
            if let Some(outbox) = outbox {
                self.tell(past, outbox)?;
            }
        }
        Ok(())
    }

    fn tell(&self, past: &mut Past, outbox: &Outbox) -> Result<(), EngineError> {
        past.tell(&mut |told| {
            self.check()?;
            outbox.put(told, self.is_threaded, &|| self.check())
        })
    }
}

/// The partition that is not done and has come least far in time.
fn furthest_back(stretches: &[Stretch]) -> Option<usize> {
    let open = stretches.iter().enumerate();
    let open = open.filter(|(_, stretch)| stretch.is_open());
    let furthest = open.min_by_key(|(_, stretch)| stretch.latest_us);
    furthest.map(|(place, _)| place)
}

fn copy(batch: &Batch) -> Batch {
    let mut own = Batch::default();
    for entry in batch.entries() {
        let (key, value) = (batch.key(entry), batch.value(entry));
        own.push(
            batch.partition(entry),
            entry.offset,
            entry.timestamp_ms,
            key,
            value,
        );
    }
    own
}

//! What each query has seen of the input. Folds are replaced one after the other: for a while some run a query, and some do
//! not know it yet, or any more. A window is told only if every input partition was folded by one that ran the query, from
//! before the window's start on.
//!
//! Fold says with each commit which queries it ran, and how late the latest row was that lay before. Windows that begin after
//! that row have all their rows behind it.

use std::collections::{BTreeMap, BTreeSet};

use events::Stream;
use events::internal::{Covered, CoveredSince, QueryCoverage};
use windows::program::{Program, Query};

use crate::settings::Settings;

type Key = (String, i32);

/// What the queries of a program have seen.
#[derive(Debug, Default)]
pub struct Coverage {
    queries: Vec<Seen>,
}

/// What a stretch of the input changed.
#[derive(Debug, Default)]
pub struct Heard {
    /// Something.
    pub is_news: bool,
    /// Queries that every fold had run, and one does not any more.
    pub lost: Vec<usize>,
}

#[derive(Debug, Default)]
struct Seen {
    fingerprint: u64,
    /// The input partitions that its rows come from.
    inputs: BTreeSet<Key>,
    /// Those that it has not seen from their beginning: from which instant on, or none while their fold does not run it.
    parts: BTreeMap<Key, Option<i64>>,
    least_us: Option<i64>,
    /// How often a fold began or ceased to run it in a partition.
    turns: u64,
}

impl Coverage {
    /// Queries that are there from the beginning.
    pub fn new(program: &Program, settings: &Settings) -> Self {
        let seen = |query: &Query| Seen {
            fingerprint: query.fingerprint,
            inputs: inputs(query, settings),
            ..Seen::default()
        };
        Coverage {
            queries: program.queries.iter().map(seen).collect(),
        }
    }

    /// The query of this place in the program has seen nothing so far.
    pub fn learn(&mut self, query: usize) {
        let seen = &mut self.queries[query];
        seen.parts = seen.inputs.iter().map(|key| (key.clone(), None)).collect();
    }

    /// It has seen no window whole that begins before this instant.
    pub fn at_least(&mut self, query: usize, least_us: i64) {
        self.queries[query].least_us = self.queries[query].least_us.max(Some(least_us));
    }

    /// Takes in which queries were run over a stretch of the input. A fold that does not say so ran all of them.
    pub fn hear(
        &mut self,
        covered: &Covered,
        running: &[u64],
        is_heard: &dyn Fn(usize) -> bool,
    ) -> Heard {
        let mut heard = Heard::default();
        if running.is_empty() {
            return heard;
        }
        let key = (covered.topic.clone(), covered.partition);
        for (place, seen) in self.queries.iter_mut().enumerate() {
            if !is_heard(place) || !seen.inputs.contains(&key) {
                continue;
            }
            let before = seen.parts.get(&key).copied();
            let was_complete = seen.parts.values().all(Option::is_some);
            match (running.contains(&seen.fingerprint), before) {
                (true, None | Some(Some(_))) | (false, Some(None)) => continue,
                (false, _) => drop(seen.parts.insert(key.clone(), None)),
                (true, Some(None)) => match covered.seen_us {
                    Some(seen_us) => drop(seen.parts.insert(key.clone(), Some(seen_us + 1))),
                    None => drop(seen.parts.remove(&key)),
                },
            }
            seen.turns += 1;
            heard.is_news = true;
            if was_complete && !seen.parts.values().all(Option::is_some) {
                heard.lost.push(place);
            }
        }
        heard
    }

    /// True if every fold runs the query.
    pub fn is_complete(&self, query: usize) -> bool {
        self.queries[query].parts.values().all(Option::is_some)
    }

    /// How often this changed in a partition.
    pub fn turns(&self, query: usize) -> u64 {
        self.queries[query].turns
    }

    /// What lay before was read for the query: all windows from this instant on are whole.
    pub fn fulfil(&mut self, query: usize, whole_from_us: i64) {
        let seen = &mut self.queries[query];
        seen.parts.clear();
        seen.least_us = Some(whole_from_us).filter(|&least_us| least_us > i64::MIN);
    }

    /// Windows that begin at this instant or later are whole; the latest of all while some fold does not run the query.
    pub fn whole_from_us(&self, query: usize) -> i64 {
        let seen = &self.queries[query];
        let parts = seen.parts.values();
        let parts = parts.map(|from_us| from_us.unwrap_or(i64::MAX));
        parts.chain(seen.least_us).max().unwrap_or(i64::MIN)
    }

    /// What is to be remembered.
    pub fn save(&self) -> Vec<QueryCoverage> {
        let news = |seen: &&Seen| !seen.parts.is_empty() || seen.least_us.is_some();
        let save = |seen: &Seen| QueryCoverage {
            fingerprint: seen.fingerprint,
            least_us: seen.least_us,
            parts: seen.parts.iter().map(since).collect(),
        };
        self.queries.iter().filter(news).map(save).collect()
    }

    /// Takes back what [`Self::save`] wrote.
    pub fn restore(&mut self, saved: Vec<QueryCoverage>) {
        for saved in saved {
            let mut queries = self.queries.iter_mut();
            let known = queries.find(|seen| seen.fingerprint == saved.fingerprint);
            if let Some(seen) = known {
                let parts = saved.parts.into_iter();
                seen.least_us = saved.least_us;
                seen.parts = parts
                    .map(|part| ((part.topic, part.partition), part.from_us))
                    .collect();
            }
        }
    }
}

fn since(((topic, partition), from_us): (&Key, &Option<i64>)) -> CoveredSince {
    CoveredSince {
        topic: topic.clone(),
        partition: *partition,
        from_us: *from_us,
    }
}

/// The input partitions that hold rows of the streams of a query; all of them for `intake`.
fn inputs(query: &Query, settings: &Settings) -> BTreeSet<Key> {
    let tables = events::schema::tables();
    let holds = |stream: Stream, name: &str| {
        let mut tables = tables.iter();
        name == windows::intake::NAME
            || tables.any(|table| table.name == name && table.stream == stream)
    };
    let is_read = |stream: Stream| {
        let mut inputs = query.inputs.iter();
        inputs.any(|input| holds(stream, &input.stream))
    };
    let partitions = settings.partitions();
    partitions
        .filter(|(_, stream)| is_read(*stream))
        .map(|(partition, _)| (partition.topic.to_string(), partition.index))
        .collect()
}

//! What each query has seen of the input. Folds are replaced one after the other: for a while some run a query, and some do
//! not know it yet, or any more. A window is told only if every input partition was folded by one that ran the query, from
//! before the window's start on.
//!
//! Fold says with each commit which queries it ran, and how late the latest row was that lay before. Windows that begin after
//! that row have all their rows behind it.

use std::collections::{BTreeMap, BTreeSet};

use events::Stream;
use events::internal::{Covered, CoveredSince, QueryCoverage, RunningTables};
use windows::program::{Program, Query, TableQuery};

use crate::settings::Settings;

/// Topic and number of an input partition.
pub(crate) type Key = (String, i32);

/// What the queries of a program have seen, and of tables those that come with their past.
#[derive(Debug, Default)]
pub struct Coverage {
    queries: Vec<Seen>,
    tables: Vec<Seen>,
    /// By query, the places of the tables that it joins.
    joined: Vec<Vec<usize>>,
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
    /// The input partitions that its rows come from, those of tables apart.
    inputs: BTreeSet<Key>,
    /// Those that it has not seen from their beginning: from which instant on, or none while their fold does not run it.
    parts: BTreeMap<Key, Option<i64>>,
    least_us: Option<i64>,
    /// How often a fold began or ceased to run it in a partition.
    turns: u64,
}

impl Seen {
    fn new(fingerprint: u64, streams: &[&str], settings: &Settings) -> Self {
        Seen {
            fingerprint,
            inputs: inputs(streams, settings),
            ..Seen::default()
        }
    }

    fn learn(&mut self) {
        self.parts = self.inputs.iter().map(|key| (key.clone(), None)).collect();
    }

    fn is_complete(&self) -> bool {
        self.parts.values().all(Option::is_some)
    }

    /// Takes in whether it was run over a stretch of the input. True if that is news.
    fn hear(&mut self, covered: &Covered, is_run: bool) -> bool {
        let key = (covered.topic.clone(), covered.partition);
        if !self.inputs.contains(&key) {
            return false;
        }
        match (is_run, self.parts.get(&key)) {
            (true, None | Some(Some(_))) | (false, Some(None)) => return false,
            (false, _) => drop(self.parts.insert(key, None)),
            (true, Some(None)) => match covered.seen_us {
                Some(seen_us) => drop(self.parts.insert(key, Some(seen_us + 1))),
                None => drop(self.parts.remove(&key)),
            },
        }
        self.turns += 1;
        true
    }
}

impl Coverage {
    /// Queries and tables that are there from the beginning.
    pub fn new(program: &Program, settings: &Settings) -> Self {
        let query = |query: &Query| {
            let streams: Vec<&str> = query.inputs.iter().map(|input| &*input.stream).collect();
            Seen::new(query.fingerprint, &streams, settings)
        };
        let table = |table: &TableQuery| Seen::new(table.fingerprint, &[&table.stream], settings);
        let joined = |query: &Query| {
            let tables = program.tables.iter().enumerate();
            let joined = tables.filter(|(_, table)| query.tables.contains(&table.name));
            joined.map(|(place, _)| place).collect()
        };
        Coverage {
            queries: program.queries.iter().map(query).collect(),
            tables: program.tables.iter().map(table).collect(),
            joined: program.queries.iter().map(joined).collect(),
        }
    }

    /// The query of this place in the program has seen nothing so far.
    pub fn learn(&mut self, query: usize) {
        self.queries[query].learn();
    }

    /// The same of a table.
    pub fn learn_table(&mut self, table: usize) {
        self.tables[table].learn();
    }

    /// It has seen no window whole that begins before this instant.
    pub fn at_least(&mut self, query: usize, least_us: i64) {
        self.queries[query].least_us = self.queries[query].least_us.max(Some(least_us));
    }

    /// Takes in which queries were run over a stretch of the input. A fold that does not say so ran all of them.
    pub fn hear(
        &mut self,
        covered: &Covered,
        running: Option<&[u64]>,
        is_heard: &dyn Fn(usize) -> bool,
    ) -> Heard {
        let mut heard = Heard::default();
        let Some(running) = running else {
            return heard;
        };
        for (place, seen) in self.queries.iter_mut().enumerate() {
            let was_complete = seen.is_complete();
            if is_heard(place) && seen.hear(covered, running.contains(&seen.fingerprint)) {
                heard.is_news = true;
                if was_complete && !seen.is_complete() {
                    heard.lost.push(place);
                }
            }
        }
        heard
    }

    /// As [`Self::hear`], of tables. A fold that does not say which ones it has rows for may have any.
    pub fn hear_tables(
        &mut self,
        covered: &Covered,
        running: Option<&RunningTables>,
        is_heard: &dyn Fn(usize) -> bool,
    ) {
        let Some(running) = running else {
            return;
        };
        for (place, seen) in self.tables.iter_mut().enumerate() {
            if is_heard(place) {
                seen.hear(covered, running.fingerprints.contains(&seen.fingerprint));
            }
        }
    }

    /// The query, and the tables that it joins.
    fn all_of(&self, query: usize) -> impl Iterator<Item = &Seen> {
        let tables = self.joined[query].iter().map(|&table| &self.tables[table]);
        tables.chain([&self.queries[query]])
    }

    /// True if every fold runs the query, and the tables that it joins.
    pub fn is_complete(&self, query: usize) -> bool {
        self.all_of(query).all(Seen::is_complete)
    }

    /// How often this changed in a partition.
    pub fn turns(&self, query: usize) -> u64 {
        self.all_of(query).map(|seen| seen.turns).sum()
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
        let all = self.queries.iter().chain(&self.tables);
        all.filter(news).map(save).collect()
    }

    /// Takes back what [`Self::save`] wrote.
    pub fn restore(&mut self, saved: Vec<QueryCoverage>) {
        for saved in saved {
            let mut all = self.queries.iter_mut().chain(&mut self.tables);
            let known = all.find(|seen| seen.fingerprint == saved.fingerprint);
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

/// The input partitions that hold rows of the streams of a query, or of the tables that it joins.
pub(crate) fn all_inputs(query: &Query, program: &Program, settings: &Settings) -> BTreeSet<Key> {
    let tables = program.tables.iter();
    let tables = tables.filter(|table| query.tables.contains(&table.name));
    let streams = query.inputs.iter().map(|input| &*input.stream);
    let streams: Vec<&str> = streams.chain(tables.map(|table| &*table.stream)).collect();
    inputs(&streams, settings)
}

/// The input partitions that hold rows of some streams; all of them for `intake`.
fn inputs(streams: &[&str], settings: &Settings) -> BTreeSet<Key> {
    let tables = events::schema::tables();
    let holds = |stream: Stream, name: &str| {
        let mut tables = tables.iter();
        name == windows::intake::NAME
            || tables.any(|table| table.name == name && table.stream == stream)
    };
    let is_read = |stream: Stream| streams.iter().any(|name| holds(stream, name));
    let partitions = settings.partitions();
    partitions
        .filter(|(_, stream)| is_read(*stream))
        .map(|(partition, _)| (partition.topic.to_string(), partition.index))
        .collect()
}

//! How far event time has come: the minimum over all input partitions and sources.

use std::collections::{BTreeMap, BTreeSet};

/// One source in one input partition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// Topic of the events.
    pub topic: String,
    /// Partition of the topic.
    pub partition: i32,
    /// Source of the events.
    pub source: String,
}

/// What is known of one source in one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Declared, but never heard: holds the frontier at minus infinity.
    Unheard,
    /// No accepted row will be earlier than `complete_to_us`.
    Active {
        /// Lower bound of all row times to come.
        complete_to_us: i64,
    },
    /// Silent for long, as the owner of the partition said; does not hold the frontier.
    Idle,
    /// No row will come any more; the latest one was at `row_time_max_us`, if there was any.
    Ended {
        /// Largest row time of the source in this partition.
        row_time_max_us: Option<i64>,
    },
}

/// How far some of the sources have come.
#[derive(Debug, Clone, Default)]
struct SomeSources {
    names: BTreeSet<String>,
    reached_us: Option<i64>,
}

/// The frontier of all input, and those of queries that wait for some sources alone. None goes back.
#[derive(Debug, Clone, Default)]
pub struct Frontier {
    origins: BTreeMap<Origin, Progress>,
    own: BTreeMap<String, SomeSources>,
    /// Smallest first `complete_to_us` of any source: where ticks begin.
    begin_us: Option<i64>,
    reached_us: Option<i64>,
    furthest_us: Option<i64>,
    /// By input partition, how far any source has ever come in it since this frontier began.
    furthest: BTreeMap<(String, i32), i64>,
}

impl Frontier {
    /// Nothing is declared.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that rows of this origin are to be waited for.
    pub fn declare(&mut self, origin: Origin) {
        self.origins.entry(origin).or_insert(Progress::Unheard);
    }

    /// Takes in what fold says of an origin. `begin_us` is the first `complete_to_us` that it ever had.
    pub fn update(&mut self, origin: Origin, progress: Progress, begin_us: Option<i64>) {
        self.begin_us = match (self.begin_us, begin_us) {
            (Some(known), Some(new)) => Some(known.min(new)),
            (known, new) => known.or(new),
        };
        self.hear(origin, progress);
        let later = |reached: Option<i64>, now: Option<i64>| match (reached, now) {
            (Some(reached), Some(now)) => Some(reached.max(now)),
            (reached, now) => reached.or(now),
        };
        self.reached_us = later(self.reached_us, computed(self.origins.values()));
        for own in self.own.values_mut() {
            let origins = self.origins.iter();
            let waited = origins.filter(|(origin, _)| own.names.contains(&origin.source));
            let now = computed(waited.map(|(_, progress)| progress));
            own.reached_us = later(own.reached_us, now);
        }
    }

    fn hear(&mut self, origin: Origin, progress: Progress) {
        if let Progress::Active { complete_to_us } = progress {
            self.furthest_us = self.furthest_us.max(Some(complete_to_us));
            let partition = (origin.topic.clone(), origin.partition);
            let furthest = self.furthest.entry(partition).or_insert(complete_to_us);
            *furthest = complete_to_us.max(*furthest);
        }
        self.origins.insert(origin, progress);
    }

    /// Gives a query a frontier of its own, over these sources alone.
    pub fn wait_for(&mut self, query: &str, sources: impl IntoIterator<Item = String>) {
        let own = self.own.entry(query.to_owned()).or_default();
        own.names.extend(sources);
    }

    /// For each query with a frontier of its own, how far that has come.
    pub fn own(&self) -> impl Iterator<Item = (&str, Option<i64>)> {
        let own = self.own.iter();
        own.map(|(query, own)| (query.as_str(), own.reached_us))
    }

    /// How far the frontier of a query has come; none if it has none of its own.
    pub fn own_us(&self, query: &str) -> Option<Option<i64>> {
        self.own.get(query).map(|own| own.reached_us)
    }

    /// Takes up where the frontier of a query was.
    pub fn resume_own(&mut self, query: &str, reached_us: i64) {
        self.furthest_us = self.furthest_us.max(Some(reached_us));
        if let Some(own) = self.own.get_mut(query) {
            own.reached_us = Some(reached_us);
        }
    }

    /// No row to come is earlier than this; none while a declared origin is unheard.
    pub fn reached_us(&self) -> Option<i64> {
        self.reached_us
    }

    /// How far any origin has ever come: no query's own frontier, known here or not, lies further.
    pub fn furthest_us(&self) -> Option<i64> {
        self.furthest_us
    }

    /// How far any source has come in an input partition; none if that is not known here.
    pub fn furthest_of(&self, topic: &str, partition: i32) -> Option<i64> {
        let mut furthest = self.furthest.iter();
        let found = furthest.find(|((known, index), _)| known == topic && *index == partition);
        found.map(|(_, furthest_us)| *furthest_us)
    }

    /// What one origin says of itself: no row of it to come is earlier, nor is one taken back. None while that is not known.
    pub fn passed_us(&self, topic: &str, partition: i32, source: &str) -> Option<i64> {
        let origin = Origin {
            topic: topic.to_owned(),
            partition,
            source: source.to_owned(),
        };
        match *self.origins.get(&origin)? {
            Progress::Active { complete_to_us } => Some(complete_to_us),
            Progress::Ended { .. } => Some(i64::MAX),
            Progress::Unheard | Progress::Idle => None,
        }
    }

    /// Where ticks begin: the same for every order in which the partitions were read.
    pub fn begin_us(&self) -> Option<i64> {
        self.begin_us
    }

    /// If all input has ended: the largest row time in it (none if there was no row at all).
    pub fn ended(&self) -> Option<Option<i64>> {
        let mut largest = None;
        for progress in self.origins.values() {
            let Progress::Ended { row_time_max_us } = progress else {
                return None;
            };
            largest = largest.max(*row_time_max_us);
        }
        (!self.origins.is_empty()).then_some(largest)
    }

    /// Takes up where another frontier was, with all its origins.
    pub fn resume(
        &mut self,
        origins: impl IntoIterator<Item = (Origin, Progress)>,
        begin_us: Option<i64>,
        reached_us: Option<i64>,
    ) {
        for (origin, progress) in origins {
            self.hear(origin, progress);
        }
        self.begin_us = begin_us;
        self.reached_us = reached_us;
    }

    /// The origins that hold the frontier back most, for people.
    pub fn slowest(&self) -> Option<(&Origin, &Progress)> {
        let rank = |progress: &Progress| match *progress {
            Progress::Unheard => (0, i64::MIN),
            Progress::Active { complete_to_us } => (1, complete_to_us),
            Progress::Idle | Progress::Ended { .. } => (2, i64::MAX),
        };
        self.origins
            .iter()
            .min_by_key(|(_, progress)| rank(progress))
    }

    /// All origins with their progress.
    pub fn origins(&self) -> impl Iterator<Item = (&Origin, &Progress)> {
        self.origins.iter()
    }
}

/// The least of what these origins have come to.
fn computed<'a>(origins: impl Iterator<Item = &'a Progress>) -> Option<i64> {
    let mut minimum: Option<i64> = None;
    for progress in origins {
        match *progress {
            Progress::Unheard => return None,
            Progress::Active { complete_to_us } => {
                minimum = Some(minimum.map_or(complete_to_us, |least| least.min(complete_to_us)));
            }
            Progress::Idle | Progress::Ended { .. } => {}
        }
    }
    minimum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(source: &str, partition: i32) -> Origin {
        Origin {
            topic: "t".to_owned(),
            partition,
            source: source.to_owned(),
        }
    }

    #[test]
    fn the_frontier_is_the_minimum_waits_for_the_unheard_and_never_goes_back() {
        let mut frontier = Frontier::new();
        frontier.declare(origin("ais", 0));
        frontier.declare(origin("edi", 0));
        frontier.update(
            origin("ais", 0),
            Progress::Active { complete_to_us: 50 },
            Some(20),
        );
        assert_eq!(frontier.reached_us(), None, "edi is unheard");
        frontier.update(
            origin("edi", 0),
            Progress::Active { complete_to_us: 30 },
            Some(10),
        );
        assert_eq!(
            (frontier.reached_us(), frontier.begin_us()),
            (Some(30), Some(10))
        );
        frontier.update(origin("edi", 0), Progress::Idle, None);
        assert_eq!(frontier.reached_us(), Some(50));
        frontier.update(
            origin("edi", 0),
            Progress::Active { complete_to_us: 40 },
            None,
        );
        assert_eq!(frontier.reached_us(), Some(50), "never back");
        assert_eq!(frontier.ended(), None);
        frontier.update(
            origin("edi", 0),
            Progress::Ended {
                row_time_max_us: Some(70),
            },
            None,
        );
        frontier.update(
            origin("ais", 0),
            Progress::Ended {
                row_time_max_us: Some(60),
            },
            None,
        );
        assert_eq!(frontier.ended(), Some(Some(70)));
    }

    #[test]
    fn a_query_waits_for_the_sources_that_it_names() {
        let mut frontier = Frontier::new();
        for source in ["gate", "customs"] {
            frontier.declare(origin(source, 0));
            frontier.declare(origin(source, 1));
        }
        frontier.wait_for("turn_time", ["gate".to_owned()]);
        let mut hear = |source: &str, partition: i32, complete_to_us: i64| {
            let progress = Progress::Active { complete_to_us };
            frontier.update(origin(source, partition), progress, None);
            let own = frontier.own().next().and_then(|(_, reached_us)| reached_us);
            (own, frontier.reached_us())
        };
        assert_eq!(hear("gate", 0, 50), (None, None), "in every partition");
        assert_eq!(hear("gate", 1, 40), (Some(40), None));
        assert_eq!(hear("customs", 0, 5), (Some(40), None));
        assert_eq!(hear("customs", 1, 7), (Some(40), Some(5)));
        assert_eq!(hear("gate", 1, 60), (Some(50), Some(5)));
        assert_eq!(frontier.furthest_us(), Some(60));
        frontier.update(origin("gate", 1), Progress::Idle, None);
        assert_eq!(frontier.furthest_us(), Some(60), "it was there");
        frontier.resume_own("known elsewhere", 70);
        assert_eq!(frontier.furthest_us(), Some(70));
    }
}

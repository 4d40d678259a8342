//! What must hold between options, and of single ones beyond their type.

use std::collections::BTreeMap;

use events::Stream;
use toml::Spanned;

use super::super::SnapshotPlace;
use super::super::reader::Reader;
use super::{SECONDS_MAX, Sections};
use crate::wiring::depot;

impl Sections {
    pub(super) fn check(&self, reader: &mut Reader<'_>) {
        self.check_names(reader);
        self.check_ranges(reader);
        self.check_snapshots(reader);
        self.check_topics(reader);
        self.check_sources(reader);
        self.check_waits(reader);
        self.planners.check(reader);
    }

    fn check_names(&self, reader: &mut Reader<'_>) {
        let name = &self.application.name;
        let is_plain = |text: &str| {
            !text.is_empty()
                && text.len() <= 200
                && text
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        };
        reader.want(
            is_plain(name.get_ref()),
            name,
            format!(
                "application.name {:?} cannot name a consumer group",
                name.get_ref()
            ),
            "use letters, digits, dot, hyphen and underscore",
        );
        let bootstrap = &self.kafka.bootstrap;
        let is_list = bootstrap.get_ref().split(',').all(|part| {
            part.trim()
                .rsplit_once(':')
                .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        });
        reader.want(
            is_list,
            bootstrap,
            format!(
                "kafka.bootstrap {:?} is no list of brokers",
                bootstrap.get_ref()
            ),
            "write host:port, several separated by commas",
        );
        for (key, topic) in self.topics.iter().chain(&self.sinks) {
            reader.want(
                is_plain(topic.name.get_ref()),
                &topic.name,
                format!(
                    "the topic name {:?} of {key} is not one that Kafka takes",
                    topic.name.get_ref()
                ),
                "use letters, digits, dot, hyphen and underscore",
            );
        }
        let log_level = &self.application.log_level;
        reader.want(
            log_level
                .get_ref()
                .parse::<tracing_subscriber::EnvFilter>()
                .is_ok(),
            log_level,
            format!("log_level {:?} is no filter", log_level.get_ref()),
            "write error, warn, info, debug or trace, or a list such as warn,kafka=debug",
        );
    }

    fn check_ranges(&self, reader: &mut Reader<'_>) {
        let mut within = |name: &str, value: &Spanned<u64>, low: u64, high: u64| {
            let number = *value.get_ref();
            reader.want(
                (low..=high).contains(&number),
                value,
                format!("{name} is {number}"),
                &format!("choose {low} to {high}"),
            );
        };
        within("kafka.patience_s", &self.kafka.patience_s, 1, 86_400);
        within(
            "delivery.commit_interval_ms",
            &self.delivery.commit_interval_ms,
            10,
            60_000,
        );
        within(
            "delivery.transaction_timeout_s",
            &self.delivery.transaction_timeout_s,
            1,
            74,
        );
        within(
            "state.snapshot_interval_s",
            &self.state.snapshot_interval_s,
            0,
            SECONDS_MAX,
        );
        within(
            "time.out_of_order_max_s",
            &self.time.out_of_order_max_s,
            0,
            SECONDS_MAX,
        );
        within(
            "time.correction_max_s",
            &self.time.correction_max_s,
            0,
            SECONDS_MAX,
        );
        within("time.future_max_s", &self.time.future_max_s, 0, SECONDS_MAX);
        within("time.past_max_s", &self.time.past_max_s, 0, SECONDS_MAX);
        within(
            "time.idle_timeout_s",
            &self.time.idle_timeout_s,
            1,
            SECONDS_MAX,
        );
        within(
            "time.rest_after_s",
            &self.time.rest_after_s,
            3_600,
            SECONDS_MAX,
        );
        within(
            "on_time.corrected_every_s",
            &self.on_time.corrected_every_s,
            0,
            SECONDS_MAX,
        );
        for (query, every_s) in &self.early_s {
            within(&format!("early_s.{query}"), every_s, 1, SECONDS_MAX);
        }
        let mut size = |name: &str, value: &Spanned<usize>, low: usize, high: usize| {
            let number = *value.get_ref();
            let message = format!("{name} is {number}");
            reader.want(
                (low..=high).contains(&number),
                value,
                message,
                &format!("choose {low} to {high}"),
            );
        };
        const GIB: usize = 1 << 30;
        size("workers.fold", &self.workers.fold, 0, 256);
        size("workers.merge", &self.workers.merge, 0, 256);
        size(
            "delivery.commit_bytes_max",
            &self.delivery.commit_bytes_max,
            1_024,
            GIB,
        );
        size(
            "delivery.transaction_bytes_max",
            &self.delivery.transaction_bytes_max,
            65_536,
            GIB,
        );
        size(
            "limits.record_bytes_max",
            &self.limits.record_bytes_max,
            1_024,
            GIB,
        );
        size(
            "limits.fetch_rows_max",
            &self.limits.fetch_rows_max,
            1,
            10_000_000,
        );
        size(
            "limits.fetch_bytes_max",
            &self.limits.fetch_bytes_max,
            1_024,
            GIB,
        );
        size(
            "limits.queued_bytes_max",
            &self.limits.queued_bytes_max,
            1_048_576,
            GIB,
        );
        size(
            "limits.memory_bytes_max",
            &self.limits.memory_bytes_max,
            64 << 20,
            GIB << 12,
        );
        size(
            "limits.table_keys_max",
            &self.limits.table_keys_max,
            1,
            1_000_000_000,
        );
        size(
            "limits.query_keys_max",
            &self.limits.query_keys_max,
            1,
            1_000_000_000,
        );
        size("limits.sources_max", &self.limits.sources_max, 1, 60_000);
        let commit_ms = self.delivery.commit_interval_ms.get_ref();
        let timeout_ms = self.delivery.transaction_timeout_s.get_ref() * 1_000;
        reader.want(
            commit_ms * 2 <= timeout_ms,
            &self.delivery.commit_interval_ms,
            format!("commit_interval_ms = {commit_ms} does not fit twice into the transaction timeout of {timeout_ms} ms"),
            "lower commit_interval_ms or raise transaction_timeout_s",
        );
        self.check_memory(reader);
        let workers = self.workers.fold.get_ref() + self.workers.merge.get_ref();
        let hint = "set workers.fold or workers.merge to 1 or more";
        reader.want(
            workers > 0,
            &self.workers.fold,
            "this process would have no worker",
            hint,
        );
    }

    fn check_snapshots(&self, reader: &mut Reader<'_>) {
        if let SnapshotPlace::Store(url) = self.snapshots()
            && let Err(error) = depot::open(&url)
        {
            reader.fault(
                Some(self.state.snapshots.span()),
                format!("state.snapshots: {error}"),
                "write \"topic\" or the URL of an object store",
            );
        }
    }

    /// What is on its way must leave room for state.
    fn check_memory(&self, reader: &mut Reader<'_>) {
        let (limits, workers) = (&self.limits, &self.workers);
        let (fold, merge) = (*workers.fold.get_ref(), *workers.merge.get_ref());
        let queued = *limits.queued_bytes_max.get_ref();
        let commit = *self.delivery.commit_bytes_max.get_ref();
        let input = commit.saturating_add(*limits.fetch_bytes_max.get_ref());
        let output = *self.delivery.transaction_bytes_max.get_ref();
        let under_way = queued
            .saturating_mul(fold + merge)
            .saturating_add(input.saturating_mul(2 * fold))
            .saturating_add(output.saturating_mul(merge));
        let bytes_max = *limits.memory_bytes_max.get_ref();
        reader.want(
            under_way <= bytes_max / 2,
            &limits.memory_bytes_max,
            format!("memory_bytes_max = {bytes_max} is less than twice the {under_way} bytes that may be under way"),
            "raise memory_bytes_max, or lower the number of workers, queued_bytes_max, commit_bytes_max, fetch_bytes_max or transaction_bytes_max",
        );
    }

    fn check_topics(&self, reader: &mut Reader<'_>) {
        let mut seen: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
        for (key, topic) in self.topics.iter().chain(&self.sinks) {
            let partitions = *topic.partitions.get_ref();
            let message = format!("{key} has {partitions} partitions");
            reader.want(
                (1..=10_000).contains(&partitions),
                &topic.partitions,
                message,
                "choose 1 to 10000",
            );
            let start = topic.name.span().start;
            if let Some((other, other_start)) = seen.insert(topic.name.get_ref(), (key, start)) {
                let message = format!(
                    "the topic {} is used for {other} and for {key}",
                    topic.name.get_ref()
                );
                // One of the two may be the shipped one, which has no place in this file.
                let start = start.min(other_start);
                reader.fault(Some(start..start), message, "give each its own topic");
            }
            let keeps = *topic.compact.get_ref() && *topic.retention_h.get_ref() > 0;
            let hint = "set retention_h = 0 or compact = false";
            reader.want(
                !keeps,
                &topic.retention_h,
                format!("{key} is compacted and has a retention time"),
                hint,
            );
        }
        let inputs = Stream::ALL
            .iter()
            .filter_map(|stream| self.topics.get(stream.name()));
        let widest = inputs
            .map(|topic| *topic.partitions.get_ref())
            .max()
            .unwrap_or(1);
        if let Some(state) = self.topics.get("intake_state") {
            reader.want(
                *state.compact.get_ref(),
                &state.compact,
                "intake_state is not compacted".to_owned(),
                "set compact = true and retention_h = 0; of a topic of before, alter cleanup.policy once this version has run",
            );
            let partitions = *state.partitions.get_ref();
            reader.want(
                partitions >= widest,
                &state.partitions,
                format!(
                    "intake_state has {partitions} partitions and the widest input topic {widest}"
                ),
                "give it as many as the widest input topic",
            );
        }
        if let (Some(partials), Some(snapshots)) =
            (self.topics.get("partials"), self.topics.get("snapshots"))
        {
            let (needed, there) = (
                *partials.partitions.get_ref(),
                *snapshots.partitions.get_ref(),
            );
            reader.want(
                there >= needed,
                &snapshots.partitions,
                format!("snapshots has {there} partitions and partials {needed}"),
                "give it as many as partials",
            );
        }
    }

    fn check_sources(&self, reader: &mut Reader<'_>) {
        let mut seen: BTreeMap<&str, ()> = BTreeMap::new();
        for source in &self.sources {
            let name = source.name.get_ref();
            if seen.insert(name, ()).is_some() || name.is_empty() {
                let message = format!("the source {name:?} is empty or listed twice");
                reader.fault(
                    Some(source.name.span()),
                    message,
                    "give each source one entry",
                );
            }
            let bound = &source.out_of_order_max_s;
            let message = format!("out_of_order_max_s of {name} is {}", bound.get_ref());
            reader.want(
                *bound.get_ref() <= SECONDS_MAX,
                bound,
                message,
                &format!("choose 0 to {SECONDS_MAX}"),
            );
            for stream in source.streams.get_ref() {
                reader.want(
                    Stream::from_name(stream).is_some(),
                    &source.streams,
                    format!("there is no stream {stream:?}"),
                    "the streams are vessel, container, rail, telemetry, reference and planner",
                );
            }
        }
    }
    /// A query that waits for no source, or for one that is not there, would never be told of.
    fn check_waits(&self, reader: &mut Reader<'_>) {
        let is_known = |name: &String| self.sources.iter().any(|one| one.name.get_ref() == name);
        for (query, sources) in &self.waits_for {
            reader.want(
                !sources.get_ref().is_empty(),
                sources,
                format!("waits_for.{query} names no source"),
                "name one at least, or remove the line: the query then waits for all",
            );
            for source in sources.get_ref().iter().filter(|name| !is_known(name)) {
                reader.want(
                    false,
                    sources,
                    format!("waits_for.{query} names the source {source:?}, which is not listed"),
                    "mend the name, or add it to [[sources]]",
                );
            }
        }
    }
}

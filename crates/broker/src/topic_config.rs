//! Topic configuration: the options that Apache Kafka 4 knows, their defaults, and what the broker reads of them.

use std::collections::BTreeMap;

/// The type that `DescribeConfigs` states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean,
    Text,
    Int,
    Long,
    Double,
    List,
}

impl Kind {
    pub(crate) fn code(self) -> i8 {
        match self {
            Self::Boolean => 1,
            Self::Text => 2,
            Self::Int => 3,
            Self::Long => 5,
            Self::Double => 6,
            Self::List => 7,
        }
    }
}

/// One option: name, type, default, least value (numbers) or permitted words (text, lists; empty for any).
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) default: &'static str,
    least: i64,
    words: &'static [&'static str],
}

const fn number(name: &'static str, kind: Kind, default: &'static str, least: i64) -> Definition {
    Definition {
        name,
        kind,
        default,
        least,
        words: &[],
    }
}

const fn words(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    words: &'static [&'static str],
) -> Definition {
    Definition {
        name,
        kind,
        default,
        least: 0,
        words,
    }
}

const FOREVER: &str = "9223372036854775807";

/// Every option, in order of name.
pub(crate) const DEFINITIONS: &[Definition] = &[
    words(
        "cleanup.policy",
        Kind::List,
        "delete",
        &["delete", "compact"],
    ),
    number("compression.gzip.level", Kind::Int, "-1", -1),
    number("compression.lz4.level", Kind::Int, "9", 1),
    words(
        "compression.type",
        Kind::Text,
        "producer",
        &["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"],
    ),
    number("compression.zstd.level", Kind::Int, "3", -131_072),
    number("delete.retention.ms", Kind::Long, "86400000", 0),
    number("file.delete.delay.ms", Kind::Long, "60000", 0),
    number("flush.messages", Kind::Long, FOREVER, 1),
    number("flush.ms", Kind::Long, FOREVER, 0),
    words(
        "follower.replication.throttled.replicas",
        Kind::List,
        "",
        &[],
    ),
    number("index.interval.bytes", Kind::Int, "4096", 0),
    words("leader.replication.throttled.replicas", Kind::List, "", &[]),
    number("local.retention.bytes", Kind::Long, "-2", -2),
    number("local.retention.ms", Kind::Long, "-2", -2),
    number("max.compaction.lag.ms", Kind::Long, FOREVER, 1),
    number("max.message.bytes", Kind::Int, "1048588", 0),
    number("message.timestamp.after.max.ms", Kind::Long, "3600000", 0),
    number("message.timestamp.before.max.ms", Kind::Long, FOREVER, 0),
    words(
        "message.timestamp.type",
        Kind::Text,
        "CreateTime",
        &["CreateTime", "LogAppendTime"],
    ),
    number("min.cleanable.dirty.ratio", Kind::Double, "0.5", 0),
    number("min.compaction.lag.ms", Kind::Long, "0", 0),
    number("min.insync.replicas", Kind::Int, "1", 1),
    words("preallocate", Kind::Boolean, "false", &["true", "false"]),
    words(
        "remote.log.copy.disable",
        Kind::Boolean,
        "false",
        &["true", "false"],
    ),
    words(
        "remote.log.delete.on.disable",
        Kind::Boolean,
        "false",
        &["true", "false"],
    ),
    words(
        "remote.storage.enable",
        Kind::Boolean,
        "false",
        &["true", "false"],
    ),
    number("retention.bytes", Kind::Long, "-1", i64::MIN),
    number("retention.ms", Kind::Long, "604800000", -1),
    number("segment.bytes", Kind::Int, "1073741824", 1_048_576),
    number("segment.index.bytes", Kind::Int, "10485760", 4),
    number("segment.jitter.ms", Kind::Long, "0", 0),
    number("segment.ms", Kind::Long, "604800000", 1),
    words(
        "unclean.leader.election.enable",
        Kind::Boolean,
        "false",
        &["true", "false"],
    ),
];

impl Definition {
    fn check(&self, value: &str) -> Result<(), String> {
        let refused = |why: String| {
            Err(format!(
                "Invalid value {value} for configuration {}: {why}",
                self.name
            ))
        };
        match self.kind {
            Kind::Int | Kind::Long => {
                let most = if self.kind == Kind::Int {
                    i64::from(i32::MAX)
                } else {
                    i64::MAX
                };
                match value.trim().parse::<i64>() {
                    Ok(parsed) if parsed > most => refused("Not a number of this type".to_owned()),
                    Ok(parsed) if parsed < self.least => {
                        refused(format!("Value must be at least {}", self.least))
                    }
                    Ok(_) => Ok(()),
                    Err(_) => refused("Not a number".to_owned()),
                }
            }
            Kind::Double => match value.trim().parse::<f64>() {
                Ok(parsed) if (0.0..=1.0).contains(&parsed) => Ok(()),
                _ => refused("Value must be between 0 and 1".to_owned()),
            },
            Kind::Boolean | Kind::Text if self.words.contains(&value) => Ok(()),
            Kind::List if self.words.is_empty() => Ok(()),
            Kind::List
                if !value.is_empty()
                    && value
                        .split(',')
                        .all(|word| self.words.contains(&word.trim())) =>
            {
                Ok(())
            }
            _ => refused(format!("must be one of: {}", self.words.join(", "))),
        }
    }
}

/// A topic's options: what was set, and what follows from it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TopicConfig {
    set: BTreeMap<String, String>,
    pub(crate) deletes: bool,
    pub(crate) compacts: bool,
    pub(crate) retention_ms: Option<i64>,
    pub(crate) retention_bytes: Option<usize>,
    pub(crate) message_max_bytes: usize,
    pub(crate) append_time: bool,
    pub(crate) timestamp_before_max_ms: i64,
    pub(crate) timestamp_after_max_ms: i64,
    pub(crate) compaction_lag_ms: i64,
    pub(crate) compaction_lag_max_ms: i64,
    pub(crate) delete_retention_ms: i64,
    pub(crate) dirty_ratio: f64,
}

impl TopicConfig {
    /// Reads the options that were set. The error is the sentence for the client.
    pub(crate) fn parse(set: BTreeMap<String, String>) -> Result<Self, String> {
        for (name, value) in &set {
            let definition =
                definition(name).ok_or_else(|| format!("Unknown topic config name: {name}"))?;
            definition.check(value)?;
        }
        let text = |name: &str| -> String {
            let default = definition(name).map_or("", |definition| definition.default);
            set.get(name)
                .map_or(default, String::as_str)
                .trim()
                .to_owned()
        };
        let long = |name: &str| text(name).parse::<i64>().unwrap_or(i64::MAX);
        let policy = text("cleanup.policy");
        let has = |word: &str| policy.split(',').any(|one| one.trim() == word);
        Ok(Self {
            deletes: has("delete"),
            compacts: has("compact"),
            retention_ms: Some(long("retention.ms")).filter(|keep| *keep >= 0),
            retention_bytes: usize::try_from(long("retention.bytes")).ok(),
            message_max_bytes: usize::try_from(long("max.message.bytes")).unwrap_or(0),
            append_time: text("message.timestamp.type") == "LogAppendTime",
            timestamp_before_max_ms: long("message.timestamp.before.max.ms"),
            timestamp_after_max_ms: long("message.timestamp.after.max.ms"),
            compaction_lag_ms: long("min.compaction.lag.ms"),
            compaction_lag_max_ms: long("max.compaction.lag.ms"),
            delete_retention_ms: long("delete.retention.ms"),
            dirty_ratio: text("min.cleanable.dirty.ratio").parse().unwrap_or(0.5),
            set,
        })
    }

    /// The options that were set.
    pub(crate) fn set(&self) -> &BTreeMap<String, String> {
        &self.set
    }
}

/// The option of this name.
pub(crate) fn definition(name: &str) -> Option<&'static Definition> {
    DEFINITIONS
        .iter()
        .find(|definition| definition.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(pairs: &[(&str, &str)]) -> Result<TopicConfig, String> {
        TopicConfig::parse(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        )
    }

    #[test]
    fn defaults_are_those_of_apache_kafka() {
        let config = parse(&[]).unwrap();
        assert!(config.deletes && !config.compacts);
        assert_eq!(config.retention_ms, Some(604_800_000));
        assert_eq!(config.retention_bytes, None);
        assert_eq!(config.message_max_bytes, 1_048_588);
        assert!(
            DEFINITIONS
                .iter()
                .all(|one| one.kind == Kind::List || one.check(one.default).is_ok())
        );
        assert!(DEFINITIONS.is_sorted_by_key(|one| one.name));
    }

    #[test]
    fn what_was_set_is_read() {
        let config = parse(&[
            ("cleanup.policy", "compact, delete"),
            ("retention.ms", "-1"),
            ("retention.bytes", "10"),
        ])
        .unwrap();
        assert!(config.deletes && config.compacts);
        assert_eq!(config.retention_ms, None);
        assert_eq!(config.retention_bytes, Some(10));
    }

    #[test]
    fn wrong_names_and_values_are_refused() {
        for wrong in [
            ("no.such.option", "1"),
            ("retention.ms", "soon"),
            ("retention.ms", "-2"),
            ("cleanup.policy", "shred"),
            ("cleanup.policy", ""),
            ("segment.bytes", "3000000000"),
            ("segment.bytes", "1000"),
            ("min.cleanable.dirty.ratio", "1.5"),
            ("preallocate", "maybe"),
        ] {
            assert!(parse(&[wrong]).is_err(), "{wrong:?}");
        }
    }
}

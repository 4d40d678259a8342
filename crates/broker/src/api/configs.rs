//! DescribeConfigs, AlterConfigs and IncrementalAlterConfigs.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use kafka_protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, DescribeConfigsRequest, DescribeConfigsResponse,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, alter_configs_response,
    incremental_alter_configs_response,
};

use super::{Caller, text};
use crate::shared::NODE_ID;
use crate::topic_config::{DEFINITIONS, Kind, TopicConfig, definition};
use crate::topics::{Refusal, check_name};

const TOPIC: i8 = 2;
const BROKER: i8 = 4;
const SOURCE_TOPIC: i8 = 1;
const SOURCE_STATIC_BROKER: i8 = 4;
const SOURCE_DEFAULT: i8 = 5;
/// Operations of an incremental change.
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;
const SUBTRACT: i8 = 3;

/// One option as it is described.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) source: i8,
    kind: Kind,
    read_only: bool,
}

/// A topic's options: what was set, and the defaults.
pub(crate) fn topic_entries(config: &TopicConfig) -> impl Iterator<Item = Entry> + '_ {
    DEFINITIONS.iter().map(|definition| {
        let set = config.set().get(definition.name);
        Entry {
            name: definition.name,
            value: set.map_or_else(|| definition.default.to_owned(), Clone::clone),
            source: if set.is_some() {
                SOURCE_TOPIC
            } else {
                SOURCE_DEFAULT
            },
            kind: definition.kind,
            read_only: false,
        }
    })
}

fn broker_entries(caller: &Caller) -> Vec<Entry> {
    let listener = format!("PLAINTEXT://{}", caller.shared.address);
    let request_max_bytes = caller.shared.settings.request_max_bytes.to_string();
    [
        (
            "auto.create.topics.enable",
            "false".to_owned(),
            Kind::Boolean,
        ),
        ("broker.id", NODE_ID.to_string(), Kind::Int),
        ("default.replication.factor", "1".to_owned(), Kind::Int),
        ("listeners", listener, Kind::List),
        ("message.max.bytes", "1048588".to_owned(), Kind::Int),
        ("num.partitions", "1".to_owned(), Kind::Int),
        ("socket.request.max.bytes", request_max_bytes, Kind::Int),
        ("transaction.max.timeout.ms", "900000".to_owned(), Kind::Int),
    ]
    .into_iter()
    .map(|(name, value, kind)| Entry {
        name,
        value,
        source: SOURCE_STATIC_BROKER,
        kind,
        read_only: true,
    })
    .collect()
}

pub(crate) fn describe(
    caller: &Caller,
    version: i16,
    request: DescribeConfigsRequest,
) -> DescribeConfigsResponse {
    let results = request.resources.iter().map(|resource| {
        let result = DescribeConfigsResult::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        match entries(caller, resource) {
            Ok(entries) => {
                let described = entries
                    .into_iter()
                    .map(|entry| describe_entry(entry, request.include_synonyms, version));
                result.with_configs(described.collect())
            }
            Err((error, why)) => result
                .with_error_code(error.code())
                .with_error_message(Some(text(&why))),
        }
    });
    DescribeConfigsResponse::default().with_results(results.collect())
}

fn entries(caller: &Caller, resource: &DescribeConfigsResource) -> Result<Vec<Entry>, Refusal> {
    let all: Vec<Entry> = match resource.resource_type {
        TOPIC => {
            check_name(&resource.resource_name)?;
            let topic = caller
                .shared
                .topics
                .get(&resource.resource_name)
                .ok_or_else(unknown)?;
            topic_entries(&topic.config()).collect()
        }
        BROKER => {
            let name = resource.resource_name.as_str();
            if !name.is_empty() && name != NODE_ID.to_string() {
                let why = format!(
                    "Unexpected broker id, expected {NODE_ID} or empty string, but received {name}"
                );
                return Err((ResponseError::InvalidRequest, why));
            }
            if name.is_empty() {
                Vec::new()
            } else {
                broker_entries(caller)
            }
        }
        other => {
            return Err((
                ResponseError::InvalidRequest,
                format!("Unsupported resource type: {other}"),
            ));
        }
    };
    let is_wanted = |entry: &Entry| match &resource.configuration_keys {
        Some(keys) => keys.iter().any(|key| key.as_str() == entry.name),
        None => true,
    };
    Ok(all.into_iter().filter(is_wanted).collect())
}

fn unknown() -> Refusal {
    (
        ResponseError::UnknownTopicOrPartition,
        "This server does not host this topic-partition.".to_owned(),
    )
}

fn describe_entry(
    entry: Entry,
    with_synonyms: bool,
    version: i16,
) -> DescribeConfigsResourceResult {
    let mut described = DescribeConfigsResourceResult::default()
        .with_name(text(entry.name))
        .with_value(Some(text(&entry.value)))
        .with_read_only(entry.read_only)
        .with_config_source(entry.source);
    if with_synonyms {
        let synonym = DescribeConfigsSynonym::default()
            .with_name(text(entry.name))
            .with_value(Some(text(&entry.value)))
            .with_source(entry.source);
        described = described.with_synonyms(vec![synonym]);
    }
    if version >= 3 {
        described.with_config_type(entry.kind.code())
    } else {
        described
    }
}

pub(crate) fn alter(
    caller: &Caller,
    _version: i16,
    request: AlterConfigsRequest,
) -> AlterConfigsResponse {
    let responses = request.resources.iter().map(|resource| {
        let set = resource
            .configs
            .iter()
            .filter_map(|config| {
                Some((config.name.to_string(), config.value.as_ref()?.to_string()))
            })
            .collect();
        let changed = change(
            caller,
            resource.resource_type,
            &resource.resource_name,
            request.validate_only,
            |_| Ok(set),
        );
        let response = alter_configs_response::AlterConfigsResourceResponse::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        match changed {
            Ok(()) => response,
            Err((error, why)) => response
                .with_error_code(error.code())
                .with_error_message(Some(text(&why))),
        }
    });
    AlterConfigsResponse::default().with_responses(responses.collect())
}

pub(crate) fn alter_incrementally(
    caller: &Caller,
    _version: i16,
    request: IncrementalAlterConfigsRequest,
) -> IncrementalAlterConfigsResponse {
    let responses = request.resources.iter().map(|resource| {
        let changed = change(
            caller,
            resource.resource_type,
            &resource.resource_name,
            request.validate_only,
            |mut set| {
                for config in &resource.configs {
                    let value = config.value.as_ref().map(ToString::to_string);
                    apply(&mut set, &config.name, config.config_operation, value)?;
                }
                Ok(set)
            },
        );
        let response = incremental_alter_configs_response::AlterConfigsResourceResponse::default()
            .with_resource_type(resource.resource_type)
            .with_resource_name(resource.resource_name.clone());
        match changed {
            Ok(()) => response,
            Err((error, why)) => response
                .with_error_code(error.code())
                .with_error_message(Some(text(&why))),
        }
    });
    IncrementalAlterConfigsResponse::default().with_responses(responses.collect())
}

type Set = BTreeMap<String, String>;

fn change(
    caller: &Caller,
    resource_type: i8,
    name: &str,
    validate_only: bool,
    edit: impl FnOnce(Set) -> Result<Set, Refusal>,
) -> Result<(), Refusal> {
    if resource_type != TOPIC {
        let why =
            "The embedded broker's own options are set when it starts; only topics can be changed."
                .to_owned();
        return Err((ResponseError::InvalidRequest, why));
    }
    let topic = caller.shared.topics.get(name).ok_or_else(unknown)?;
    let set = edit(topic.config().set().clone())?;
    let config = TopicConfig::parse(set).map_err(|why| (ResponseError::InvalidConfig, why))?;
    if !validate_only {
        topic.set_config(config);
    }
    Ok(())
}

fn apply(set: &mut Set, name: &str, operation: i8, value: Option<String>) -> Result<(), Refusal> {
    let refused = |why: String| Err((ResponseError::InvalidConfig, why));
    let Some(definition) = definition(name) else {
        return refused(format!("Unknown topic config name: {name}"));
    };
    if operation == DELETE {
        set.remove(name);
        return Ok(());
    }
    let Some(value) = value else {
        return Err((
            ResponseError::InvalidRequest,
            format!("Null value not supported for {name}"),
        ));
    };
    match operation {
        SET => drop(set.insert(name.to_owned(), value)),
        APPEND | SUBTRACT if definition.kind != Kind::List => {
            return refused(format!(
                "Can't append to or subtract from key {name} because its type is not LIST."
            ));
        }
        APPEND | SUBTRACT => {
            let now = set
                .get(name)
                .map_or(definition.default, String::as_str)
                .to_owned();
            let mut words: Vec<&str> = now
                .split(',')
                .map(str::trim)
                .filter(|word| !word.is_empty())
                .collect();
            for word in value.split(',').map(str::trim) {
                words.retain(|one| *one != word);
                if operation == APPEND {
                    words.push(word);
                }
            }
            set.insert(name.to_owned(), words.join(","));
        }
        other => {
            return Err((
                ResponseError::InvalidRequest,
                format!("Unknown operation {other}"),
            ));
        }
    }
    Ok(())
}

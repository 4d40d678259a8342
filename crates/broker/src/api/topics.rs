//! CreateTopics, DeleteTopics and CreatePartitions.

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::{
    CreatableTopicConfigs, CreatableTopicResult,
};
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::{
    BrokerId, CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest,
    CreateTopicsResponse, DeleteTopicsRequest, DeleteTopicsResponse, TopicName,
};
use uuid::Uuid;

use super::{Caller, configs, text};
use crate::shared::NODE_ID;
use crate::topic_config::TopicConfig;
use crate::topics::{Refusal, Topic, check_name};

/// What was created.
struct Created {
    id: Uuid,
    partition_count: i32,
    config: TopicConfig,
}

pub(crate) fn create(
    caller: &Caller,
    version: i16,
    request: CreateTopicsRequest,
) -> CreateTopicsResponse {
    let mut results = Vec::with_capacity(request.topics.len());
    for wanted in &request.topics {
        let is_repeated = request
            .topics
            .iter()
            .filter(|other| other.name == wanted.name)
            .count()
            > 1;
        let result = CreatableTopicResult::default().with_name(wanted.name.clone());
        let created = if is_repeated {
            Err((
                ResponseError::InvalidRequest,
                "Duplicate topic name.".to_owned(),
            ))
        } else {
            create_one(caller, wanted, request.validate_only)
        };
        results.push(match created {
            Ok(created) => describe_created(result, &created, version),
            Err((error, why)) => result
                .with_error_code(error.code())
                .with_error_message(Some(text(&why)))
                .with_num_partitions(-1)
                .with_replication_factor(-1)
                .with_configs(None),
        });
    }
    CreateTopicsResponse::default().with_topics(results)
}

fn create_one(
    caller: &Caller,
    wanted: &CreatableTopic,
    validate_only: bool,
) -> Result<Created, Refusal> {
    check_name(&wanted.name)?;
    if caller.shared.topics.get(&wanted.name).is_some() {
        let why = format!("Topic '{}' already exists.", wanted.name.0);
        return Err((ResponseError::TopicAlreadyExists, why));
    }
    let partition_count = partition_count(wanted)?;
    let mut set = BTreeMap::new();
    for config in &wanted.configs {
        let value = config.value.as_ref().ok_or_else(|| {
            let why = format!(
                "Null value not supported for topic configs: {}",
                config.name
            );
            (ResponseError::InvalidConfig, why)
        })?;
        set.insert(config.name.to_string(), value.to_string());
    }
    let config = TopicConfig::parse(set).map_err(|why| (ResponseError::InvalidConfig, why))?;
    let id = caller.shared.identifiers.next();
    let count = usize::try_from(partition_count).unwrap_or(0);
    caller
        .shared
        .topics
        .create(&wanted.name, id, count, config.clone(), validate_only)?;
    Ok(Created {
        id: if validate_only { Uuid::nil() } else { id },
        partition_count,
        config,
    })
}

fn partition_count(wanted: &CreatableTopic) -> Result<i32, Refusal> {
    if wanted.assignments.is_empty() {
        if wanted.replication_factor != -1 && wanted.replication_factor <= 0 {
            let why = "Replication factor must be larger than 0, or -1 to use the default value."
                .to_owned();
            return Err((ResponseError::InvalidReplicationFactor, why));
        }
        if wanted.num_partitions != -1 && wanted.num_partitions <= 0 {
            let why = "Number of partitions was set to an invalid non-positive value.".to_owned();
            return Err((ResponseError::InvalidPartitions, why));
        }
        if wanted.replication_factor > 1 {
            let why = format!(
                "Unable to replicate the partition {} time(s): The target replication factor of {} cannot be reached \
                 because only 1 broker(s) are registered.",
                wanted.replication_factor, wanted.replication_factor
            );
            return Err((ResponseError::InvalidReplicationFactor, why));
        }
        return Ok(if wanted.num_partitions == -1 {
            1
        } else {
            wanted.num_partitions
        });
    }
    if wanted.replication_factor != -1 || wanted.num_partitions != -1 {
        let why = "A manual partition assignment was specified, but numPartitions or replicationFactor was not set to -1.";
        return Err((ResponseError::InvalidRequest, why.to_owned()));
    }
    let mut numbers: Vec<i32> = wanted
        .assignments
        .iter()
        .map(|one| one.partition_index)
        .collect();
    numbers.sort_unstable();
    let is_gapless = numbers
        .iter()
        .zip(0..)
        .all(|(number, expected)| *number == expected);
    if !is_gapless
        || wanted
            .assignments
            .iter()
            .any(|one| one.broker_ids != [BrokerId(NODE_ID)])
    {
        let why = format!(
            "The manual partition assignment must number partitions from 0 and name node {NODE_ID} alone."
        );
        return Err((ResponseError::InvalidReplicaAssignment, why));
    }
    i32::try_from(numbers.len()).map_err(|_| {
        (
            ResponseError::InvalidPartitions,
            "Too many partitions.".to_owned(),
        )
    })
}

fn describe_created(
    result: CreatableTopicResult,
    created: &Created,
    version: i16,
) -> CreatableTopicResult {
    let result = result.with_topic_id(created.id);
    if version < 5 {
        return result;
    }
    let configs = configs::topic_entries(&created.config).map(|entry| {
        CreatableTopicConfigs::default()
            .with_name(text(entry.name))
            .with_value(Some(text(&entry.value)))
            .with_config_source(entry.source)
    });
    result
        .with_num_partitions(created.partition_count)
        .with_replication_factor(1)
        .with_configs(Some(configs.collect()))
}

pub(crate) fn delete(
    caller: &Caller,
    version: i16,
    request: DeleteTopicsRequest,
) -> DeleteTopicsResponse {
    let mut responses = Vec::new();
    if version <= 5 {
        for name in &request.topic_names {
            let removed = remove(caller, name);
            responses.push(describe_deleted(
                Some(name.clone()),
                Uuid::nil(),
                removed,
                version,
            ));
        }
        return DeleteTopicsResponse::default().with_responses(responses);
    }
    for wanted in &request.topics {
        let removed = match &wanted.name {
            Some(name) => remove(caller, name),
            None => match caller.shared.topics.get_by_id(wanted.topic_id) {
                Some(topic) => remove(caller, &topic.name),
                None => Err(ResponseError::UnknownTopicId),
            },
        };
        responses.push(describe_deleted(
            wanted.name.clone(),
            wanted.topic_id,
            removed,
            version,
        ));
    }
    DeleteTopicsResponse::default().with_responses(responses)
}

fn remove(caller: &Caller, name: &str) -> Result<std::sync::Arc<Topic>, ResponseError> {
    let topic = caller
        .shared
        .topics
        .remove(name)
        .ok_or(ResponseError::UnknownTopicOrPartition)?;
    caller.shared.groups.forget_topic(name);
    Ok(topic)
}

fn describe_deleted(
    name: Option<TopicName>,
    id: Uuid,
    removed: Result<std::sync::Arc<Topic>, ResponseError>,
    version: i16,
) -> DeletableTopicResult {
    match removed {
        Ok(topic) => {
            let result =
                DeletableTopicResult::default().with_name(Some(TopicName(text(&topic.name))));
            if version >= 6 {
                result.with_topic_id(topic.id)
            } else {
                result
            }
        }
        Err(error) => {
            let result = DeletableTopicResult::default()
                .with_name(name)
                .with_topic_id(id)
                .with_error_code(error.code());
            if version >= 5 {
                result.with_error_message(Some(text(&error.to_string())))
            } else {
                result
            }
        }
    }
}

pub(crate) fn grow(
    caller: &Caller,
    _version: i16,
    request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let results = request.topics.iter().map(|wanted| {
        let result = CreatePartitionsTopicResult::default().with_name(wanted.name.clone());
        match caller
            .shared
            .topics
            .grow(&wanted.name, wanted.count, request.validate_only)
        {
            Ok(()) => result,
            Err((error, why)) => result
                .with_error_code(error.code())
                .with_error_message(Some(text(&why))),
        }
    });
    CreatePartitionsResponse::default().with_results(results.collect())
}

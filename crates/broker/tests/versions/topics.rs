//! Topics, their metadata and options.

use crate::wire::text;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::*;
use kafka_protocol::messages::{alter_configs_request, incremental_alter_configs_request};

use super::Walk;

pub(super) fn topics(walk: &mut Walk) {
    let version = walk.version(ApiKey::CreateTopics);
    let config = CreatableTopicConfig::default()
        .with_name(text("retention.ms"))
        .with_value(Some(text("-1")));
    let topic = CreatableTopic::default()
        .with_name(walk.name())
        .with_num_partitions(2)
        .with_replication_factor(1)
        .with_configs(vec![config]);
    // The second of the two cannot be created: errors have fields of their own.
    let wrong = CreatableTopic::default()
        .with_name(TopicName(text("a b")))
        .with_num_partitions(1)
        .with_replication_factor(1);
    let request = CreateTopicsRequest::default()
        .with_topics(vec![topic, wrong])
        .with_timeout_ms(1_000);
    let created = walk.wire.ask(&request, version);
    assert_eq!(
        created
            .topics
            .iter()
            .map(|one| one.error_code)
            .collect::<Vec<_>>(),
        [0, 17]
    );

    walk.topic_id = created.topics[0].topic_id;

    metadata(walk);
    let version = walk.version(ApiKey::CreatePartitions);
    let grown = CreatePartitionsTopic::default()
        .with_name(walk.name())
        .with_count(3)
        .with_assignments(None);
    let request = CreatePartitionsRequest::default()
        .with_topics(vec![grown.clone(), grown])
        .with_timeout_ms(1_000);
    let grown = walk.wire.ask(&request, version);
    assert_eq!(
        grown
            .results
            .iter()
            .map(|one| one.error_code)
            .collect::<Vec<_>>(),
        [0, 37]
    );
}

fn metadata(walk: &mut Walk) {
    let version = walk.version(ApiKey::Metadata);
    let wanted = vec![
        MetadataRequestTopic::default().with_name(Some(walk.name())),
        MetadataRequestTopic::default().with_name(Some(TopicName(text("nowhere-at-all")))),
    ];
    let mut request = MetadataRequest::default().with_topics(Some(wanted));
    request.allow_auto_topic_creation = version < 4;
    let metadata = walk.wire.ask(&request, version);
    assert_eq!(metadata.topics[0].partitions.len(), 2);
    assert_eq!(metadata.topics[1].error_code, 3);
    if version >= 10 {
        walk.topic_id = metadata.topics[0].topic_id;
    }
    let all = if version == 0 { Some(Vec::new()) } else { None };
    let mut request = MetadataRequest::default().with_topics(all);
    request.allow_auto_topic_creation = true;
    assert!(
        walk.wire
            .ask(&request, version)
            .topics
            .iter()
            .any(|one| one.name == Some(walk.name()))
    );
}

pub(super) fn options(walk: &mut Walk) {
    let version = walk.version(ApiKey::DescribeConfigs);
    let resource = |kind: i8, name: &str| {
        DescribeConfigsResource::default()
            .with_resource_type(kind)
            .with_resource_name(text(name))
            .with_configuration_keys(None)
    };
    let resources = vec![
        resource(2, &walk.topic),
        resource(4, "1"),
        resource(2, "nowhere-at-all"),
    ];
    let request = DescribeConfigsRequest::default()
        .with_resources(resources)
        .with_include_synonyms(true);
    let described = walk.wire.ask(&request, version);
    assert_eq!(
        described
            .results
            .iter()
            .map(|one| one.error_code)
            .collect::<Vec<_>>(),
        [0, 0, 3]
    );

    let version = walk.version(ApiKey::AlterConfigs);
    let entry = alter_configs_request::AlterableConfig::default()
        .with_name(text("retention.ms"))
        .with_value(Some(text("-1")));
    let resource = alter_configs_request::AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text(&walk.topic))
        .with_configs(vec![entry]);
    let altered = walk.wire.ask(
        &AlterConfigsRequest::default().with_resources(vec![resource]),
        version,
    );
    assert_eq!(altered.responses[0].error_code, 0);

    let version = walk.version(ApiKey::IncrementalAlterConfigs);
    let entry = incremental_alter_configs_request::AlterableConfig::default()
        .with_name(text("cleanup.policy"))
        .with_config_operation(2)
        .with_value(Some(text("compact")));
    let resource = incremental_alter_configs_request::AlterConfigsResource::default()
        .with_resource_type(2)
        .with_resource_name(text(&walk.topic))
        .with_configs(vec![entry]);
    let altered = walk.wire.ask(
        &IncrementalAlterConfigsRequest::default().with_resources(vec![resource]),
        version,
    );
    assert_eq!(altered.responses[0].error_code, 0);

    let version = walk.version(ApiKey::DescribeCluster);
    let mut request = DescribeClusterRequest::default();
    request.endpoint_type = 1;
    assert_eq!(walk.wire.ask(&request, version).brokers.len(), 1);
}

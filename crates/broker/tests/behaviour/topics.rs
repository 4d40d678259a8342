//! Topics and their options.

use std::time::Duration;

use rdkafka::admin::{
    AdminOptions, AlterConfig, ConfigSource, NewPartitions, NewTopic, ResourceSpecifier,
    TopicReplication,
};
use rdkafka::consumer::{BaseConsumer, Consumer};

use super::Outcome;
use super::client::{Target, block_on, eventually, unique};

fn partitions_of(target: &Target, topic: &str) -> Option<usize> {
    let consumer: BaseConsumer = target.config(&[]).create().unwrap();
    let metadata = consumer
        .fetch_metadata(Some(topic), Duration::from_secs(10))
        .ok()?;
    let topic = metadata.topics().first()?;
    topic.error().is_none().then(|| topic.partitions().len())
}

fn option_of(target: &Target, topic: &str, option: &str) -> String {
    let specifier = ResourceSpecifier::Topic(topic);
    let described = block_on(
        target
            .admin()
            .describe_configs([&specifier], &AdminOptions::new()),
    )
    .unwrap();
    let resource = described.into_iter().next().unwrap().unwrap();
    let entry = resource
        .get(option)
        .unwrap_or_else(|| panic!("{option} is not described"));
    let is_own = entry.source == ConfigSource::DynamicTopic;
    format!(
        "{option}={} own={is_own} default={}",
        entry.value.clone().unwrap_or_default(),
        entry.is_default
    )
}

pub fn topics(target: &Target) -> Outcome {
    let admin = target.admin();
    let options = AdminOptions::new();
    let topic = target.create_topic("topics", 3, &[]);
    let mut seen = vec![format!("{:?}", partitions_of(target, &topic))];
    seen.push(format!(
        "again {:?}",
        target.create_named(&topic, 3, 1, &[])
    ));
    let clash = format!("{}_x", unique("clash"));
    target.create_named(&clash, 1, 1, &[]).unwrap();
    seen.push(format!(
        "clash {:?}",
        target.create_named(&clash.replace('_', "."), 1, 1, &[])
    ));
    let unseen = unique("unseen");
    let dry = NewTopic::new(&unseen, 1, TopicReplication::Fixed(1));
    let checked =
        block_on(admin.create_topics([&dry], &AdminOptions::new().validate_only(true))).unwrap();
    seen.push(format!(
        "validate only {} {:?}",
        checked[0].is_ok(),
        partitions_of(target, &unseen)
    ));
    let grown =
        block_on(admin.create_partitions([&NewPartitions::new(&topic, 5)], &options)).unwrap();
    seen.push(format!(
        "grow {:?}",
        grown[0].as_ref().map(|_| ()).map_err(|(_, code)| *code)
    ));
    eventually("five partitions", || {
        (partitions_of(target, &topic) == Some(5)).then_some(())
    });
    for count in [5, 4] {
        let refused =
            block_on(admin.create_partitions([&NewPartitions::new(&topic, count)], &options))
                .unwrap();
        seen.push(format!(
            "grow to {count} {:?}",
            refused[0].as_ref().map(|_| ()).map_err(|(_, code)| *code)
        ));
    }
    let deleted = block_on(admin.delete_topics(&[&topic], &options)).unwrap();
    seen.push(format!("delete {}", deleted[0].is_ok()));
    eventually("the topic to go", || {
        partitions_of(target, &topic).is_none().then_some(())
    });
    let missing = block_on(admin.delete_topics(&[&topic], &options)).unwrap();
    seen.push(format!(
        "delete again {:?}",
        missing[0].as_ref().map(|_| ()).map_err(|(_, code)| *code)
    ));
    let expected = [
        "Some(3)",
        "again Err(TopicAlreadyExists)",
        "clash Err(InvalidTopic)",
        "validate only true None",
        "grow Ok(())",
        "grow to 5 Err(InvalidPartitions)",
        "grow to 4 Err(InvalidPartitions)",
        "delete true",
        "delete again Err(UnknownTopicOrPartition)",
    ];
    assert_eq!(seen, expected);
    seen
}

pub fn invalid_topics(target: &Target) -> Outcome {
    let long = "x".repeat(250);
    let name = unique("wrong");
    let mut seen = Vec::new();
    for (name, partitions, replicas) in [
        ("a b", 1, 1),
        (long.as_str(), 1, 1),
        ("..", 1, 1),
        (name.as_str(), 0, 1),
        (name.as_str(), 1, 7),
    ] {
        let outcome =
            std::panic::catch_unwind(|| target.create_named(name, partitions, replicas, &[]));
        seen.push(outcome.map_or_else(
            |_| "refused by the client".to_owned(),
            |created| format!("{created:?}"),
        ));
    }
    for (option, value) in [
        ("retention.ms", "soon"),
        ("no.such", "1"),
        ("cleanup.policy", "shred"),
        ("segment.bytes", "1"),
    ] {
        seen.push(format!(
            "{option} {:?}",
            target.create_named(&name, 1, 1, &[(option, value)])
        ));
    }
    assert!(
        seen.iter()
            .all(|outcome| outcome.contains("Err") || outcome.contains("client")),
        "{seen:?}"
    );
    seen
}

pub fn admin(target: &Target) -> Outcome {
    let admin = target.admin();
    let topic = target.create_topic(
        "admin",
        2,
        &[
            ("retention.ms", "3600000"),
            ("cleanup.policy", "compact,delete"),
        ],
    );
    let mut seen: Outcome = [
        "retention.ms",
        "cleanup.policy",
        "max.message.bytes",
        "retention.bytes",
        "compression.type",
    ]
    .iter()
    .map(|option| option_of(target, &topic, option))
    .collect();
    let change =
        AlterConfig::new(ResourceSpecifier::Topic(&topic)).set("max.message.bytes", "2000000");
    let altered = block_on(admin.alter_configs([&change], &AdminOptions::new())).unwrap();
    seen.push(format!("altered {}", altered[0].is_ok()));
    eventually("the change to show", || {
        option_of(target, &topic, "max.message.bytes")
            .starts_with("max.message.bytes=2000000")
            .then_some(())
    });
    // This request replaces all that was set.
    seen.push(option_of(target, &topic, "retention.ms"));
    // This client does not tell of refused changes; the value does.
    let wrong = AlterConfig::new(ResourceSpecifier::Topic(&topic)).set("max.message.bytes", "-5");
    block_on(admin.alter_configs([&wrong], &AdminOptions::new())).unwrap();
    seen.push(option_of(target, &topic, "max.message.bytes"));
    let nowhere = unique("nowhere");
    let missing = block_on(
        admin.describe_configs([&ResourceSpecifier::Topic(&nowhere)], &AdminOptions::new()),
    )
    .unwrap();
    // This client gives an empty list where the broker says that there is no such topic.
    let entries = missing[0].as_ref().map_or(0, |one| one.entries.len());
    seen.push(format!("{entries} entries"));
    let expected = [
        "retention.ms=3600000 own=true default=false",
        "cleanup.policy=compact,delete own=true default=false",
        "max.message.bytes=1048588 own=false default=true",
        "retention.bytes=-1 own=false default=true",
        "compression.type=producer own=false default=true",
        "altered true",
        "retention.ms=604800000 own=false default=true",
        "max.message.bytes=2000000 own=true default=false",
        "0 entries",
    ];
    assert_eq!(seen, expected);
    seen
}

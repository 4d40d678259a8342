//! Topics created once, compared, described, deleted; the tail.

use std::time::Duration;

use kafka::admin::{Ensured, Topic};
use kafka::tail::{From, Tail};
use kafka::{Error, Isolation};

use crate::cluster::{Cluster, PATIENCE, unique};

fn topic(name: &str, partitions: usize, policy: &str) -> Topic {
    Topic {
        name: name.to_owned(),
        partitions,
        replication: 1,
        settings: vec![
            ("cleanup.policy".to_owned(), policy.to_owned()),
            ("max.message.bytes".to_owned(), "16777216".to_owned()),
        ],
    }
}

#[test]
fn topics_are_created_once_and_compared_after() {
    let cluster = Cluster::start();
    let admin = cluster.admin();
    let name = unique("berths");
    let wanted = topic(&name, 3, "compact");
    assert_eq!(
        admin.ensure(std::slice::from_ref(&wanted)).expect("create"),
        [Ensured::Created]
    );
    assert_eq!(admin.ensure(&[wanted]).expect("again"), [Ensured::Existed]);
    let described = admin.describe(&name).expect("describe").expect("there");
    assert_eq!((described.partitions, described.replication), (3, 1));
    assert_eq!(
        described.settings.get("cleanup.policy").map(String::as_str),
        Some("compact")
    );
    assert!(admin.topics().expect("list").contains(&name));

    let Ensured::Differs(differences) =
        &admin.ensure(&[topic(&name, 3, "delete")]).expect("compare")[0]
    else {
        panic!("the difference was not seen");
    };
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0].found.as_deref(), Some("compact"));
    let error = admin
        .ensure(&[topic(&name, 4, "compact")])
        .expect_err("partitions");
    assert!(
        matches!(
            error,
            Error::PartitionCount {
                found: 3,
                wanted: 4,
                ..
            }
        ),
        "{error}"
    );

    admin.delete(&[&name]).expect("delete");
    assert_eq!(admin.describe(&name).expect("describe"), None);
    admin.delete(&[&name]).expect("deleting what is gone");
}

#[test]
fn the_tail_starts_anywhere_and_knows_the_end() {
    let cluster = Cluster::start();
    let name = cluster.topic("gauge", 1);
    let mut feeder = cluster.feeder();
    for n in 0..10u8 {
        let value = (n != 3).then_some([n]);
        feeder
            .send(
                &name,
                Some(0),
                Some(&[n]),
                value.as_ref().map(|v| &v[..]),
                1_000 * i64::from(n + 1),
            )
            .expect("send");
    }
    feeder.flush().expect("flush");
    let connection = cluster.connection();
    let open =
        |from| Tail::open(&connection, &name, None, from, Isolation::ReadCommitted).expect("open");
    for (from, count) in [
        (From::Beginning, 10),
        (From::Offset(7), 3),
        (From::Time(5_500), 5),
    ] {
        let records = open(from).read_to_end(PATIENCE).expect("read");
        assert_eq!(records.len(), count, "{from:?}");
        assert_eq!(records[count - 1].timestamp_ms, 10_000);
    }
    assert_eq!(
        open(From::Beginning).read_to_end(PATIENCE).expect("read")[3].value,
        None
    );
    let mut follow = open(From::End);
    assert_eq!(follow.next(Duration::from_secs(5)).expect("next"), None);
    feeder
        .send(&name, Some(0), None, Some(b"new"), 1)
        .expect("send");
    feeder.flush().expect("flush");
    let record = follow.next(PATIENCE).expect("next").expect("record");
    assert_eq!(record.value.as_deref(), Some(&b"new"[..]));
    assert!(
        Tail::open(
            &connection,
            "no-such",
            None,
            From::End,
            Isolation::ReadCommitted
        )
        .is_err()
    );
}

/// As Kafka's Java client places them, from its own tests of murmur2.
#[test]
fn keys_go_where_java_puts_them() {
    let cluster = Cluster::start();
    let name = cluster.topic("keys", 100);
    let hashes: [(&[u8], i64); 4] = [
        (b"21", -973_932_308),
        (b"foobar", -790_332_482),
        (b"a-little-bit-long-string", -985_981_536),
        (b"abc", 479_470_107),
    ];
    let mut feeder = cluster.feeder();
    for (key, _) in hashes {
        feeder
            .send(&name, None, Some(key), Some(b"v"), 1)
            .expect("send");
    }
    feeder.flush().expect("flush");
    for record in cluster.committed(&name) {
        let key = record.key.expect("key");
        let (_, hash) = hashes
            .iter()
            .find(|(known, _)| *known == &key[..])
            .expect("known");
        assert_eq!(i64::from(record.partition), (hash & 0x7fff_ffff) % 100);
    }
}

//! What `delivery.guarantee` comes to: whether commits are transactions, and whether merge insists that partials continue.

use std::time::Duration;

use events::Message;
use events::internal::Partials;
use kafka::Isolation;
use kafka::admin::Admin;
use kafka::feed::Feeder;
use kafka::tail::{From, Tail, TailRecord};
use quaystream::demo::outputs::Outputs;
use quaystream::demo::scene::Scene;

use super::cluster;
use super::place::{Place, hour, produce, shipped, undisturbed_hour, wait};

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn exactly_once_has_transactions_and_stops_at_a_commit_that_comes_twice() {
    let ran = Ran::new("exactly-once");
    assert!(ran.has_markers());
    let (again, place, has_ended_well) = ran.merged_with_a_commit_twice();
    let log = place.log("merge.log");
    assert!(!has_ended_well && log.contains("jump from offset"), "{log}");
    drop(again);
}

#[test]
fn at_least_once_has_none_and_goes_on_and_tells_the_same_final_rows() {
    let ran = Ran::new("at-least-once");
    assert!(!ran.has_markers());
    let (again, place, has_ended_well) = ran.merged_with_a_commit_twice();
    let log = place.log("merge.log");
    assert!(has_ended_well, "{log}");
    assert!(log.contains("partials do not continue"), "{log}");
    let found = Outputs::read(&again.config).expect("outputs");
    // It brought no rows.
    assert_eq!(found.digest, ran.outputs.digest);
}

/// An hour of the port, processed.
struct Ran {
    guarantee: &'static str,
    scene: Scene,
    outputs: Outputs,
}

impl Ran {
    fn new(guarantee: &'static str) -> Self {
        let scene = Scene::embedded(cluster::config("")).expect("the embedded broker");
        produce(&scene, hour());
        let place = placed(guarantee, &scene);
        place.end(place.start("whole.log", &["--until-end"]), "whole.log");
        let outputs = Outputs::read(&scene.config).expect("outputs");
        cluster::assert_same(&outputs, undisturbed_hour());
        Ran {
            guarantee,
            scene,
            outputs,
        }
    }

    /// True if what both stages wrote has offsets without records: ends of transactions.
    fn has_markers(&self) -> bool {
        let admin = Admin::connect(&self.scene.config.kafka, PATIENCE).expect("admin");
        let topics = &self.scene.config.engine.topics;
        let written = [&topics.partials, &topics.sinks["window_stat"]];
        let [fold, merge] = written.map(|topic| {
            let offsets = admin.offsets(topic).expect("offsets");
            let offsets: i64 = offsets.values().map(|(from, to)| to - from).sum();
            let records = records(&self.scene, topic).len() as i64;
            assert!(records > 10, "{records} in {topic}");
            offsets > records
        });
        assert_eq!(fold, merge);
        fold
    }

    /// Merge alone over the partials, one commit of which comes twice, without its rows. True if it ended well.
    fn merged_with_a_commit_twice(&self) -> (Scene, Place, bool) {
        let again = Scene::embedded(cluster::config("")).expect("the embedded broker");
        let topic = &again.config.engine.topics.partials;
        let mut feeder = Feeder::connect(&again.config.kafka, 1 << 20, PATIENCE).expect("a feeder");
        let mut write = |record: &TailRecord, value: &[u8]| {
            let partition = Some(record.partition);
            let sent = feeder.send(topic, partition, None, Some(value), record.timestamp_ms);
            sent.expect("sent");
        };
        let records = records(&self.scene, topic);
        for (place, record) in records.iter().enumerate() {
            let value = record.value.as_deref().expect("no tombstones");
            write(record, value);
            if place == records.len() / 2 {
                let message = Partials::decode(value).expect("readable");
                assert!(message.parts == 1 && !message.covered.is_empty());
                let twice = Partials {
                    deltas: Vec::new(),
                    ..message
                };
                write(record, &twice.encode_to_vec());
            }
        }
        feeder.flush().expect("written");
        let place = placed(&format!("{}-again", self.guarantee), &again);
        let mut merge = place.start("merge.log", &["--role", "merge", "--until-end"]);
        let has_ended = wait(|| merge.try_wait().expect("asked").is_some());
        let _ = merge.kill();
        let status = merge.wait().expect("it ended");
        assert!(has_ended, "{}", place.log("merge.log"));
        (again, place, status.success())
    }
}

fn records(scene: &Scene, topic: &str) -> Vec<TailRecord> {
    let connection = &scene.config.kafka;
    let (from, isolation) = (From::Beginning, Isolation::ReadCommitted);
    let tail = Tail::open(connection, topic, None, from, isolation);
    let records = tail.expect("it is there").read_to_end(PATIENCE);
    records.expect("read")
}

/// A place for a processor with a guarantee, on the broker of a scene.
fn placed(name: &str, scene: &Scene) -> Place {
    let place = Place::new(name);
    let guarantee = name.trim_end_matches("-again");
    let toml = place.configuration(&scene.config.kafka.bootstrap, &shipped());
    let section = format!("[delivery]\nguarantee = {guarantee:?}\ncommit_bytes_max = 32768\n");
    // Without snapshots all partials stay.
    let toml = toml
        .replace("[delivery]\n", &section)
        .replace("snapshot_interval_s = 1\n", "snapshot_interval_s = 0\n");
    std::fs::write(place.0.join("quaystream.toml"), toml).expect("written");
    place
}

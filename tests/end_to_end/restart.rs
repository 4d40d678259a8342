//! Processes that are killed go on from what the topics of a broker hold, compacted as they are: snapshots of merge, and what
//! fold knows of its input.

use std::collections::BTreeSet;
use std::process::Child;
use std::time::Duration;

use kafka::Isolation;
use kafka::admin::Admin;
use kafka::tail::{From, Tail};
use quaystream::demo::outputs::Outputs;
use quaystream::demo::scene::Scene;
use quaystream::wiring::feed::Pace;
use quaystream::wiring::signals::StopRequest;

use super::cluster;
use super::place::{Place, hour, shipped, undisturbed_hour, wait};

const PATIENCE: Duration = Duration::from_secs(20);
/// After so many records of some five thousand: the process has to write one more snapshot, or dies.
const STEPS: [(u64, Step); 8] = [
    (500, Step::Save),
    (1_000, Step::Save),
    (1_500, Step::Save),
    (1_700, Step::Die),
    (2_000, Step::Save),
    (2_500, Step::Save),
    (3_000, Step::Save),
    (3_200, Step::Die),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Save,
    Die,
}

/// The process at work; of those before it the logs are left.
struct Lives<'a> {
    place: &'a Place,
    process: Child,
    count: usize,
}

impl<'a> Lives<'a> {
    fn new(place: &'a Place) -> Self {
        Lives {
            place,
            process: place.start("life-0.log", &[]),
            count: 0,
        }
    }

    fn log(&self) -> String {
        self.place.log(&format!("life-{}.log", self.count))
    }

    #[track_caller]
    fn take(&mut self, step: Step) {
        if step == Step::Save {
            let count = |log: String| log.matches("snapshot written").count();
            let before = count(self.log());
            let is_saved = wait(|| count(self.log()) > before);
            assert!(is_saved, "{}", self.log());
            return;
        }
        self.process.kill().expect("killed");
        self.process.wait().expect("it ended");
        assert_takes_up(&self.log(), self.count > 0);
        self.count += 1;
        self.process = self.place.start(&format!("life-{}.log", self.count), &[]);
    }
}

impl Drop for Lives<'_> {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_killed_process_goes_on_from_its_snapshot_and_intake_state_in_compacted_topics() {
    let quick = broker::Settings {
        compaction_check_interval: Duration::from_millis(200),
        ..broker::Settings::default()
    };
    let scene = Scene::embedded_with(cluster::config(""), quick).expect("the embedded broker");
    let place = Place::new("restart");
    configure(&place, &scene);
    let mut lives = Lives::new(&place);
    let mut steps = STEPS.iter().peekable();
    let stop = StopRequest::default();
    let look = |records, _| {
        while let Some((_, step)) = steps.next_if(|(at, _)| records >= *at) {
            lives.take(*step);
        }
    };
    scene
        .produce(hour(), Pace::default(), &stop, look)
        .expect("produced");
    assert_eq!(steps.next(), None, "it died in the midst of the input");
    lives.take(Step::Save);
    lives.take(Step::Die);
    drop(lives);
    assert_is_compacted(&scene);
    place.end(place.start("last.log", &["--until-end"]), "last.log");
    assert_takes_up(&place.log("last.log"), true);
    let found = Outputs::read(&scene.config).expect("outputs");
    cluster::assert_same(&found, undisturbed_hour());
}

/// Snapshots in the topic, one a second, and a process that comes back under its name.
fn configure(place: &Place, scene: &Scene) {
    let toml = place.configuration(&scene.config.kafka.bootstrap, &shipped());
    let in_store = toml.lines().find(|line| line.starts_with("snapshots = "));
    let toml = toml
        .replace(in_store.expect("a store"), "snapshots = \"topic\"")
        .replace("[application]\n", "[application]\ninstance = \"one\"\n");
    std::fs::write(place.0.join("quaystream.toml"), toml).expect("written");
}

/// Both stages say what they began with: a snapshot and events that are not yet late, or nothing.
#[track_caller]
fn assert_takes_up(log: &str, has_state: bool) {
    let numbers = |stage: &str, of: &str| -> Vec<u64> {
        let is_meant = |line: &&str| line.contains(stage) && line.contains("assigned");
        let values = log.lines().filter(is_meant).filter_map(|line| {
            let value = line.split_once(of)?.1.split(' ').next()?;
            value.parse().ok()
        });
        values.collect()
    };
    let snapshots = numbers("merge-0 pipeline::worker", "snapshot=");
    let known = numbers("fold-0 pipeline::worker", "known=");
    assert!(!snapshots.is_empty() && !known.is_empty(), "{log}");
    assert_eq!(snapshots.iter().all(|from| *from > 0), has_state, "{log}");
    assert_eq!(known.iter().sum::<u64>() > 0, has_state, "{log}");
}

/// Both topics are as they are shipped; of the snapshots that were given up most records are gone, as are the partials that no
/// snapshot needs.
fn assert_is_compacted(scene: &Scene) {
    let admin = Admin::connect(&scene.config.kafka, PATIENCE).expect("admin");
    let topics = &scene.config.engine.topics;
    for topic in [&topics.snapshots, &topics.intake_state] {
        let described = admin.describe(topic).expect("asked").expect("it is there");
        assert_eq!(described.settings["cleanup.policy"], "compact", "{topic}");
    }
    let (from, isolation) = (From::Beginning, Isolation::ReadCommitted);
    let tail = Tail::open(
        &scene.config.kafka,
        &topics.snapshots,
        None,
        from,
        isolation,
    );
    let left = tail.expect("it is there").read_to_end(PATIENCE);
    let left = left.expect("read");
    let (given_up, records): (Vec<_>, Vec<_>) =
        left.iter().partition(|record| record.value.is_none());
    let given_up: BTreeSet<_> = given_up.iter().map(|record| &record.key).collect();
    let still_there = records.iter().filter(|one| given_up.contains(&one.key));
    let still_there = still_there.count();
    let of = given_up.len();
    assert!(
        of > 0 && still_there < of / 2,
        "{still_there} records of {of} that were given up"
    );
    let partials = admin.offsets(&topics.partials).expect("offsets");
    assert!(partials.values().all(|(from, _)| *from > 0), "{partials:?}");
}

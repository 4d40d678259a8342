//! Queries that are added to a processor at work with `--from earliest` tell what they would have told from the beginning.

use std::path::Path;
use std::process::{Child, Command};

use quaystream::demo::outputs::Outputs;
use quaystream::demo::scene::Scene;

use super::cluster;
use super::place::{Place, produce, shipped, undisturbed, wait};

/// The queries that come later.
const LATER: [&str; 3] = ["b1_berth_occupancy", "b3_eta_drift", "r3_train_punctuality"];

/// Two hours of the port, and a processor that has read them without the later queries.
struct Before {
    scene: Scene,
    place: Place,
    expected: Outputs,
}

impl Before {
    fn new(name: &str) -> Self {
        let settings = portsim::Settings {
            hours: 2,
            ..portsim::Settings::default()
        };
        let expected = undisturbed(settings.clone());
        let scene = Scene::embedded(cluster::config("")).expect("the embedded broker");
        produce(&scene, settings);
        let place = Place::new(name);
        let pipeline = place.0.join("pipeline");
        copy(&shipped(), &pipeline);
        let queries = LATER.map(|query| format!("queries/{query}.sql"));
        for query in &queries {
            std::fs::remove_file(pipeline.join(query)).expect("it is there");
        }
        let toml = place.configuration(&scene.config.kafka.bootstrap, &pipeline);
        std::fs::write(place.0.join("quaystream.toml"), toml).expect("written");
        let first = place.start("first.log", &[]);
        let is_written = wait(|| place.log("first.log").matches("snapshot written").count() >= 2);
        stop_in_good_order(first, "first.log", &place);
        assert!(is_written, "{}", place.log("first.log"));
        for query in &queries {
            std::fs::copy(shipped().join(query), pipeline.join(query)).expect("copied");
        }
        Before {
            scene,
            place,
            expected,
        }
    }

    /// A processor that ends by itself; then all is told.
    #[track_caller]
    fn end_with(self, log: &str, arguments: &[&str]) {
        let mut last = self.place.start(log, arguments);
        let has_ended = wait(|| last.try_wait().expect("asked").is_some());
        let _ = last.kill();
        let status = last.wait().expect("it ended");
        let log = self.place.log(log);
        assert!(has_ended && status.success(), "{status}: {log}");
        let found = Outputs::read(&self.scene.config).expect("outputs");
        for query in LATER {
            assert!(self.expected.final_rows().contains_key(query), "{query}");
        }
        cluster::assert_same(&found, &self.expected);
    }
}

#[test]
fn queries_that_are_added_with_the_input_of_before_tell_it_once() {
    let before = Before::new("backfill");
    let place = &before.place;
    let second = place.start("second.log", &["--from", "earliest"]);
    let done = "the backfill is done";
    // Each partition of merge has its own, of the queries that it runs.
    let is_done = wait(|| place.log("second.log").matches(done).count() >= LATER.len());
    stop_in_good_order(second, "second.log", place);
    assert!(is_done, "{}", place.log("second.log"));
    before.end_with("third.log", &["--until-end"]);
}

#[test]
fn queries_that_are_added_in_a_run_with_an_end_tell_all_within_it() {
    let before = Before::new("backfill-to-the-end");
    before.end_with("second.log", &["--from", "earliest", "--until-end"]);
}

#[test]
fn from_says_what_it_takes() {
    let run = |value: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_quaystream"))
            .args(["run", "--from", value])
            .output()
            .expect("it starts");
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let told = run("yesterday");
    assert!(
        told.contains("`yesterday` is neither `earliest` nor an instant such as"),
        "{told}"
    );
}

fn stop_in_good_order(mut process: Child, log: &str, place: &Place) {
    let id = process.id().to_string();
    let asked = Command::new("kill").args(["-TERM", &id]).status();
    assert!(asked.expect("kill is there").success());
    let has_ended = wait(|| process.try_wait().expect("asked").is_some());
    let _ = process.kill();
    let status = process.wait().expect("it ended");
    assert!(
        has_ended && status.success(),
        "{status}: {}",
        place.log(log)
    );
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("readable").is_dir() {
            true => copy(&entry.path(), &target),
            false => {
                std::fs::copy(entry.path(), target).expect("copied");
            }
        }
    }
}

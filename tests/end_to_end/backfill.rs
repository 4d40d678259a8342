//! Queries that are added to a processor at work with `--from earliest` tell what they would have told from the beginning.

use std::path::Path;
use std::process::Command;

use events::v1::WindowStat;
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
        place.stop(first, "first.log");
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

    /// What is there once a processor has ended by itself.
    #[track_caller]
    fn end_with(&self, log: &str, arguments: &[&str]) -> Outputs {
        self.place.end(self.place.start(log, arguments), log);
        for query in LATER {
            assert!(self.expected.final_rows().contains_key(query), "{query}");
        }
        Outputs::read(&self.scene.config).expect("outputs")
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
    place.stop(second, "second.log");
    assert!(is_done, "{}", place.log("second.log"));
    let found = before.end_with("third.log", &["--until-end"]);
    cluster::assert_same(&found, &before.expected);
}

#[test]
fn queries_that_are_added_in_a_run_with_an_end_tell_all_within_it() {
    let before = Before::new("backfill-to-the-end");
    let found = before.end_with("second.log", &["--from", "earliest", "--until-end"]);
    cluster::assert_same(&found, &before.expected);
}

#[test]
fn queries_that_are_added_from_an_instant_tell_the_windows_that_begin_there_or_later() {
    // The second hour of two.
    const FROM: (&str, i64) = ("2026-03-02T01:00:00Z", 1_772_413_200_000_000);
    let before = Before::new("backfill-from-an-instant");
    let found = before.end_with("second.log", &["--from", FROM.0, "--until-end"]);
    cluster::assert_told_in_order(&found);
    let (found, all) = (found.final_rows(), before.expected.final_rows());
    assert!(found.keys().eq(all.keys()), "{:?}", found.keys());
    for (query, all) in all {
        let is_later = LATER.contains(&query);
        let (mut expected, earlier): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|row| !is_later || row.window_start_us >= FROM.1);
        assert!(!expected.is_empty(), "{query}");
        assert_eq!(!earlier.is_empty(), is_later, "{query}");
        let mut found = found[query].clone();
        for rows in [&mut found, &mut expected] {
            rows.sort_by_key(|row| format!("{} {:?}", row.window_start_us, row.cells));
        }
        assert_eq!(found.len(), expected.len(), "{query}");
        for (found, expected) in found.iter().zip(&expected) {
            let window = |row: &WindowStat| (row.window_start_us, row.window_end_us);
            assert_eq!(window(found), window(expected), "{query}");
            assert_eq!(found.cells, expected.cells, "{query}");
        }
    }
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

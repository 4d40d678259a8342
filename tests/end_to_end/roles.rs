//! Folds and merges in processes of their own tell what one process tells.

use quaystream::demo::outputs::Outputs;
use quaystream::demo::scene::Scene;

use super::cluster;
use super::place::{Place, hour, produce, shipped, undisturbed_hour, wait};

/// Merge in two partitions.
const TWO: &str = "[topics.partials]\npartitions = 2\n\n[topics.snapshots]\npartitions = 2\n";

/// A broker, and a place with a configuration that has `more`.
fn placed(name: &str, more: &str) -> (Scene, Place) {
    let scene = Scene::embedded(cluster::config(more)).expect("the embedded broker");
    let place = Place::new(name);
    let toml = place.configuration(&scene.config.kafka.bootstrap, &shipped());
    std::fs::write(place.0.join("quaystream.toml"), format!("{toml}\n{more}")).expect("written");
    (scene, place)
}

#[test]
fn two_folds_and_two_merges_tell_what_one_process_tells() {
    let (scene, place) = placed("roles", "");
    produce(&scene, hour());
    let roles = ["fold", "merge", "fold", "merge"];
    let processes: Vec<_> = (0..)
        .zip(roles)
        .map(|(number, role)| {
            let log = format!("{role}-{number}.log");
            (place.start(&log, &["--role", role, "--until-end"]), log)
        })
        .collect();
    for (process, log) in processes {
        place.end(process, &log);
        assert_has_one_stage(&place.log(&log));
    }
    let found = Outputs::read(&scene.config).expect("outputs");
    cluster::assert_same(&found, undisturbed_hour());
}

#[track_caller]
fn assert_has_one_stage(log: &str) {
    let (folds, merges) = (
        log.contains("fold-0 pipeline::worker"),
        log.contains("merge-0 pipeline::worker"),
    );
    assert!(folds != merges, "{log}");
}

/// Rows that a process has told, as it says at its end.
fn told(log: &str) -> u64 {
    let mut lines = log.lines();
    let last = lines.find(|line| line.contains("stopped in good order"));
    let rows = last.and_then(|line| line.split_once(" rows="));
    let rows = rows.and_then(|(_, rows)| rows.split(' ').next());
    rows.expect("it says so").parse().expect("a number")
}

#[test]
fn two_merges_that_share_two_partitions_both_tell_rows_and_together_what_one_tells() {
    let (scene, place) = placed("partitions", TWO);
    produce(&scene, hour());
    let start = |role: &str, log: &str| place.start(log, &["--role", role, "--until-end"]);
    let logs = ["merge-0.log", "merge-1.log"];
    let merges = logs.map(|log| (start("merge", log), log));
    // Each has a partition before there is anything to read.
    let is_shared = wait(|| logs.iter().all(|log| place.log(log).contains("assigned")));
    let fold = start("fold", "fold.log");
    place.end(fold, "fold.log");
    for (merge, log) in merges {
        place.end(merge, log);
        let log = place.log(log);
        assert_has_one_stage(&log);
        assert!(is_shared && told(&log) > 0, "{log}");
    }
    let found = Outputs::read(&scene.config).expect("outputs");
    cluster::assert_same(&found, undisturbed_hour());
}

#[test]
fn two_workers_of_merge_in_one_process_share_its_partitions_and_tell_what_one_tells() {
    let workers = format!("[workers]\nmerge = 2\n\n{TWO}");
    let (scene, place) = placed("workers", &workers);
    let process = place.start("first.log", &[]);
    // What a worker says of a partition, since it has it.
    let says = |worker: &str, what: &str, partition: &str| {
        let log = place.log("first.log");
        let mut lines = log.lines();
        lines.any(|line| {
            line.contains(&format!(" {worker} ")) && line.contains(what) && line.contains(partition)
        })
    };
    let shares = [("merge-0", "merge-1"), ("merge-1", "merge-0")];
    let each = |what: &str| {
        shares
            .iter()
            .any(|(one, other)| says(one, what, "partials[0]") && says(other, what, "partials[1]"))
    };
    let is_shared = wait(|| each("assigned"));
    produce(&scene, hour());
    let is_saved = wait(|| each("snapshot written"));
    place.stop(process, "first.log");
    assert!(is_shared && is_saved, "{}", place.log("first.log"));
    assert!(told(&place.log("first.log")) > 0);
    place.end(place.start("second.log", &["--until-end"]), "second.log");
    let found = Outputs::read(&scene.config).expect("outputs");
    cluster::assert_same(&found, undisturbed_hour());
}

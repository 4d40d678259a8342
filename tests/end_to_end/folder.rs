//! Snapshots in a folder of this machine: a processor that is killed takes up from there, and what comes out is the same.

use quaystream::config::{Config, Folder};
use quaystream::demo::outputs::Outputs;
use quaystream::demo::scene::Scene;

use super::cluster;
use super::place::{Place, produce, shipped, undisturbed, wait};

#[test]
fn a_killed_processor_takes_up_from_snapshots_in_a_folder() {
    let settings = portsim::Settings {
        hours: 2,
        ..portsim::Settings::default()
    };
    let expected = undisturbed(settings.clone());
    let scene = Scene::embedded(cluster::config("")).expect("the embedded broker");
    produce(&scene, settings);
    let place = Place::new("folder");
    let toml = place.configuration(&scene.config.kafka.bootstrap, &shipped());
    Config::parse("folder.toml", &toml, |_| Ok(Folder::shipped())).expect("sound");
    std::fs::write(place.0.join("quaystream.toml"), toml).expect("written");

    let mut first = place.start("first.log", &[]);
    let is_written = wait(|| place.log("first.log").matches("snapshot written").count() >= 2);
    first.kill().expect("killed");
    first.wait().expect("it ended");
    assert!(is_written, "{}", place.log("first.log"));
    let mut second = place.start("second.log", &["--until-end"]);
    let has_ended = wait(|| second.try_wait().expect("asked").is_some());
    let _ = second.kill();
    let status = second.wait().expect("it ended");
    let log = place.log("second.log");
    assert!(has_ended && status.success(), "{status}: {log}");
    let assigned = log.lines().filter(|line| line.contains("snapshot="));
    let from: Vec<&str> = assigned.collect();
    assert!(
        from.iter().any(|line| !line.contains("snapshot=0 ")),
        "from a snapshot: {from:?}"
    );
    let found = Outputs::read(&scene.config).expect("outputs");
    cluster::assert_same(&found, &expected);
}

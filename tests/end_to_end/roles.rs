//! Folds and merges in processes of their own tell what one process tells.

use quaystream::demo::outputs::Outputs;
use quaystream::demo::scene::Scene;

use super::cluster;
use super::place::{Place, produce, shipped, undisturbed, wait};

#[test]
fn two_folds_and_two_merges_tell_what_one_process_tells() {
    let settings = portsim::Settings {
        hours: 1,
        ..portsim::Settings::default()
    };
    let expected = undisturbed(settings.clone());
    let scene = Scene::embedded(cluster::config("")).expect("the embedded broker");
    produce(&scene, settings);
    let place = Place::new("roles");
    let toml = place.configuration(&scene.config.kafka.bootstrap, &shipped());
    std::fs::write(place.0.join("quaystream.toml"), toml).expect("written");
    let roles = ["fold", "merge", "fold", "merge"];
    let mut processes: Vec<_> = (0..)
        .zip(roles)
        .map(|(number, role)| {
            let log = format!("{role}-{number}.log");
            (place.start(&log, &["--role", role, "--until-end"]), log)
        })
        .collect();
    let have_ended = wait(|| {
        let mut ended = processes.iter_mut();
        ended.all(|(process, _)| process.try_wait().expect("asked").is_some())
    });
    for (process, log) in &mut processes {
        let _ = process.kill();
        let status = process.wait().expect("it ended");
        let log = place.log(log);
        assert!(have_ended && status.success(), "{status}: {log}");
        // Each has one stage alone.
        let (folds, merges) = (
            log.contains("pipeline::worker::fold"),
            log.contains("pipeline::worker::merge"),
        );
        assert!(folds != merges, "{log}");
    }
    let found = Outputs::read(&scene.config).expect("outputs");
    cluster::assert_same(&found, &expected);
}

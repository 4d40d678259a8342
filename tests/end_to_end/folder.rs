//! Snapshots in a folder of this machine: a processor that is killed takes up from there, and what comes out is the same.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use quaystream::config::{Config, Folder};
use quaystream::demo::outputs::Outputs;
use quaystream::demo::scene::Scene;
use quaystream::wiring::feed::Pace;
use quaystream::wiring::signals::StopRequest;

use super::cluster;

/// Bound on each wait: a debug build on a busy machine is slow.
const WAIT_MAX: Duration = Duration::from_secs(240);

/// A folder that goes at the end, with everything that the processes need.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("quaystream-folder-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Place(folder)
    }

    fn configuration(&self, bootstrap: &str) -> String {
        let pipeline = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/pipelines/duisburg");
        format!(
            "[application]\npipeline = {pipeline:?}\nmetrics_address = \"\"\n\n[kafka]\nbootstrap = {bootstrap:?}\n\n\
             [state]\nsnapshot_interval_s = 1\nsnapshots = \"file://{}/snapshots\"\n\n[limits]\nfetch_rows_max = 500\n\n\
             [delivery]\ncommit_interval_ms = 100\n",
            self.0.display()
        )
    }

    fn start(&self, log: &str, more: &[&str]) -> Child {
        let log = File::create(self.0.join(log)).expect("a log");
        Command::new(env!("CARGO_BIN_EXE_quaystream"))
            .arg("run")
            .arg("--config")
            .arg(self.0.join("quaystream.toml"))
            .args(more)
            .env("NO_COLOR", "1")
            .stdout(log.try_clone().expect("a log"))
            .stderr(Stdio::from(log))
            .spawn()
            .expect("it starts")
    }

    fn log(&self, log: &str) -> String {
        std::fs::read_to_string(self.0.join(log)).expect("readable")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_killed_processor_takes_up_from_snapshots_in_a_folder() {
    let settings = portsim::Settings {
        hours: 2,
        ..portsim::Settings::default()
    };
    let stop = StopRequest::default();
    let undisturbed = Scene::embedded(cluster::config("")).expect("the embedded broker");
    produce(&undisturbed, settings.clone());
    undisturbed.process(&stop, |_| {}).expect("processed");
    let expected = Outputs::read(&undisturbed.config).expect("outputs");
    drop(undisturbed);

    let scene = Scene::embedded(cluster::config("")).expect("the embedded broker");
    produce(&scene, settings);
    let place = Place::new();
    let toml = place.configuration(&scene.config.kafka.bootstrap);
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

fn produce(scene: &Scene, settings: portsim::Settings) {
    scene
        .produce(
            settings,
            Pace::default(),
            &StopRequest::default(),
            |_, _| {},
        )
        .expect("produced");
}

fn wait(mut is_there: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < WAIT_MAX {
        if is_there() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    false
}

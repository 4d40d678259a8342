//! A processor in a process of its own, with a folder for all that it needs.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use quaystream::demo::outputs::Outputs;
use quaystream::demo::scene::Scene;
use quaystream::wiring::feed::Pace;
use quaystream::wiring::signals::StopRequest;

use super::cluster;

/// Bound on each wait: a debug build on a busy machine is slow.
const WAIT_MAX: Duration = Duration::from_secs(240);

/// The shipped pipeline.
pub fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/pipelines/duisburg")
}

/// A folder that goes at the end, with everything that the processes need.
pub struct Place(pub PathBuf);

impl Place {
    /// `name` is the test's.
    pub fn new(name: &str) -> Self {
        let name = format!("quaystream-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        Place(folder)
    }

    /// Quick snapshots and small commits, with the queries of a folder.
    pub fn configuration(&self, bootstrap: &str, pipeline: &Path) -> String {
        format!(
            "[application]\npipeline = {pipeline:?}\nmetrics_address = \"\"\n\n[kafka]\nbootstrap = {bootstrap:?}\n\n\
             [state]\nsnapshot_interval_s = 1\nsnapshots = \"file://{}/snapshots\"\n\n[limits]\nfetch_rows_max = 500\n\n\
             [delivery]\ncommit_interval_ms = 100\n",
            self.0.display()
        )
    }

    pub fn start(&self, log: &str, more: &[&str]) -> Child {
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

    /// Asks a process to stop; it does so in good order.
    #[track_caller]
    pub fn stop(&self, process: Child, log: &str) {
        let id = process.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status();
        assert!(asked.expect("kill is there").success());
        self.end(process, log);
    }

    /// A process that ends by itself, and well.
    #[track_caller]
    pub fn end(&self, mut process: Child, log: &str) {
        let has_ended = wait(|| process.try_wait().expect("asked").is_some());
        let _ = process.kill();
        let status = process.wait().expect("it ended");
        assert!(has_ended && status.success(), "{status}: {}", self.log(log));
    }

    pub fn log(&self, log: &str) -> String {
        std::fs::read_to_string(self.0.join(log)).expect("readable")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What comes out of the simulated port where nothing happens to the processor.
pub fn undisturbed(settings: portsim::Settings) -> Outputs {
    let scene = Scene::embedded(cluster::config("")).expect("the embedded broker");
    produce(&scene, settings);
    scene
        .process(&StopRequest::default(), |_| {})
        .expect("processed");
    Outputs::read(&scene.config).expect("outputs")
}

/// An hour of the port.
pub fn hour() -> portsim::Settings {
    portsim::Settings {
        hours: 1,
        ..portsim::Settings::default()
    }
}

/// What comes out of it where nothing happens to the processor: computed once for all tests.
pub fn undisturbed_hour() -> &'static Outputs {
    static HOUR: OnceLock<Outputs> = OnceLock::new();
    HOUR.get_or_init(|| undisturbed(hour()))
}

/// The simulated port writes all that it has.
pub fn produce(scene: &Scene, settings: portsim::Settings) {
    scene
        .produce(
            settings,
            Pace::default(),
            &StopRequest::default(),
            |_, _| {},
        )
        .expect("produced");
}

/// False if it is not there in time.
pub fn wait(mut is_there: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < WAIT_MAX {
        if is_there() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    false
}

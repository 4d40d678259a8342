//! Three processes over three brokers of Apache Kafka, while processes and brokers die: what comes out is what comes out
//! when nobody dies.
//!
//! Run by hand (docs/VERIFICATION.md), with `--features fail-points` for deaths inside a commit as well, and for longer than
//! [`MINUTES`] with `QUAYSTREAM_CHAOS_MINUTES`.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use quaystream::config::{Config, Folder};
use quaystream::demo::outputs::Outputs;
use quaystream::demo::scene::Scene;
use quaystream::wiring::feed::Pace;
use quaystream::wiring::signals::StopRequest;

use super::cluster::{self, script};
use super::place::Place;

const INSTANCES: usize = 3;
/// Minutes over which the port's events are written while processes and brokers die.
const MINUTES: u64 = 5;
/// Of each such stretch.
const KILLS_MIN: usize = 20;
const FAIL_POINT_KILLS_MIN: usize = 5;
/// Bound on the disturbed part, as a multiple of what it should take.
const DISTURBED_MAX: u32 = 2;
/// Beyond the session timeout of the workers (10 s): the group gives a paused member up.
const PAUSED: Duration = Duration::from_secs(14);
const SIGABRT: i32 = 6;

#[test]
fn deaths_of_processes_and_brokers_cost_time_and_nothing_else() {
    disturbed(None);
}

#[test]
fn so_do_they_where_snapshots_lie_in_a_store() {
    let place = Place::new("chaos");
    disturbed(Some(&place.0));
}

/// `store`: a folder for snapshots; else they are records of a topic.
fn disturbed(store: Option<&Path>) {
    let Some(bootstrap) = three_brokers() else {
        return;
    };
    let _alone = cluster::alone();
    let minutes = std::env::var("QUAYSTREAM_CHAOS_MINUTES").ok();
    let minutes = minutes.map_or(MINUTES, |minutes| minutes.parse().expect("minutes"));
    let stretches = (minutes / MINUTES).max(1);
    let settings = portsim::Settings {
        hours: 3 * stretches as u32,
        ..portsim::Settings::default()
    };
    let undisturbed = Scene::embedded(cluster::config("")).expect("the embedded broker");
    let stop = StopRequest::default();
    let produced = undisturbed
        .produce(settings.clone(), Pace::default(), &stop, |_, _| {})
        .expect("produced");
    undisturbed.process(&stop, |_| {}).expect("processed");
    let expected = Outputs::read(&undisturbed.config).expect("outputs");

    let file = configuration(&bootstrap, store);
    let toml = std::fs::read_to_string(&file).expect("readable");
    let config = Config::parse("chaos.toml", &toml, |_| Ok(Folder::shipped())).expect("sound");
    let scene = Scene::at(config, &bootstrap, "").expect("topics on Kafka");
    let is_produced = AtomicBool::new(false);
    let pace = Pace {
        per_second: Some(produced.truth.records / (60 * MINUTES * stretches)),
        records_max: None,
    };
    let kills = std::thread::scope(|scope| {
        scope.spawn(|| {
            scene
                .produce(settings, pace, &StopRequest::default(), |_, _| {})
                .expect("produced at a steady rate");
            is_produced.store(true, Ordering::Relaxed);
        });
        let mut crew = Crew::start(file);
        let time = Duration::from_secs(60 * MINUTES * stretches);
        crew.disturb(&is_produced, DISTURBED_MAX * time);
        crew.end()
    });
    eprintln!("deaths: {kills:?}");
    let count = |kind: &str| kills.get(kind).copied().unwrap_or_default();
    let disturbed = [("broker, kill", 1), ("broker, stop", 3), ("paused", 2)];
    let others = disturbed.iter().map(|(kind, _)| count(kind));
    let processes = kills.values().sum::<usize>() - others.sum::<usize>();
    assert!(processes >= KILLS_MIN * stretches as usize, "{kills:?}");
    for (kind, times) in disturbed {
        let is_so = match stretches {
            1 => count(kind) == times,
            // The last of the stretches may be cut short.
            more => count(kind) >= times * (more as usize - 1),
        };
        assert!(is_so, "{kind}: {kills:?}");
    }
    if cfg!(feature = "fail-points") {
        let inside = |stage: &str| -> usize {
            let of_stage = kills.iter().filter(|(kind, _)| kind.starts_with(stage));
            of_stage.map(|(_, count)| count).sum()
        };
        let (fold, merge) = (inside("fold:"), inside("merge:"));
        assert!(
            fold > 0 && merge > 0 && fold + merge >= FAIL_POINT_KILLS_MIN,
            "{kills:?}"
        );
    } else {
        eprintln!("SKIPPED deaths inside a commit: --features fail-points builds them in");
    }

    // Whoever comes last brings it to its end.
    scene.process(&stop, |_| {}).expect("processed to the end");
    let found = Outputs::read(&scene.config).expect("outputs");
    cluster::assert_same(&found, &expected);
}

/// The bootstrap servers, if three brokers of deploy/kafka/kafka.sh are there and this run is to take minutes.
fn three_brokers() -> Option<String> {
    let bootstrap = cluster::kafka("chaos")?;
    let is_three = bootstrap.split(',').count() == 3;
    let is_ours = script(&["env"]).is_some_and(|printed| printed.contains(&bootstrap));
    if !is_three || !is_ours || std::env::var("QUAYSTREAM_TESTS").as_deref() != Ok("full") {
        eprintln!(
            "SKIPPED chaos: it takes `deploy/kafka/kafka.sh up 3` and QUAYSTREAM_TESTS=full, and about ten minutes"
        );
        return None;
    }
    Some(bootstrap)
}

/// The configuration that all processes run with, its topics used by nobody else.
fn configuration(bootstrap: &str, store: Option<&Path>) -> PathBuf {
    let prefix = cluster::prefix();
    let pipeline = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/pipelines/duisburg");
    let shipped = cluster::config("");
    let topics = &shipped.engine.topics;
    let mut named: Vec<(String, String)> = shipped
        .engine
        .inputs
        .iter()
        .map(|input| {
            (
                format!("topics.{}", input.stream.name()),
                input.topic.to_string(),
            )
        })
        .collect();
    for (section, topic) in [
        ("partials", &topics.partials),
        ("intake_state", &topics.intake_state),
        ("snapshots", &topics.snapshots),
        ("rejects", &topics.rejects),
        ("berth_plan", &topics.berth_plan),
        ("rail_plan", &topics.rail_plan),
        ("plan_deltas", &topics.plan_deltas),
        ("plan_explanations", &topics.plan_explanations),
        ("train_loads", &topics.train_loads),
    ] {
        named.push((format!("topics.{section}"), topic.to_string()));
    }
    for (sink, topic) in &topics.sinks {
        named.push((format!("sinks.{sink}"), topic.to_string()));
    }
    let mut toml = format!(
        "[application]\nname = \"{prefix}quaystream\"\npipeline = {pipeline:?}\nmetrics_address = \"\"\n\n\
         [kafka]\nbootstrap = {bootstrap:?}\nreplication = -1\n\n\
         [delivery]\ncommit_interval_ms = 200\n\n\
         [time]\nidle_timeout_s = 3600\n\n\
         [state]\nsnapshot_interval_s = 2\n{}\n\
         [limits]\nfetch_rows_max = 500\n",
        store.map_or_else(String::new, |folder| {
            format!("snapshots = \"file://{}\"\n", folder.display())
        })
    );
    for (section, topic) in named {
        toml.push_str(&format!("\n[{section}]\nname = \"{prefix}{topic}\"\n"));
    }
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{prefix}toml"));
    std::fs::write(&path, toml).expect("written");
    path
}

/// The running processes, and who died of what.
struct Crew {
    file: PathBuf,
    members: Vec<Member>,
    dice: Dice,
    births: usize,
    deaths: BTreeMap<String, usize>,
}

struct Member {
    child: Child,
    log: PathBuf,
    fail_point: Option<String>,
}

impl Crew {
    fn start(file: PathBuf) -> Crew {
        let mut crew = Crew {
            file,
            members: Vec::new(),
            dice: Dice(1),
            births: 0,
            deaths: BTreeMap::new(),
        };
        for _ in 0..INSTANCES {
            let member = crew.birth();
            crew.members.push(member);
        }
        crew
    }

    /// Every other process is born to die inside a commit, each place and stage in turn.
    fn birth(&mut self) -> Member {
        const PLACES: [&str; 5] = ["begun", "written", "flushed", "asked", "committed"];
        self.births += 1;
        let turn = self.births / 2;
        let stage = if turn.is_multiple_of(2) {
            "merge"
        } else {
            "fold"
        };
        let place = PLACES[turn / 2 % PLACES.len()];
        // Merge commits less often, and a process lives for half a minute.
        let passes_max = if stage == "merge" { 4 } else { 12 };
        let fail_point = (cfg!(feature = "fail-points") && self.births.is_multiple_of(2))
            .then(|| format!("{stage}:{place}:{}", 2 + self.dice.below(passes_max)));
        let log = self.file.with_extension(format!("{}.log", self.births));
        let mut command = Command::new(env!("CARGO_BIN_EXE_quaystream"));
        command
            .args(["run", "--config"])
            .arg(&self.file)
            .env_remove("RUST_LOG")
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log"));
        if let Some(fail_point) = &fail_point {
            command.env("QUAYSTREAM_FAIL_POINT", fail_point);
        }
        Member {
            child: command.spawn().expect("the binary starts"),
            log,
            fail_point,
        }
    }

    fn disturb(&mut self, is_produced: &AtomicBool, time_max: Duration) {
        let began = Instant::now();
        // All comes again in each stretch.
        let (mut stretch, mut round) = (0, 0);
        while !is_produced.load(Ordering::Relaxed) {
            assert!(began.elapsed() < time_max, "the producer is stuck");
            let now = began.elapsed().as_secs() / (60 * MINUTES);
            if now > stretch {
                (stretch, round) = (now, 0);
            }
            round += 1;
            match round {
                8 => self.broker("kill", 2),
                14 => self.pause(),
                20 => (1..=3).for_each(|node| self.broker("stop", node)),
                26 => self.pause(),
                _ => self.kill(),
            }
            let calm = Duration::from_millis(3_000 + self.dice.below(4_000));
            self.watch(calm);
        }
    }

    /// One at random; who is to die inside a commit is spared where there is another.
    fn kill(&mut self) {
        let mut at = self.dice.below(INSTANCES as u64) as usize;
        let is_plain = |member: &Member| member.fail_point.is_none();
        if !is_plain(&self.members[at]) {
            at = self.members.iter().position(is_plain).unwrap_or(at);
        }
        let member = &mut self.members[at];
        member.child.kill().expect("killed");
        member.child.wait().expect("ended");
        *self.deaths.entry("kill -9".to_owned()).or_default() += 1;
        std::thread::sleep(Duration::from_millis(self.dice.below(1_500)));
        self.members[at] = self.birth();
    }

    /// Ends a broker and starts it again after a few seconds.
    fn broker(&mut self, how: &str, node: usize) {
        let node = node.to_string();
        script(&[how, &node]).expect("the broker ends");
        self.watch(Duration::from_secs(3));
        script(&["start", &node]).expect("the broker starts again");
        *self.deaths.entry(format!("broker, {how}")).or_default() += 1;
        self.watch(Duration::from_secs(4));
    }

    /// A process that the group gives up while it sleeps, and that wakes as a zombie in the middle of what it did.
    fn pause(&mut self) {
        let at = self.dice.below(INSTANCES as u64) as usize;
        let pid = self.members[at].child.id().to_string();
        let signal = |name: &str| {
            Command::new("kill")
                .args([name, &pid])
                .status()
                .expect("kill runs");
        };
        signal("-STOP");
        self.watch(PAUSED);
        signal("-CONT");
        *self.deaths.entry("paused".to_owned()).or_default() += 1;
    }

    /// Lets time pass. Those who die inside a commit are followed by others; anybody else who ends is a defect.
    fn watch(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            for at in 0..self.members.len() {
                let member = &mut self.members[at];
                let Some(status) = member.child.try_wait().expect("its state") else {
                    continue;
                };
                let planned = member.fail_point.take();
                match planned {
                    Some(fail_point) if status.signal() == Some(SIGABRT) => {
                        *self.deaths.entry(fail_point).or_default() += 1;
                    }
                    _ => panic!("a process ended with {status}:\n{}", tail(&member.log)),
                }
                self.members[at] = self.birth();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// All stop in good order.
    fn end(mut self) -> BTreeMap<String, usize> {
        for member in &self.members {
            let pid = member.child.id().to_string();
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .expect("kill runs");
        }
        for member in &mut self.members {
            let until = Instant::now() + Duration::from_secs(60);
            let status = loop {
                if let Some(status) = member.child.try_wait().expect("its state") {
                    break status;
                }
                assert!(Instant::now() < until, "no end:\n{}", tail(&member.log));
                std::thread::sleep(Duration::from_millis(50));
            };
            let is_planned = member.fail_point.is_some() && status.signal() == Some(SIGABRT);
            assert!(
                status.success() || is_planned,
                "{status}:\n{}",
                tail(&member.log)
            );
        }
        std::mem::take(&mut self.deaths)
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        for member in &mut self.members {
            // It has ended already where all went well.
            let _ = member.child.kill();
            let _ = member.child.wait();
        }
    }
}

fn tail(log: &PathBuf) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

/// Numbers that look random and are the same in every run (Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

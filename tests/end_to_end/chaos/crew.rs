//! The processes, and what befalls them.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::MINUTES;
use crate::end_to_end::cluster::script;

const INSTANCES: usize = 3;
/// Beyond the session timeout of the workers (10 s): the group gives a paused member up.
const PAUSED: Duration = Duration::from_secs(14);
/// Bound on the wait for something in a log, and for an end that was asked for.
const SAYS_MAX: Duration = Duration::from_secs(120);
const ENDS_MAX: Duration = Duration::from_secs(60);
const SIGABRT: i32 = 6;

/// The running processes, and who died of what.
pub struct Crew {
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
    pub fn start(file: PathBuf) -> Crew {
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

    pub fn disturb(&mut self, is_produced: &AtomicBool, time_max: Duration) {
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
                4 => self.restart_in_turn(),
                7 => self.broker("kill", 2),
                9 => self.pause(),
                11 => (1..=3).for_each(|node| self.broker("stop", node)),
                13 => self.pause(),
                _ => self.kill(),
            }
            let calm = Duration::from_millis(2_500 + self.dice.below(3_500));
            self.watch(calm);
        }
    }

    /// One at random; who is to die inside a commit is spared where there is another.
    fn kill(&mut self) {
        let at = self.dice.below(INSTANCES as u64) as usize;
        let at = self.plain(at).unwrap_or(at);
        let member = &mut self.members[at];
        member.child.kill().expect("killed");
        member.child.wait().expect("ended");
        self.count("kill -9");
        std::thread::sleep(Duration::from_millis(self.dice.below(1_500)));
        self.members[at] = self.birth();
    }

    /// Ends a broker and starts it again after a few seconds.
    fn broker(&mut self, how: &str, node: usize) {
        let node = node.to_string();
        script(&[how, &node]).expect("the broker ends");
        self.watch(Duration::from_secs(3));
        script(&["start", &node]).expect("the broker starts again");
        self.count(&format!("broker, {how}"));
        self.watch(Duration::from_secs(4));
    }

    /// A process that the group gives up while it sleeps, and that wakes as a zombie in the middle of what it did: it has
    /// partitions before, and notices that they are gone.
    fn pause(&mut self) {
        let at = self.dice.below(INSTANCES as u64) as usize;
        while self.plain(at).is_none() {
            self.kill();
        }
        let at = self.plain(at).expect("one at least");
        self.await_work(at);
        signal(&self.members[at].child, "-STOP");
        let known = self.members[at].said().len();
        self.watch(PAUSED);
        signal(&self.members[at].child, "-CONT");
        self.await_that(at, |member| {
            let said = member.said();
            let since = said.get(known..);
            since.is_some_and(|since| since.contains("partitions lost"))
        });
        self.count("paused and lost");
    }

    /// All processes in turn, as with a new version: each stops in good order before the next is asked to.
    fn restart_in_turn(&mut self) {
        for at in 0..INSTANCES {
            loop {
                self.await_work(at);
                let member = &mut self.members[at];
                signal(&member.child, "-TERM");
                let status = member.ended();
                let planned = member.fail_point.take();
                let how = match planned {
                    _ if status.success() => "restarted in turn".to_owned(),
                    Some(fail_point) if status.signal() == Some(SIGABRT) => fail_point,
                    _ => panic!("a process ended with {status}:\n{}", tail(&member.log)),
                };
                self.count(&how);
                self.members[at] = self.birth();
                if status.success() {
                    break;
                }
            }
        }
    }

    /// The next member that is not to die inside a commit.
    fn plain(&self, at: usize) -> Option<usize> {
        let mut from = (at..INSTANCES).chain(0..at);
        from.find(|at| self.members[*at].fail_point.is_none())
    }

    fn count(&mut self, how: &str) {
        *self.deaths.entry(how.to_owned()).or_default() += 1;
    }

    /// Waits until a member has partitions: who is still being born knows no signals.
    fn await_work(&mut self, at: usize) {
        self.await_that(at, |member| member.partitions() > 0);
    }

    /// Waits until something can be read in a member's log.
    fn await_that(&mut self, at: usize, says: impl Fn(&Member) -> bool) {
        let until = Instant::now() + SAYS_MAX;
        while !says(&self.members[at]) {
            let log = &self.members[at].log;
            assert!(Instant::now() < until, "it does not say:\n{}", tail(log));
            self.watch(Duration::from_millis(200));
        }
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
                        self.count(&fail_point);
                    }
                    _ => panic!("a process ended with {status}:\n{}", tail(&member.log)),
                }
                self.members[at] = self.birth();
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// All stop in good order.
    pub fn end(mut self) -> BTreeMap<String, usize> {
        (0..INSTANCES).for_each(|at| self.await_work(at));
        for member in &self.members {
            signal(&member.child, "-TERM");
        }
        for member in &mut self.members {
            let status = member.ended();
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

impl Member {
    /// All that it has logged.
    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// How many partitions the groups have given it and not taken back, by its log.
    fn partitions(&self) -> i64 {
        let count = |line: &str, sign: i64| {
            let start = line.rfind(|c: char| !c.is_ascii_digit())? + 1;
            Some(sign * line[start..].parse::<i64>().ok()?)
        };
        let said = self.said();
        let counts = said.lines().filter_map(|line| {
            let told = line.split_once("kafka::metrics")?.1;
            match told {
                told if told.contains("partitions assigned") => count(told, 1),
                told if told.contains("partitions revoked") => count(told, -1),
                told if told.contains("partitions lost") => count(told, -1),
                _ => None,
            }
        });
        counts.sum()
    }

    /// How it ended, which it was asked to.
    fn ended(&mut self) -> ExitStatus {
        let until = Instant::now() + ENDS_MAX;
        loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                return status;
            }
            assert!(Instant::now() < until, "no end:\n{}", tail(&self.log));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args([name, &pid]).status();
    assert!(sent.expect("kill runs").success(), "{name} to {pid}");
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

fn tail(log: &Path) -> String {
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

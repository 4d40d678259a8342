//! The binary as a user has it: exit statuses, messages, a clean stop on SIGTERM.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use quaystream::demo::scene::Scene;

use super::cluster;

fn quaystream(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quaystream"));
    command.args(arguments).env_remove("RUST_LOG");
    command
}

fn run(arguments: &[&str]) -> Output {
    quaystream(arguments).output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A configuration file in the folder of this build's temporary files.
fn file(name: &str, content: &str) -> PathBuf {
    let path =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()));
    std::fs::write(&path, content).expect("written");
    path
}

fn end_within(child: &mut Child, limit: Duration) -> Option<i32> {
    let began = Instant::now();
    while began.elapsed() < limit {
        if let Some(status) = child.try_wait().expect("its state") {
            return status.code();
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("killed");
    child.wait().expect("ended");
    None
}

#[test]
fn the_shipped_configuration_and_queries_are_sound() {
    let checked = run(&["check"]);
    assert!(
        checked.status.success(),
        "{}{}",
        text(&checked.stdout),
        text(&checked.stderr)
    );
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/quaystream.toml");
    let read = run(&["check", "--config", shipped]);
    assert!(read.status.success(), "{}", text(&read.stdout));
}

#[test]
fn check_lists_all_faults_and_ends_with_3() {
    let pipeline = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/pipelines/duisburg");
    let content =
        format!("[application]\npipeline = {pipeline:?}\ncolour = 1\n\n[workers]\nfold = 9999\n");
    let path = file("faults.toml", &content);
    let checked = run(&["check", "--config", &path.display().to_string()]);
    assert_eq!(checked.status.code(), Some(3));
    let listed = text(&checked.stdout);
    assert!(
        listed.contains(":3:1:") && listed.contains(":6:8:"),
        "{listed}"
    );
}

#[test]
fn a_missing_file_is_named_and_the_cause_printed_once() {
    let checked = run(&["check", "--config", "/nowhere/quaystream.toml"]);
    assert_eq!(checked.status.code(), Some(3));
    let told = text(&checked.stderr);
    assert!(
        told.contains("/nowhere/quaystream.toml") && told.contains("because:"),
        "{told}"
    );
}

#[test]
fn a_taken_port_is_told_with_a_mend() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("its address").to_string();
    let started = run(&["broker", "--listen", &address]);
    assert_eq!(started.status.code(), Some(1));
    let told = text(&started.stderr);
    assert!(
        told.contains(&address) && told.contains("give another port"),
        "{told}"
    );
}

#[test]
fn wrong_usage_ends_with_2() {
    assert_eq!(run(&["tail", "no.such.topic"]).status.code(), Some(2));
    assert_eq!(run(&["simulate", "--hours", "soon"]).status.code(), Some(2));
}

#[test]
fn explain_says_where_each_query_is_done() {
    let explained = text(&run(&["explain"]).stdout);
    for query in ["b1_berth_occupancy", "y3_truck_turn_time", "d1_duplicates"] {
        assert!(explained.contains(query), "{explained}");
    }
}

#[test]
fn run_stops_in_good_order_on_sigterm_and_goes_on_where_it_was() {
    let scene = Scene::embedded(cluster::config("")).expect("the embedded broker");
    let bootstrap = scene.config.kafka.bootstrap.clone();
    let simulated = run(&[
        "simulate", "--broker", &bootstrap, "--hours", "1", "--events", "3000",
    ]);
    assert!(simulated.status.success(), "{}", text(&simulated.stderr));
    let pipeline = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/pipelines/duisburg");
    let content = format!(
        "[application]\npipeline = {pipeline:?}\nmetrics_address = \"\"\nlog_level = \"info\"\n"
    );
    let path = file("run.toml", &content).display().to_string();
    let mut child = quaystream(&["run", "--config", &path, "--broker", &bootstrap])
        .stderr(Stdio::piped())
        .spawn()
        .expect("the processor starts");
    wait_for_partials(&scene);
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .expect("kill runs")
            .success()
    );
    let status = end_within(&mut child, Duration::from_secs(30));
    let lines: Vec<String> = BufReader::new(child.stderr.take().expect("piped"))
        .lines()
        .map_while(Result::ok)
        .collect();
    assert_eq!(status, Some(0), "{lines:#?}");
    assert!(
        lines
            .iter()
            .any(|line| line.contains("stopped in good order")),
        "{lines:#?}"
    );
    let rest = run(&[
        "run",
        "--config",
        &path,
        "--broker",
        &bootstrap,
        "--until-end",
    ]);
    assert!(rest.status.success(), "{}", text(&rest.stderr));
    let tail = run(&[
        "tail",
        "port.window-stats",
        "--broker",
        &bootstrap,
        "--json",
        "-n",
        "5",
    ]);
    assert!(tail.status.success(), "{}", text(&tail.stderr));
    for line in text(&tail.stdout).lines() {
        let row: serde_json::Value = serde_json::from_str(line).expect("a JSON object a line");
        assert!(row["value"]["query"].is_string(), "{line}");
    }
}

/// Waits until the first stage has committed something.
fn wait_for_partials(scene: &Scene) {
    let admin =
        kafka::admin::Admin::connect(&scene.config.kafka, Duration::from_secs(10)).expect("admin");
    let began = Instant::now();
    loop {
        let offsets = admin
            .offsets(&scene.config.engine.topics.partials)
            .expect("offsets");
        if offsets.values().any(|(_, end)| *end > 0) {
            return;
        }
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "the processor wrote no partials within a minute"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

//! A real broker is killed in mid-run and started again: the processor waits, and goes on without losing or doubling.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use quaystream::demo::outputs::Outputs;
use quaystream::demo::recount::Recount;
use quaystream::demo::scene::Scene;
use quaystream::wiring::feed::Pace;
use quaystream::wiring::signals::StopRequest;

use super::cluster::{self, script};

/// How long the broker stays away: longer than its session with the controller in deploy/kafka/kafka.sh, 3 s.
const AWAY: Duration = Duration::from_secs(5);

#[test]
fn a_broker_that_is_killed_and_started_again_costs_time_and_nothing_else() {
    let Some(bootstrap) = cluster::kafka("broker outage") else {
        return;
    };
    let _alone = cluster::alone();
    if !script(&["env"]).is_some_and(|printed| printed.contains(&bootstrap)) {
        eprintln!(
            "SKIPPED broker outage: the Kafka at {bootstrap} was not started by deploy/kafka/kafka.sh"
        );
        return;
    }
    let settings = portsim::Settings {
        hours: 3,
        ..portsim::Settings::default()
    };
    let undisturbed = Scene::embedded(cluster::config("")).expect("the embedded broker");
    let expected = run(&undisturbed, &settings, || {});
    let small = "[limits]\nfetch_rows_max = 500\n\n[delivery]\ncommit_interval_ms = 100\n";
    let scene = cluster::on_kafka(cluster::config(small), &bootstrap);
    let is_killed = AtomicBool::new(false);
    let found = run(&scene, &settings, || {
        if !is_killed.swap(true, Ordering::Relaxed) {
            script(&["kill", "1"]).expect("the broker is killed");
            let killed_at = Instant::now();
            std::thread::sleep(AWAY.saturating_sub(killed_at.elapsed()));
            script(&["start", "1"]).expect("the broker starts again");
        }
    });
    assert!(
        is_killed.into_inner(),
        "the run was long enough to be disturbed"
    );
    cluster::assert_same(&found, &expected);
}

/// Calls `disturb` once the processor has read something.
fn run(scene: &Scene, settings: &portsim::Settings, disturb: impl Fn()) -> Outputs {
    let stop = StopRequest::default();
    let produced = scene
        .produce(settings.clone(), Pace::default(), &stop, |_, _| {})
        .expect("produced");
    let processed = scene
        .process(&stop, |tally| {
            if tally.intake_counts().records > 0 {
                disturb();
            }
        })
        .expect("processed");
    assert_eq!(
        processed.tally.intake_counts().records,
        produced.truth.records
    );
    let recount = Recount::read(&scene.config).expect("recounted");
    let outputs = Outputs::read(&scene.config).expect("outputs");
    assert_eq!(
        recount.differences(&processed.tally, &outputs),
        Vec::<String>::new()
    );
    outputs
}

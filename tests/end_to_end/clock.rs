//! Planners that follow the wall clock, through restarts: every tick counts once, whoever wrote it.

use std::time::{Duration, Instant};

use events::Message;
use events::internal::{Partials, Tick};
use kafka::Isolation;
use kafka::tail::{From, Tail};
use pipeline::outcome::Tally;
use quaystream::demo::outputs::Outputs;
use quaystream::demo::scene::Scene;
use quaystream::wiring::clock::now_us;
use quaystream::wiring::feed::Pace;
use quaystream::wiring::processor::Processor;
use quaystream::wiring::signals::StopRequest;

use super::cluster;

const OPTIONS: &str = "[planners]\ntick = \"clock\"\n\n[planners.berths]\nevery_s = 4\niterations = 20\n\n\
    [planners.berths.triggers]\nevery_s = 2\ninterval_min_s = 2\n\n[planners.rail]\nis_on = false\n\n\
    [delivery]\ncommit_interval_ms = 50\n";
const RUNS: usize = 3;
/// A run ends after its second plan, and after this time.
const RUN_MAX: Duration = Duration::from_secs(60);
const HOUR_US: i64 = 3_600_000_000;
const STEP_US: i64 = 2_000_000;

fn ticks(scene: &Scene) -> Vec<Tick> {
    let mut tail = Tail::open(
        &scene.config.kafka,
        &scene.config.engine.topics.partials,
        None,
        From::Beginning,
        Isolation::ReadCommitted,
    )
    .expect("a reader");
    let records = tail.read_to_end(Duration::from_secs(20)).expect("readable");
    let ticks = records.into_iter().filter_map(|record| {
        let value = record.value.unwrap_or_default();
        Partials::decode(value.as_slice()).expect("partials").tick
    });
    ticks.collect()
}

#[test]
fn planners_follow_the_clock_and_every_tick_counts_once() {
    cluster::on_each("planners by the clock", OPTIONS, |scene, place| {
        let settings = portsim::Settings {
            hours: 1,
            chatter_percent: 10,
            start_at_us: (now_us() / HOUR_US - 2) * HOUR_US,
            ..portsim::Settings::default()
        };
        let idle = StopRequest::default();
        scene
            .produce(settings, Pace::default(), &idle, |_, _| {})
            .expect("produced");
        for _ in 0..RUNS {
            let stop = StopRequest::default();
            let processor = Processor::start(&scene.config, &stop).expect("threads");
            let began = Instant::now();
            let mut first = None;
            let look = |tally: &Tally| {
                let plans = tally.plans();
                let last = plans.get("berths").map(|plan| plan.plan_seq);
                first = first.or(last);
                if last > first || began.elapsed() > RUN_MAX {
                    stop.request();
                }
            };
            let tally = processor.wait(Duration::from_millis(100), look);
            assert_eq!(tally.expect("it stops").failures(), Vec::<String>::new());
        }
        let ticks = ticks(scene);
        let deltas = Outputs::read(&scene.config).expect("outputs").deltas;
        assert!(deltas.len() >= 2 * RUNS, "{place}: {ticks:?}");
        for (number, delta) in (1..).zip(&deltas) {
            assert_eq!(delta.plan_seq, number, "{delta:?}");
            let planned = |tick: &&Tick| tick.at_us == delta.planned_at_us;
            assert!(ticks.iter().any(|tick| planned(&tick)), "{delta:?}");
        }
        assert!(deltas.is_sorted_by(|left, right| left.planned_at_us < right.planned_at_us));
        assert!(ticks.iter().all(|tick| tick.at_us % STEP_US == 0));
        let mut numbers: Vec<u64> = ticks.iter().map(|tick| tick.number).collect();
        numbers.dedup();
        assert!(numbers.is_sorted(), "{numbers:?}");
    });
}

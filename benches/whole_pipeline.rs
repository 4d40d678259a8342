//! The whole pipeline in memory: simulated events through fold and merge to rows, with the shipped queries. `window_step` is
//! the same log with the events of the gate alone and the one query over them.
//!
//! `cargo bench --bench whole_pipeline`; figures belong to a quiet machine.

#![allow(clippy::expect_used)] // a benchmark that cannot run should say why

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use portsim::Simulation;
use quaystream::config::Config;
use quaystream::wiring::{feed, memory};

/// Records of one fetch.
const ROWS: usize = 20_000;

fn simulation(config: &Config, hours: u32) -> Simulation {
    let settings = portsim::Settings {
        hours,
        partitions: feed::partitions(config),
        ..portsim::Settings::default()
    };
    Simulation::new(settings).expect("settings are in range")
}

fn whole(c: &mut Criterion) {
    let config = Config::shipped().expect("the shipped configuration is sound");
    let mut group = c.benchmark_group("whole_pipeline");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(20));
    let (_, records) = memory::simulated(&config, simulation(&config, 4)).expect("a log");
    group.throughput(Throughput::Elements(records));
    group.bench_function("four_hours_of_the_port", |b| {
        b.iter_batched(
            || {
                memory::simulated(&config, simulation(&config, 4))
                    .expect("a log")
                    .0
            },
            |log| black_box(memory::run(&log, &config.engine, ROWS, "bench").expect("a run")),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

fn window_step(c: &mut Criterion) {
    let mut config = Config::shipped().expect("the shipped configuration is sound");
    config
        .engine
        .queries
        .retain(|query| query.name == "y3_truck_turn_time");
    config.engine.planners.berths.is_on = false;
    config.engine.planners.berths.inputs.clear();
    config.engine.planners.rail.is_on = false;
    config.engine.planners.rail.inputs.clear();
    let mut group = c.benchmark_group("window_step");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(10));
    let (_, records) = memory::simulated(&config, simulation(&config, 4)).expect("a log");
    group.throughput(Throughput::Elements(records));
    group.bench_function("one_query", |b| {
        b.iter_batched(
            || {
                memory::simulated(&config, simulation(&config, 4))
                    .expect("a log")
                    .0
            },
            |log| black_box(memory::run(&log, &config.engine, ROWS, "bench").expect("a run")),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, whole, window_step);
criterion_main!(benches);

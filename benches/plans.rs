//! Both planners over generated ports of growing size, all rules in them, so that the curve of the cost is seen. The budget
//! is the same for all: what grows is the building of the problem, the bound, and the work of an iteration.
//!
//! `cargo bench -p quaystream --bench plans`; figures belong to a quiet machine.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use optimise::budget::Budget;
use optimise::{berth, rail};

/// Vessels that call, one every two hours.
const CALLS: [usize; 4] = [10, 20, 40, 80];
/// Load units, forty for each train, somewhat more than fit.
const UNITS: [usize; 4] = [100, 400, 1_600, 6_400];
/// Of the budget.
const ITERATIONS: u64 = 500;
const SEED: u64 = 7;

fn berths(c: &mut Criterion) {
    let mut group = c.benchmark_group("plan_berths");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4));
    for calls in CALLS {
        let size = berth::generate::Size {
            calls,
            hours: calls as i64 * 2,
            step_min: 15,
            is_tiny: false,
        };
        let problem = berth::generate::port(SEED, size);
        group.throughput(Throughput::Elements(calls as u64));
        group.bench_function(BenchmarkId::new("calls", calls), |b| {
            b.iter(|| {
                let budget = Budget::iterations(ITERATIONS);
                black_box(berth::solve(black_box(&problem), None, SEED, &budget))
            });
        });
    }
    group.finish();
}

fn rail_slots(c: &mut Criterion) {
    let mut group = c.benchmark_group("plan_rail_slots");
    group
        .sample_size(10)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4));
    for units in UNITS {
        let shape = rail::generate::Shape {
            units,
            trains: (units / 40).max(3),
            fill_percent: 110,
        };
        let problem = rail::generate::problem(shape, SEED);
        group.throughput(Throughput::Elements(units as u64));
        group.bench_function(BenchmarkId::new("units", units), |b| {
            b.iter(|| {
                let budget = Budget::iterations(ITERATIONS);
                black_box(rail::solve(black_box(&problem), None, SEED, &budget))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, berths, rail_slots);
criterion_main!(benches);

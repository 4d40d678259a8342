//! Wire to Arrow beside "prost, then Arrow's builders", in one run: `cargo bench -p quaystream-events --bench decode`.
//!
//! In CPU time of the thread, so that a busy machine changes less. Both routes check the same fields and end in the same
//! batches (asserted before anything is measured). Ends with the ratios; the targets are 2 for all columns and 4 for a third
//! of them.
#![allow(
    clippy::unwrap_used,
    clippy::manual_is_multiple_of,
    reason = "a bench stops at the first fault"
)]

mod by_prost;
mod cpu_time;
mod samples;

use std::hint::black_box;

use arrow::array::RecordBatch;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use events::decode::{Decoder, Projection};
use events::schema::table;

use by_prost::ByProst;
use cpu_time::{CpuTime, now};
use samples::{ROWS, Sample, samples, third};

/// The wire route: what fold does with each record.
fn by_wire(decoder: &mut Decoder, values: &[Vec<u8>]) -> Vec<RecordBatch> {
    for (offset, value) in values.iter().enumerate() {
        let row_time_us = decoder.read(value).unwrap().row_time_us();
        decoder.keep(value, row_time_us, 1, offset as i64);
    }
    decoder.take().into_iter().map(|(_, batch)| batch).collect()
}

fn by_prost(builder: &mut ByProst, values: &[Vec<u8>]) -> Vec<RecordBatch> {
    for (offset, value) in values.iter().enumerate() {
        builder.push(value, 1, offset as i64);
    }
    builder.take()
}

/// All columns, and a third.
fn projections(sample: &Sample) -> [(&'static str, Projection); 2] {
    let (mut all, mut part) = (Projection::none(), Projection::none());
    for name in sample.tables {
        let table = table(name).unwrap();
        all.add_indices(table.id, 0..table.schema.fields().len());
        part.add(name, third(name)).unwrap();
    }
    [("all", all), ("third", part)]
}

/// The same rows by both routes, whatever the order of the tables.
fn assert_same(mut ours: Vec<RecordBatch>, mut theirs: Vec<RecordBatch>) {
    let key = |batch: &RecordBatch| (batch.num_rows(), batch.num_columns());
    ours.sort_by_key(key);
    theirs.sort_by_key(key);
    assert_eq!(ours, theirs);
}

fn decode(criterion: &mut Criterion<CpuTime>) {
    for sample in samples() {
        for (columns, projection) in projections(&sample) {
            let mut decoder = Decoder::new(sample.stream, &projection).unwrap();
            let mut builder = ByProst::new(sample.stream, &projection);
            assert_same(
                by_wire(&mut decoder, &sample.values),
                by_prost(&mut builder, &sample.values),
            );
            let mut group = criterion.benchmark_group(sample.name);
            group.throughput(Throughput::Elements(ROWS as u64));
            group.bench_function(BenchmarkId::new("wire", columns), |bencher| {
                bencher.iter(|| by_wire(&mut decoder, black_box(&sample.values)));
            });
            group.bench_function(BenchmarkId::new("prost", columns), |bencher| {
                bencher.iter(|| by_prost(&mut builder, black_box(&sample.values)));
            });
            group.finish();
        }
    }
    heads(criterion);
    ratios();
}

/// Reading alone: what a duplicate costs.
fn heads(criterion: &mut Criterion<CpuTime>) {
    for sample in samples() {
        let mut decoder = Decoder::new(sample.stream, &Projection::none()).unwrap();
        let mut group = criterion.benchmark_group(sample.name);
        group.throughput(Throughput::Elements(ROWS as u64));
        group.bench_function("wire/head", |bencher| {
            bencher.iter(|| {
                for value in black_box(&sample.values) {
                    black_box(decoder.read(value).unwrap());
                }
            });
        });
    }
}

/// The best of alternating rounds, as events a second, and their ratio: both routes see the same noise.
#[allow(clippy::print_stdout)]
fn ratios() {
    const ROUNDS: usize = 100;
    println!(
        "{:<22}{:<8}{:>12}{:>12}{:>8}{:>12}",
        "sample", "columns", "wire M/s", "prost M/s", "ratio", "bytes/event"
    );
    for sample in samples() {
        let bytes: usize = sample.values.iter().map(Vec::len).sum();
        for (columns, projection) in projections(&sample) {
            let mut decoder = Decoder::new(sample.stream, &projection).unwrap();
            let mut builder = ByProst::new(sample.stream, &projection);
            let (mut wire_s, mut prost_s) = (f64::MAX, f64::MAX);
            for _ in 0..ROUNDS {
                let started = now();
                black_box(by_wire(&mut decoder, &sample.values));
                wire_s = wire_s.min((now() - started).as_secs_f64());
                let started = now();
                black_box(by_prost(&mut builder, &sample.values));
                prost_s = prost_s.min((now() - started).as_secs_f64());
            }
            let rate = |seconds: f64| ROWS as f64 / seconds / 1e6;
            println!(
                "{:<22}{:<8}{:>12.2}{:>12.2}{:>8.2}{:>12}",
                sample.name,
                columns,
                rate(wire_s),
                rate(prost_s),
                prost_s / wire_s,
                bytes / ROWS
            );
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime);
    targets = decode
}
criterion_main!(benches);

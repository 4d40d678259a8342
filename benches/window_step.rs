//! One window step: partial aggregates of a batch, then reduce and final of the windows, by how many panes a window has.
//!
//! `cargo bench -p quaystream --bench window_step`; figures belong to a quiet machine.

#![allow(clippy::expect_used, clippy::unwrap_used)] // a benchmark that cannot run should say why

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use events::Event;
use events::decode::{Decoder, Projection};
use events::v1::{Classifier, ContainerEvent, Envelope, MoveEvent, container_event};
use windows::merge::{Absorbed, Merge, MergeSettings, Reached};
use windows::program::{Program, Streams};
use windows::sql::parse::SqlFile;

/// Rows of one batch.
const ROWS: usize = 8192;
const BATCHES: usize = 8;
/// Between two moves: eight batches span nine hours.
const STEP_US: i64 = 500_000;
const BEGIN_US: i64 = 1_777_593_600_000_000;
const SLIDE_MIN: i64 = 5;
/// Panes of a window.
const RATIOS: [i64; 4] = [1, 4, 12, 48];

/// A crane's move.
fn move_event(row: usize) -> Vec<u8> {
    let event_time_us = BEGIN_US + row as i64 * STEP_US;
    let body = MoveEvent {
        container_id: format!("CSQU{row:07}"),
        equipment_id: format!("STS-{:02}", row % 12),
        started_at_us: event_time_us - 95_000_000,
        ended_at_us: event_time_us,
        is_productive: !row.is_multiple_of(11),
        teu_quarters: if row.is_multiple_of(3) { 4 } else { 8 },
        ..MoveEvent::default()
    };
    let event = ContainerEvent {
        envelope: Some(Envelope {
            event_id: format!("{row:08x}"),
            source: "tos".into(),
            event_time_us,
            record_time_us: event_time_us + 1_000_000,
            classifier: Classifier::Act.into(),
            terminal_id: ["DIT", "DeCeTe", "RRT", "Gateway"][row % 4].into(),
            ..Envelope::default()
        }),
        body: Some(container_event::Body::MoveEvent(body)),
    };
    Event::from(event).encode_to_vec()
}

/// The query, over windows of so many panes.
fn file(panes: i64) -> SqlFile {
    let text = format!(
        "INSERT INTO window_stat
         SELECT window_start, window_end, terminal_id, equipment_id, count(*) AS moves,
           sum(teu_quarters) AS teu_quarters, max(CAST(ended_at AS BIGINT)) AS ended_us
         FROM HOP(move_event, DESCRIPTOR(row_time), INTERVAL '{SLIDE_MIN}' MINUTE,
           INTERVAL '{}' MINUTE)
         WHERE is_productive
         GROUP BY window_start, window_end, terminal_id, equipment_id",
        panes * SLIDE_MIN
    );
    SqlFile::new("crane_moves", text)
}

fn program(panes: i64) -> Program {
    let tables = events::schema::tables().iter();
    let streams: Streams = tables
        .map(|table| (table.name.clone(), Arc::clone(&table.schema)))
        .collect();
    Program::compile(&[file(panes)], &streams).unwrap_or_else(|faults| panic!("{}", faults[0]))
}

/// Gives the program a batch of rows, as fold does.
fn fill(program: &Program, batch: usize) {
    let mut projection = Projection::none();
    for (table, columns) in program.needed_columns() {
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        projection.add(&table, &columns).unwrap();
    }
    let mut decoder = Decoder::new(events::Stream::Container, &projection).unwrap();
    for row in batch * ROWS..(batch + 1) * ROWS {
        let value = move_event(row);
        let row_time_us = decoder.read(&value).unwrap().row_time_us();
        decoder.keep(&value, row_time_us, 0, row as i64);
    }
    let batches = decoder.take().into_iter().map(|(_, batch)| batch);
    program.fill("move_event", batches.collect());
}

/// A merge that has taken in the partials of all batches.
fn absorbed(fold: &Program, panes: i64) -> Merge {
    let mut merge = Merge::new(program(panes), &MergeSettings::default()).unwrap();
    let query = &fold.queries[0];
    for batch in 0..BATCHES {
        fill(fold, batch);
        let input = &query.inputs[0];
        for partial in input.fold.run().unwrap() {
            let absorbed = merge.absorb(&query.name, input.fingerprint, &partial);
            assert!(matches!(absorbed, Absorbed::All), "{absorbed:?}");
        }
    }
    merge
}

/// Fires every window; gives the rows that left.
fn fire(mut merge: Merge) -> usize {
    let reached = Reached {
        frontier_us: i64::MAX,
        begin_us: BEGIN_US,
        horizon_us: Some(BEGIN_US + (ROWS * BATCHES) as i64 * STEP_US),
    };
    let mut rows = 0;
    while let Some(at_us) = merge.next_at(&reached) {
        let fired = merge.fire(at_us, &reached);
        assert!(fired.failures.is_empty(), "{:?}", fired.failures);
        rows += fired
            .outputs
            .iter()
            .map(|output| output.rows.num_rows())
            .sum::<usize>();
    }
    rows
}

fn partial(c: &mut Criterion) {
    let mut group = c.benchmark_group("window_step/partial");
    group.throughput(Throughput::Elements(ROWS as u64));
    let program = program(12);
    fill(&program, 0);
    let fold = &program.queries[0].inputs[0].fold;
    group.bench_function("a_batch_of_rows", |b| {
        b.iter(|| black_box(fold.run().unwrap()));
    });
    group.finish();
}

/// Reduce and final; the throughput is that of rows that leave.
fn windows(c: &mut Criterion) {
    let mut group = c.benchmark_group("window_step/windows");
    group.sample_size(10);
    for panes in RATIOS {
        let fold = program(panes);
        let rows = fire(absorbed(&fold, panes));
        assert!(rows > 0, "windows have rows");
        group.throughput(Throughput::Elements(rows as u64));
        group.bench_function(BenchmarkId::new("panes", panes), |b| {
            b.iter_batched(
                || absorbed(&fold, panes),
                |merge| black_box(fire(merge)),
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, partial, windows);
criterion_main!(benches);

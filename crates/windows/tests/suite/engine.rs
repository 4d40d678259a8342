//! Runs fold and merge over rows as the pipeline does, with cuts and firing steps drawn from a seed.

use std::collections::BTreeMap;

use arrow::array::{AsArray, BooleanArray, Int64Array, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use windows::bounded::Extent;
use windows::merge::{Absorbed, Merge, MergeSettings, Output, REST_AFTER_US};
use windows::program::Program;
use windows::sql::parse::SqlFile;
use windows::state::activity;

use crate::random::Random;
use crate::text::streams;

/// All outputs of a run by query, in the order in which they left.
pub type Outputs = BTreeMap<String, Vec<Output>>;

/// What the log spans; ticks begin with its first row.
pub fn extent(input: &BTreeMap<String, RecordBatch>) -> Extent {
    let times = |batch: &RecordBatch| times(batch);
    let all: Vec<i64> = input.values().flat_map(times).collect();
    Extent {
        begin_us: all.iter().copied().min().unwrap_or_default(),
        horizon_us: all.iter().copied().max().unwrap_or_default(),
        rest_after_us: REST_AFTER_US,
    }
}

fn times(batch: &RecordBatch) -> Vec<i64> {
    let column = batch.column_by_name("row_time").expect("row_time");
    column
        .as_primitive::<TimestampMicrosecondType>()
        .values()
        .to_vec()
}

/// How the log is read.
pub struct Reading {
    pub seed: u64,
    /// How far rows come out of order.
    pub disorder_us: i64,
    /// Rows a commit, at most.
    pub commit_rows_max: u64,
    /// Early rows of every windowed query, every so often.
    pub early_us: Option<i64>,
}

/// Compiles, or says all faults.
pub fn compile(files: &[SqlFile]) -> Program {
    Program::compile_with(files, &streams(), &crate::aggregates::functions()).unwrap_or_else(
        |faults| {
            let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
            panic!("{}", lines.join("\n"))
        },
    )
}

/// Reads the log to its end.
pub fn run(files: &[SqlFile], input: &BTreeMap<String, RecordBatch>, reading: &Reading) -> Outputs {
    let fold = compile(files);
    let needed = fold.needed_columns();
    let settings = MergeSettings {
        early_us: fold
            .queries
            .iter()
            .filter_map(|query| Some((query.name.clone(), reading.early_us?)))
            .collect(),
        ..MergeSettings::default()
    };
    let mut merge = Merge::new(compile(files), &settings).expect("merge");
    let mut random = Random::new(reading.seed);
    let extent = extent(input);
    let mut log: Vec<(i64, i64, &str, u32)> = Vec::new();
    for (name, batch) in input.iter().filter(|(name, _)| needed.contains_key(*name)) {
        for (row, time) in times(batch).into_iter().enumerate() {
            let arrives = time + random.below(reading.disorder_us as u64 + 1) as i64;
            log.push((arrives, time, name, row as u32));
        }
    }
    random.shuffle(&mut log);
    log.sort_by_key(|row| row.0);
    let mut outputs = Outputs::new();
    let mut from = 0;
    while from < log.len() {
        let to = (from + 1 + random.below(reading.commit_rows_max) as usize).min(log.len());
        commit(&fold, &mut merge, input, &log[from..to], &mut random);
        from = to;
        let complete = log[from..].iter().map(|row| row.1).min();
        let frontier_us = complete.unwrap_or(extent.horizon_us) - random.below(90_000_000) as i64;
        fire(&mut merge, frontier_us, extent, None, &mut outputs);
    }
    fire(
        &mut merge,
        i64::MAX,
        extent,
        Some(extent.horizon_us),
        &mut outputs,
    );
    outputs
}

fn fire(
    merge: &mut Merge,
    frontier_us: i64,
    extent: Extent,
    horizon: Option<i64>,
    outputs: &mut Outputs,
) {
    if horizon.is_none() && frontier_us < extent.begin_us {
        return;
    }
    while let Some(at_us) = merge.next_at(frontier_us, extent.begin_us, horizon) {
        let fired = merge.fire(at_us, extent.begin_us, horizon);
        assert!(fired.failures.is_empty(), "{:?}", fired.failures);
        for output in fired.outputs {
            let name = merge.program().queries[output.query].name.clone();
            outputs.entry(name).or_default().push(output);
        }
    }
}

/// One commit of fold, perhaps of two partitions, absorbed in any order.
fn commit(
    fold: &Program,
    merge: &mut Merge,
    input: &BTreeMap<String, RecordBatch>,
    rows: &[(i64, i64, &str, u32)],
    random: &mut Random,
) {
    let mut partials = Vec::new();
    let partitions = 1 + random.below(2);
    let owners: Vec<u64> = rows.iter().map(|_| random.below(partitions)).collect();
    for partition in 0..partitions {
        for name in fold.needed_columns().keys() {
            let Some(batch) = input.get(name) else {
                continue;
            };
            let mine = rows
                .iter()
                .zip(&owners)
                .filter(|(row, owner)| row.2 == name && **owner == partition);
            let places: Vec<u32> = mine.map(|(row, _)| row.3).collect();
            let taken = take_record_batch(batch, &UInt32Array::from(places)).expect("take");
            let cut = random.below(taken.num_rows() as u64 + 1) as usize;
            let halves = [
                taken.slice(0, cut),
                taken.slice(cut, taken.num_rows() - cut),
            ];
            let told = activity::told([&taken]).expect("activity");
            let absorbed = merge.absorb(activity::NAME, activity::FINGERPRINT, &told);
            assert!(matches!(absorbed, Absorbed::All));
            fold.fill(
                name,
                halves
                    .into_iter()
                    .filter(|half| half.num_rows() > 0)
                    .collect(),
            );
        }
        for query in &fold.queries {
            for input in &query.inputs {
                let run = input.fold.run().expect(&query.name);
                partials.extend(
                    run.into_iter()
                        .map(|batch| (&query.name, input.fingerprint, batch)),
                );
            }
        }
        for table in &fold.tables {
            let run = table.fold.run().expect(&table.name);
            partials.extend(
                run.into_iter()
                    .map(|batch| (&table.name, table.fingerprint, batch)),
            );
        }
    }
    random.shuffle(&mut partials);
    for (name, fingerprint, batch) in partials {
        let absorbed = merge.absorb(name, fingerprint, &batch);
        assert!(matches!(absorbed, Absorbed::All), "{name}: {absorbed:?}");
    }
}

/// The final rows of a query without revision and flag; checks that every window and key has one, after its early rows.
pub fn finals(program: &Program, name: &str, outputs: &Outputs) -> RecordBatch {
    let query = program
        .queries
        .iter()
        .find(|query| query.name == name)
        .expect(name);
    let mut last: BTreeMap<Vec<String>, (i64, bool)> = BTreeMap::new();
    let mut batches = Vec::new();
    for output in outputs.get(name).into_iter().flatten() {
        let width = output.rows.num_columns();
        let revisions: &Int64Array = output.rows.column(width - 2).as_primitive::<Int64Type>();
        let flags: &BooleanArray = output.rows.column(width - 1).as_boolean();
        for row in 0..output.rows.num_rows() {
            let bounds = ["window_start", "window_end"].into_iter();
            let key: Vec<String> = bounds
                .chain(query.key_columns.iter().map(String::as_str))
                .map(|name| crate::text::cell(output.rows.column_by_name(name).expect(name), row))
                .collect();
            assert_eq!(flags.value(row), output.is_final);
            let before = last.insert(key.clone(), (revisions.value(row), output.is_final));
            match before {
                None => assert_eq!(revisions.value(row), 0, "{name} {key:?}"),
                Some((revision, was_final)) => {
                    assert!(!was_final, "{name}: a row after the final one of {key:?}");
                    assert_eq!(revisions.value(row), revision + 1, "{name} {key:?}");
                }
            }
        }
        if output.is_final {
            let shown: Vec<usize> = (0..width - 2).collect();
            batches.push(output.rows.project(&shown).expect("project"));
        }
    }
    for (key, (_, is_final)) in &last {
        assert!(is_final, "{name}: {key:?} has no final row");
    }
    concat_batches(&query.schema, &batches).expect("concat")
}

//! Runs fold and merge over rows as the pipeline does, with cuts and firing steps drawn from a seed.

use std::collections::BTreeMap;

use arrow::array::{AsArray, BooleanArray, Int32Array, Int64Array, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, filter_record_batch, take_record_batch};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use windows::bounded::Extent;
use windows::merge::{
    Absorbed, Merge, MergeSettings, OnTime, Output, REST_AFTER_US, Reached, StatKind,
};
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
    /// How far the watermark lies ahead of the frontier. Above zero: rows on time and corrections of every query.
    pub correction_us: i64,
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
        correction_us: reading.correction_us,
        on_time: OnTime {
            corrected_every_us: 60_000_000,
            ..OnTime::default()
        },
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
    let reached = Reached {
        frontier_us,
        begin_us: extent.begin_us,
        horizon_us: horizon,
    };
    while let Some(at_us) = merge.next_at(&reached) {
        let fired = merge.fire(at_us, &reached);
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

/// The final rows of a query without revision, flag and kind; checks that what is told of each window and key is in order,
/// and ends with one final row.
pub fn finals(program: &Program, name: &str, outputs: &Outputs) -> RecordBatch {
    let query = program
        .queries
        .iter()
        .find(|query| query.name == name)
        .expect(name);
    let mut told: BTreeMap<Vec<String>, Vec<i32>> = BTreeMap::new();
    let mut batches = Vec::new();
    for output in outputs.get(name).into_iter().flatten() {
        let column = |name: &str| output.rows.column_by_name(name).expect(name);
        let revisions: &Int64Array = column("revision").as_primitive::<Int64Type>();
        let flags: &BooleanArray = column("is_final").as_boolean();
        let kinds: &Int32Array = column("stat_kind").as_primitive::<Int32Type>();
        for row in 0..output.rows.num_rows() {
            let bounds = ["window_start", "window_end"].into_iter();
            let key: Vec<String> = bounds
                .chain(query.key_columns.iter().map(String::as_str))
                .map(|name| crate::text::cell(column(name), row))
                .collect();
            assert_eq!(flags.value(row), output.is_final);
            let told = told.entry(key.clone()).or_default();
            assert_eq!(revisions.value(row), told.len() as i64, "{name} {key:?}");
            told.push(kinds.value(row) + if output.is_final { FINAL } else { 0 });
        }
        if output.is_final {
            let shown: Vec<usize> = (0..query.schema.fields().len()).collect();
            let rows = output.rows.project(&shown).expect("project");
            let is_row: BooleanArray = kinds
                .iter()
                .map(|kind| Some(kind != Some(StatKind::Withdrawn as i32)))
                .collect();
            batches.push(filter_record_batch(&rows, &is_row).expect("filter"));
        }
    }
    for (key, told) in &told {
        assert!(is_in_order(told), "{name}: {key:?}: {told:?}");
    }
    concat_batches(&query.schema, &batches).expect("concat")
}

/// Added to the kind of rows that say that they are final.
const FINAL: i32 = 100;

/// Early rows, one on time, corrections, one final row; any of them may be withdrawn, and the last one alone is final.
fn is_in_order(told: &[i32]) -> bool {
    let Some((last, before)) = told.split_last() else {
        return false;
    };
    let withdrawn = StatKind::Withdrawn as i32;
    let kinds = before.iter().filter(|kind| **kind != withdrawn);
    let kinds: Vec<i32> = kinds.copied().collect();
    let on_time = kinds
        .iter()
        .filter(|kind| **kind == StatKind::OnTime as i32);
    let is_end = [StatKind::Final as i32 + FINAL, withdrawn + FINAL].contains(last);
    is_end && kinds.is_sorted() && on_time.count() <= 1 && kinds.iter().all(|kind| *kind < 4)
}

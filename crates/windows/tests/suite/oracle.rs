//! Streaming equals batch: whatever the disorder, the cuts and the firing steps.

use std::collections::BTreeMap;

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::Float64Type;
use windows::bounded::{self, Besides};
use windows::sql::parse::SqlFile;

use crate::engine::{Reading, compile, extent, finals, run};
use crate::text::{shown, streams};

/// Single rows, a few, some, all at once; with and without disorder, early rows, rows on time. See [`check_equal`].
pub const SEEDS: [u64; 4] = [3, 6, 9, 14];
pub const MINUTE_US: i64 = 60_000_000;

/// Reads the log once for every seed and compares each query's final rows with the oracle's. Returns the rows as text.
pub fn check_equal(
    files: &[SqlFile],
    input: &BTreeMap<String, RecordBatch>,
    seeds: &[u64],
) -> BTreeMap<String, Vec<String>> {
    let program = compile(files);
    let rows: BTreeMap<String, Vec<RecordBatch>> = input
        .iter()
        .map(|(name, batch)| (name.clone(), vec![batch.clone()]))
        .collect();
    let functions = crate::aggregates::functions();
    let expected = bounded::run_with(
        files,
        &streams(),
        &rows,
        &Besides::default(),
        extent(input),
        &functions,
    )
    .unwrap_or_else(|faults| panic!("{faults:?}"));
    for &seed in seeds {
        let reading = Reading {
            seed,
            disorder_us: (seed as i64 % 4) * 7 * MINUTE_US,
            commit_rows_max: [1, 5, 40, 1000][(seed / 4 % 4) as usize],
            early_us: (seed % 3 == 0).then_some(5 * MINUTE_US),
            correction_us: (seed as i64 / 2 % 2) * 10 * MINUTE_US,
        };
        let outputs = run(files, input, &reading);
        for (name, expected) in &expected {
            let streamed = finals(&program, name, &outputs);
            let streamed = bounded::sorted(&streamed).expect("sorted");
            let is_equal = streamed.num_rows() == expected.num_rows()
                && streamed
                    .columns()
                    .iter()
                    .zip(expected.columns())
                    .all(|(left, right)| is_same(left, right));
            let (streamed, expected) = (shown(&streamed), shown(expected));
            let only = |left: &[String], right: &[String]| {
                let lines = left.iter().filter(|line| !right.contains(line));
                lines.cloned().collect::<Vec<_>>().join("\n")
            };
            assert!(
                is_equal,
                "seed {seed}, {name}: streamed alone\n{}\nexpected alone\n{}",
                only(&streamed, &expected),
                only(&expected, &streamed)
            );
        }
    }
    expected
        .iter()
        .map(|(name, batch)| (name.clone(), shown(batch)))
        .collect()
}

/// Equal; for floats, which are added up in some order, to one part in 10^12.
fn is_same(left: &ArrayRef, right: &ArrayRef) -> bool {
    let floats = left
        .as_primitive_opt::<Float64Type>()
        .zip(right.as_primitive_opt::<Float64Type>());
    let Some((left, right)) = floats else {
        return left == right;
    };
    let mut pairs = left.iter().zip(right);
    pairs.all(|pair| match pair {
        (Some(left), Some(right)) => {
            let is_near = (left - right).abs() <= 1e-12 * left.abs().max(right.abs()).max(1.0);
            is_near || (left.is_nan() && right.is_nan())
        }
        (left, right) => left.is_none() && right.is_none(),
    })
}

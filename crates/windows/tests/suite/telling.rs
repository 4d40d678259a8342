//! Reads commits one after the other and says what is told after each.

use std::collections::BTreeMap;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use windows::merge::{Absorbed, Merge, MergeSettings, OnTime, Reached};
use windows::program::Program;
use windows::sql::parse::SqlFile;
use windows::state::activity;

use crate::engine::compile;
use crate::text::{cell, input, instant_us};

pub const MINUTE_US: i64 = 60_000_000;
const KINDS: [&str; 6] = ["?", "early", "on time", "corrected", "final", "withdrawn"];

/// Ten minutes from rows on time to final ones, a look at corrections every two minutes.
pub fn settings() -> MergeSettings {
    MergeSettings {
        correction_us: 10 * MINUTE_US,
        on_time: OnTime {
            corrected_every_us: 2 * MINUTE_US,
            ..OnTime::default()
        },
        ..MergeSettings::default()
    }
}

/// Reads commits one after the other. `until` is the watermark after each. Returns what was told after each commit, as
/// `kind revision: cells`.
pub fn told(
    files: &[SqlFile],
    settings: &MergeSettings,
    commits: &[(&str, &str)],
) -> Vec<Vec<String>> {
    told_anew(files, settings, commits, None)
}

/// As [`told`]; behind a commit of this number the query is taken up anew, and counts revisions from there.
pub fn told_anew(
    files: &[SqlFile],
    settings: &MergeSettings,
    commits: &[(&str, &str)],
    anew: Option<(usize, i64)>,
) -> Vec<Vec<String>> {
    let fold = compile(files);
    let mut merge = Merge::new(compile(files), settings).expect("merge");
    let mut all = Vec::new();
    for (text, watermark) in commits {
        if let Some((_, first)) = anew.filter(|(commit, _)| *commit == all.len()) {
            merge.set_first_revision(0, first);
        }
        absorb(&fold, &mut merge, &input(text));
        all.push(fire(
            &mut merge,
            instant_us(watermark) - settings.correction_us,
        ));
    }
    all
}

/// A commit of fold with rows of sources that correct nothing.
pub fn absorb(fold: &Program, merge: &mut Merge, rows: &BTreeMap<String, RecordBatch>) {
    let hours = activity::told(rows.values()).expect("told");
    merge.absorb(activity::NAME, activity::FINGERPRINT, &hours);
    for (name, batch) in rows {
        fold.fill(name, vec![batch.clone()]);
    }
    let queries = fold.queries.iter().flat_map(|query| {
        let inputs = query.inputs.iter();
        inputs.map(|input| (&query.name, &input.fold, input.fingerprint))
    });
    let tables = fold.tables.iter();
    let tables = tables.map(|table| (&table.name, &table.fold, table.fingerprint));
    for (name, plan, fingerprint) in queries.chain(tables) {
        for batch in plan.run().expect(name) {
            let absorbed = merge.absorb(name, fingerprint, &batch);
            assert!(matches!(absorbed, Absorbed::All), "{name}: {absorbed:?}");
        }
    }
    fold.needed_columns()
        .keys()
        .for_each(|name| fold.fill(name, Vec::new()));
}

/// What is told once no row to come is earlier than `frontier_us`.
pub fn fire(merge: &mut Merge, frontier_us: i64) -> Vec<String> {
    let reached = Reached {
        frontier_us,
        begin_us: instant_us("00:00"),
        horizon_us: None,
    };
    let mut told = Vec::new();
    while let Some(at_us) = merge.next_at(&reached) {
        let fired = merge.fire(at_us, &reached);
        assert!(fired.failures.is_empty(), "{:?}", fired.failures);
        for output in fired.outputs {
            let width = output.rows.num_columns() - 3;
            let number = output.rows.column(width).as_primitive::<Int64Type>();
            let kinds = output.rows.column(width + 2).as_primitive::<Int32Type>();
            for row in 0..output.rows.num_rows() {
                let cells = output.rows.columns()[..width].iter();
                let cells: Vec<String> = cells.map(|column| cell(column, row)).collect();
                let kind = KINDS[kinds.value(row) as usize];
                let kind = match (kind, output.is_final) {
                    ("final", true) | (_, false) => kind.to_owned(),
                    (kind, true) => format!("{kind} for good"),
                };
                told.push(format!("{kind} {}: {}", number.value(row), cells.join(" ")));
            }
        }
    }
    told
}

pub fn query(text: &str) -> SqlFile {
    SqlFile::new("q", text)
}

pub fn moves(more: &str) -> [SqlFile; 1] {
    [query(&format!(
        "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, count(*) AS n
         FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE)
         GROUP BY window_start, window_end, equipment_id {more}"
    ))]
}

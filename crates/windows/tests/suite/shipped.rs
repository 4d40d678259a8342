//! The files under `deploy/pipelines/duisburg`: they compile, and streaming equals batch for each.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::array::RecordBatch;
use windows::merge::{Merge, MergeSettings};
use windows::program::{MergeKey, Program, Strategy};
use windows::sql::parse::SqlFile;

use crate::engine::compile;
use crate::oracle::check_equal;
use crate::port::port;
use crate::text::DAY_US;

/// All files below a folder of the pipeline; planner inputs are named with their folder.
pub fn files(folder: &str) -> Vec<SqlFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/pipelines/duisburg");
    let mut paths: Vec<_> = std::fs::read_dir(root.join(folder))
        .expect(folder)
        .map(|entry| entry.expect(folder).path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "sql"))
        .collect();
    paths.sort();
    let read = |path: &Path| {
        let stem = path
            .file_stem()
            .expect("stem")
            .to_string_lossy()
            .into_owned();
        let name = match folder.strip_prefix("planners/") {
            Some(planner) => format!("{planner}/{stem}"),
            None => stem,
        };
        SqlFile::new(name, std::fs::read_to_string(path).expect("readable"))
    };
    paths.iter().map(|path| read(path)).collect()
}

/// One query and the tables that it reads.
pub fn query(name: &str) -> Vec<SqlFile> {
    let known = files("queries");
    let wanted = known.into_iter().find(|file| file.name == name);
    let wanted = wanted.unwrap_or_else(|| panic!("no query {name}"));
    let tables = files("tables").into_iter();
    let read = tables.filter(|table| wanted.text.contains(&table.name));
    read.chain([wanted.clone()]).collect()
}

#[test]
fn all_files_compile_and_their_work_is_divided_as_meant() {
    let all: Vec<SqlFile> = ["tables", "queries", "planners/berths", "planners/rail"]
        .into_iter()
        .flat_map(files)
        .collect();
    let program = compile(&all);
    let shape = |name: &str| {
        let query = program
            .queries
            .iter()
            .find(|query| query.name == name)
            .expect(name);
        assert_eq!(query.sink, "window_stat", "{name}");
        let mut fields = query.schema.fields().iter();
        assert!(
            !fields.any(|field| field.data_type().is_floating()),
            "{name}"
        );
        (
            query.strategy,
            query.merge_key.clone(),
            query.key_columns.join(" "),
        )
    };
    let terminal = MergeKey::Terminal;
    assert_eq!(
        shape("b1_berth_occupancy"),
        (
            Strategy::Levels,
            MergeKey::Port,
            "terminal_id berth_id".into()
        )
    );
    assert_eq!(
        shape("b3_eta_drift"),
        (
            Strategy::Partials,
            terminal.clone(),
            "terminal_id port_call_id berth_visit_id source".into()
        )
    );
    assert_eq!(
        shape("b5_crane_rate"),
        (
            Strategy::Partials,
            terminal.clone(),
            "terminal_id equipment_id port_call_id berth_visit_id".into()
        )
    );
    assert_eq!(
        shape("r1_slot_fill"),
        (
            Strategy::Ticks,
            MergeKey::Port,
            "terminal_id train_slot_id".into()
        )
    );
    assert_eq!(
        shape("r3_train_punctuality"),
        (
            Strategy::Rows,
            MergeKey::Port,
            "terminal_id corridor".into()
        )
    );
    assert_eq!(
        shape("r6_no_show_rate"),
        (
            Strategy::Rows,
            MergeKey::Port,
            "terminal_id customer service_id".into()
        )
    );
    assert_eq!(
        shape("y1_yard_occupancy"),
        (
            Strategy::Levels,
            MergeKey::Port,
            "terminal_id yard_block".into()
        )
    );
    assert_eq!(
        shape("y3_truck_turn_time"),
        (
            Strategy::Partials,
            terminal.clone(),
            "terminal_id gate".into()
        )
    );
    assert_eq!(
        shape("k1_missed_connection"),
        (
            Strategy::Ticks,
            MergeKey::Port,
            "terminal_id unit_id train_slot_id".into()
        )
    );
    assert_eq!(
        shape("d1_duplicates"),
        (
            Strategy::Partials,
            terminal.clone(),
            "terminal_id source".into()
        )
    );
    assert_eq!(
        shape("d2_lateness"),
        (Strategy::Partials, terminal, "terminal_id source".into())
    );
    assert_eq!(
        shape("b9_idle_alongside"),
        (
            Strategy::Joined,
            MergeKey::Port,
            "terminal_id berth_id port_call_id berth_visit_id".into()
        )
    );
    for train in ["r2_cut_off_miss", "r4_load_progress"] {
        assert_eq!(
            shape(train),
            (
                Strategy::Ticks,
                MergeKey::Port,
                "terminal_id train_slot_id".into()
            )
        );
    }
    assert_eq!(
        shape("k3_reefer_excursion"),
        (
            Strategy::Partials,
            MergeKey::Terminal,
            "terminal_id container_id".into()
        )
    );
    assert_eq!(
        shape("y4_appointment_adherence"),
        (
            Strategy::Partials,
            MergeKey::Terminal,
            "terminal_id haulier".into()
        )
    );
    assert_eq!(program.snapshots.len(), 25);
}

fn equal_for(name: &str) {
    let rows = check_equal(&query(name), &port(7), &[9, 10]);
    assert!(rows[name].len() >= 10, "{name}: {rows:?}");
}

macro_rules! streaming_equals_batch {
    ($($name:ident;)*) => {$(
        #[test]
        fn $name() {
            equal_for(stringify!($name));
        }
    )*};
}

streaming_equals_batch! {
    b1_berth_occupancy;
    b3_eta_drift;
    b5_crane_rate;
    b9_idle_alongside;
    r1_slot_fill;
    r2_cut_off_miss;
    r3_train_punctuality;
    r4_load_progress;
    r6_no_show_rate;
    y1_yard_occupancy;
    y3_truck_turn_time;
    y4_appointment_adherence;
    k1_missed_connection;
    k3_reefer_excursion;
    d1_duplicates;
    d2_lateness;
}

/// The shipped tables with these rows, and the planners' inputs over them.
pub fn tables_with(rows: BTreeMap<String, RecordBatch>) -> (Program, Merge) {
    let all: Vec<SqlFile> = ["tables", "planners/berths", "planners/rail"]
        .into_iter()
        .flat_map(files)
        .collect();
    let fold = compile(&all);
    let mut merge = Merge::new(compile(&all), &MergeSettings::default()).expect("merge");
    for (name, batch) in rows {
        fold.fill(&name, vec![batch]);
    }
    for table in &fold.tables {
        for batch in table.fold.run().expect(&table.name) {
            merge.absorb(&table.name, table.fingerprint, &batch);
        }
    }
    (fold, merge)
}

#[test]
fn planners_read_their_inputs_from_the_tables() {
    let (fold, mut merge) = tables_with(port(7));
    let at_us = DAY_US + 90 * 60_000_000 + 1;
    for snapshot in &fold.snapshots {
        let rows = merge.snapshot(&snapshot.name, at_us).expect(&snapshot.name);
        assert_eq!(rows.schema().fields().len(), snapshot.schema.fields().len());
        let again = merge.snapshot(&snapshot.name, at_us).expect(&snapshot.name);
        assert_eq!(rows, again, "{}", snapshot.name);
        let is_fed =
            ["berths/calls", "berths/berths", "rail/units"].contains(&snapshot.name.as_str());
        assert!(!is_fed || rows.num_rows() > 0, "{} is empty", snapshot.name);
    }
}

//! The files under `deploy/pipelines/duisburg`: they compile, and streaming equals batch for each.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use arrow::array::RecordBatch;
use windows::merge::{Merge, MergeSettings};
use windows::program::{MergeKey, Strategy};
use windows::sql::parse::SqlFile;

use crate::engine::compile;
use crate::oracle::check_equal;
use crate::random::Random;
use crate::text::{DAY_US, input, instant_text};

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
    assert_eq!(program.snapshots.len(), 24);
}

/// A port at random: three hours of everything that the queries read, with ties, revisions and gaps.
fn port(seed: u64) -> BTreeMap<String, RecordBatch> {
    let mut random = Random::new(seed);
    let mut text = String::new();
    let at = |random: &mut Random, most_min: u64| {
        instant_text(DAY_US + random.below(most_min * 2) as i64 * 30_000_000)
    };
    let block = |text: &mut String,
                 name: &str,
                 columns: &str,
                 rows: usize,
                 row: &mut dyn FnMut(usize) -> String| {
        let _ = writeln!(text, "stream {name}\n{columns}");
        for number in 0..rows {
            let _ = writeln!(text, "{}", row(number));
        }
    };
    block(
        &mut text,
        "port_call_timestamp",
        "row_time | event_id | source | event_time | classifier | terminal_id | port_call_id | berth_visit_id | service | event_type | facility_code | quay_from_dm | quay_to_dm | vessel_length_cm | vessel_name | is_retracted",
        120,
        &mut |n| {
            let call = random.below(5);
            let classifier = *random.pick(&["EST", "EST", "PLN", "ACT"]);
            let metres = if random.below(2) == 0 {
                "- | -"
            } else {
                "100 | 1150"
            };
            format!(
                "{} | p{n} | {} | {} | {classifier} | {} | C{call} | C{call}-1 | BERTH | {} | {} | {metres} | {} | v{call} | {}",
                at(&mut random, 180),
                random.pick(&["ais", "pcs"]),
                at(&mut random, 400),
                random.pick(&["DGT", "DIT"]),
                random.pick(&["ARRI", "ARRI", "DEPA"]),
                random.pick(&["B1", "B2"]),
                8000 + random.below(3000),
                random.below(20) == 0
            )
        },
    );
    block(
        &mut text,
        "berth",
        "row_time | event_id | terminal_id | berth_id | from_dm | to_dm",
        6,
        &mut |n| {
            format!(
                "{} | b{n} | DGT | {} | 0 | {}",
                at(&mut random, 120),
                random.pick(&["B1", "B2"]),
                random.below(3) * 1000
            )
        },
    );
    block(
        &mut text,
        "move_event",
        "row_time | event_id | classifier | terminal_id | equipment_id | port_call_id | berth_visit_id | started_at | ended_at | is_productive",
        100,
        &mut |n| {
            let ended = DAY_US + random.below(10_800) as i64 * 1_000_000;
            format!(
                "{} | m{n} | ACT | DGT | {} | C1 | {} | {} | {} | {}",
                instant_text(ended),
                random.pick(&["C1", "C2"]),
                random.pick(&["C1-1", "C1-2", "''"]),
                instant_text(ended - random.below(200) as i64 * 1_000_000),
                instant_text(ended),
                random.below(8) > 0
            )
        },
    );
    block(
        &mut text,
        "gate_event",
        "row_time | event_id | classifier | terminal_id | gate | direction | entered_at",
        100,
        &mut |n| {
            let out = DAY_US + random.below(10_800) as i64 * 1_000_000;
            let entered = if random.below(9) == 0 {
                "-".to_owned()
            } else {
                instant_text(out - random.below(5_000) as i64 * 1_000_000)
            };
            format!(
                "{} | g{n} | ACT | {} | {} | {} | {entered}",
                instant_text(out),
                random.pick(&["DGT", "DIT"]),
                random.pick(&["G1", "G2"]),
                random.pick(&["IN", "OUT", "OUT"])
            )
        },
    );
    block(
        &mut text,
        "terminal",
        "row_time | event_id | terminal_id | yard_capacity_teu_quarters",
        4,
        &mut |n| {
            format!(
                "{} | t{n} | {} | {}",
                at(&mut random, 90),
                random.pick(&["DGT", "DIT"]),
                random.below(3) * 400
            )
        },
    );
    block(
        &mut text,
        "equipment_event",
        "row_time | event_id | classifier | event_time | terminal_id | container_id | event_type | yard_block | yard_delta_teu_quarters",
        120,
        &mut |n| {
            let fact = random.below(5) > 0;
            let (kind, delta) =
                *random.pick(&[("GTIN", 8), ("DISC", 4), ("LOAD", -8), ("GTOT", -4)]);
            let time = at(&mut random, 180);
            let forecast = at(&mut random, 300);
            format!(
                "{time} | q{n} | {} | {} | {} | U{} | {kind} | {} | {}",
                if fact { "ACT" } else { "EST" },
                if fact { &time } else { &forecast },
                random.pick(&["DGT", "DIT"]),
                random.below(8),
                random.pick(&["A", "B"]),
                if fact { delta } else { 0 }
            )
        },
    );
    block(
        &mut text,
        "customs_status",
        "row_time | event_id | container_id | state",
        15,
        &mut |n| {
            format!(
                "{} | c{n} | U{} | {}",
                at(&mut random, 180),
                random.below(8),
                random.pick(&["HOLD", "RELEASE", "SCAN"])
            )
        },
    );
    block(
        &mut text,
        "train_slot",
        "row_time | event_id | terminal_id | train_slot_id | corridor | destination | departure_planned_at | arrival_planned_at | length_max_dm | gross_max_kg | teu_max_quarters | cut_off_fco_at | cut_off_dgc_at | status",
        14,
        &mut |n| {
            format!(
                "{} | s{n} | DGT | T{} | {} | PLMAA | {} | {} | 6000 | {} | 360 | {} | {} | {}",
                at(&mut random, 150),
                random.below(4),
                random.pick(&["DUI-MAL", "RALP"]),
                at(&mut random, 400),
                at(&mut random, 900),
                random.below(3) * 1_000_000,
                at(&mut random, 300),
                if random.below(2) == 0 {
                    "-".to_owned()
                } else {
                    at(&mut random, 300)
                },
                random.pick(&["OPEN", "OPEN", "OPEN", "CLOSED", "DEPARTED"])
            )
        },
    );
    block(
        &mut text,
        "rail_booking",
        "row_time | event_id | terminal_id | booking_id | unit_id | train_slot_id | destination | teu_quarters | length_dm | gross_kg | dangerous_goods_class | status | ready_estimated_at",
        40,
        &mut |n| {
            let unit = random.below(8);
            format!(
                "{} | k{n} | DGT | K{unit} | U{unit} | T{} | PLMAA | 8 | 122 | {} | {} | {} | {}",
                at(&mut random, 180),
                random.below(4),
                random.below(30_000),
                random.pick(&["''", "''", "3"]),
                random.pick(&["BOOKED", "BOOKED", "LOADED", "CANCELLED"]),
                if random.below(3) == 0 {
                    "-".to_owned()
                } else {
                    at(&mut random, 300)
                }
            )
        },
    );
    block(
        &mut text,
        "train_running",
        "row_time | event_id | classifier | event_time | terminal_id | train_id | location_status | corridor | booked_at | delay_s",
        60,
        &mut |n| {
            let time = at(&mut random, 180);
            format!(
                "{time} | r{n} | {} | {time} | DGT | T{} | {} | {} | {} | {}",
                random.pick(&["ACT", "ACT", "EST"]),
                random.below(5),
                random.pick(&["ARRIVAL_DESTINATION", "DEPARTURE_ORIGIN", "PASS"]),
                random.pick(&["''", "RALP"]),
                if random.below(2) == 0 {
                    "-".to_owned()
                } else {
                    at(&mut random, 180)
                },
                if random.below(3) > 0 {
                    "-".to_owned()
                } else {
                    (random.below(4_000) as i64 - 600).to_string()
                }
            )
        },
    );
    block(
        &mut text,
        "intake",
        "row_time | source | stream | table_name | terminal_id | outcome | reason | copies | delay_us",
        150,
        &mut |_| {
            let outcome = *random.pick(&[
                "accepted",
                "accepted",
                "accepted",
                "duplicate",
                "late",
                "rejected",
                "flagged",
            ]);
            format!(
                "{} | {} | vessel | port_call_timestamp | {} | {outcome} | '' | {} | {}",
                at(&mut random, 60),
                random.pick(&["ais", "pcs"]),
                random.pick(&["DGT", "''"]),
                1 + random.below(4),
                if random.below(4) == 0 {
                    "-".to_owned()
                } else {
                    random.below(90_000_000).to_string()
                }
            )
        },
    );
    input(&text)
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
    r1_slot_fill;
    r3_train_punctuality;
    r6_no_show_rate;
    y1_yard_occupancy;
    y3_truck_turn_time;
    k1_missed_connection;
    d1_duplicates;
    d2_lateness;
}

#[test]
fn planners_read_their_inputs_from_the_tables() {
    let all: Vec<SqlFile> = ["tables", "planners/berths", "planners/rail"]
        .into_iter()
        .flat_map(files)
        .collect();
    let fold = compile(&all);
    let mut merge = Merge::new(compile(&all), &MergeSettings::default()).expect("merge");
    for (name, batch) in port(7) {
        fold.fill(&name, vec![batch]);
    }
    for table in &fold.tables {
        for batch in table.fold.run().expect(&table.name) {
            merge.absorb(&table.name, table.fingerprint, &batch);
        }
    }
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

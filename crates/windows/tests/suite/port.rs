//! A port at random, for the shipped queries.

use std::collections::BTreeMap;
use std::fmt::Write;

use arrow::array::RecordBatch;

use crate::random::Random;
use crate::text::{DAY_US, input, instant_text};

/// A port at random: three hours of everything that the queries read, with ties, revisions and gaps.
pub fn port(seed: u64) -> BTreeMap<String, RecordBatch> {
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
        220,
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
        "row_time | event_id | classifier | terminal_id | gate | direction | entered_at | haulier | appointment_id | appointment_from_at | appointment_to_at",
        100,
        &mut |n| {
            let out = DAY_US + random.below(10_800) as i64 * 1_000_000;
            let entered = if random.below(9) == 0 {
                "-".to_owned()
            } else {
                instant_text(out - random.below(5_000) as i64 * 1_000_000)
            };
            let booked = out + random.below(5_400) as i64 * 1_000_000 - 3_600_000_000;
            let appointment = match random.below(5) {
                0 => "'' | - | -".to_owned(),
                _ => format!(
                    "A{n} | {} | {}",
                    instant_text(booked),
                    instant_text(booked + 1_800_000_000)
                ),
            };
            format!(
                "{} | g{n} | ACT | {} | {} | {} | {entered} | {} | {appointment}",
                instant_text(out),
                random.pick(&["DGT", "DIT"]),
                random.pick(&["G1", "G2"]),
                random.pick(&["IN", "OUT", "OUT"]),
                random.pick(&["KOCH", "VOSS"])
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
        "row_time | event_id | classifier | event_time | terminal_id | container_id | event_type | yard_block | yard_delta_teu_quarters | vgm_kg | empty_indicator",
        120,
        &mut |n| {
            let fact = random.below(5) > 0;
            let (kind, delta) =
                *random.pick(&[("GTIN", 8), ("DISC", 4), ("LOAD", -8), ("GTOT", -4)]);
            let time = at(&mut random, 180);
            let forecast = at(&mut random, 300);
            let gross = *random.pick(&["-", "9000", "20000"]);
            format!(
                "{time} | q{n} | {} | {} | {} | U{} | {kind} | {} | {} | {gross} | {}",
                if fact { "ACT" } else { "EST" },
                if fact { &time } else { &forecast },
                random.pick(&["DGT", "DIT"]),
                random.below(8),
                random.pick(&["A", "B"]),
                if fact { delta } else { 0 },
                random.pick(&["LADEN", "LADEN", "EMPTY"])
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
        "row_time | event_id | terminal_id | train_slot_id | corridor | destination | departure_planned_at | arrival_planned_at | length_max_dm | gross_max_kg | teu_max_quarters | cut_off_fco_at | cut_off_dgc_at | cut_off_vco_at | cut_off_dco_at | status",
        14,
        &mut |n| {
            let maybe = |random: &mut Random| match random.below(2) {
                0 => "-".to_owned(),
                _ => at(random, 300),
            };
            format!(
                "{} | s{n} | DGT | T{} | {} | PLMAA | {} | {} | 6000 | {} | 360 | {} | {} | {} | {} | {}",
                at(&mut random, 150),
                random.below(4),
                random.pick(&["DUI-MAL", "RALP"]),
                at(&mut random, 400),
                at(&mut random, 900),
                random.below(3) * 1_000_000,
                at(&mut random, 300),
                maybe(&mut random),
                maybe(&mut random),
                maybe(&mut random),
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
    block(
        &mut text,
        "train_composition",
        "row_time | event_id | terminal_id | train_id | length_dm | gross_t | is_retracted",
        6,
        &mut |n| {
            format!(
                "{} | z{n} | DGT | T{} | {} | {} | {}",
                at(&mut random, 180),
                random.below(4),
                2_000 + random.below(5_000),
                400 + random.below(1_500),
                random.below(6) == 0
            )
        },
    );
    block(
        &mut text,
        "reefer_telemetry",
        "row_time | event_id | terminal_id | container_id | set_point_dc | return_air_dc | is_powered",
        500,
        &mut |n| {
            format!(
                "{} | e{n} | {} | U{} | {} | {} | {}",
                at(&mut random, 180),
                random.pick(&["DGT", "DGT", "DGT", "DIT"]),
                random.below(8),
                random.pick(&["-180", "20", "20", "-"]),
                random.pick(&["5", "45", "80", "80", "-"]),
                random.below(3) > 0
            )
        },
    );
    input(&text)
}

//! Small inputs with rows computed by hand, one test a query; those about trains are in `golden_rail.rs`. Each is also read in
//! disorder and compared with the oracle.

use crate::oracle::check_equal;
use crate::shipped::{files, query, tables_with};
use crate::text::{input, instant_us, shown};

/// Runs the query and compares its rows that begin with `prefix`.
#[track_caller]
pub fn check(name: &str, prefix: &str, text: &str, expected: &[&str]) {
    let rows = check_equal(&query(name), &input(text), &[9]);
    let rows: Vec<&String> = rows[name]
        .iter()
        .filter(|row| row.starts_with(prefix))
        .collect();
    assert_eq!(rows, expected, "{name}");
}

#[test]
fn b1_a_stay_over_ten_windows_without_an_event() {
    let quiet = [
        "08:15", "08:30", "08:45", "09:00", "09:15", "09:30", "09:45", "10:00", "10:15", "10:30",
        "10:45",
    ];
    let mut expected =
        vec!["08:00 | 08:15 | DGT | B1 | 0 | 1000 | 10000 | 2000 | 3333 | 1".to_owned()];
    for bounds in quiet.windows(2) {
        expected.push(format!(
            "{} | {} | DGT | B1 | 1000 | 1000 | 15000 | 2000 | 5000 | 0",
            bounds[0], bounds[1]
        ));
    }
    expected.push("10:45 | 11:00 | DGT | B1 | 1000 | 0 | 5000 | 2000 | 1666 | 1".to_owned());
    assert_eq!(expected.len(), 12);
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check(
        "b1_berth_occupancy",
        "",
        "stream berth
         row_time | terminal_id | berth_id | from_dm | to_dm
         07:00 | DGT | B1 | 500 | 2500
         stream port_call_timestamp
         row_time | classifier | service | event_type | terminal_id | facility_code | quay_from_dm | quay_to_dm | vessel_length_cm
         07:30 | EST | BERTH | ARRI | DGT | B1 | - | - | 11000
         08:05 | ACT | BERTH | ARRI | DGT | B1 | 600 | 1600 | 11000
         08:06 | ACT | ALL_FAST | CMPL | DGT | B1 | 600 | 1600 | 11000
         10:50 | ACT | BERTH | DEPA | DGT | B1 | 600 | 1600 | 11000",
        &expected,
    );
}

#[test]
fn b3_estimates_that_turn() {
    check(
        "b3_eta_drift",
        "06:00 | 12:00",
        "stream port_call_timestamp
         row_time | event_time | source | classifier | service | event_type | terminal_id | port_call_id | berth_visit_id | is_retracted
         08:00 | 12:00 | ais | EST | BERTH | ARRI | DGT | C1 | C1-1 | false
         09:00 | 12:30 | ais | EST | BERTH | ARRI | DGT | C1 | C1-1 | false
         09:30 | 20:00 | ais | EST | BERTH | ARRI | DGT | C1 | C1-1 | true
         10:00 | 12:10 | ais | EST | BERTH | ARRI | DGT | C1 | C1-1 | false
         10:00 | 12:15 | pcs | EST | BERTH | ARRI | DGT | C1 | C1-1 | false
         10:00 | 13:15 | pcs | EST | BERTH | DEPA | DGT | C1 | C1-1 | false",
        &[
            "06:00 | 12:00 | DGT | C1 | C1-1 | ais | 3 | 12:00 | 12:10 | 10 | 300 | 30 | 1",
            "06:00 | 12:00 | DGT | C1 | C1-1 | pcs | 1 | 12:15 | 12:15 | 0 | - | 0 | 0",
        ],
    );
}

#[test]
fn b5_a_crane_with_a_rehandle_and_a_pause() {
    check(
        "b5_crane_rate",
        "08:00 | 09:00",
        "stream move_event
         row_time | classifier | terminal_id | equipment_id | port_call_id | berth_visit_id | started_at | ended_at | is_productive
         08:02 | ACT | DGT | Q1 | C1 | C1-1 | 08:00 | 08:02 | true
         08:05 | ACT | DGT | Q1 | C1 | C1-1 | 08:03 | 08:05 | false
         08:12 | ACT | DGT | Q1 | C1 | C1-1 | 08:10 | 08:12 | true
         08:13 | ACT | DGT | RS1 | '' | '' | 08:10 | 08:13 | true",
        &["08:00 | 09:00 | DGT | Q1 | C1 | C1-1 | 3 | 2 | 360 | 720 | 1500 | 2000"],
    );
}

/// From one end to the next: 2 and 3 min; a standstill of 25 min; then another visit, whose first move has no cycle; one move
/// taken back; one a day old.
#[test]
fn cranes_are_measured_over_the_cycles_of_the_last_day() {
    let rows = input(
        "stream move_event
         row_time | classifier | terminal_id | equipment_id | berth_visit_id | started_at | ended_at | is_productive | is_retracted
         00:30 | ACT | DGT | Q1 | C1-1 | 00:28 | 00:30 | true | false
         00:32 | ACT | DGT | Q1 | C1-1 | 00:31 | 00:32 | true | false
         00:35 | ACT | DGT | Q1 | C1-1 | 00:33 | 00:35 | false | false
         01:00 | ACT | DGT | Q1 | C1-1 | 00:59 | 01:00 | true | false
         01:04 | ACT | DGT | Q1 | C2-1 | 01:02 | 01:04 | true | false
         01:06 | ACT | DGT | Q1 | C2-1 | 01:05 | 01:06 | true | true
         01:07 | ACT | DGT | Q1 | C2-1 | 01:05 | 01:07 | true | false
         01:08 | ACT | DGT | RS1 | '' | 01:05 | 01:08 | true | false
         01:09 | ACT | DGT | Q2 | C3-1 | 01:05 | 01:09 | true | false",
    );
    let (_, mut merge) = tables_with(rows);
    let mut read = |day: i64, time: &str| {
        let at_us = instant_us(time) + day * 86_400_000_000 + 1;
        let rows = merge.snapshot("berths/crane_rates", at_us).expect("rates");
        shown(&rows)
    };
    assert_eq!(read(0, "00:34"), ["Q1 | 1 | 3000"]);
    // two productive moves in 2 + 3 + 3 min
    assert_eq!(read(0, "01:10"), ["Q1 | 2 | 1500"]);
    // the first move has left the day, so that the second has no cycle
    assert_eq!(read(1, "00:30"), ["Q1 | 1 | 1000"]);
    assert_eq!(read(2, "00:30"), [""; 0]);
}

#[test]
fn b9_a_ship_lies_on_after_its_last_move() {
    check(
        "b9_idle_alongside",
        "",
        "stream move_event
         row_time | classifier | terminal_id | berth_visit_id | started_at | ended_at
         08:10 | ACT | DGT | C1-1 | 08:05 | 08:10
         09:00 | ACT | DGT | C1-1 | 08:58 | 09:00
         09:10 | ACT | DGT | C2-1 | 09:08 | 09:10
         09:30 | EST | DGT | C1-1 | 09:28 | 09:30
         stream port_call_timestamp
         row_time | classifier | service | event_type | terminal_id | facility_code | port_call_id | berth_visit_id
         08:00 | ACT | BERTH | ARRI | DGT | B1 | C1 | C1-1
         10:20 | ACT | BERTH | DEPA | DGT | B1 | C1 | C1-1
         10:21 | ACT | BERTH | DEPA | DGT | B2 | C3 | C3-1",
        &[
            "10:15 | 10:30 | DGT | B1 | C1 | C1-1 | 10:20 | 2 | 08:05 | 09:00 | 80",
            "10:15 | 10:30 | DGT | B2 | C3 | C3-1 | 10:21 | 0 | - | - | -",
        ],
    );
}

#[test]
fn k3_half_an_hour_off_the_set_point_and_ten_minutes() {
    check(
        "k3_reefer_excursion",
        "",
        "stream reefer_telemetry
         row_time | terminal_id | container_id | set_point_dc | return_air_dc | is_powered
         08:00 | DGT | U1 | -180 | -155 | true
         08:12 | DGT | U1 | -180 | -140 | false
         08:18 | DGT | U1 | -180 | -175 | true
         08:24 | DGT | U1 | -180 | -150 | true
         08:35 | DGT | U1 | -180 | -205 | true
         08:00 | DGT | U2 | 20 | 60 | true
         08:10 | DGT | U2 | 20 | 60 | true
         09:00 | DGT | U3 | - | 60 | true",
        &["08:00 | 08:50 | DGT | U1 | 4 | 08:00 | 08:35 | 35 | 40 | -25 | 1"],
    );
}

#[test]
fn y3_three_trucks() {
    check(
        "y3_truck_turn_time",
        "08:00 | 09:00",
        "stream gate_event
         row_time | classifier | terminal_id | gate | direction | entered_at
         08:00 | ACT | DGT | G1 | IN | -
         08:20 | ACT | DGT | G1 | OUT | 08:00
         08:40 | ACT | DGT | G1 | OUT | 08:10
         08:50 | ACT | DGT | G1 | OUT | 08:10
         08:55 | ACT | DGT | G1 | OUT | -",
        &["08:00 | 09:00 | DGT | G1 | 3 | 1800 | 2280 | 2400"],
    );
}

#[test]
fn y4_lorries_that_keep_their_appointment_and_that_do_not() {
    check(
        "y4_appointment_adherence",
        "08:00",
        "stream gate_event
         row_time | classifier | terminal_id | haulier | direction | appointment_id | appointment_from_at | appointment_to_at
         08:05 | ACT | DGT | KOCH | IN | A1 | 08:00 | 08:30
         08:06 | ACT | DGT | KOCH | IN | A2 | 08:30 | 09:00
         08:10 | ACT | DGT | KOCH | IN | '' | - | -
         08:20 | ACT | DGT | KOCH | OUT | A1 | 08:00 | 08:30
         08:29 | ACT | DGT | KOCH | IN | A3 | 07:30 | 08:00",
        &["08:00 | 08:30 | DGT | KOCH | 4 | 3 | 1 | 1 | 1 | 3333"],
    );
}

#[test]
fn d1_copies_and_d2_delays() {
    let intake = "stream intake
         row_time | source | terminal_id | outcome | copies | delay_us
         08:00 | ais | DGT | accepted | 1 | 1000000
         08:01 | ais | DGT | duplicate | 2 | 1000000
         08:02 | ais | DGT | accepted | 1 | 3000000
         08:02 | ais | DGT | flagged | 1 | 3000000
         08:03 | ais | DGT | accepted | 1 | -
         08:03 | ais | DGT | late | 1 | 10000000
         08:04 | ais | DGT | rejected | 1 | -";
    check(
        "d1_duplicates",
        "",
        intake,
        &["08:00 | 08:05 | DGT | ais | 6 | 1 | 1666 | 2"],
    );
    check(
        "d2_lateness",
        "",
        intake,
        &["08:00 | 08:05 | DGT | ais | 5 | 3000 | 9860 | 1 | 1"],
    );
}

#[test]
fn y1_a_block_fills_and_empties() {
    check(
        "y1_yard_occupancy",
        "",
        "stream terminal
         row_time | terminal_id | yard_capacity_teu_quarters
         07:00 | DGT | 400
         stream equipment_event
         row_time | classifier | terminal_id | yard_block | yard_delta_teu_quarters
         08:00 | ACT | DGT | A | 8
         08:10 | EST | DGT | A | 8
         08:20 | ACT | DGT | A | -8",
        &[
            "08:00 | 08:15 | DGT | A | 0 | 8 | 8 | 400 | 200 | 1",
            "08:15 | 08:30 | DGT | A | 8 | 0 | 2 | 400 | 0 | 1",
        ],
    );
}

#[test]
fn nothing_comes_of_nothing() {
    let all: Vec<_> = ["tables", "queries"].into_iter().flat_map(files).collect();
    let flagged = "stream intake\nrow_time | outcome\n08:00 | flagged";
    for (name, rows) in check_equal(&all, &input(flagged), &[9]) {
        assert!(rows.is_empty(), "{name}: {rows:?}");
    }
}

//! Small inputs with rows computed by hand, one test a query. Each is also read in disorder and compared with the oracle.

use crate::oracle::check_equal;
use crate::shipped::{files, query};
use crate::text::input;

/// Runs the query and compares its rows that begin with `prefix`.
#[track_caller]
fn check(name: &str, prefix: &str, text: &str, expected: &[&str]) {
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

#[test]
fn r3_booked_times_come_from_the_report_or_from_the_slot_as_it_was_then() {
    check(
        "r3_train_punctuality",
        "10:00 | 11:00",
        "stream train_slot
         row_time | terminal_id | train_slot_id | corridor | arrival_planned_at
         06:00 | DGT | T1 | DUI-MAL | 10:00
         09:55 | DGT | T1 | DUI-MAL | 10:20
         10:30 | DGT | T1 | DUI-MAL | 11:50
         stream train_running
         row_time | classifier | terminal_id | train_id | location_status | corridor | delay_s
         10:12 | ACT | DGT | T1 | ARRIVAL_DESTINATION | '' | -
         10:20 | ACT | DGT | T2 | ARRIVAL_DESTINATION | DUI-MAL | 300
         10:20 | EST | DGT | T2 | ARRIVAL_DESTINATION | DUI-MAL | 900
         10:25 | ACT | DGT | T3 | PASS | RALP | -",
        &[
            "10:00 | 11:00 | DGT | DUI-MAL | 2 | 2 | -90 | 222 | 300",
            "10:00 | 11:00 | DGT | RALP | 1 | 0 | - | - | -",
        ],
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

const TRAIN: &str = "stream train_slot
     row_time | terminal_id | train_slot_id | corridor | destination | departure_planned_at | cut_off_fco_at | teu_max_quarters | gross_max_kg | length_max_dm | status
     08:00 | DGT | T1 | DUI-MAL | PLMAA | 12:00 | 10:00 | 16 | 40000 | 244 | OPEN
     08:00 | DGT | T2 | DUI-MAL | PLMAA | 12:00 | 10:00 | 16 | 40000 | 244 | CANCELLED
     stream equipment_event
     row_time | classifier | terminal_id | container_id | event_type | yard_block | yard_delta_teu_quarters
     08:07 | ACT | DGT | U1 | GTIN | A | 8
     stream rail_booking
     row_time | terminal_id | booking_id | unit_id | train_slot_id | teu_quarters | gross_kg | length_dm | status | ready_estimated_at";

#[test]
fn r1_a_train_is_booked_and_then_there() {
    let text = format!(
        "{TRAIN}\n08:01 | DGT | K1 | U1 | T1 | 8 | 20000 | 122 | BOOKED | 09:30\n08:02 | DGT | K2 | U2 | T1 | 8 | 20000 | 122 | CANCELLED | -"
    );
    check(
        "r1_slot_fill",
        "",
        &text,
        &[
            "08:00 | 08:05 | DGT | T1 | 12:00 | 10:00 | 1 | 0 | 8 | 20000 | 122 | 5000 | 5000 | 5000 | 0 | DUI-MAL | PLMAA",
            "08:05 | 08:10 | DGT | T1 | 12:00 | 10:00 | 1 | 1 | 8 | 20000 | 122 | 5000 | 5000 | 5000 | 5000 | DUI-MAL | PLMAA",
        ],
    );
}

#[test]
fn r6_bookings_that_were_brought_and_that_were_not() {
    let rows = check_equal(
        &query("r6_no_show_rate"),
        &input(
            "stream train_slot
             row_time | terminal_id | train_slot_id | service_id
             06:00 | DGT | T1 | DUI-MAL
             stream rail_booking
             row_time | terminal_id | booking_id | customer | train_slot_id | status
             07:00 | DGT | K1 | Ruhr | T1 | BOOKED
             08:00 | DGT | K1 | Ruhr | T1 | LOADED
             08:01 | DGT | K2 | Ruhr | T1 | LOADED
             08:02 | DGT | K3 | Ruhr | T1 | LOADED
             08:03 | DGT | K4 | Ruhr | T1 | NO_SHOW
             08:04 | DGT | K5 | Ruhr | T1 | CANCELLED
             08:05 | DGT | K6 | Main | T9 | LOADED",
        ),
        &[9],
    );
    let rows = &rows["r6_no_show_rate"];
    // One of four: Wilson's interval is 4.56 to 69.94 %; none of one: 0 to 79.35 %. In each of 28 windows the same.
    let ends = |end: &str| rows.iter().filter(|row| row.ends_with(end)).count();
    assert_eq!(
        ends("DGT | Ruhr | DUI-MAL | 4 | 1 | 2500 | 456 | 6994"),
        28,
        "{rows:#?}"
    );
    assert_eq!(
        ends("DGT | Main | '' | 1 | 0 | 0 | 0 | 7935"),
        28,
        "{rows:#?}"
    );
    assert_eq!(rows.len(), 56);
}

#[test]
fn k1_bands_of_slack() {
    let text = format!(
        "{TRAIN}\n08:01 | DGT | K1 | U1 | T1 | 8 | 20000 | 122 | BOOKED | 09:30\n08:01 | DGT | K2 | U2 | T1 | 8 | 20000 | 122 | BOOKED | -
         08:01 | DGT | K3 | U3 | T1 | 8 | 20000 | 122 | BOOKED | 08:30\n08:01 | DGT | K4 | U4 | T1 | 8 | 20000 | 122 | BOOKED | 10:01
         stream customs_status\nrow_time | container_id | state\n08:02 | U3 | HOLD"
    );
    check(
        "k1_missed_connection",
        "",
        &text,
        &[
            "08:00 | 08:05 | DGT | U1 | T1 | 09:30 | 10:00 | false | 30 | high",
            "08:00 | 08:05 | DGT | U2 | T1 | - | 10:00 | false | - | unknown",
            "08:00 | 08:05 | DGT | U3 | T1 | 08:30 | 10:00 | false | 90 | held",
            "08:00 | 08:05 | DGT | U4 | T1 | 10:01 | 10:00 | false | -1 | missed",
            "08:05 | 08:10 | DGT | U1 | T1 | 08:07 | 10:00 | true | 113 | medium",
            "08:05 | 08:10 | DGT | U2 | T1 | - | 10:00 | false | - | unknown",
            "08:05 | 08:10 | DGT | U3 | T1 | 08:30 | 10:00 | false | 90 | held",
            "08:05 | 08:10 | DGT | U4 | T1 | 10:01 | 10:00 | false | -1 | missed",
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

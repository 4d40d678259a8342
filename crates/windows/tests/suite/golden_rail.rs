//! Queries about trains and the units on them: see `golden.rs`.

use crate::golden::check;
use crate::oracle::check_equal;
use crate::shipped::query;
use crate::text::input;

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
fn r2_units_that_miss_a_cut_off_each_for_a_reason_of_its_own() {
    check(
        "r2_cut_off_miss",
        "",
        "stream train_slot
         row_time | terminal_id | train_slot_id | departure_planned_at | cut_off_fco_at | cut_off_vco_at | cut_off_dco_at | cut_off_dgc_at | status
         08:00 | DGT | T1 | 12:00 | 08:15 | 08:10 | 08:05 | 08:05 | OPEN
         stream rail_booking
         row_time | terminal_id | booking_id | unit_id | train_slot_id | dangerous_goods_class | status
         08:01 | DGT | K1 | U1 | T1 | '' | BOOKED
         08:01 | DGT | K2 | U2 | T1 | 3 | BOOKED
         08:01 | DGT | K3 | U3 | T1 | '' | BOOKED
         08:01 | DGT | K4 | U4 | T1 | '' | BOOKED
         08:01 | DGT | K5 | U5 | T1 | '' | CANCELLED
         stream equipment_event
         row_time | classifier | terminal_id | container_id | event_type | yard_block | yard_delta_teu_quarters | vgm_kg | empty_indicator
         08:02 | ACT | DGT | U1 | GTIN | A | 8 | 20000 | LADEN
         08:03 | ACT | DGT | U4 | GTIN | A | 8 | - | EMPTY
         08:07 | ACT | DGT | U2 | GTIN | A | 4 | 9000 | LADEN
         stream customs_status
         row_time | container_id | state
         08:04 | U4 | HOLD
         08:12 | U4 | RELEASE",
        &[
            "08:00 | 08:05 | DGT | T1 | 08:15 | 12:00 | 4 | 1 | 2 | 0 | 1 | 0 | 1 | 2 | 2 | 1",
            "08:05 | 08:10 | DGT | T1 | 08:15 | 12:00 | 4 | 2 | 3 | 0 | 1 | 1 | 1 | 1 | 1 | 1",
            "08:10 | 08:15 | DGT | T1 | 08:15 | 12:00 | 4 | 3 | 3 | 1 | 1 | 1 | 1 | 1 | 1 | 0",
        ],
    );
}

#[test]
fn r4_a_train_that_falls_behind_and_gets_time() {
    check(
        "r4_load_progress",
        "",
        "stream train_slot
         row_time | terminal_id | train_slot_id | departure_planned_at | cut_off_fco_at | status
         08:00 | DGT | T1 | 08:30 | 08:00 | CLOSED
         stream rail_booking
         row_time | terminal_id | booking_id | unit_id | train_slot_id | teu_quarters | status
         08:01 | DGT | K1 | U1 | T1 | 8 | BOOKED
         08:01 | DGT | K2 | U2 | T1 | 8 | BOOKED
         08:01 | DGT | K3 | U3 | T1 | 8 | BOOKED
         stream equipment_event
         row_time | classifier | terminal_id | container_id | event_type | yard_block | yard_delta_teu_quarters
         08:02 | ACT | DGT | U1 | LOAD | A | -8
         08:03 | ACT | DGT | U3 | GTIN | A | 8
         08:08 | ACT | DGT | U2 | LOAD | A | -8
         stream train_running
         row_time | event_time | classifier | terminal_id | train_id | location_status
         08:06 | 08:40 | EST | DGT | T1 | DEPARTURE_ORIGIN
         stream train_composition
         row_time | terminal_id | train_id | length_dm | gross_t
         08:07 | DGT | T1 | 4000 | 900",
        &[
            "08:00 | 08:05 | DGT | T1 | 08:30 | - | 3 | 1 | 2 | 8 | 16 | 3333 | 2 | 25 | 480 | -35 | - | -",
            "08:05 | 08:10 | DGT | T1 | 08:30 | 08:40 | 3 | 2 | 1 | 16 | 8 | 6666 | 4 | 30 | 200 | 15 | 4000 | 900",
        ],
    );
}

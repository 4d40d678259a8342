//! The whole: its size, its sameness, its memory, its settings.

use super::*;
use crate::{Truth, WrongKind};

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let run = |seed| -> Vec<_> {
        let settings = Settings {
            seed,
            hours: 3,
            ..Settings::default()
        };
        Simulation::new(settings).unwrap().collect()
    };
    let first = run(5);
    assert!(first.len() > 20_000, "{}", first.len());
    assert!(first == run(5));
    assert!(first != run(6));
}

#[test]
fn a_usual_day_has_all_tables_and_its_size() {
    let mut simulation = Simulation::new(Settings::default()).unwrap();
    let records = simulation.by_ref().count() as u64;
    let truth = simulation.truth();
    assert_eq!(truth.records, records);
    assert!((220_000..400_000).contains(&records), "{records}");
    assert_eq!(
        records,
        truth.events() + truth.duplicates() + truth.wrong() + truth.amended() + truth.heartbeats(),
        "every record is one thing"
    );
    for table in [
        "port_call_timestamp",
        "moves_forecast",
        "vessel_position",
        "vessel_notice",
        "equipment_event",
        "customs_status",
        "move_event",
        "gate_event",
        "train_running",
        "train_composition",
        "train_ready",
        "rail_booking",
        "water_level",
        "reefer_telemetry",
        "device_status",
        "terminal",
        "berth",
        "crane",
        "rail_service",
        "train_slot",
        "wagon_type",
        "source_profile",
        "vessel",
        "berth_command",
        "rail_command",
        "berth_closure",
    ] {
        assert!(
            truth.events_by_table.contains_key(table),
            "{table} has no events"
        );
    }
    for kind in WrongKind::ALL {
        assert!(
            truth
                .wrong_by_kind
                .get(kind.name())
                .is_some_and(|count| *count >= 5),
            "{kind:?}"
        );
    }
}

#[test]
fn records_by_number_can_be_asked_for() {
    for wanted in [100_000, 500_000] {
        let simulation = Simulation::new(Settings::default().with_records(wanted)).unwrap();
        let records = simulation.count() as u64;
        let difference = records.abs_diff(wanted) * 100 / wanted;
        assert!(difference <= 15, "{records} instead of {wanted}");
    }
}

/// The most things that are held at one time.
fn most_held(days: u32, traffic_percent: u32) -> usize {
    let settings = Settings {
        hours: 24 * days,
        chatter_percent: 3,
        traffic_percent,
        ..Settings::default()
    };
    let mut simulation = Simulation::new(settings).unwrap();
    let mut most = 0;
    while simulation.next().is_some() {
        let held = simulation.held();
        let of_port = held.containers + held.craft + held.calls + held.rail_units;
        most = most.max(held.steps + held.records + of_port);
    }
    most
}

#[test]
fn memory_is_bounded_by_the_port_not_by_the_days() {
    let (few, many) = (most_held(3, 100), most_held(10, 100));
    assert!(
        many < few * 5 / 4,
        "{few} things in three days, {many} in ten"
    );
}

#[test]
fn a_port_that_is_asked_for_too_much_turns_craft_away() {
    let (few, many) = (most_held(3, 300), most_held(6, 300));
    assert!(
        many < few * 5 / 4,
        "{few} things in three days, {many} in six"
    );
}

#[test]
fn settings_out_of_range_are_named() {
    let error = |settings| {
        Simulation::new(settings)
            .err()
            .map(|e| e.to_string())
            .unwrap_or_default()
    };
    let text = error(Settings {
        hours: 0,
        ..Settings::default()
    });
    assert_eq!(text, "hours is 0: choose 1 to 8784");
    let text = error(Settings {
        start_at_us: -1,
        ..Settings::default()
    });
    assert!(text.starts_with("start_at_us is -1"), "{text}");
    assert_eq!(Truth::default().events(), 0);
}

//! The planners' part of the configuration: read, checked, made into the engine's settings.

use std::collections::BTreeMap;
use std::time::Duration;

use pipeline::plans::agenda::Triggers;
use pipeline::plans::berths::BerthRules;
use pipeline::plans::rail::{RailRules, is_known_wagon};
use pipeline::plans::{PlannerRun, PlannerSettings};
use pipeline::ticks::TickBy;
use toml::Spanned;
use windows::sql::parse::SqlFile;

use super::Folder;
use super::raw_planners as raw;
use super::reader::Reader;

/// Longest time that an option may say, minutes: a year.
const MINUTES_MAX: i64 = 366 * 1440;

/// Longest time that an option may say, seconds.
const SECONDS_MAX: u64 = 60 * MINUTES_MAX as u64;

/// Highest price: sums of them over a whole plan stay far from overflow.
const PRICE_MAX: i64 = 1_000_000_000;

/// `[planners.berths]` and `[planners.rail]` with the sections within them.
pub struct Planners {
    root: raw::Planners,
    berths: raw::Planner,
    berth_triggers: raw::BerthTriggers,
    berth_rules: raw::BerthRules,
    berth_prices: raw::BerthPrices,
    rail: raw::Planner,
    rail_triggers: raw::RailTriggers,
    rail_rules: raw::RailRules,
    rail_prices: raw::RailPrices,
    overbooking: raw::Overbooking,
    loading: raw::Loading,
}

impl Planners {
    /// Reads all, also after a fault. What lies within a section comes before it.
    pub fn read(reader: &mut Reader<'_>) -> Option<Planners> {
        let berth_triggers = reader.section(&["planners", "berths", "triggers"]);
        let berth_rules = reader.section(&["planners", "berths", "rules"]);
        let berth_prices = reader.section(&["planners", "berths", "prices"]);
        let berths = reader.section(&["planners", "berths"]);
        let rail_triggers = reader.section(&["planners", "rail", "triggers"]);
        let rail_rules = reader.section(&["planners", "rail", "rules"]);
        let rail_prices = reader.section(&["planners", "rail", "prices"]);
        let overbooking = reader.section(&["planners", "rail", "overbooking"]);
        let loading = reader.section(&["planners", "rail", "loading"]);
        let rail = reader.section(&["planners", "rail"]);
        let root = reader.section(&["planners"]);
        Some(Planners {
            root: root?,
            berths: berths?,
            berth_triggers: berth_triggers?,
            berth_rules: berth_rules?,
            berth_prices: berth_prices?,
            rail: rail?,
            rail_triggers: rail_triggers?,
            rail_rules: rail_rules?,
            rail_prices: rail_prices?,
            overbooking: overbooking?,
            loading: loading?,
        })
    }

    /// Notes every fault.
    pub fn check(&self, reader: &mut Reader<'_>) {
        let berths = &self.berth_triggers;
        let rail = &self.rail_triggers;
        check_run(
            reader,
            "berths",
            &self.berths,
            &berths.every_s,
            &berths.interval_min_s,
        );
        check_run(
            reader,
            "rail",
            &self.rail,
            &rail.every_s,
            &rail.interval_min_s,
        );
        let limits = [
            ("berths.triggers", self.berth_triggers.limits().as_slice()),
            ("berths.rules", self.berth_rules.limits().as_slice()),
            ("berths.prices", self.berth_prices.limits().as_slice()),
            ("rail.triggers", self.rail_triggers.limits().as_slice()),
            ("rail.rules", self.rail_rules.limits().as_slice()),
            ("rail.prices", self.rail_prices.limits().as_slice()),
            ("rail.overbooking", self.overbooking.limits().as_slice()),
            ("rail.loading", self.loading.limits().as_slice()),
        ]
        .map(|(section, limits)| (section, limits.to_vec()));
        for (section, limits) in limits {
            for (name, value, low, high) in limits {
                let number = *value.get_ref();
                reader.want(
                    (low..=high).contains(&number),
                    value,
                    format!("planners.{section}.{name} is {number}"),
                    &format!("choose {low} to {high}"),
                );
            }
        }
        self.check_relations(reader);
    }

    fn check_relations(&self, reader: &mut Reader<'_>) {
        let rules = &self.berth_rules;
        let is_order =
            |small: &Spanned<i64>, large: &Spanned<i64>| small.get_ref() <= large.get_ref();
        reader.want(
            is_order(&rules.frozen_min, &rules.slushy_min),
            &rules.frozen_min,
            "planners.berths.rules: frozen_min is longer than slushy_min",
            "stays freeze after they are slushy: lower frozen_min or raise slushy_min",
        );
        reader.want(
            is_order(&rules.slushy_min, &rules.horizon_min),
            &rules.slushy_min,
            "planners.berths.rules: slushy_min is longer than horizon_min",
            "lower slushy_min or raise horizon_min",
        );
        let step_min = (*rules.time_step_min.get_ref()).max(1);
        reader.want(
            1440 % step_min == 0,
            &rules.time_step_min,
            format!(
                "planners.berths.rules.time_step_min is {step_min}, which does not divide a day"
            ),
            "choose 5, 10, 15, 20, 30 or 60",
        );
        let wagon_type = &self.loading.wagon_type;
        let name = wagon_type.get_ref();
        reader.want(
            name.is_empty() || is_known_wagon(name),
            wagon_type,
            format!("planners.rail.loading.wagon_type {name:?} is no wagon that the planner knows"),
            "choose Sgns, Sggrss, Sggmrss or T3000e, or \"\" for none",
        );
        let cones = &rules.cone_distance_m;
        reader.want(
            cones
                .get_ref()
                .iter()
                .all(|metres| (0..=10_000).contains(metres)),
            cones,
            "planners.berths.rules.cone_distance_m holds a distance that is none",
            "give four distances of 0 to 10000 m, for 0, 1, 2 and 3 blue cones",
        );
    }

    /// The engine's settings.
    pub fn settings(&self, folder: Folder) -> PlannerSettings {
        let berths = Triggers {
            every: seconds(&self.berth_triggers.every_s),
            interval_min: seconds(&self.berth_triggers.interval_min_s),
            tolerances: tolerances(&self.berth_triggers.limits()),
        };
        let rail = Triggers {
            every: seconds(&self.rail_triggers.every_s),
            interval_min: seconds(&self.rail_triggers.interval_min_s),
            tolerances: tolerances(&self.rail_triggers.limits()),
        };
        PlannerSettings {
            tick_by: match self.root.tick {
                raw::Tick::Watermark => TickBy::Watermark,
                raw::Tick::Clock => TickBy::Clock,
            },
            berths: run(&self.berths, berths, folder.berths),
            berth_rules: berth_rules(&self.berth_rules, &self.berth_prices),
            rail: run(&self.rail, rail, folder.rail),
            rail_rules: self.rail_rules(),
        }
    }
}

impl Planners {
    fn rail_rules(&self) -> RailRules {
        let (rules, overbooking, loading) = (&self.rail_rules, &self.overbooking, &self.loading);
        RailRules {
            roll_over: *self.rail_prices.roll_over.get_ref(),
            ready_spread_min: *rules.ready_spread_min.get_ref(),
            ready_spread_per_h_min: *rules.ready_spread_per_h_min.get_ref(),
            ready_unknown_min: *rules.ready_unknown_min.get_ref(),
            ready_unknown_spread_min: *rules.ready_unknown_spread_min.get_ref(),
            is_booked_slot_binding: rules.is_booked_slot_binding,
            give_way_units_max: count(&rules.give_way_units_max),
            gauge_mm: *rules.gauge_mm.get_ref(),
            overbooking_confidence_permille: *overbooking.confidence_permille.get_ref(),
            no_show_bookings_min: *overbooking.no_show_bookings_min.get_ref(),
            load_within_min: *loading.within_min.get_ref(),
            load_iterations: u64::try_from(*loading.iterations.get_ref()).unwrap_or(0),
            wagon_type: loading.wagon_type.get_ref().clone(),
            train_length_max_dm: *loading.train_length_max_dm.get_ref(),
            train_gross_max_kg: *loading.train_gross_max_kg.get_ref(),
            axle_max_kg: *loading.axle_max_kg.get_ref(),
            bogie_ratio_max: *loading.bogie_ratio_max.get_ref(),
            weights: rail_weights(rules, &self.rail_prices),
        }
    }
}

fn rail_weights(rules: &raw::RailRules, prices: &raw::RailPrices) -> domain::rail::Weights {
    domain::rail::Weights {
        priority_roll_over: *prices.priority_roll_over.get_ref(),
        dwell_per_teu_hour: *prices.dwell_per_teu_hour.get_ref(),
        transit_per_teu_hour: *prices.transit_per_teu_hour.get_ref(),
        lateness_per_hour: *prices.lateness_per_hour.get_ref(),
        lateness_priority_per_hour: *prices.lateness_priority_per_hour.get_ref(),
        transfer: *prices.transfer.get_ref(),
        change: *prices.change.get_ref(),
        broken_pin: *prices.broken_pin.get_ref(),
        missed_connection: *prices.missed_connection.get_ref(),
        unknown_milestone: *prices.unknown_milestone.get_ref(),
        transfer_min: *rules.transfer_min.get_ref(),
        break_of_gauge_min: *rules.break_of_gauge_min.get_ref(),
        max_change_min: *rules.change_max_min.get_ref(),
        max_legs: count(&rules.legs_max),
    }
}

/// An option's name, its value, the least and the largest that it may be.
type Limit<'a> = (&'static str, &'a Spanned<i64>, i64, i64);

fn check_run(
    reader: &mut Reader<'_>,
    planner: &str,
    run: &raw::Planner,
    watch_s: &Spanned<u64>,
    interval_min_s: &Spanned<u64>,
) {
    let limits = [
        ("every_s", &run.every_s, 1, SECONDS_MAX),
        ("iterations", &run.iterations, 1, 1_000_000_000),
        ("triggers.every_s", watch_s, 0, SECONDS_MAX),
        ("triggers.interval_min_s", interval_min_s, 0, SECONDS_MAX),
    ];
    for (name, value, low, high) in limits {
        let number = *value.get_ref();
        reader.want(
            (low..=high).contains(&number),
            value,
            format!("planners.{planner}.{name} is {number}"),
            &format!("choose {low} to {high}"),
        );
    }
    reader.want(
        interval_min_s.get_ref() <= run.every_s.get_ref(),
        interval_min_s,
        format!("planners.{planner}: triggers.interval_min_s is longer than every_s"),
        "plans would not come as often as every_s says: lower interval_min_s",
    );
}

impl raw::BerthTriggers {
    fn limits(&self) -> [Limit<'_>; 2] {
        [
            ("arrival_min", &self.arrival_min, 0, MINUTES_MAX),
            ("water_cm", &self.water_cm, 0, 10_000),
        ]
    }
}

impl raw::RailTriggers {
    fn limits(&self) -> [Limit<'_>; 3] {
        [
            ("departure_min", &self.departure_min, 0, MINUTES_MAX),
            ("cut_off_min", &self.cut_off_min, 0, MINUTES_MAX),
            ("ready_min", &self.ready_min, 0, MINUTES_MAX),
        ]
    }
}

impl raw::BerthRules {
    fn limits(&self) -> [Limit<'_>; 19] {
        [
            ("horizon_min", &self.horizon_min, 60, 60 * 1440),
            ("time_step_min", &self.time_step_min, 1, 60),
            ("frozen_min", &self.frozen_min, 0, MINUTES_MAX),
            ("slushy_min", &self.slushy_min, 0, MINUTES_MAX),
            ("slushy_shift_m", &self.slushy_shift_m, 0, 100_000),
            (
                "change_tolerance_min",
                &self.change_tolerance_min,
                0,
                MINUTES_MAX,
            ),
            ("mooring_step_m", &self.mooring_step_m, 1, 10_000),
            ("under_keel_cm", &self.under_keel_cm, 0, 10_000),
            ("traffic_stops_cm", &self.traffic_stops_cm, 0, 100_000),
            ("travel_min", &self.travel_min, 0, MINUTES_MAX),
            ("overdue_max_min", &self.overdue_max_min, 0, MINUTES_MAX),
            ("length_unknown_cm", &self.length_unknown_cm, 1, 100_000),
            ("draught_unknown_cm", &self.draught_unknown_cm, 0, 100_000),
            ("setup_min", &self.setup_min, 0, MINUTES_MAX),
            ("cranes_per_vessel", &self.cranes_per_vessel, 1, 100),
            ("rate_moves_min", &self.rate_moves_min, 1, 1_000_000),
            ("moves_per_h_unknown", &self.moves_per_h_unknown, 1, 10_000),
            (
                "handling_unknown_min",
                &self.handling_unknown_min,
                1,
                MINUTES_MAX,
            ),
            (
                "outage_unknown_min",
                &self.outage_unknown_min,
                0,
                MINUTES_MAX,
            ),
        ]
    }
}

impl raw::BerthPrices {
    fn limits(&self) -> [Limit<'_>; 10] {
        [
            ("in_port_per_min", &self.in_port_per_min, 0, PRICE_MAX),
            ("unassigned", &self.unassigned, 0, PRICE_MAX),
            ("late_per_min", &self.late_per_min, 0, PRICE_MAX),
            ("place_per_m", &self.place_per_m, 0, PRICE_MAX),
            ("other_quay", &self.other_quay, 0, PRICE_MAX),
            ("change_berth", &self.change_berth, 0, PRICE_MAX),
            ("change_per_m", &self.change_per_m, 0, PRICE_MAX),
            ("change_per_min", &self.change_per_min, 0, PRICE_MAX),
            ("change_stay", &self.change_stay, 0, PRICE_MAX),
            ("change_stay_soon", &self.change_stay_soon, 0, PRICE_MAX),
        ]
    }
}

impl raw::RailRules {
    fn limits(&self) -> [Limit<'_>; 10] {
        [
            ("ready_spread_min", &self.ready_spread_min, 0, MINUTES_MAX),
            (
                "ready_spread_per_h_min",
                &self.ready_spread_per_h_min,
                0,
                60,
            ),
            ("ready_unknown_min", &self.ready_unknown_min, 0, MINUTES_MAX),
            (
                "ready_unknown_spread_min",
                &self.ready_unknown_spread_min,
                0,
                MINUTES_MAX,
            ),
            ("give_way_units_max", &self.give_way_units_max, 0, 10_000),
            ("gauge_mm", &self.gauge_mm, 1, 10_000),
            ("transfer_min", &self.transfer_min, 0, MINUTES_MAX),
            (
                "break_of_gauge_min",
                &self.break_of_gauge_min,
                0,
                MINUTES_MAX,
            ),
            ("change_max_min", &self.change_max_min, 0, MINUTES_MAX),
            ("legs_max", &self.legs_max, 1, 10),
        ]
    }
}

impl raw::Overbooking {
    fn limits(&self) -> [Limit<'_>; 2] {
        [
            ("confidence_permille", &self.confidence_permille, 500, 1_000),
            (
                "no_show_bookings_min",
                &self.no_show_bookings_min,
                1,
                1_000_000,
            ),
        ]
    }
}

impl raw::Loading {
    fn limits(&self) -> [Limit<'_>; 6] {
        [
            ("within_min", &self.within_min, 0, MINUTES_MAX),
            ("iterations", &self.iterations, 0, 1_000_000_000),
            ("train_length_max_dm", &self.train_length_max_dm, 1, 100_000),
            (
                "train_gross_max_kg",
                &self.train_gross_max_kg,
                1,
                100_000_000,
            ),
            ("axle_max_kg", &self.axle_max_kg, 1_000, 100_000),
            ("bogie_ratio_max", &self.bogie_ratio_max, 1, 100),
        ]
    }
}

impl raw::RailPrices {
    fn limits(&self) -> [Limit<'_>; 11] {
        [
            ("roll_over", &self.roll_over, 0, PRICE_MAX),
            ("priority_roll_over", &self.priority_roll_over, 0, PRICE_MAX),
            ("dwell_per_teu_hour", &self.dwell_per_teu_hour, 0, PRICE_MAX),
            (
                "transit_per_teu_hour",
                &self.transit_per_teu_hour,
                0,
                PRICE_MAX,
            ),
            ("lateness_per_hour", &self.lateness_per_hour, 0, PRICE_MAX),
            (
                "lateness_priority_per_hour",
                &self.lateness_priority_per_hour,
                0,
                PRICE_MAX,
            ),
            ("transfer", &self.transfer, 0, PRICE_MAX),
            ("change", &self.change, 0, PRICE_MAX),
            ("broken_pin", &self.broken_pin, 0, PRICE_MAX),
            ("missed_connection", &self.missed_connection, 0, PRICE_MAX),
            ("unknown_milestone", &self.unknown_milestone, 0, PRICE_MAX),
        ]
    }
}

fn run(raw: &raw::Planner, triggers: Triggers, inputs: Vec<SqlFile>) -> PlannerRun {
    PlannerRun {
        is_on: raw.is_on,
        inputs,
        every: seconds(&raw.every_s),
        triggers,
        iterations: *raw.iterations.get_ref(),
        seed: raw.seed,
    }
}

/// The options of a `triggers` section that are named after watches.
fn tolerances(limits: &[Limit<'_>]) -> BTreeMap<String, i64> {
    let named = limits.iter();
    named
        .map(|(name, value, ..)| ((*name).to_owned(), *value.get_ref()))
        .collect()
}

fn berth_rules(rules: &raw::BerthRules, prices: &raw::BerthPrices) -> BerthRules {
    BerthRules {
        horizon_min: *rules.horizon_min.get_ref(),
        time_step_min: *rules.time_step_min.get_ref(),
        frozen_min: *rules.frozen_min.get_ref(),
        slushy_min: *rules.slushy_min.get_ref(),
        slushy_shift_m: *rules.slushy_shift_m.get_ref(),
        mooring_step_m: *rules.mooring_step_m.get_ref(),
        under_keel_cm: *rules.under_keel_cm.get_ref(),
        cone_distance_m: *rules.cone_distance_m.get_ref(),
        traffic_stops_cm: Some(*rules.traffic_stops_cm.get_ref()).filter(|level_cm| *level_cm > 0),
        travel_min: *rules.travel_min.get_ref(),
        is_rotation_order_fixed: rules.is_rotation_order_fixed,
        is_latest_departure_hard: rules.is_latest_departure_hard,
        overdue_max_min: *rules.overdue_max_min.get_ref(),
        length_unknown_cm: *rules.length_unknown_cm.get_ref(),
        draught_unknown_cm: *rules.draught_unknown_cm.get_ref(),
        setup_min: *rules.setup_min.get_ref(),
        cranes_per_vessel: count(&rules.cranes_per_vessel),
        rate_moves_min: *rules.rate_moves_min.get_ref(),
        moves_per_h_unknown: *rules.moves_per_h_unknown.get_ref(),
        handling_unknown_min: *rules.handling_unknown_min.get_ref(),
        outage_unknown_min: *rules.outage_unknown_min.get_ref(),
        in_port_per_min: *prices.in_port_per_min.get_ref(),
        unassigned: *prices.unassigned.get_ref(),
        weights: domain::berth::Weights {
            late_per_min: *prices.late_per_min.get_ref(),
            place_per_m: *prices.place_per_m.get_ref(),
            other_quay: *prices.other_quay.get_ref(),
            change_berth: *prices.change_berth.get_ref(),
            change_per_m: *prices.change_per_m.get_ref(),
            change_per_min: *prices.change_per_min.get_ref(),
            change_stay: *prices.change_stay.get_ref(),
            change_stay_soon: *prices.change_stay_soon.get_ref(),
            change_tolerance_min: *rules.change_tolerance_min.get_ref(),
            // Time alongside is given, so that no gang is the planner's to choose; contracts have no source yet.
            crane_per_min: 0,
            outside_window_per_min: 0,
        },
    }
}

fn count(value: &Spanned<i64>) -> usize {
    usize::try_from(*value.get_ref()).unwrap_or(1)
}

fn seconds(value: &Spanned<u64>) -> Duration {
    Duration::from_secs(*value.get_ref())
}

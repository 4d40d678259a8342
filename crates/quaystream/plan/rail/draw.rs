//! Plans for the terminal: one line a train, filled as the train is.

use std::collections::BTreeMap;

use domain::rail::assignment::Assignment;
use domain::rail::rules::capacity;
use domain::rail::{Cost, RailPlan, RailProblem, UNLIMITED, Unit, words};
use optimise::answer::Answer;
use optimise::rail::explain::give_way::GiveWay;
use optimise::rail::explain::{Alternative, Obstacle};
use optimise::rail::load::teach::Loaded;

use super::output;
use crate::plan::table::Table;

const BAR: usize = 20;
/// At most so many lines of trains.
const LINES: usize = 60;
/// At most so many of a bump order.
const BUMPS: usize = 5;

/// A bar of [`BAR`] cells, and the percentage.
fn bar(used: i64, capacity: i64) -> String {
    if capacity == UNLIMITED || capacity <= 0 {
        return "-".to_owned();
    }
    let cells = (used * BAR as i64 / capacity).clamp(0, BAR as i64) as usize;
    format!(
        "[{}{}] {:>3}%",
        "#".repeat(cells),
        ".".repeat(BAR - cells),
        used * 100 / capacity
    )
}

/// Value, bound, gap, time.
pub fn summary<P>(answer: &Answer<P>, seconds: f64) -> String {
    let proved = if answer.is_proved() {
        ", proved optimal"
    } else {
        ""
    };
    format!(
        "value {}  bound {}  gap {:.3} %{proved}  {seconds:.3} s processor time, {} moves\n",
        answer.value,
        answer.bound,
        answer.gap() * 100.0,
        answer.statistics.iterations
    )
}

/// The terms of the objective that are not 0.
pub fn terms(cost: &Cost) -> String {
    let terms = [
        ("carriage", cost.carriage),
        ("dwell", cost.dwell),
        ("transit", cost.transit),
        ("lateness", cost.lateness),
        ("transfer", cost.transfer),
        ("change", cost.change),
        ("missed connections", cost.missed_connection),
        ("unknown milestones", cost.unknown_milestone),
        ("roll-over", cost.roll_over),
        ("broken pins", cost.broken_pin),
    ];
    let shown = terms.iter().filter(|(_, amount)| *amount != 0);
    let shown: Vec<String> = shown
        .map(|(name, amount)| format!("{name} {amount}"))
        .collect();
    format!("cost: {}\n", shown.join(", "))
}

/// Trains of a bare plan.
pub fn bare(problem: &Assignment, plan: &[usize]) -> String {
    let mut used = vec![0_i64; problem.capacities.len()];
    let mut count = vec![0_usize; problem.trains];
    for (item, &option) in plan.iter().enumerate() {
        let choice = &problem.items[item][option];
        count[choice.train] += 1;
        for &(row, amount) in &choice.uses {
            used[row] += amount;
        }
    }
    let rows = problem.capacities.len() / problem.trains.max(1);
    let mut table = Table::new(&["train", "units", "filled"]);
    for (train, units) in count.iter().enumerate().take(LINES) {
        let bars =
            (train * rows..(train + 1) * rows).map(|row| bar(used[row], problem.capacities[row]));
        table.row([
            train.to_string(),
            units.to_string(),
            bars.collect::<Vec<_>>().join("  "),
        ]);
    }
    table.render() + &more(problem.trains)
}

/// Trains of a full plan by departure, then who stays and why.
pub fn full(problem: &RailProblem, plan: &RailPlan) -> String {
    let units: BTreeMap<&str, &Unit> = problem
        .units
        .iter()
        .map(|unit| (unit.id.as_str(), unit))
        .collect();
    let mut aboard: BTreeMap<&str, Vec<&Unit>> = BTreeMap::new();
    for assigned in &plan.assignments {
        for leg in &assigned.legs {
            if let Some(&unit) = units.get(assigned.unit.as_str()) {
                aboard.entry(leg).or_default().push(unit);
            }
        }
    }
    let mut trains: Vec<_> = problem.trains.iter().collect();
    trains.sort_by_key(|slot| (slot.departure_at_min, &slot.id));
    let mut table = Table::new(&[
        "train",
        "from",
        "to",
        "track",
        "leaves in h",
        "units",
        "TEU",
        "metres",
        "tonnes",
    ]);
    for slot in trains.iter().take(LINES) {
        let empty = Vec::new();
        let units = aboard.get(slot.id.as_str()).unwrap_or(&empty);
        let [teu, metres, tonnes] = std::array::from_fn(|at| {
            let used = units.iter().map(|unit| capacity::uses(unit)[at]).sum();
            bar(used, capacity::limits(slot)[at].1)
        });
        table.row([
            slot.id.clone(),
            slot.origin.clone(),
            slot.destination.clone(),
            slot.track.clone(),
            ((slot.departure_at_min - problem.now_at_min) / 60).to_string(),
            units.len().to_string(),
            teu,
            metres,
            tonnes,
        ]);
    }
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for stays in &plan.rolled_over {
        *reasons.entry(stays.reason.words()).or_default() += 1;
    }
    let mut text = table.render() + &more(trains.len());
    let (go, stay) = (plan.assignments.len(), plan.rolled_over.len());
    text += &format!("{go} units go, {stay} stay");
    for (nth, (reason, count)) in reasons.iter().enumerate() {
        let sign = if nth == 0 { ": " } else { "; " };
        text += &format!("{sign}{reason} {count}");
    }
    text + "\n"
}

/// Each loaded train as a row of wagons with how many units stand on each, and what level 1 had to learn.
pub fn loads(loaded: &Loaded) -> String {
    let mut text = String::new();
    for (slot, loading) in &loaded.loadings {
        let wagons = loading
            .placed
            .iter()
            .map(|placed| placed.wagon + 1)
            .max()
            .unwrap_or(0);
        let count = |wagon| {
            loading
                .placed
                .iter()
                .filter(|placed| placed.wagon == wagon)
                .count()
        };
        let row: Vec<String> = (0..wagons)
            .map(|wagon| format!("[{}]", count(wagon)))
            .collect();
        text += &format!("{slot} loaded: {}\n", row.join("-"));
    }
    for slot in &loaded.unknown {
        text += &format!("{slot}: no loading found\n");
    }
    for (slot, held) in &loaded.foresight.held {
        let held = [
            (held.teu_quarters, words::teu as fn(i64) -> String),
            (held.length_dm, words::metres),
            (held.gross_kg, words::tonnes),
        ];
        let limits = held.into_iter().filter(|(amount, _)| *amount != UNLIMITED);
        let limits: Vec<String> = limits.map(|(amount, said)| said(amount)).collect();
        text += &format!("{slot}: its wagons hold {}\n", limits.join(", "));
    }
    for cut in &loaded.cuts {
        text += &format!(
            "{}: of {} units at most {} can stand\n",
            cut.train,
            cut.units.len(),
            cut.max_units
        );
    }
    for (slot, teu_quarters) in &loaded.tightened {
        text += &format!("{slot}: held to {}\n", words::teu(*teu_quarters));
    }
    text
}

/// Trains booked beyond their room, with their risks, and who gives way if too many show up.
pub fn overbooking(booked: &output::Overbooked, problem: &RailProblem) -> String {
    let confidence = booked.confidence_permille as f64 / 10.0;
    let trains = match booked.trains.len() {
        0 => "no train is booked beyond its room".to_owned(),
        1 => "1 train is booked beyond its room".to_owned(),
        count => format!("{count} trains are booked beyond their room"),
    };
    let mut text = format!(
        "{trains}, at most {:.1} % likely to be overfull\n",
        100.0 - confidence
    );
    if booked.trains.is_empty() {
        return text;
    }
    let mut table = Table::new(&[
        "train",
        "bookings",
        "room TEU",
        "booked",
        "expected",
        "over TEU %",
        "over metres %",
        "over tonnes %",
        "TEU bumped on average",
    ]);
    let risk = |risk: f64| format!("{:.2}", risk * 100.0);
    let mut orders = String::new();
    for (slot, train) in &booked.trains {
        let room = problem.trains.iter().find(|one| one.id == *slot);
        let room = room.map_or(UNLIMITED, |slot| slot.max_teu_quarters);
        table.row([
            slot.clone(),
            train.accepted.len().to_string(),
            if room == UNLIMITED {
                "-".to_owned()
            } else {
                quarters(room as f64)
            },
            quarters(train.booked_teu_quarters as f64),
            quarters(train.expected_teu_quarters),
            risk(train.teu_risk),
            risk(train.length_risk),
            risk(train.gross_risk),
            format!("{:.3}", train.bumped_teu_quarters / 4.0),
        ]);
        orders += &format!("{slot}, who gives way if too many show up:\n");
        for (nth, bump) in train.bump_order.iter().take(BUMPS).enumerate() {
            orders += &format!(
                "  {}. {} ({}; shows up {:.1} %)\n",
                nth + 1,
                bump.unit,
                bump.words,
                bump.show_permille as f64 / 10.0
            );
        }
        if let more @ 1.. = train.bump_order.len().saturating_sub(BUMPS) {
            orders += &format!("  and {more} more\n");
        }
    }
    text += &table.render();
    text + &orders
}

/// Trains whose risk of being overfull is above what the confidence leaves.
pub fn risks(booked: &output::Overbooked) -> impl Iterator<Item = String> + '_ {
    let allowed = 100.0 - booked.confidence_permille as f64 / 10.0;
    booked.trains.iter().filter_map(move |(slot, train)| {
        let risk = 100.0 * (train.teu_risk + train.length_risk + train.gross_risk);
        let said = format!(
            "train {slot}: {risk:.2} % likely to be overfull, at most {allowed:.1} % allowed"
        );
        (risk > allowed).then_some(said)
    })
}

/// TEU of quarters, two decimals.
fn quarters(quarters: f64) -> String {
    format!("{:.2}", quarters / 4.0)
}

fn more(trains: usize) -> String {
    match trains.saturating_sub(LINES) {
        0 => String::new(),
        more => format!("and {more} trains more\n"),
    }
}

/// One place of a unit, with its price and what stands in the way.
pub fn alternative(alternative: &Alternative) -> String {
    let obstacles: Vec<String> = alternative.obstacles.iter().map(obstacle).collect();
    let legs = way(&alternative.legs);
    match obstacles.as_slice() {
        [] => format!("{legs} at {}", alternative.price),
        obstacles => format!(
            "{legs} at {}, but {}",
            alternative.price,
            obstacles.join("; ")
        ),
    }
}

fn way(legs: &[String]) -> String {
    match legs {
        [] => "stays".to_owned(),
        legs => legs.join(" > "),
    }
}

/// What stands in the way.
pub fn obstacle(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Breach { train, breach } if train.is_empty() => breach.to_string(),
        Obstacle::Breach { train, breach } => format!("{train}: {breach}"),
        Obstacle::Room { train, rule, lack } => format!("{train} lacks {}", rule.amount(*lack)),
    }
}

/// Who would have to give way.
pub fn give_way(gives: &GiveWay) -> String {
    let who = gives.displaced.iter().map(|one| {
        let to = way(&one.to);
        format!("{} goes instead by {to} ({:+})", one.unit, one.dearer)
            .replace("instead by stays", "not at all")
    });
    let who: Vec<String> = who.collect();
    format!("{}: the plan costs {:+}", who.join(" and "), gives.price)
}

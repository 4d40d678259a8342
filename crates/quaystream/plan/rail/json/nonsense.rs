//! What has the right form and makes no sense.

use std::collections::BTreeSet;

use domain::rail::RailProblem;

use super::raw::RawProblem;

/// What is wrong with rates of showing up: where, and what to do.
pub fn of_rates(raw: &RawProblem) -> Option<(String, String)> {
    for unit in &raw.units {
        let Some(permille) = unit.show_permille else {
            continue;
        };
        let field = format!("unit {}, show_permille", unit.id);
        if !(0..=1000).contains(&permille) {
            let reason = format!("{permille} is not between 0 and 1000 thousandths");
            return Some((field, reason));
        }
        if raw.overbooking.is_none() {
            let reason = "no train is overbooked without \"overbooking\": give that, {} will do";
            return Some((field, reason.to_owned()));
        }
    }
    let overbooking = raw.overbooking.as_ref()?;
    if !(0..=1000).contains(&overbooking.confidence_permille) {
        let reason = format!(
            "{} is not between 0 and 1000 thousandths; 950 for 95 %",
            overbooking.confidence_permille
        );
        return Some(("overbooking, confidence_permille".to_owned(), reason));
    }
    let rate = (overbooking.rates.iter()).find(|rate| rate.shows < 0 || rate.no_shows < 0)?;
    Some((
        format!(
            "overbooking, rate of customer {:?} on service {:?}",
            rate.customer, rate.service
        ),
        "shows and no_shows are counts of bookings, 0 or more".to_owned(),
    ))
}

/// What is wrong with trains and units: where, and what.
pub fn of_problem(problem: &RailProblem) -> Option<(String, &'static str)> {
    const LARGEST: i64 = 1_000_000_000;
    let mut seen = BTreeSet::new();
    for slot in &problem.trains {
        let field = || format!("train {}", slot.id);
        if !seen.insert(&slot.id) {
            return Some((field(), "the id occurs twice"));
        }
        if slot.arrival_at_min < slot.departure_at_min {
            return Some((field(), "it arrives before it leaves"));
        }
        if !(0..=LARGEST).contains(&slot.price_per_teu) {
            return Some((field(), "the price is not between 0 and 10^9"));
        }
    }
    seen.clear();
    for unit in &problem.units {
        let field = || format!("unit {}", unit.id);
        if !seen.insert(&unit.id) {
            return Some((field(), "the id occurs twice"));
        }
        let amounts = [
            unit.teu_quarters,
            unit.length_dm,
            unit.gross_kg,
            unit.roll_over_price,
            unit.priority,
            unit.ready_spread_min,
        ];
        if amounts.iter().any(|amount| !(0..=LARGEST).contains(amount)) {
            return Some((
                field(),
                "a size, mass, price, priority or spread is not between 0 and 10^9",
            ));
        }
    }
    None
}

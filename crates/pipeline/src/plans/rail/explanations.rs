//! Why a rail plan is as it is, as records: the price of each unit term by term and its runner-up; for a unit that is rolled
//! over, every way that it could have gone, what stands in it, and what would have to change.

use std::collections::BTreeMap;

use domain::rail::connection::{Connection, at_risk};
use domain::rail::index::Index;
use domain::rail::rules::{self, Path};
use domain::rail::words::minutes;
use domain::rail::{Breach, Cost, RailPlan, RolledOver, Rule, cost};
use events::v1;
use optimise::rail::explain::give_way::{Displaced, GiveWay};
use optimise::rail::explain::{Alternative, Explainer, Explanation, Obstacle};

use super::give_way;
use super::records::Frame;
use crate::plans::terms;
use crate::plans::times::{instant_us, text};

/// Alternatives told of a unit that is rolled over.
const ALTERNATIVES_MAX: usize = 3;

/// A plan explained, by unit. Of `give_way_units_max` units that have no room it is said who would have to give way.
pub fn explained(
    frame: &Frame<'_>,
    plan: &RailPlan,
    give_way_units_max: usize,
) -> BTreeMap<String, v1::PlanExplanation> {
    let (inputs, translated) = (frame.inputs, frame.translated);
    let explainer = Explainer::new(&translated.problem, plan);
    let index = Index::new(&translated.problem);
    let mut explanations = BTreeMap::new();
    let mut add = |explanation: v1::PlanExplanation| {
        let object = explanation.object_id.clone();
        if !object.is_empty() {
            explanations.entry(object).or_insert(explanation);
        }
    };
    let risks = at_risk(&translated.problem, plan);
    let risks: BTreeMap<&str, &Connection> = risks
        .iter()
        .rev()
        .map(|risk| (risk.unit.as_str(), risk))
        .collect();
    for assigned in &plan.assignments {
        if let Some(found) = explainer.explain(&assigned.unit, 1) {
            let unit = &assigned.unit;
            let terms = cost_terms(&index, frame, unit, &found.taken.legs);
            let risk = risks.get(unit.as_str());
            add(v1::PlanExplanation {
                binding_constraint: risk.map(|risk| in_danger(risk)).unwrap_or_default(),
                ..goes(frame, unit, terms, &found)
            });
        }
    }
    let mut rolled_over: Vec<(&RolledOver, Explanation)> = Vec::new();
    for rolled in &plan.rolled_over {
        let found = explainer.explain(&rolled.unit, ALTERNATIVES_MAX);
        rolled_over.extend(found.map(|found| (rolled, found)));
    }
    let mut ways = give_way::ways(&explainer, &rolled_over, give_way_units_max);
    for (rolled, found) in &rolled_over {
        let unit = rolled.unit.as_str();
        let terms = cost_terms(&index, frame, unit, &found.taken.legs);
        add(v1::PlanExplanation {
            binding_constraint: rolled.reason.code().to_owned(),
            cost_terms: terms,
            ..stays(frame, unit, found, ways.remove(unit))
        });
    }
    for (row, reason) in &translated.left_out {
        add(v1::PlanExplanation {
            binding_constraint: "it cannot be planned".to_owned(),
            conflicting: vec![reason.clone()],
            is_smallest: true,
            ..blank(frame, &inputs.units[*row].unit_id)
        });
    }
    explanations
}

/// A connection that may be missed.
fn in_danger(risk: &Connection) -> String {
    format!(
        "may miss {}: {} min of slack, {}.{} % likely, priced {}",
        risk.train,
        risk.slack_min(),
        risk.miss_permille / 10,
        risk.miss_permille % 10,
        risk.price
    )
}

fn blank(frame: &Frame<'_>, unit_id: &str) -> v1::PlanExplanation {
    v1::PlanExplanation {
        planner: super::PLANNER.to_owned(),
        plan_seq: frame.plan_seq,
        object_id: unit_id.to_owned(),
        ..v1::PlanExplanation::default()
    }
}

fn goes(
    frame: &Frame<'_>,
    unit: &str,
    cost_terms: Vec<v1::Cell>,
    found: &Explanation,
) -> v1::PlanExplanation {
    let other = found.others.iter().find(|other| other.obstacles.is_empty());
    v1::PlanExplanation {
        cost_terms,
        runner_up: other
            .map(|other| in_words(frame, &other.legs))
            .unwrap_or_default(),
        runner_up_price: other.map_or(0, |other| other.price - found.taken.price),
        ..blank(frame, unit)
    }
}

fn stays(
    frame: &Frame<'_>,
    unit: &str,
    found: &Explanation,
    gives: Option<(Vec<String>, GiveWay)>,
) -> v1::PlanExplanation {
    let ways: Vec<&Alternative> = found
        .others
        .iter()
        .filter(|way| !way.legs.is_empty())
        .collect();
    let mut remedies: Vec<String> = ways
        .iter()
        .map(|way| remedy(frame, found.taken.price, way))
        .collect();
    if ways.is_empty() {
        remedies.push("a train that leads there and has not closed".to_owned());
    }
    let gives = gives.as_ref();
    let alternatives = ways.iter().map(|way| {
        let gives = gives.filter(|(legs, _)| *legs == way.legs);
        let gives = gives.map(|(_, gives)| gives);
        v1::PlanAlternative {
            place: in_words(frame, &way.legs),
            price: way.price,
            obstacles: way.obstacles.iter().map(obstacle).collect(),
            give_way: gives.map_or_else(Vec::new, |gives| displaced(frame, gives)),
            give_way_price: gives.map_or(0, |gives| gives.price),
        }
    });
    // All obstacles of one way stand together: what bars the cheapest way is the conflict.
    let cheapest = ways.iter().min_by_key(|way| way.price);
    let conflicting = cheapest.map(|way| way.obstacles.iter().map(obstacle).collect());
    v1::PlanExplanation {
        alternatives: alternatives.collect(),
        conflicting: conflicting.unwrap_or_default(),
        remedies,
        ..blank(frame, unit)
    }
}

fn displaced(frame: &Frame<'_>, gives: &GiveWay) -> Vec<v1::PlanGiveWay> {
    let displaced = gives.displaced.iter();
    let record = |one: &Displaced| v1::PlanGiveWay {
        object_id: one.unit.clone(),
        place: in_words(frame, &one.to),
        dearer: one.dearer,
    };
    displaced.map(record).collect()
}

fn cost_terms(index: &Index<'_>, frame: &Frame<'_>, unit: &str, legs: &[String]) -> Vec<v1::Cell> {
    let problem = &frame.translated.problem;
    let Some(unit) = index.unit(unit).map(|unit| &problem.units[unit]) else {
        return Vec::new();
    };
    let previous = index.path(problem, &unit.previous).unwrap_or_default();
    let held = &previous[..rules::held(problem, &previous)];
    let legs = index.path(problem, legs).unwrap_or_default();
    let path = Path {
        problem,
        unit,
        held,
        legs: &legs,
    };
    let Cost {
        carriage,
        dwell,
        transit,
        lateness,
        transfer,
        change,
        missed_connection,
        unknown_milestone,
        roll_over,
        broken_pin,
    } = cost::of_path(&path);
    terms(&[
        ("carriage", carriage),
        ("dwell", dwell),
        ("transit", transit),
        ("lateness", lateness),
        ("transfer", transfer),
        ("change", change),
        ("missed_connection", missed_connection),
        ("unknown_milestone", unknown_milestone),
        ("roll_over", roll_over),
        ("broken_pin", broken_pin),
    ])
}

fn in_words(frame: &Frame<'_>, legs: &[String]) -> String {
    let trains = &frame.translated.problem.trains;
    let first = legs
        .first()
        .and_then(|leg| trains.iter().find(|train| train.id == *leg));
    match first {
        None => "rolled over".to_owned(),
        Some(first) => format!(
            "{} at {}",
            legs.join(" then "),
            text(instant_us(0, first.departure_at_min))
        ),
    }
}

fn obstacle(obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Breach { train, breach } => format!("{train}: {breach}"),
        Obstacle::Room { train, rule, lack } => format!("{train}: lacks {}", rule.amount(*lack)),
    }
}

/// What would have to change for the unit to go this way.
fn remedy(frame: &Frame<'_>, staying: i64, way: &Alternative) -> String {
    let place = in_words(frame, &way.legs);
    if way.obstacles.is_empty() {
        let dearer = way.price - staying;
        return format!("{place}: rolling over would have to cost {dearer} more");
    }
    let needs = way.obstacles.iter().map(|obstacle| match obstacle {
        Obstacle::Room { rule, lack, .. } => format!("{} of room", rule.amount(*lack)),
        Obstacle::Breach { breach, .. } => mend(breach),
    });
    format!("{place}: needs {}", needs.collect::<Vec<_>>().join(" and "))
}

/// What would mend a breach.
fn mend(breach: &Breach) -> String {
    let earlier = minutes(breach.needed.saturating_sub(breach.allowed));
    match breach.rule {
        Rule::Customs if breach.needed == i64::MAX => "a customs release".to_owned(),
        Rule::Customs => format!("customs to release it {earlier} earlier"),
        Rule::Ready => format!("it ready {earlier} earlier"),
        Rule::CutOff(kind) => format!("{} {earlier} earlier", kind.words()),
        Rule::Bump => "the planner's bump taken back".to_owned(),
        Rule::Pin => "the planner's pin, or the booked train, given up".to_owned(),
        Rule::Frozen => "the train not closed or cancelled".to_owned(),
        _ => format!("another unit or train: {breach}"),
    }
}

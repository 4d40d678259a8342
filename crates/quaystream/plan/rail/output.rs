//! The JSON that `--out json` prints, version 1.

use domain::rail::Cost;
use serde::{Deserialize, Serialize};

use super::error::RailError;

/// One solved instance.
#[derive(Debug, Serialize)]
pub struct Output<P> {
    /// Version of this form.
    pub version: u32,
    /// The objective of the plan.
    pub value: i64,
    /// A proven lower bound on any plan's objective.
    pub bound: i64,
    /// (value - bound) / value.
    pub gap: f64,
    /// True if no plan is better.
    pub proved: bool,
    /// Processor seconds of the solving thread.
    pub seconds: f64,
    /// Moves of the search.
    pub iterations: u64,
    /// The terms of the objective; bare instances have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Terms>,
    /// The plan.
    pub plan: P,
}

/// The terms of the objective.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "the terms are those of domain::rail::Cost")]
pub struct Terms {
    pub carriage: i64,
    pub dwell: i64,
    pub transit: i64,
    pub lateness: i64,
    pub transfer: i64,
    pub change: i64,
    pub missed_connection: i64,
    pub unknown_milestone: i64,
    pub roll_over: i64,
    pub broken_pin: i64,
}

impl From<Cost> for Terms {
    fn from(cost: Cost) -> Self {
        Terms {
            carriage: cost.carriage,
            dwell: cost.dwell,
            transit: cost.transit,
            lateness: cost.lateness,
            transfer: cost.transfer,
            change: cost.change,
            missed_connection: cost.missed_connection,
            unknown_milestone: cost.unknown_milestone,
            roll_over: cost.roll_over,
            broken_pin: cost.broken_pin,
        }
    }
}

/// A full-rule plan.
#[derive(Debug, Serialize, Deserialize)]
pub struct Plan {
    /// Units that go, with their slots in order.
    pub assignments: Vec<Going>,
    /// Units that stay.
    pub rolled_over: Vec<Staying>,
}

/// A unit that goes.
#[derive(Debug, Serialize, Deserialize)]
pub struct Going {
    /// The unit.
    pub unit: String,
    /// Its slots.
    pub legs: Vec<String>,
}

/// A unit that stays.
#[derive(Debug, Serialize, Deserialize)]
pub struct Staying {
    /// The unit.
    pub unit: String,
    /// Why, as a code.
    #[serde(default)]
    pub reason: String,
}

/// A bare plan: the train (or agent) of each container (or job), in order.
#[derive(Debug, Serialize, Deserialize)]
pub struct BarePlan {
    /// Train numbers, from 0.
    pub train: Vec<usize>,
}

/// What `--check` reads: our own output, or the plan alone.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Given<P> {
    /// A whole output.
    Whole {
        /// Its plan.
        plan: P,
    },
    /// A plan.
    Alone(P),
}

impl<P> Given<P> {
    /// The plan.
    pub fn plan(self) -> P {
        match self {
            Given::Whole { plan } | Given::Alone(plan) => plan,
        }
    }
}

/// The object as text.
pub fn text<P: Serialize>(output: &Output<P>) -> Result<String, RailError> {
    let mut text = serde_json::to_string_pretty(output).map_err(RailError::Write)?;
    text.push('\n');
    Ok(text)
}

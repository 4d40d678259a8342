//! Rail slots at level 1: which container goes by which train, or by which chain of trains over a break of gauge.
//!
//! [`problem`] and [`mod@unit`] say what is known, [`plan`] what was decided. [`rules`] holds the hard rules, one a file;
//! [`cost`] the objective in money-like weights; [`mod@check`] re-verifies a whole plan and prices it. Nothing here knows a
//! solver: a plan is judged by the problem alone.
//!
//! Two principles. *A closed train is a fact*: what stood on it when it closed stays on it, and no other rule is asked
//! about it. *Roll-over is always possible*: every problem has a feasible plan, and "no train fits" is an answer with a
//! reason, not an error.
//!
//! Connections are protected, not only reported: [`forecast`] joins the forecast of an arrival with that of its handling,
//! [`cost`] charges the probability of a miss times its price, and [`connection`] lists what a plan may miss.
//!
//! [`assignment`] is the bare problem underneath (one option an item, sparse capacities) with a checker of its own: the
//! form of the public benchmark sets.

pub mod assignment;
pub mod check;
pub mod connection;
pub mod cost;
pub mod cut_off;
pub mod forecast;
pub mod index;
pub mod plan;
pub mod problem;
pub mod rules;
pub mod unit;
pub mod wagons;
pub mod words;

pub use check::{Violation, check};
pub use connection::Connection;
pub use cost::Cost;
pub use cut_off::{CutOff, CutOffKind};
pub use forecast::Forecast;
pub use plan::{Assigned, RailPlan, RolledOver, RolledOverReason};
pub use problem::{
    DangerousLimit, LoadCut, RailProblem, SlotStatus, TrainSlot, UNLIMITED, Weights,
};
pub use rules::{Breach, Rule};
pub use unit::{Cargo, Customs, Lock, Milestone, Unit};

//! Berth allocation: the problem with all its rules, the plan, what a plan costs, and a checker that knows no solver.
//!
//! All times are whole minutes since an epoch that the caller chooses, all places whole metres along a quay, all levels
//! centimetres, all costs whole cost units (the configuration says what one is worth, for instance a cent).
//!
//! Invariants: the checker is written from the rules alone and shares no code with `optimise`; a plan that [`check`]
//! accepts obeys every hard rule; leaving a call without a berth is an answer with a price, so every problem has a plan.
//!
//! Reading order: [`problem`], [`quay`], [`call`], [`water`], [`plan`], [`cost`], then [`checker`] with one rule a file in
//! [`rules`], and [`horizon`] for what may still move.

pub mod call;
pub mod checker;
pub mod cost;
pub mod horizon;
pub mod plan;
pub mod problem;
pub mod quay;
pub mod rules;
pub mod validate;
pub mod water;

pub use call::{Call, Handling, Lock, Place, Previous, Work};
pub use checker::check;
pub use cost::{Cost, PlanCost, Weights};
pub use horizon::Hold;
pub use plan::{BerthPlan, Stay, Unassigned};
pub use problem::{BerthProblem, Interval, OrderLock, Reservation, Rotation, hours};
pub use quay::{Berth, Closure, Crane, DepthSection, Layout};
pub use rules::{Rule, Violation};
pub use validate::Fault;
pub use water::{Level, Water};

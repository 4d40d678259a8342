//! Berth allocation: [`solve()`] takes a [`domain::berth::BerthProblem`] and returns a plan with a proven bound.
//!
//! Two solvers share the work. [`kernel`] is for discrete berths without cranes or couplings (the dynamic berth allocation
//! problem of the literature): sequences per berth, ruin and recreate, a Lagrangian bound over time-indexed paths, branch
//! and bound. [`full`] knows every rule of `domain::berth::rules`: stays with fixed times in the plane of quay metres and
//! time, ruin and recreate, and a bound that prices quay metres, cranes and barges by the time step.
//!
//! Invariants: the bound holds for the very problem that the plan is checked against (same time step, same places); no
//! plan is returned that costs more than first come first served or than the repaired last plan.
//!
//! Reading order: [`solve()`], [`full`], [`kernel`]; [`text`] reads the public instances, [`explain`] says why.

pub mod explain;
mod exponential;
pub mod full;
pub mod generate;
pub mod kernel;
pub mod solve;
pub mod text;
mod thaw;

pub use solve::{Duals, Solved, Warm, search_only, solve, solve_warm};
pub use thaw::thaw;

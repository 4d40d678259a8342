//! The rail-slot planner.
//!
//! [`solve`] takes the full-rule problem of `domain::rail`; [`full`] translates it to the [`core`] form and back;
//! [`kernel`] solves that form. Staying is an option of every unit, so every problem has a plan.

pub mod core;
pub mod full;
pub mod generate;
pub mod greedy;
pub mod kernel;
pub mod solve;

pub use full::warm::Warm;
pub use solve::{re_plan, solve};

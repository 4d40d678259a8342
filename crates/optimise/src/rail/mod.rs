//! The rail-slot planner.
//!
//! [`solve()`] takes the full-rule problem of `domain::rail`; [`full`] translates it to the [`mod@core`] form and back;
//! [`kernel`] solves that form. Staying is an option of every unit, so every problem has a plan. [`load`] puts the units of
//! one train onto its wagons, [`overbook`] says how many bookings a train takes, [`mod@explain`] why a unit goes as it does,
//! and [`read`] reads the public sets.

//!
//! Which call for which caller: plans alone, [`re_plan`]; plans with measured no-show rates,
//! [`overbook::plan_overbooked`] with [`overbook::ShowRate`]; trains whose wagons are known, [`load::teach::plan_and_load`]
//! (a train is loaded once its units are there, so it is overbooked or loaded, not both: give that one the problem that
//! overbooking returns and the consists of trains near their closing). Protection of connections is in the objective: set
//! `Unit::set_ready`, `TrainSlot::arrival_spread_min` and `Weights::missed_connection` of `domain::rail`, and list what
//! stays at risk with `domain::rail::connection::at_risk`.

pub mod active;
pub mod anneal;
pub mod binding;
pub mod cholesky;
pub mod core;
pub mod dual;
pub mod exact;
pub mod explain;
pub mod full;
pub mod gather;
pub mod generate;
pub mod greedy;
pub mod insert;
pub mod interior;
pub mod kernel;
pub mod knapsack;
pub mod load;
pub mod narrow;
pub mod overbook;
pub mod prices;
pub mod read;
pub mod relaxation;
pub mod resplit;
pub mod soft;
pub mod solve;
pub mod state;

pub use full::warm::Warm;
pub use solve::{re_plan, solve};

//! The solver for all rules.
//!
//! [`model`] compiles the problem: for each call the places on the grid and, for each place, the crane sets (together a
//! *mode*), with what forbids a mode at what time whatever the others do. [`state`] is a plan in the making, [`construct`]
//! the first one, [`insert`] finds the cheapest mode and start ([`starts`]) of one call among the others, [`search`] ruins
//! and recreates, [`bound`] prices what the calls share, [`tree`] branches where prices are not enough, and [`exact`] lists
//! the plans of a small part.

mod bound;
mod conflict;
mod construct;
mod exact;
mod explain;
mod insert;
mod model;
mod modes;
mod search;
mod solve;
mod starts;
mod state;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use construct::stuck;
pub(crate) use explain::explain;
pub(crate) use solve::{search_only, solve};

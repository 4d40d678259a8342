//! Level 2: units of one train onto its wagons.
//!
//! [`solve()`] first asks [`proof`] whether counting already shows that the load cannot stand, then searches
//! ([`search`], on [`yard`]) for a loading, then asks the deeper proofs, and last [`exhaust`]s small cases. The answer is a
//! loading, a proof of impossibility, or "unknown". [`foresight`] tells level 1 beforehand what the
//! wagons hold, [`teach`] turns proofs into cuts.

pub mod exhaust;
pub mod foresight;
pub mod generate;
pub mod proof;
pub mod search;
pub mod solve;
pub mod teach;
pub mod yard;

pub use proof::Proof;
pub use solve::{Answer, first_fit, solve};

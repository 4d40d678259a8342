//! Level 2: which unit stands where on which wagon of a train.
//!
//! [`consist`] describes the train, [`catalogue`] common wagon types, [`loading`] a decision; [`mod@check`] re-verifies it rule
//! by rule and prices the crane's travel. [`bogie`] has the statics that the rules need, in whole kilograms.

pub mod bogie;
pub mod catalogue;
pub mod check;
pub mod consist;
pub mod loading;

pub use check::{LoadRule, LoadViolation, check};
pub use consist::{Consist, LoadUnit, Pattern, Platform, Position, Segregation, Wagon, WagonType};
pub use loading::{Loading, Placed};

#[cfg(test)]
mod tests;

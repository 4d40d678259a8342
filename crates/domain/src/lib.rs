//! The port's vocabulary: identifiers with their check digits, code lists, units, and the rules that make a berth plan
//! or a rail plan feasible, each with a checker that knows no solver. The standard library only.

pub mod berth;
pub mod codes;
pub mod ids;
pub mod rail;
pub mod units;

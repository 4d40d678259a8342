//! From the full-rule problem of `domain` to the kernel and back.
//!
//! [`paths`] finds the chains of trains between two places, [`network`] prices them for every unit (a keep-together booking
//! goes as one; units that differ by reference alone are priced once), [`rows`] turns limits into capacity rows, [`build`]
//! makes the kernel's problem of all paths or of some, [`sift`] says of which where there are too many, and [`read_back`]
//! turns the kernel's choice into a plan with reasons.

pub mod build;
pub mod network;
pub mod paths;
pub mod read_back;
pub mod rows;
pub mod sift;
pub mod warm;

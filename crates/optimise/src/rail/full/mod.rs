//! From the full-rule problem of `domain` to the kernel and back.
//!
//! [`paths`] finds the chains of trains between two places, [`build`] turns units into items (a keep-together booking is
//! one item) and limits into capacity rows, [`read_back`] turns the kernel's choice into a plan with reasons.

pub mod build;
pub mod paths;
pub mod read_back;
pub mod warm;

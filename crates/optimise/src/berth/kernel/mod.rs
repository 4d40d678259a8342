//! The kernel: discrete berths, handling by berth, linear cost of time (Cordeau et al. 2005, "DBAP").
//!
//! [`instance`] is the problem in time slots, [`sequences`] a plan as sequences, [`search`] ruin and recreate; [`arcs`]
//! and [`dual`] the Lagrangian bound with reduced-cost fixing, [`branch`] the tree that closes what gap remains;
//! [`solve()`] interleaves them by effort, so that the same iterations give the same plan.

mod arcs;
mod branch;
mod dual;
mod instance;
mod search;
mod sequences;
mod solve;

pub(crate) use solve::solve;

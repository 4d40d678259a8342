//! The optimisers. Each takes a *problem* (defined in `domain`), a *seed* and a *budget*, and returns a *plan* with a
//! proven lower *bound*, *statistics*, and a reason for whatever it could not assign.
//!
//! Invariants: no clock, no thread, no I/O, no randomness but the seed; the same problem, seed and iterations give the
//! same plan, byte for byte. A solver never grades itself: callers run the checker of `domain` over each plan.
//!
//! Reading order: [`budget`], [`answer`], then [`berth`] and [`rail`].

pub mod answer;
pub mod berth;
pub mod budget;
#[cfg(feature = "highs")]
pub mod highs;
pub mod rail;
pub mod random;

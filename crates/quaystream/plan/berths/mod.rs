//! `quaystream plan berths`: solves an instance file, or a folder of them.

pub mod bench;
pub mod error;

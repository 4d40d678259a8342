//! The first look at every record: readable, in time, new? State by input partition, a pure function of its log.
//!
//! Reading order: [`partition`] (the rules), [`ids`] and [`copies`] (duplicates), [`versions`] (corrections and retractions), [`shelves`] (when they
//! are forgotten), [`state`] (how they come back), [`rows`] (what is told to the `intake` stream),
//! [`checks`] (numbers with check digits, known terminals), [`rejects`] (what is written of records that cannot be used).

pub mod checks;
pub mod copies;
pub mod ids;
pub mod partition;
pub mod rejects;
pub mod rows;
pub mod shelves;
pub mod state;
pub mod versions;

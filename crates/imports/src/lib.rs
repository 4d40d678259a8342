//! Public formats of ports, read into Quaystream events.
//!
//! One module a format, one shared outcome: what was understood becomes an [`Event`](events::Event), what was not becomes
//! a [`Problem`] with its place, its reason and an excerpt. Nothing is dropped in silence, and nothing is made up: a field
//! that a format does not have stays empty.
//!
//! Invariants: the same file gives the same events with the same ids, so that importing it twice makes duplicates that
//! count once; no input makes the importer panic; memory is one row (CSV) or one document of bounded size (JSON).
//!
//! Reading order: [`mod@format`], [`outcome`], then the formats: [`digitraffic`], [`dma_ais`], [`dcsa`]. `scan` and `node`
//! hold what they share: instants, decimals, identifiers that may be wrong, walking through JSON.
//!
//! A new format gets a module here, a variant of [`Format`] with how it is recognised, and a line in [`read()`]; EDIFACT
//! (CODECO, COARRI, COPRAR, IFTSTA), PEGELONLINE and TAF TSI are the next ones, in the places that `docs/IMPORTS.md` names.

pub mod dcsa;
pub mod digitraffic;
pub mod dma_ais;
pub mod error;
pub mod format;
mod node;
pub mod outcome;
mod read;
mod scan;

pub use error::ImportError;
pub use format::Format;
pub use outcome::{Fate, Import, Outcome, Place, Problem};
pub use read::{JSON_BYTES_MAX, import, read};

#[cfg(test)]
mod tests;

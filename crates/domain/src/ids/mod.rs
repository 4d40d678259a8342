//! Identifiers of the port, each a type of its own, so that none can be taken for another.
//!
//! Every type has two doors. `parse` gives the identifier or an [`IdError`] that names the mend: use it where a wrong
//! number must not pass. `check` gives a [`Verdict`] without allocating: use it where wrong numbers are *flagged*, since
//! real feeds carry them and the container is no less real for it.
//!
//! | identifier | standard | check digit |
//! |---|---|---|
//! | [`ContainerId`] | ISO 6346, EN 13044 | letters from 10 skipping multiples of 11, weights 2^i, mod 11 mod 10 |
//! | [`ImoNumber`] | IMO A.1117(30) | weights 7 to 2, mod 10 |
//! | [`WagonNumber`] | UIC 438-2 | Luhn |
//! | [`Eni`] | ES-TRIN | none |
//! | [`Mmsi`] | ITU-R M.585 | none |
//! | [`UnLocode`] | UNECE Recommendation 16 | none |

mod container;
mod digits;
mod error;
mod imo;
mod place;
mod station;
mod wagon;

pub use container::ContainerId;
pub use error::{IdError, Verdict};
pub use imo::{Eni, ImoNumber};
pub use place::UnLocode;
pub use station::{Mmsi, MmsiKind};
pub use wagon::WagonNumber;

#[cfg(test)]
mod tests;

//! Code lists, each readable in all the spellings that its standard has had.
//!
//! DCSA Track & Trace 2.2 writes `GTIN` and `ACT`, version 3.0 writes `GATED_IN` and `ACTUAL`, and its published samples
//! mix the two; Port Call 1.1 wrote `CRGO` where 2.0 writes `CARGO_OPERATIONS`. [`parse`](Classifier::parse) takes all of
//! them, [`code`](Classifier::code) gives the one that the events of this project use.

#[macro_use]
mod list;
mod classifier;
mod equipment;
mod place;
mod port_call;
mod size_type;

pub use classifier::Classifier;
pub use equipment::{EmptyIndicator, EquipmentEventType, TransportMode};
pub use list::UnknownCode;
pub use place::{CodeListProvider, FacilityType};
pub use port_call::{OperationsEventType, PortCallPhase, PortCallService};
pub use size_type::{CargoKind, SizeType, SizeTypeError};

#[cfg(test)]
mod tests;

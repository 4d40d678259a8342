//! A simulated Port of Duisburg: days of port events from a seed, coupled as in a port and as untidy as real feeds.
//!
//! Vessels and barges are announced, estimated again and again, berthed, worked by cranes that break down; containers
//! stand in yard blocks until a lorry, a barge or a train takes them; trains are booked, closed, loaded, and run late;
//! customs holds, reefers warm up, the Rhine falls. What happens is one world: a late barge makes its units miss their
//! train. On the way into Kafka records are delayed, doubled, put out of order, come late or are broken, each counted.
//!
//! Invariants: the same [`Settings`] give the same bytes on every machine; no clock, no threads, no floats but for the
//! logarithm of an arrival's waiting time; memory is bounded by what is in the port; what `disorder` does leaves the
//! port as it is.
//!
//! Reading order: `simulation` (the iterator), `port` (who does what), `agenda` (what will happen); then the parts:
//! `announcing`, `vessels`, `estimates`, `quay`, `cranes`, `yard`, `gate`, `customs`, `rail`, `gauge`, `ais`, `reefers`, `commands`,
//! with `terminals`, `fleet`, `river` and `containers` for what they are about; last `outbox` and `disorder` for how
//! events become records, and `truth` for the counts.

mod agenda;
mod ais;
mod amended;
mod announcing;
mod commands;
mod containers;
mod cranes;
mod customs;
mod disorder;
mod estimates;
mod fleet;
mod gate;
mod gauge;
mod opening;
mod outbox;
mod payload;
mod pool;
mod port;
mod quay;
mod rail;
mod random;
mod reefers;
mod river;
mod settings;
mod simulation;
mod sources;
mod terminals;
mod time;
mod truth;
mod vessels;
mod yard;

pub use disorder::WrongKind;
pub use outbox::Produced;
pub use settings::{Disorder, Partitions, Settings, SettingsError};
pub use simulation::{Held, Simulation};
pub use sources::{Source, SourceDecl, sources};
pub use time::{DAY_US, HOUR_US, MINUTE_US, SECOND_US};
pub use truth::{SourceTruth, Truth};

#[cfg(test)]
mod tests;

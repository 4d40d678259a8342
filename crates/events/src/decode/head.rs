//! What a record says before its columns are built.
use crate::row_time_us;
use crate::schema::TableId;
use crate::v1::Classifier;

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A row of a table.
    Table(TableId),
    /// A source says how far it has written.
    Heartbeat,
}

/// Oddities that do not make a record unreadable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// A field held an enum number that the schema does not know: its column is "#" and the number.
    pub has_unknown_enum: bool,
    /// An unsigned 64-bit field was above `i64::MAX`: its column holds that.
    pub is_saturated: bool,
}

/// A record's envelope, as far as the engine's own work needs it. It borrows from the record's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'v> {
    /// Which table the row belongs to.
    pub kind: Kind,
    /// Who wrote the event. Never empty.
    pub source: &'v str,
    /// Unique within the source. Never empty but for heartbeats.
    pub event_id: &'v str,
    /// When it happened or is forecast to, microseconds since 1970. Never 0 but for heartbeats.
    pub event_time_us: i64,
    /// When the source wrote it, microseconds since 1970. Never 0.
    pub record_time_us: i64,
    /// Fact or forecast; `Unspecified` also for unknown numbers.
    pub classifier: Classifier,
    /// The terminal concerned; empty where none is.
    pub terminal_id: &'v str,
    /// The event takes back the one of the same id.
    pub is_retracted: bool,
    /// Oddities.
    pub flags: Flags,
}

impl Head<'_> {
    /// The row's time, microseconds since 1970; see [`row_time_us`]. A heartbeat's is its record time.
    pub fn row_time_us(&self) -> i64 {
        match self.kind {
            Kind::Heartbeat => self.record_time_us,
            Kind::Table(_) => row_time_us(self.classifier, self.event_time_us, self.record_time_us),
        }
    }
}

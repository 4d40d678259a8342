//! What can be set.

use crate::time::{DAY_US, HOUR_US};
use events::Stream;
use thiserror::Error;

/// Everything that a simulation hangs on. The same settings give the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Of all randomness.
    pub seed: u64,
    /// First instant of the simulated time, microseconds since 1970-01-01T00:00:00Z. Master data and what was known
    /// before come in the hour before it.
    pub start_at_us: i64,
    /// Simulated time, hours.
    pub hours: u32,
    /// How often transponders and reefers speak, in percent of the usual. It changes the number of records, not the port.
    pub chatter_percent: u32,
    /// Calls and lorries, in percent of a usual day. Above about 130 craft queue for days, and some go elsewhere.
    pub traffic_percent: u32,
    /// What goes wrong on the way into Kafka.
    pub disorder: Disorder,
    /// Number of partitions of each topic, since heartbeats go to every one.
    pub partitions: Partitions,
    /// Time between heartbeats of a source, seconds.
    pub heartbeat_every_s: u32,
}

/// What goes wrong on the way into Kafka. Shares are parts per million of the events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disorder {
    /// Events that come after later ones of their source, yet within its bound.
    pub out_of_order_ppm: u32,
    /// Events that come after more than twice their source's bound and half an hour, though not after the end. Master
    /// data and planner commands are spared.
    pub late_ppm: u32,
    /// Exact copies, of every source but AIS.
    pub duplicate_ppm: u32,
    /// AIS reports that several receivers hear; of these there are up to four copies.
    pub duplicate_ais_ppm: u32,
    /// Wrong records, put in beside the good ones. All kinds come in turn.
    pub wrong_ppm: u32,
    /// Lorries that a gate reports wrongly and corrects or retracts, put in beside the others. A share of the gate's events;
    /// all stories come in turn.
    pub amended_ppm: u32,
}

/// Number of partitions by stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partitions {
    /// Of the vessel topic.
    pub vessel: u32,
    /// Of the container topic.
    pub container: u32,
    /// Of the rail topic.
    pub rail: u32,
    /// Of the telemetry topic.
    pub telemetry: u32,
    /// Of the reference topic.
    pub reference: u32,
    /// Of the planner-command topic.
    pub planner: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            seed: 1,
            // Monday 2026-03-02T00:00:00Z.
            start_at_us: 1_772_409_600_000_000,
            hours: 24,
            chatter_percent: 100,
            traffic_percent: 100,
            disorder: Disorder::default(),
            partitions: Partitions::all(1),
            heartbeat_every_s: 300,
        }
    }
}

impl Default for Disorder {
    fn default() -> Self {
        Disorder {
            out_of_order_ppm: 50_000,
            late_ppm: 2_000,
            duplicate_ppm: 5_000,
            duplicate_ais_ppm: 60_000,
            wrong_ppm: 400,
            amended_ppm: 20_000,
        }
    }
}

impl Disorder {
    /// A perfect world: everything once, right and in the order of its record time.
    pub fn none() -> Self {
        Disorder {
            out_of_order_ppm: 0,
            late_ppm: 0,
            duplicate_ppm: 0,
            duplicate_ais_ppm: 0,
            wrong_ppm: 0,
            amended_ppm: 0,
        }
    }
}

impl Partitions {
    /// The same number everywhere.
    pub fn all(count: u32) -> Self {
        Partitions {
            vessel: count,
            container: count,
            rail: count,
            telemetry: count,
            reference: count,
            planner: count,
        }
    }

    /// Of one stream.
    pub fn of(&self, stream: Stream) -> u32 {
        match stream {
            Stream::Vessel => self.vessel,
            Stream::Container => self.container,
            Stream::Rail => self.rail,
            Stream::Telemetry => self.telemetry,
            Stream::Reference => self.reference,
            Stream::Planner => self.planner,
        }
    }
}

impl Settings {
    /// Settings whose day has about `records` records: the chatter is set, the port stays the same. At least 30,000 and
    /// at most ten million a day can be had.
    pub fn with_records(self, records: u64) -> Self {
        // A usual day at 100 % traffic: fixed part, and the part that grows with the chatter.
        const FIXED: u64 = 44_000;
        const CHATTER: u64 = 226_000;
        let per_day = records.saturating_mul(24) / u64::from(self.hours.max(1));
        let percent = per_day.saturating_sub(FIXED).saturating_mul(100) / CHATTER;
        Settings {
            chatter_percent: percent.clamp(1, 5_000) as u32,
            ..self
        }
    }

    /// End of the simulated time, microseconds since the epoch.
    pub fn end_at_us(&self) -> i64 {
        self.start_at_us + i64::from(self.hours) * HOUR_US
    }

    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        let within = |name, value: u32, low, high| match value {
            v if (low..=high).contains(&v) => Ok(()),
            _ => Err(SettingsError::OutOfRange {
                name,
                value,
                low,
                high,
            }),
        };
        within("hours", self.hours, 1, 24 * 366)?;
        within("chatter_percent", self.chatter_percent, 1, 5_000)?;
        within("traffic_percent", self.traffic_percent, 1, 300)?;
        within("heartbeat_every_s", self.heartbeat_every_s, 10, 3_600)?;
        for stream in Stream::ALL {
            within("partitions", self.partitions.of(stream), 1, 1_024)?;
        }
        let shares = &self.disorder;
        within("out_of_order_ppm", shares.out_of_order_ppm, 0, 1_000_000)?;
        within("late_ppm", shares.late_ppm, 0, 500_000)?;
        within("duplicate_ppm", shares.duplicate_ppm, 0, 1_000_000)?;
        within("duplicate_ais_ppm", shares.duplicate_ais_ppm, 0, 1_000_000)?;
        within("wrong_ppm", shares.wrong_ppm, 0, 500_000)?;
        within("amended_ppm", shares.amended_ppm, 0, 500_000)?;
        if !(0..4_000_000_000_000_000).contains(&self.start_at_us) || self.start_at_us < DAY_US {
            return Err(SettingsError::Start(self.start_at_us));
        }
        Ok(())
    }
}

/// Settings that no port can be simulated with.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// A number is outside its range.
    #[error("{name} is {value}: choose {low} to {high}")]
    OutOfRange {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: u32,
        /// The lowest that is allowed.
        low: u32,
        /// The highest that is allowed.
        high: u32,
    },
    /// The start is outside the years that the calendar covers.
    #[error(
        "start_at_us is {0}: choose an instant between 1970-01-02 and 2096, in microseconds since 1970"
    )]
    Start(i64),
}

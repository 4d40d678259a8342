//! The simulation as an iterator of records.

use crate::outbox::Produced;
use crate::port::Port;
use crate::settings::{Settings, SettingsError};
use crate::sources::Source;
use crate::time::SECOND_US;
use crate::truth::Truth;

/// A simulated port: gives one record after the other, in the order in which they arrive at Kafka.
///
/// Nothing is made before it is asked for, and what is held is bounded by what is in the port and on the way.
#[derive(Debug)]
pub struct Simulation {
    port: Port,
    is_over: bool,
}

impl Simulation {
    /// A port at its first instant.
    ///
    /// # Errors
    /// If a setting is outside its range.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        Ok(Simulation {
            port: Port::new(settings),
            is_over: false,
        })
    }

    /// Counts of what was given out so far.
    pub fn truth(&self) -> &Truth {
        self.port.outbox.truth()
    }

    /// Event time that the simulation has come to, microseconds since the epoch.
    pub fn now_us(&self) -> i64 {
        self.port.now_us
    }

    /// What is held at this moment.
    pub fn held(&self) -> Held {
        let port = &self.port;
        Held {
            steps: port.agenda.len(),
            records: port.outbox.len(),
            containers: port.containers.len(),
            craft: port.craft.len(),
            calls: port.calls.len(),
            rail_units: port.railway.units.len(),
        }
    }

    /// The end: what is on its way arrives, and the sources say until then that they have written all.
    fn closes(&mut self) {
        self.is_over = true;
        let end_us = self.port.end_us;
        let last_us = self
            .port
            .outbox
            .last_arrival_us()
            .unwrap_or(end_us)
            .max(end_us);
        let every_us = i64::from(self.port.settings.heartbeat_every_s) * SECOND_US;
        let mut at_us = end_us;
        while at_us < last_us {
            self.beat_all(at_us);
            at_us += every_us;
        }
        self.beat_all(last_us);
    }

    fn beat_all(&mut self, at_us: i64) {
        for source in Source::ALL {
            self.port.outbox.beat(at_us, source);
        }
    }
}

/// How many things a [`Simulation`] holds in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Steps that are planned.
    pub steps: usize,
    /// Records on their way.
    pub records: usize,
    /// Containers in the yards and announced.
    pub containers: usize,
    /// Craft announced, in port or passing.
    pub craft: usize,
    /// Calls announced or going on.
    pub calls: usize,
    /// Units booked on trains that have not left.
    pub rail_units: usize,
}

impl Iterator for Simulation {
    type Item = Produced;

    fn next(&mut self) -> Option<Produced> {
        loop {
            if self.is_over {
                return self.port.outbox.take(i64::MAX);
            }
            let next_us = self.port.agenda.next_at_us().unwrap_or(i64::MAX);
            // What a step at `next_us` makes arrives then or later, so all before that may go.
            if let Some(produced) = self.port.outbox.take(next_us.min(self.port.end_us) - 1) {
                return Some(produced);
            }
            if next_us >= self.port.end_us {
                self.closes();
                continue;
            }
            if let Some((at_us, step)) = self.port.agenda.next() {
                self.port.act(at_us, step);
            }
        }
    }
}

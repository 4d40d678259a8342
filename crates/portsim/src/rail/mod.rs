//! Trains: slots and their bookings, loading, running, and what comes in by rail.

mod booking;
mod inbound;
mod loading;
mod running;
mod services;
mod slots;

use crate::containers::Container;
use crate::pool::{Id, Pool};
use crate::random::Random;
use services::SERVICES;

pub(crate) use inbound::Inbound;

/// All that runs or will run.
#[derive(Debug)]
pub(crate) struct Railway {
    pub trains: Pool<Train>,
    pub units: Pool<Unit>,
    pub inbound: Pool<Inbound>,
    /// Trains that can still be booked, by service, in the order of departure.
    pub open: Vec<Vec<Id<Train>>>,
    pub bookings: u64,
}

/// A departing train.
#[derive(Debug)]
pub(crate) struct Train {
    pub service: usize,
    pub slot: String,
    pub track: String,
    pub departure_us: i64,
    pub closing_us: i64,
    /// How late it will leave, and how late it is by now.
    pub delay_us: i64,
    pub booked: Vec<Id<Unit>>,
    /// What is to be loaded, the next one last; and what stands on the wagons.
    pub to_load: Vec<Id<Unit>>,
    pub loaded: Load,
    pub loaded_units: Vec<Id<Unit>>,
    pub next_stop: usize,
}

/// What stands on a train.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Load {
    pub quarters: u32,
    pub length_dm: u32,
    pub gross_kg: u32,
}

/// A booked unit.
#[derive(Debug)]
pub(crate) struct Unit {
    pub booking: String,
    pub container: Id<Container>,
    pub number: String,
    pub train: Id<Train>,
    pub load: Load,
    pub danger: String,
    pub priority: u32,
    pub customer: &'static str,
    pub due_us: i64,
    pub ready_estimated_us: i64,
    /// In the yard and free to go.
    pub is_ready: bool,
    /// Will never come; nobody knows.
    pub is_no_show: bool,
    /// The planner may choose the train.
    pub is_flexible: bool,
}

impl Railway {
    pub(crate) fn new() -> Self {
        Railway {
            trains: Pool::new(),
            units: Pool::new(),
            inbound: Pool::new(),
            open: SERVICES.iter().map(|_| Vec::new()).collect(),
            bookings: 0,
        }
    }

    /// The number of a unit on some open train, and that train's terminal.
    pub(crate) fn some_booked_unit(&self, random: &mut Random) -> Option<(String, usize)> {
        let trains: Vec<Id<Train>> = self.open.iter().flatten().copied().collect();
        if trains.is_empty() {
            return None;
        }
        let train = self.trains.get(random.pick(&trains))?;
        let unit = self.units.get(*train.booked.last()?)?;
        Some((unit.number.clone(), SERVICES[train.service].terminal))
    }
}

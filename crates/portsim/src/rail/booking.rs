//! Bookings: how a unit gets a train, comes to the yard, and gets another train when it missed the first.

use super::services::SERVICES;
use super::slots::transit_us;
use super::{Load, Train, Unit};
use crate::agenda::Step;
use crate::containers::{Container, DANGERS, Exit, SIZES};
use crate::outbox::Head;
use crate::pool::Id;
use crate::port::Port;
use crate::sources::Source;
use crate::terminals::TERMINALS;
use crate::time::{HOUR_US, MINUTE_US};
use crate::vessels::{Call, Stage};
use events::v1::{self, BookingStatus};

const CUSTOMERS: [&str; 9] = [
    "AUTOPARTS",
    "CHEMIE",
    "ELEKTRO",
    "FASHION",
    "FOOD",
    "MASCHINEN",
    "PAPER",
    "STEEL",
    "TOYS",
];

/// How a unit gets to the yard.
enum Way {
    StandsThere,
    Truck(i64),
    Barge(Id<Call>),
    Never,
}

impl Port {
    /// A customer books a unit on a train.
    pub(crate) fn unit_is_booked(&mut self, train_id: Id<Train>) {
        let Some(train) = self.railway.trains.get(train_id) else {
            return;
        };
        let service = &SERVICES[train.service];
        let (departure_us, closing_us) = (train.departure_us, train.closing_us);
        if self.now_us >= closing_us {
            return;
        }
        let way = self.way_to(service.terminal, departure_us, closing_us);
        let ready_estimated_us = match &way {
            Way::StandsThere => self.now_us,
            Way::Truck(at_us) => *at_us,
            Way::Barge(call) => self
                .calls
                .get(*call)
                .map_or(closing_us, |call| call.expected_us + HOUR_US),
            Way::Never => closing_us - 2 * HOUR_US,
        };
        let container = self.new_container(service.terminal, Exit::Truck);
        let Some(what) = self.containers.get(container).cloned() else {
            return;
        };
        let random = &mut self.rail_random;
        self.railway.bookings += 1;
        let unit = Unit {
            booking: format!("BK{:08}", self.railway.bookings),
            container,
            number: what.number.as_str().to_owned(),
            train: train_id,
            load: Load {
                quarters: SIZES[what.size].quarters,
                length_dm: SIZES[what.size].length_dm,
                gross_kg: what.gross_kg,
            },
            danger: what
                .danger
                .map(|danger| DANGERS[danger].0.to_owned())
                .unwrap_or_default(),
            priority: 1 + random.weighted(&[80, 15, 5]) as u32,
            customer: random.pick(&CUSTOMERS),
            due_us: departure_us + transit_us(service) + random.between(2 * HOUR_US, 40 * HOUR_US),
            ready_estimated_us,
            is_ready: false,
            is_no_show: matches!(way, Way::Never),
            is_flexible: random.percent(12),
        };
        let unit = self.railway.units.add(unit);
        if let Some(container) = self.containers.get_mut(container) {
            container.exit = Exit::Rail(unit);
        }
        if let Some(train) = self.railway.trains.get_mut(train_id) {
            train.booked.push(unit);
        }
        self.tell_booking(unit, BookingStatus::Booked);
        self.set_out(way, unit, container);
    }

    fn set_out(&mut self, way: Way, unit: Id<Unit>, container: Id<Container>) {
        match way {
            Way::StandsThere => self.stands_in_the_yard(container),
            Way::Truck(at_us) => self.agenda.plan(at_us, Step::UnitComesByTruck(unit)),
            Way::Barge(call) => {
                if let Some(call) = self.calls.get_mut(call) {
                    call.discharge.push(container);
                }
            }
            Way::Never => {}
        }
    }

    fn way_to(&mut self, terminal: usize, departure_us: i64, closing_us: i64) -> Way {
        let now_us = self.now_us;
        let before_start = now_us < self.start_us();
        let hours_left = (departure_us - now_us) / HOUR_US;
        let random = &mut self.rail_random;
        // The sooner the train leaves, the more of its units stood there when the simulation began.
        if before_start && random.percent((95 - hours_left * 5).clamp(4, 85) as u32) {
            return Way::StandsThere;
        }
        if random.percent(3) {
            return Way::Never;
        }
        if random.percent(30) {
            let barges = self.barges_for(terminal, now_us + HOUR_US, closing_us - 2 * HOUR_US);
            if !barges.is_empty() {
                return Way::Barge(self.rail_random.pick(&barges));
            }
        }
        let random = &mut self.rail_random;
        let earliest_us = (now_us + 40 * MINUTE_US).max(closing_us - 20 * HOUR_US);
        let latest_us = match random.percent(4) {
            true => closing_us + HOUR_US,
            false => closing_us - 40 * MINUTE_US,
        };
        Way::Truck(random.between(earliest_us, latest_us.max(earliest_us + 10 * MINUTE_US)))
    }

    fn barges_for(&self, terminal: usize, from_us: i64, to_us: i64) -> Vec<Id<Call>> {
        let fits = |call: &Call| {
            call.terminal == terminal
                && call.stage == Stage::Announced
                && (from_us..to_us).contains(&call.expected_us)
        };
        self.calls.ids(fits)
    }

    /// The lorry with the unit is at the gate.
    pub(crate) fn unit_comes_by_truck(&mut self, id: Id<Unit>) {
        let Some(unit) = self.railway.units.get(id) else {
            return;
        };
        let container = unit.container;
        let Some(terminal) = self.containers.get(container).map(|c| c.terminal) else {
            return;
        };
        self.truck_enters(terminal, Some(container), None);
    }

    /// The unit stands in the yard and may go. If its train is gone, it gets the next.
    pub(crate) fn unit_is_ready(&mut self, id: Id<Unit>, container: Id<Container>) {
        let Some(unit) = self.railway.units.get_mut(id) else {
            // Its booking is gone: the customer fetches it.
            return self.goes_by_truck(container);
        };
        unit.is_ready = true;
        let train = unit.train;
        let is_open = self
            .railway
            .open
            .iter()
            .any(|trains| trains.contains(&train));
        if !is_open {
            self.books_the_next(id);
        }
    }

    fn goes_by_truck(&mut self, container: Id<Container>) {
        if let Some(what) = self.containers.get_mut(container) {
            what.exit = Exit::Truck;
            let terminal = what.terminal;
            self.terminals[terminal].for_truck.push(container);
        }
    }

    /// The unit goes on the next open train of its service; if there is none, its booking ends.
    pub(crate) fn books_the_next(&mut self, id: Id<Unit>) {
        let Some(unit) = self.railway.units.get(id) else {
            return;
        };
        let (container, is_ready, old) = (unit.container, unit.is_ready, unit.train);
        let service = self.railway.trains.get(old).map(|train| train.service);
        let next = service.and_then(|service| self.railway.open[service].first().copied());
        let Some(next) = next else {
            self.tell_booking(id, BookingStatus::Cancelled);
            self.railway.units.remove(id);
            if is_ready {
                self.goes_by_truck(container);
            }
            return;
        };
        if let Some(train) = self.railway.trains.get_mut(next) {
            train.booked.push(id);
        }
        if let Some(unit) = self.railway.units.get_mut(id) {
            unit.train = next;
        }
        self.tell_booking(id, BookingStatus::Booked);
    }

    /// Writes a booking and where it stands.
    pub(crate) fn tell_booking(&mut self, id: Id<Unit>, status: BookingStatus) {
        let Some(unit) = self.railway.units.get(id) else {
            return;
        };
        let Some(train) = self.railway.trains.get(unit.train) else {
            return;
        };
        let service = &SERVICES[train.service];
        let names_train = !unit.is_flexible || status == BookingStatus::Loaded;
        let body = v1::RailBooking {
            booking_id: unit.booking.clone(),
            unit_id: unit.number.clone(),
            train_slot_id: if names_train {
                train.slot.clone()
            } else {
                String::new()
            },
            destination: service.destination.to_owned(),
            teu_quarters: unit.load.quarters,
            length_dm: unit.load.length_dm,
            gross_kg: unit.load.gross_kg,
            dangerous_goods_class: unit.danger.clone(),
            priority: unit.priority,
            due_at_us: Some(unit.due_us),
            status: status.into(),
            keep_together_id: String::new(),
            customer: unit.customer.to_owned(),
            ready_estimated_at_us: Some(unit.ready_estimated_us),
        };
        let mut head = Head::act(self.now_us, TERMINALS[service.terminal].id);
        if names_train {
            head = head.of_train(&train.slot);
        }
        self.send(Source::Booking, head, body);
    }
}

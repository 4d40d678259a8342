//! Trains that come in: forecasts from border to border, arrival, unloading.

use super::loading::by_rail;
use super::running::Passage;
use super::services::SERVICES;
use crate::agenda::Step;
use crate::containers::Exit;
use crate::gate::usual_stock;
use crate::pool::Id;
use crate::port::Port;
use crate::terminals::TERMINALS;
use crate::time::{self, DAY_US, HOUR_US, MINUTE_US, SECOND_US};
use events::v1::{Classifier, EquipmentEventType, TrainLocationStatus};

/// A train that comes in.
#[derive(Debug)]
pub(crate) struct Inbound {
    service: usize,
    train: String,
    track: String,
    booked_us: i64,
    delay_us: i64,
    /// Places still to pass, the next one last; the first of the list is the port.
    places: Vec<(&'static str, i64)>,
    units: u32,
}

impl Port {
    /// A train that will be here at `booked_us`; its wagons then leave with the next departure of the line.
    pub(crate) fn new_inbound(&mut self, service: usize, booked_us: i64) {
        let line = &SERVICES[service];
        let (year, month, day) = time::date(booked_us);
        let hour = booked_us.rem_euclid(DAY_US) / HOUR_US;
        let random = &mut self.rail_random;
        let delay_us = match random.weighted(&[45, 33, 22]) {
            0 => random.between(-10 * MINUTE_US, 6 * MINUTE_US),
            1 => random.between(6 * MINUTE_US, 40 * MINUTE_US),
            _ => random.between(40 * MINUTE_US, 240 * MINUTE_US),
        };
        let track = format!("{}-T{}", TERMINALS[line.terminal].id, 1 + random.index(4));
        let units = random.between(22, 42) as u32;
        let mut places = vec![("DEDUI", 0)];
        places.extend(line.stops.iter().filter(|(_, hours)| *hours < 30));
        let start_us = self.start_us();
        places.retain(|(_, hours)| booked_us + delay_us - hours * HOUR_US > start_us);
        if places.is_empty() {
            return;
        }
        let inbound = self.railway.inbound.add(Inbound {
            service,
            train: format!("{}-IN-{year}{month:02}{day:02}-{hour:02}", line.id),
            track,
            booked_us,
            delay_us,
            places,
            units,
        });
        let forecast_us = self.rail_random.between(MINUTE_US, 40 * MINUTE_US);
        self.agenda.plan(
            start_us.max(booked_us - DAY_US) + forecast_us,
            Step::InboundForecast(inbound),
        );
        self.plan_next_place(inbound);
    }

    fn plan_next_place(&mut self, id: Id<Inbound>) {
        let Some(inbound) = self.railway.inbound.get(id) else {
            return;
        };
        let Some((_, before_h)) = inbound.places.last() else {
            return;
        };
        // The delay grows on the way: of it the more, the nearer the port.
        let share_h = before_h.min(&24);
        let at_us = inbound.booked_us - before_h * HOUR_US + inbound.delay_us * (30 - share_h) / 30;
        self.agenda
            .plan(at_us.max(self.now_us + MINUTE_US), Step::InboundPasses(id));
    }

    pub(crate) fn inbound_forecast(&mut self, id: Id<Inbound>) {
        let Some(inbound) = self.railway.inbound.get(id) else {
            return;
        };
        if inbound.places.is_empty() {
            return;
        }
        let left_h = ((inbound.booked_us - self.now_us) / HOUR_US).clamp(0, 24);
        let (train, track) = (inbound.train.clone(), inbound.track.clone());
        let (service, booked_us, delay_us) = (inbound.service, inbound.booked_us, inbound.delay_us);
        let guess_us = delay_us * (30 - left_h) / 30 + self.rail_random.bell(left_h * MINUTE_US);
        let at_us = (booked_us + guess_us).max(self.now_us + MINUTE_US);
        self.tell_passage(&Passage {
            train: &train,
            service,
            place: "DEDUI",
            terminal: TERMINALS[SERVICES[service].terminal].id,
            track: &track,
            status: TrainLocationStatus::ArrivalDestination,
            classifier: Classifier::Est,
            booked_us,
            at_us: at_us.div_euclid(MINUTE_US) * MINUTE_US,
        });
        let wait_us = (left_h * HOUR_US / 3).clamp(15 * MINUTE_US, 4 * HOUR_US);
        self.after(wait_us, Step::InboundForecast(id));
    }

    pub(crate) fn inbound_passes(&mut self, id: Id<Inbound>) {
        let Some(inbound) = self.railway.inbound.get_mut(id) else {
            return;
        };
        let Some((place, before_h)) = inbound.places.pop() else {
            return;
        };
        let is_here = inbound.places.is_empty();
        let (train, track, service) = (
            inbound.train.clone(),
            inbound.track.clone(),
            inbound.service,
        );
        let booked_us = inbound.booked_us - before_h * HOUR_US;
        let at_us = self.now_us;
        self.tell_passage(&Passage {
            train: &train,
            service,
            place,
            terminal: if is_here {
                TERMINALS[SERVICES[service].terminal].id
            } else {
                ""
            },
            track: if is_here { &track } else { "" },
            status: if is_here {
                TrainLocationStatus::ArrivalDestination
            } else {
                TrainLocationStatus::Pass
            },
            classifier: Classifier::Act,
            booked_us,
            at_us,
        });
        match is_here {
            true => self.after(20 * MINUTE_US, Step::InboundUnloads(id)),
            false => self.plan_next_place(id),
        }
    }

    /// One unit comes off.
    pub(crate) fn inbound_unloads(&mut self, id: Id<Inbound>) {
        let Some(inbound) = self.railway.inbound.get_mut(id) else {
            return;
        };
        if inbound.units == 0 {
            self.railway.inbound.remove(id);
            return;
        }
        inbound.units -= 1;
        let (train, terminal) = (inbound.train.clone(), SERVICES[inbound.service].terminal);
        // What piles up for barges already goes by road.
        let for_barge = self.terminals[terminal].for_barge.len() as u32;
        let takes_barge =
            !TERMINALS[terminal].berths.is_empty() && for_barge < usual_stock(terminal) * 3 / 2;
        let exit = match takes_barge && self.rail_random.percent(40) {
            true => Exit::Barge,
            false => Exit::Truck,
        };
        let container = self.new_container(terminal, exit);
        let by = by_rail(&train);
        self.comes_in(container, EquipmentEventType::Disc, &by);
        self.rail_crane_moves(terminal, container, EquipmentEventType::Disc, &by);
        let cranes = TERMINALS[terminal].rail_cranes.max(1) as i64;
        let takes_us = self.rail_random.between(100 * SECOND_US, 170 * SECOND_US) / cranes;
        self.after(takes_us, Step::InboundUnloads(id));
    }
}

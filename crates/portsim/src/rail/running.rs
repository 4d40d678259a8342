//! A train on its way: forecasts, departure, the places that it passes.

use super::Train;
use super::services::SERVICES;
use crate::agenda::Step;
use crate::outbox::Head;
use crate::pool::Id;
use crate::port::Port;
use crate::sources::Source;
use crate::terminals::TERMINALS;
use crate::time::{HOUR_US, MINUTE_US, SECOND_US};
use events::v1::{self, BookingStatus, Classifier, SlotStatus, TrainLocationStatus};

/// A train at a place in short.
pub(crate) struct Passage<'a> {
    pub train: &'a str,
    pub service: usize,
    pub place: &'static str,
    pub terminal: &'static str,
    pub track: &'a str,
    pub status: TrainLocationStatus,
    pub classifier: Classifier,
    pub booked_us: i64,
    pub at_us: i64,
}

impl Port {
    /// Writes a train's passage of a place, or its forecast.
    pub(crate) fn tell_passage(&mut self, passage: &Passage<'_>) {
        let delay_s = (passage.at_us - passage.booked_us).div_euclid(SECOND_US) as i32;
        let service = &SERVICES[passage.service];
        let body = v1::TrainRunning {
            location_status: passage.status.into(),
            location_code: location_code(passage.place).to_owned(),
            booked_at_us: Some(passage.booked_us),
            delay_s: Some(delay_s),
            corridor: service.corridor.to_owned(),
            track: passage.track.to_owned(),
            // UIC 450-2: 33 infrastructure, 90 knock-on.
            delay_cause: match delay_s {
                ..600 => String::new(),
                600..3_600 => "90".to_owned(),
                _ => "33".to_owned(),
            },
            operator: service.operator.to_owned(),
        };
        let head = Head::new(passage.at_us, passage.classifier, passage.terminal)
            .of_train(passage.train)
            .at_place(passage.place);
        self.send(Source::Rail, head, body);
    }

    /// What is thought of the departure: of its delay the more, the nearer it is.
    pub(crate) fn departure_forecast(&mut self, id: Id<Train>) {
        let Some(train) = self.railway.trains.get(id) else {
            return;
        };
        let (slot, track, service) = (train.slot.clone(), train.track.clone(), train.service);
        let (departure_us, delay_us) = (train.departure_us, train.delay_us);
        let left_h = ((departure_us - self.now_us) / HOUR_US).clamp(0, 8);
        let guess_us = delay_us * (9 - left_h) / 9 + self.rail_random.bell(left_h * MINUTE_US);
        let at_us = (departure_us + guess_us).max(self.now_us + MINUTE_US);
        self.tell_passage(&Passage {
            train: &slot,
            service,
            place: "DEDUI",
            terminal: TERMINALS[SERVICES[service].terminal].id,
            track: &track,
            status: TrainLocationStatus::DepartureOrigin,
            classifier: Classifier::Est,
            booked_us: departure_us,
            at_us: at_us.div_euclid(MINUTE_US) * MINUTE_US,
        });
    }

    pub(crate) fn train_departs(&mut self, id: Id<Train>) {
        let Some(train) = self.railway.trains.get_mut(id) else {
            return;
        };
        let units = std::mem::take(&mut train.loaded_units);
        let (slot, track, service) = (train.slot.clone(), train.track.clone(), train.service);
        let booked_us = train.departure_us;
        let at_us = self.now_us;
        self.tell_passage(&Passage {
            train: &slot,
            service,
            place: "DEDUI",
            terminal: TERMINALS[SERVICES[service].terminal].id,
            track: &track,
            status: TrainLocationStatus::DepartureOrigin,
            classifier: Classifier::Act,
            booked_us,
            at_us,
        });
        self.publish_slot(id, SlotStatus::Departed);
        for unit in units {
            self.tell_booking(unit, BookingStatus::Loaded);
            self.railway.units.remove(unit);
        }
        self.goes_on(id);
    }

    /// Forecasts the next place and plans its passage.
    fn goes_on(&mut self, id: Id<Train>) {
        let Some(train) = self.railway.trains.get(id) else {
            return;
        };
        let service = &SERVICES[train.service];
        let Some((place, after_h)) = service.stops.get(train.next_stop).copied() else {
            self.railway.trains.remove(id);
            return;
        };
        let booked_us = train.departure_us + after_h * HOUR_US;
        // A train makes up some time, or loses more.
        let drift_us = self.rail_random.bell(8 * MINUTE_US) - 2 * MINUTE_US;
        let at_us = (booked_us + train.delay_us + drift_us).max(self.now_us + 10 * MINUTE_US);
        let (slot, place_of_service) = (train.slot.clone(), train.service);
        let forecast_us = booked_us + train.delay_us;
        let status = status_at(service.stops.len(), train.next_stop);
        self.tell_passage(&Passage {
            train: &slot,
            service: place_of_service,
            place,
            terminal: "",
            track: "",
            status,
            classifier: Classifier::Est,
            booked_us,
            at_us: forecast_us.max(self.now_us + MINUTE_US),
        });
        if at_us > self.end_us {
            // Beyond what is simulated.
            self.railway.trains.remove(id);
            return;
        }
        self.agenda.plan(at_us, Step::TrainPasses(id));
    }

    pub(crate) fn train_passes(&mut self, id: Id<Train>) {
        let at_us = self.now_us;
        let Some(train) = self.railway.trains.get_mut(id) else {
            return;
        };
        let service = &SERVICES[train.service];
        let Some((place, after_h)) = service.stops.get(train.next_stop).copied() else {
            return;
        };
        let booked_us = train.departure_us + after_h * HOUR_US;
        let status = status_at(service.stops.len(), train.next_stop);
        train.delay_us = at_us - booked_us;
        train.next_stop += 1;
        let (slot, place_of_service) = (train.slot.clone(), train.service);
        self.tell_passage(&Passage {
            train: &slot,
            service: place_of_service,
            place,
            terminal: "",
            track: "",
            status,
            classifier: Classifier::Act,
            booked_us,
            at_us,
        });
        if self.rail_random.percent(3) {
            let body = v1::TrainInterruption {
                location_code: location_code(place).to_owned(),
                reason_code: "33".to_owned(),
                duration_expected_min: Some(self.rail_random.between(20, 180) as u32),
            };
            let head = Head::act(at_us, "").of_train(&slot).at_place(place);
            self.send(Source::Rail, head, body);
        }
        self.goes_on(id);
    }
}

fn status_at(stops: usize, next_stop: usize) -> TrainLocationStatus {
    match next_stop + 1 == stops {
        true => TrainLocationStatus::ArrivalDestination,
        false => TrainLocationStatus::Pass,
    }
}

/// Made-up primary location codes of the form that TAF TSI has: country and five digits.
pub(crate) fn location_code(place: &str) -> &'static str {
    match place {
        "DEDUI" => "DE12345",
        "DEFFO" => "DE22066",
        "PLPOZ" => "PL30601",
        "PLKUT" => "PL33100",
        "PLMAA" => "PL64105",
        "CHBSL" => "CH00010",
        "ITMIL" => "IT01700",
        "ITVRN" => "IT02430",
        "ATWSL" => "AT01234",
        "CZLVC" => "CZ54321",
        "FRVES" => "FR72190",
        "CNHRS" => "CN00155",
        "CNCQI" => "CN00400",
        "CNCDU" => "CN00610",
        _ => "",
    }
}

//! Train slots: published days ahead, closed hours before departure.

use super::services::{SERVICES, Service};
use super::{Load, Train};
use crate::agenda::Step;
use crate::outbox::Head;
use crate::pool::Id;
use crate::port::Port;
use crate::sources::Source;
use crate::terminals::TERMINALS;
use crate::time::{self, DAY_US, HOUR_US, MINUTE_US};
use events::v1::{self, SlotStatus};

/// Slots are known so long ahead at least.
const HORIZON_US: i64 = 36 * HOUR_US;
/// Bookings come so long before departure at most.
const BOOKED_AHEAD_US: i64 = 48 * HOUR_US;
/// Mean size of a unit, hundredths of a quarter TEU.
const MEAN_QUARTERS_CENTI: i64 = 680;

impl Port {
    pub(crate) fn publish_rail_services(&mut self) {
        for service in SERVICES {
            let body = v1::RailService {
                service_id: service.id.to_owned(),
                corridor: service.corridor.to_owned(),
                destination: service.destination.to_owned(),
                operator: service.operator.to_owned(),
            };
            self.publish(TERMINALS[service.terminal].id, body);
        }
        for (wagon_type, length_dm, loading_dm, tare_kg, payload_kg, axles) in
            super::loading::WAGONS
        {
            let body = v1::WagonType {
                wagon_type: wagon_type.to_owned(),
                length_over_buffers_dm: length_dm,
                loading_length_dm: loading_dm,
                tare_kg,
                payload_max_kg: payload_kg,
                axles,
            };
            self.publish("", body);
        }
    }

    /// The slots of the first days, with what is booked on them already.
    pub(crate) fn first_slots(&mut self) {
        let start_us = self.start_us();
        self.slots_between(start_us, start_us + HORIZON_US + DAY_US);
    }

    /// One more day of slots.
    pub(crate) fn slots_are_published(&mut self) {
        let from_us = self.now_us + HORIZON_US;
        self.slots_between(from_us, from_us + DAY_US);
        self.after(DAY_US, Step::SlotsArePublished);
    }

    fn slots_between(&mut self, from_us: i64, to_us: i64) {
        let first_day_us = from_us.div_euclid(DAY_US) * DAY_US;
        for (place, service) in SERVICES.iter().enumerate() {
            let mut day_us = first_day_us;
            while day_us < to_us {
                for hour in service.departures_h {
                    let departure_us = day_us + hour * HOUR_US;
                    if (from_us..to_us).contains(&departure_us) {
                        self.new_inbound(place, departure_us - 6 * HOUR_US);
                    }
                    // Before its closing time a slot can be booked; what closed before the start is history.
                    let is_bookable =
                        departure_us - service.closing_before_min * MINUTE_US > self.start_us();
                    if (from_us..to_us).contains(&departure_us) && is_bookable {
                        self.new_slot(place, departure_us);
                    }
                }
                day_us += DAY_US;
            }
        }
    }

    fn new_slot(&mut self, place: usize, departure_us: i64) {
        let service = &SERVICES[place];
        let (year, month, day) = time::date(departure_us);
        let hour = departure_us.rem_euclid(DAY_US) / HOUR_US;
        let random = &mut self.rail_random;
        let delay_us = match random.weighted(&[55, 30, 15]) {
            0 => random.between(0, 6 * MINUTE_US),
            1 => random.between(6 * MINUTE_US, 25 * MINUTE_US),
            _ => random.between(25 * MINUTE_US, 150 * MINUTE_US),
        };
        let track = format!(
            "{}-T{}",
            TERMINALS[service.terminal].id,
            1 + random.index(4)
        );
        let fill_percent = random.between(80, 112);
        let closing_us = departure_us - service.closing_before_min * MINUTE_US;
        let train = self.railway.trains.add(Train {
            service: place,
            slot: format!("{}-{year}{month:02}{day:02}-{hour:02}", service.id),
            track,
            departure_us,
            closing_us,
            delay_us,
            booked: Vec::new(),
            to_load: Vec::new(),
            loaded: Load::default(),
            loaded_units: Vec::new(),
            next_stop: 0,
        });
        self.railway.open[place].push(train);
        self.publish_slot(train, SlotStatus::Open);
        let wanted = i64::from(service.teu_max_quarters) * fill_percent / MEAN_QUARTERS_CENTI;
        self.plan_bookings(train, wanted, departure_us, closing_us);
        self.agenda.plan(closing_us, Step::TrainCloses(train));
        self.agenda
            .plan(departure_us - 35 * MINUTE_US, Step::TrainIsReady(train));
        for before_min in [480, 240, 120, 60, 20] {
            let at_us = departure_us - before_min * MINUTE_US;
            if at_us > self.start_us() {
                self.agenda.plan(at_us, Step::DepartureForecast(train));
            }
        }
        self.agenda
            .plan(departure_us + delay_us, Step::TrainDeparts(train));
    }

    /// Bookings fall into office hours; those from before the start are told in the opening.
    fn plan_bookings(&mut self, train: Id<Train>, wanted: i64, departure_us: i64, closing_us: i64) {
        let from_us = departure_us - BOOKED_AHEAD_US;
        let to_us = closing_us - 90 * MINUTE_US;
        let mut planned = 0;
        while planned < wanted {
            let at_us = self.rail_random.between(from_us, to_us);
            if !self
                .rail_random
                .chance_ppm(time::share_ppm(&time::OFFICES, at_us).max(200_000))
            {
                continue;
            }
            let told_us = match at_us < self.start_us() {
                true => self.start_us() - self.rail_random.between(MINUTE_US, 50 * MINUTE_US),
                false => at_us,
            };
            self.agenda
                .plan(told_us.max(self.now_us), Step::UnitIsBooked(train));
            planned += 1;
        }
    }

    /// Writes a slot's master data with where it stands.
    pub(crate) fn publish_slot(&mut self, id: Id<Train>, status: SlotStatus) {
        let Some(train) = self.railway.trains.get(id) else {
            return;
        };
        let service = &SERVICES[train.service];
        let body = v1::TrainSlot {
            train_slot_id: train.slot.clone(),
            service_id: service.id.to_owned(),
            corridor: service.corridor.to_owned(),
            destination: service.destination.to_owned(),
            track: train.track.clone(),
            departure_planned_at_us: train.departure_us,
            arrival_planned_at_us: train.departure_us + transit_us(service),
            length_max_dm: service.length_max_dm,
            gross_max_kg: service.gross_max_kg,
            teu_max_quarters: service.teu_max_quarters,
            cut_off_fco_at_us: train.closing_us,
            cut_off_dco_at_us: Some(train.closing_us - 2 * HOUR_US),
            cut_off_vco_at_us: Some(train.closing_us - HOUR_US),
            cut_off_dgc_at_us: Some(train.closing_us - 4 * HOUR_US),
            dangerous_goods_max: 6,
            status: status.into(),
        };
        let head = Head::act(self.now_us, TERMINALS[service.terminal].id).of_train(&train.slot);
        self.send(Source::Master, head, body);
    }
}

/// From departure to the far end.
pub(crate) fn transit_us(service: &Service) -> i64 {
    service.stops.last().map_or(0, |(_, hours)| hours * HOUR_US)
}

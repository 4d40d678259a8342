//! Estimates of arrival: three sources, each with its own error, all better as the arrival comes near.

use crate::agenda::Step;
use crate::containers::SIZES;
use crate::outbox::Head;
use crate::pool::Id;
use crate::port::Port;
use crate::sources::Source;
use crate::terminals::TERMINALS;
use crate::time::{HOUR_US, MINUTE_US};
use crate::vessels::{Call, Stage, Stamp};
use events::v1::{self, Classifier, OperationsEventType, PortCallPhase, PortCallService};

impl Port {
    /// The agent announces a call: moves, notice, first estimate; the terminal answers.
    pub(crate) fn announce(&mut self, id: Id<Call>) {
        self.introduce(id);
        self.forecast_moves(id);
        self.notice(id);
        self.estimate(id, Source::Pcs);
        self.request(id);
        let wait_us = self.vessel_random.between(8 * MINUTE_US, 25 * MINUTE_US);
        self.after(wait_us, Step::ReviseArrival(id, Source::Tos));
        let first = self
            .calls
            .get(id)
            .is_some_and(|call| call.rotation_seq == 1);
        let until_us = self
            .calls
            .get(id)
            .map_or(0, |call| call.expected_us - self.now_us);
        self.after(
            (until_us / 4).min(4 * HOUR_US),
            Step::ReviseArrival(id, Source::Pcs),
        );
        if first {
            self.after(
                (until_us - 12 * HOUR_US).max(MINUTE_US),
                Step::ReviseArrival(id, Source::Ais),
            );
        }
    }

    /// One more estimate, and when the next is due: after a quarter of the time that is left.
    pub(crate) fn revise_arrival(&mut self, id: Id<Call>, source: Source) {
        let Some(call) = self
            .calls
            .get(id)
            .filter(|call| call.stage == Stage::Announced)
        else {
            return;
        };
        let left_us = call.expected_us - self.now_us;
        if left_us < 5 * MINUTE_US {
            return;
        }
        match source {
            Source::Tos => self.agree(id),
            _ => self.estimate(id, source),
        }
        let wait_us = (left_us / 4).clamp(10 * MINUTE_US, 4 * HOUR_US)
            + self.vessel_random.between(0, MINUTE_US);
        self.after(wait_us, Step::ReviseArrival(id, source));
    }

    /// What a source thinks of the arrival: the truth, a trend that belongs to the call, and noise.
    fn guess_us(&mut self, id: Id<Call>, source: Source) -> Option<i64> {
        let call = self.calls.get(id)?;
        let left_us = (call.expected_us - self.now_us).max(0);
        let (noise_permille, trend_percent, to_us) = match source {
            Source::Ais => (12, 30, MINUTE_US),
            Source::Tos => (20, 80, 15 * MINUTE_US),
            _ => (35, 100, 5 * MINUTE_US),
        };
        let trend_us = left_us / 1_000 * call.bias_permille * trend_percent / 100;
        let guess_us =
            call.expected_us + trend_us + self.vessel_random.bell(left_us / 1_000 * noise_permille);
        let rounded_us = guess_us.div_euclid(to_us) * to_us;
        Some(rounded_us.max(self.now_us + MINUTE_US))
    }

    /// An estimate of the arrival at berth.
    pub(crate) fn estimate(&mut self, id: Id<Call>, source: Source) {
        let Some(at_us) = self.guess_us(id, source) else {
            return;
        };
        self.stamp(source, id, arrival(Classifier::Est, at_us));
    }

    /// The terminal asks for an arrival, a little after the estimate where it is busy.
    fn request(&mut self, id: Id<Call>) {
        let Some(at_us) = self.guess_us(id, Source::Tos) else {
            return;
        };
        let queue = self
            .calls
            .get(id)
            .map_or(0, |call| self.terminals[call.terminal].queue.len() as i64);
        self.stamp(
            Source::Tos,
            id,
            arrival(Classifier::Req, at_us + queue * 30 * MINUTE_US),
        );
    }

    /// The terminal agrees to an arrival, and again if it moves by more than half an hour.
    fn agree(&mut self, id: Id<Call>) {
        let Some(at_us) = self.guess_us(id, Source::Tos) else {
            return;
        };
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        let has_moved = call
            .planned_us
            .is_none_or(|planned_us| (planned_us - at_us).abs() > 30 * MINUTE_US);
        if has_moved {
            call.planned_us = Some(at_us);
            self.stamp(Source::Tos, id, arrival(Classifier::Pln, at_us));
        }
    }

    /// The craft's lasting data, once a rotation.
    fn introduce(&mut self, id: Id<Call>) {
        let Some(call) = self.calls.get(id).filter(|call| call.rotation_seq == 1) else {
            return;
        };
        let Some(craft) = self.craft.get(call.craft) else {
            return;
        };
        let vessel = &craft.hull.particulars;
        let body = v1::Vessel {
            imo: vessel.imo.clone(),
            mmsi: vessel.mmsi.clone(),
            eni: vessel.eni.clone(),
            name: vessel.name.clone(),
            length_cm: vessel.length_cm.unwrap_or(0),
            beam_cm: vessel.beam_cm.unwrap_or(0),
            draught_max_cm: craft.hull.draught_max_cm,
        };
        let head = Head::act(self.now_us, "");
        self.send(Source::Master, head, body);
    }

    fn forecast_moves(&mut self, id: Id<Call>) {
        let Some(call) = self.calls.get(id) else {
            return;
        };
        let Some(craft) = self.craft.get(call.craft) else {
            return;
        };
        let mut by_size = [0; 3];
        let (mut reefer, mut empty) = (0, 0);
        for container in call
            .discharge
            .iter()
            .filter_map(|id| self.containers.get(*id))
        {
            let place = match SIZES[container.size].quarters {
                4 => 0,
                8 => 1,
                _ => 2,
            };
            by_size[place] += 1;
            reefer += u32::from(SIZES[container.size].is_reefer);
            empty += u32::from(!container.is_laden);
        }
        let body = v1::MovesForecast {
            discharge_20: by_size[0],
            discharge_40: by_size[1],
            discharge_45: by_size[2],
            load_20: call.load_left / 3,
            load_40: call.load_left - call.load_left / 3 - call.load_left / 14,
            load_45: call.load_left / 14,
            restow: 0,
            empty: empty + call.load_left * 3 / 10,
            reefer,
            out_of_gauge: 0,
            carrier: craft.hull.carrier.to_owned(),
        };
        let head = Head::new(
            call.expected_us,
            Classifier::Est,
            TERMINALS[call.terminal].id,
        )
        .of_visit(&craft.port_call, &call.berth_visit);
        self.send(Source::Pcs, head, body);
    }

    /// Electronic reporting of a barge's voyage, once a rotation.
    fn notice(&mut self, id: Id<Call>) {
        let Some(call) = self.calls.get(id).filter(|call| call.rotation_seq == 1) else {
            return;
        };
        let Some(craft) = self.craft.get(call.craft) else {
            return;
        };
        let body = v1::VesselNotice {
            vessel: Some(craft.hull.particulars.clone()),
            berth_requested: String::new(),
            un_numbers: match craft.hull.particulars.cones {
                0 => Vec::new(),
                _ => vec!["1263".to_owned()],
            },
            containers_on_board: call.discharge.len() as u32,
            origin: "NLRTM".to_owned(),
            destination: "DEDUI".to_owned(),
        };
        let head = Head::act(self.now_us, TERMINALS[call.terminal].id)
            .of_visit(&craft.port_call, &call.berth_visit);
        self.send(Source::Pcs, head, body);
    }
}

/// Arrival at berth.
pub(crate) fn arrival(classifier: Classifier, at_us: i64) -> Stamp {
    Stamp {
        service: PortCallService::Berth,
        event_type: OperationsEventType::Arri,
        phase: PortCallPhase::Inbd,
        classifier,
        at_us,
    }
}

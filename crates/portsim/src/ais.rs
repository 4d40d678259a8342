//! Transponders: a position every few seconds under way, every three minutes at rest.

use crate::agenda::Step;
use crate::outbox::Head;
use crate::pool::Id;
use crate::port::Port;
use crate::river;
use crate::sources::Source;
use crate::terminals::TERMINALS;
use crate::time::{HOUR_US, MINUTE_US, SECOND_US};
use crate::vessels::{Craft, Motion};
use events::v1;

/// Metres in a nautical mile.
const NAUTICAL_MILE_M: i64 = 1_852;

/// What a transponder sees of its craft's way.
struct Fix {
    position_e7: (i32, i32),
    speed_dkn: u32,
    course_ddeg: u32,
    status: u32,
}

impl Port {
    pub(crate) fn transponder(&mut self, id: Id<Craft>) {
        let Some(craft) = self.craft.get(id) else {
            return;
        };
        let Some(fix) = fix(craft, self.now_us) else {
            return;
        };
        let random = &mut self.ais_random;
        let jitter_e7 = |random: &mut crate::random::Random| random.between(-400, 400) as i32;
        let sends_voyage = random.percent(15);
        let vessel = &craft.hull.particulars;
        let body = v1::VesselPosition {
            mmsi: vessel.mmsi.clone(),
            imo: vessel.imo.clone(),
            latitude_e7: Some(fix.position_e7.0 + jitter_e7(random)),
            longitude_e7: Some(fix.position_e7.1 + jitter_e7(random)),
            speed_over_ground_dkn: Some(fix.speed_dkn),
            course_over_ground_ddeg: Some(fix.course_ddeg),
            heading_deg: Some(fix.course_ddeg / 10),
            navigational_status: Some(fix.status),
            draught_cm: sends_voyage.then_some(vessel.draught_cm).flatten(),
            destination: match (sends_voyage, craft.calls.is_empty()) {
                (false, _) => String::new(),
                (true, false) => "DUISBURG".to_owned(),
                (true, true) => "NLRTM".to_owned(),
            },
            arrival_estimated_at_us: None,
            name: vessel.name.clone(),
            ship_type: craft.hull.ship_type.to_owned(),
            length_cm: sends_voyage.then_some(vessel.length_cm).flatten(),
            beam_cm: sends_voyage.then_some(vessel.beam_cm).flatten(),
        };
        let every_us = match fix.speed_dkn {
            0 => 3 * MINUTE_US,
            _ => 12 * SECOND_US,
        };
        let every_us = every_us * 100 / i64::from(self.settings.chatter_percent);
        let wait_us = every_us + random.between(-every_us / 6, every_us / 6);
        let mut head = Head::act(self.now_us, "");
        head.port_call.clone_from(&craft.port_call);
        self.send(Source::Ais, head, body);
        self.after(wait_us.max(1), Step::Transponder(id));
    }
}

fn fix(craft: &Craft, now_us: i64) -> Option<Fix> {
    let at_rest = |terminal: usize, status| Fix {
        position_e7: TERMINALS[terminal].position_e7,
        speed_dkn: 0,
        course_ddeg: 0,
        status,
    };
    match craft.motion {
        Motion::Away => None,
        // ITU-R M.1371: 1 at anchor, 5 moored, 0 under way using engine.
        Motion::Anchored { terminal } => Some(at_rest(terminal, 1)),
        Motion::Moored { terminal } => Some(at_rest(terminal, 5)),
        Motion::UnderWay {
            from_m,
            to_m,
            departs_us,
            arrives_us,
        } => {
            let span_us = (arrives_us - departs_us).max(1);
            let gone_us = (now_us - departs_us).clamp(0, span_us);
            let way_m = to_m - from_m;
            let at_m =
                from_m + (i128::from(way_m) * i128::from(gone_us) / i128::from(span_us)) as i64;
            let m_per_h = way_m.abs() * HOUR_US / span_us;
            let downstream_ddeg = river::course_downstream_ddeg(at_m);
            let course_ddeg = match way_m >= 0 {
                true => downstream_ddeg,
                false => (downstream_ddeg + 1_800) % 3_600,
            };
            Some(Fix {
                position_e7: river::position_e7(at_m),
                speed_dkn: (m_per_h * 10 / NAUTICAL_MILE_M).max(1) as u32,
                course_ddeg,
                status: 0,
            })
        }
    }
}

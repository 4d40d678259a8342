//! New craft: who comes, when, and to which terminals, in the order in which it visits them.

use crate::agenda::Step;
use crate::containers::Exit;
use crate::fleet;
use crate::pool::Id;
use crate::port::Port;
use crate::terminals::TERMINALS;
use crate::time::{self, HOUR_US, MINUTE_US};
use crate::vessels::{Call, Craft, Motion, REACH_US, Stage};
use events::v1;

/// How long before its arrival a craft is announced.
pub(crate) const LEAD_US: i64 = 36 * HOUR_US;
/// Calls that the port knows of at most; craft beyond that go elsewhere. A usual day has some 250.
const CALLS_MAX: usize = 600;
/// Depth of the shallowest berth at 233 cm on the gauge.
const SHALLOWEST_CM: i64 = 320;
/// Water under the keel that a craft plans with; more than the berths ask for, since the water may fall.
const UNDER_KEEL_CM: i64 = 45;

impl Port {
    /// Rotations of barges and calls of coasters in a busy hour, in thousandths.
    pub(crate) fn vessels_per_hour(&self) -> (i64, i64) {
        let traffic = i64::from(self.settings.traffic_percent);
        (2_900 * traffic / 100, 200 * traffic / 100)
    }

    /// Announces the craft of one hour of the opening: about as many as come later, spread over the hour.
    pub(crate) fn announce_hour(
        &mut self,
        hour_us: i64,
        barges_permille: i64,
        coasters_permille: i64,
    ) {
        let share = i64::from(time::share_ppm(&time::BARGES, hour_us));
        // The first hours take the craft that would have come before, so that the quays do not start empty.
        let boost = match (hour_us - self.start_us()) / HOUR_US {
            0 => 3,
            1 => 2,
            _ => 1,
        };
        for (permille, is_barge) in [(barges_permille, true), (coasters_permille, false)] {
            let expected = permille * share * boost / 1_000_000;
            let whole = expected / 1_000;
            let rest = self
                .vessel_random
                .chance_ppm((expected % 1_000 * 1_000) as u32);
            for _ in 0..whole + i64::from(rest) {
                let arrives_us = hour_us + self.vessel_random.between(0, HOUR_US);
                let told_us =
                    self.start_us() - self.vessel_random.between(5 * MINUTE_US, 50 * MINUTE_US);
                self.new_craft(is_barge, arrives_us, told_us);
            }
        }
    }

    pub(crate) fn barge_is_announced(&mut self) {
        let (busy_permille, _) = self.vessels_per_hour();
        self.next_craft(true, busy_permille, Step::BargeIsAnnounced);
    }

    pub(crate) fn coaster_is_announced(&mut self) {
        let (_, busy_permille) = self.vessels_per_hour();
        self.next_craft(false, busy_permille, Step::CoasterIsAnnounced);
    }

    /// Poisson arrivals with a daily rhythm: candidates at the busiest hour's rate, of which the rhythm takes its share.
    fn next_craft(&mut self, is_barge: bool, busy_permille: i64, again: Step) {
        let arrives_us = self.now_us + LEAD_US;
        let share = time::share_ppm(&time::BARGES, arrives_us);
        if self.vessel_random.chance_ppm(share) {
            self.new_craft(is_barge, arrives_us, self.now_us);
        }
        let wait_us = self
            .vessel_random
            .exponential(HOUR_US * 1_000 / busy_permille.max(1));
        self.after(wait_us, again);
    }

    fn new_craft(&mut self, is_barge: bool, arrives_us: i64, told_us: i64) {
        if self.calls.len() >= CALLS_MAX {
            return;
        }
        let random = &mut self.vessel_random;
        let mut hull = match is_barge {
            true => fleet::barge(random),
            false => fleet::coaster(random),
        };
        if random.percent(6) {
            hull.particulars.cones = 1;
        }
        if is_barge && random.percent(80) {
            // Most load for the water that there is, so that they can lie anywhere in the port.
            let water_cm =
                (SHALLOWEST_CM + self.gauge.level_cm() - 233 - UNDER_KEEL_CM).max(150) as u32;
            let draught_cm = hull
                .particulars
                .draught_cm
                .map(|draught_cm| draught_cm.min(water_cm));
            hull.particulars.draught_cm = draught_cm;
        }
        self.call_count += 1;
        let (year, month, _) = time::date(arrives_us);
        let port_call = format!("DEDUI-{:02}{month:02}-{:05}", year % 100, self.call_count);
        let route = self.route(is_barge, &hull.particulars);
        let craft = self.craft.add(Craft {
            hull,
            port_call: port_call.clone(),
            calls: Vec::new(),
            motion: Motion::Away,
        });
        let mut expected_us = arrives_us;
        for (seq, terminal) in route.iter().enumerate() {
            let call = self.new_call(
                craft,
                *terminal,
                seq as u32 + 1,
                route.len() > 1,
                &port_call,
                expected_us,
            );
            expected_us +=
                self.calls.get(call).map_or(0, |c| c.handling_min) * MINUTE_US + 45 * MINUTE_US;
            self.agenda
                .plan(told_us.max(self.now_us), Step::Announce(call));
        }
        self.agenda.plan(
            (arrives_us - REACH_US).max(self.start_us()),
            Step::Approaches(craft),
        );
        self.agenda.plan(arrives_us, Step::Reaches(craft));
    }

    /// Terminals in the order in which a craft visits them, each once, from the river's one end to the other.
    fn route(&mut self, is_barge: bool, vessel: &v1::VesselParticulars) -> Vec<usize> {
        if !is_barge {
            return vec![0];
        }
        let wanted = 1 + self.vessel_random.weighted(&[22, 36, 30, 12]);
        let mut weights: Vec<u32> = TERMINALS
            .iter()
            .map(|terminal| terminal.call_weight)
            .collect();
        let draught_cm = i64::from(vessel.draught_cm.unwrap_or(0)) + UNDER_KEEL_CM;
        let water_cm = self.gauge.level_cm() - 233;
        for (weight, terminal) in weights.iter_mut().zip(TERMINALS) {
            let mut berths = terminal.berths.iter();
            if !berths.any(|b| {
                b.cones_max >= vessel.cones && i64::from(b.depth_cm) + water_cm >= draught_cm
            }) {
                *weight = 0;
            }
        }
        let mut route = Vec::new();
        while route.len() < wanted && weights.iter().any(|weight| *weight > 0) {
            let terminal = self.vessel_random.weighted(&weights);
            weights[terminal] = 0;
            route.push(terminal);
        }
        if route.is_empty() {
            route.push(0);
        }
        route.sort_by_key(|terminal| TERMINALS[*terminal].river_m);
        if self.vessel_random.percent(50) {
            route.reverse();
        }
        route
    }

    fn new_call(
        &mut self,
        craft: Id<Craft>,
        terminal: usize,
        rotation_seq: u32,
        is_in_rotation: bool,
        port_call: &str,
        expected_us: i64,
    ) -> Id<Call> {
        let moves_max = self.craft.get(craft).map_or(20, |c| c.hull.moves_max);
        let random = &mut self.vessel_random;
        let discharges = random.between(moves_max / 5, moves_max);
        let loads = random.between(moves_max / 5, moves_max);
        let bias_permille = random.bell(60);
        let slack_us = random.between(2 * HOUR_US, 8 * HOUR_US);
        let is_sea = moves_max > 100;
        let moves_per_h = i64::from(TERMINALS[terminal].crane_moves_per_h.max(1)) * 85 / 100;
        let gangs = 1 + i64::from(discharges + loads > 55);
        let handling_min = 25 + (discharges + loads) * 60 / (moves_per_h * gangs);
        let discharge = (0..discharges)
            .map(|_| self.new_container(terminal, Exit::Truck))
            .collect();
        let call = self.calls.add(Call {
            craft,
            terminal,
            berth_visit: format!("{port_call}-{rotation_seq}"),
            rotation_seq,
            is_in_rotation,
            stage: Stage::Announced,
            expected_us,
            bias_permille,
            planned_us: None,
            handling_min,
            departure_latest_us: expected_us + handling_min * MINUTE_US + slack_us,
            priority: if is_sea { 3 } else { 1 },
            discharge,
            load_left: loads as u32,
            berth: 0,
            from_dm: 0,
            to_dm: 0,
            cranes: 0,
            has_begun: false,
            was_anchored: false,
        });
        if let Some(craft) = self.craft.get_mut(craft) {
            craft.calls.push(call);
        }
        call
    }
}

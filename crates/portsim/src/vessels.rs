//! Port calls: craft are announced a day and a half ahead, their arrival is estimated again and again, they come, go
//! from terminal to terminal, and leave.

use crate::agenda::Step;
use crate::containers::{Container, Exit};
use crate::fleet::{self, Hull};
use crate::outbox::Head;
use crate::pool::Id;
use crate::port::Port;
use crate::river;
use crate::sources::Source;
use crate::terminals::TERMINALS;
use crate::time::{self, HOUR_US, MINUTE_US};
use events::v1::{self, Classifier, OperationsEventType, PortCallPhase, PortCallService};

/// How long before its arrival a craft is announced.
pub(crate) const LEAD_US: i64 = 36 * HOUR_US;
/// Depth of the shallowest berth at 233 cm on the gauge.
const SHALLOWEST_CM: i64 = 320;
/// Water under the keel that a craft plans with; more than the berths ask for, since the water may fall.
const UNDER_KEEL_CM: i64 = 45;
/// How long before its arrival a craft comes into the receivers' reach.
const REACH_US: i64 = 2 * HOUR_US;

/// A craft that calls or passes.
#[derive(Debug)]
pub(crate) struct Craft {
    pub hull: Hull,
    pub port_call: String,
    /// Calls that are still ahead or going on.
    pub calls: Vec<Id<Call>>,
    pub motion: Motion,
}

/// Where a craft is, as a function of time.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Motion {
    /// Out of the receivers' reach.
    Away,
    /// On the river, from one kilometre to another.
    UnderWay {
        from_m: i64,
        to_m: i64,
        departs_us: i64,
        arrives_us: i64,
    },
    /// Waiting before a terminal.
    Anchored { terminal: usize },
    /// At a terminal's quay.
    Moored { terminal: usize },
}

/// A call at one terminal.
#[derive(Debug)]
pub(crate) struct Call {
    pub craft: Id<Craft>,
    pub terminal: usize,
    pub berth_visit: String,
    pub rotation_seq: u32,
    pub is_in_rotation: bool,
    pub stage: Stage,
    /// When it will arrive, as far as the port's own course of things says; nobody in the port knows it.
    pub expected_us: i64,
    /// Trend of the estimates' error, thousandths of the time that is left.
    pub bias_permille: i64,
    /// What the terminal has agreed to.
    pub planned_us: Option<i64>,
    pub handling_min: i64,
    pub departure_latest_us: i64,
    pub priority: u32,
    /// Containers on board for this terminal.
    pub discharge: Vec<Id<Container>>,
    /// Containers still to be loaded.
    pub load_left: u32,
    pub berth: usize,
    pub from_dm: u32,
    pub to_dm: u32,
    pub cranes: u32,
    pub has_begun: bool,
    pub was_anchored: bool,
}

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Announced,
    Waiting,
    Alongside,
    Ready,
    Done,
}

/// A timestamp of a port call in short.
pub(crate) struct Stamp {
    pub service: PortCallService,
    pub event_type: OperationsEventType,
    pub phase: PortCallPhase,
    pub classifier: Classifier,
    pub at_us: i64,
}

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

    /// Writes a timestamp of a call.
    pub(crate) fn stamp(&mut self, source: Source, id: Id<Call>, stamp: Stamp) {
        let Some(call) = self.calls.get(id) else {
            return;
        };
        let Some(craft) = self.craft.get(call.craft) else {
            return;
        };
        let spec = TERMINALS[call.terminal].id;
        let knows_berth = call.to_dm > 0;
        let is_anchorage = stamp.service == PortCallService::Anchorage;
        let body = v1::PortCallTimestamp {
            service: stamp.service.into(),
            event_type: stamp.event_type.into(),
            phase: stamp.phase.into(),
            facility_type: match is_anchorage {
                true => v1::FacilityType::Anch.into(),
                false => v1::FacilityType::Brth.into(),
            },
            facility_code: match (is_anchorage, knows_berth) {
                (true, _) => format!("{spec}-ANCH"),
                (false, true) => TERMINALS[call.terminal].berths[call.berth].id.to_owned(),
                (false, false) => String::new(),
            },
            code_list_provider: v1::CodeListProvider::Local.into(),
            delay_reason_codes: Vec::new(),
            vessel: Some(craft.hull.particulars.clone()),
            quay_from_dm: knows_berth.then_some(call.from_dm),
            quay_to_dm: knows_berth.then_some(call.to_dm),
            carrier: craft.hull.carrier.to_owned(),
            handling_planned_min: Some(call.handling_min as u32),
            departure_latest_at_us: Some(call.departure_latest_us),
            rotation_seq: if call.is_in_rotation {
                call.rotation_seq
            } else {
                0
            },
            rotation_id: if call.is_in_rotation {
                craft.port_call.clone()
            } else {
                String::new()
            },
            priority: Some(call.priority),
        };
        let head = Head::new(stamp.at_us, stamp.classifier, spec)
            .of_visit(&craft.port_call, &call.berth_visit);
        self.send(source, head, body);
    }

    /// The craft comes into the receivers' reach.
    pub(crate) fn approaches(&mut self, id: Id<Craft>) {
        let Some(craft) = self.craft.get(id) else {
            return;
        };
        let Some(call) = craft.calls.first().and_then(|call| self.calls.get(*call)) else {
            return;
        };
        let to_m = TERMINALS[call.terminal].river_m;
        let arrives_us = call.expected_us.max(self.now_us + MINUTE_US);
        let way_m = craft.hull.speed_m_per_h * (arrives_us - self.now_us) / HOUR_US;
        let is_downstream = craft.hull.particulars.length_cm.unwrap_or(0) % 3 == 0;
        let from_m = match is_downstream {
            true => (to_m - way_m).max(river::UPSTREAM_END_M),
            false => (to_m + way_m).min(river::DOWNSTREAM_END_M),
        };
        let departs_us = self.now_us;
        self.set_motion(
            id,
            Motion::UnderWay {
                from_m,
                to_m,
                departs_us,
                arrives_us,
            },
        );
        let first_us = self.ais_random.between(0, 10 * time::SECOND_US);
        self.after(first_us, Step::Transponder(id));
    }

    /// The craft is before the next terminal of its rotation.
    pub(crate) fn reaches(&mut self, id: Id<Craft>) {
        let Some(call_id) = self
            .craft
            .get(id)
            .and_then(|craft| craft.calls.first().copied())
        else {
            return;
        };
        let Some(call) = self.calls.get_mut(call_id) else {
            return;
        };
        call.stage = Stage::Waiting;
        call.expected_us = self.now_us;
        let terminal = call.terminal;
        self.terminals[terminal].queue.push(call_id);
        self.set_motion(id, Motion::Anchored { terminal });
        self.berth_the_waiting(terminal);
        let Some(call) = self
            .calls
            .get_mut(call_id)
            .filter(|call| call.stage == Stage::Waiting)
        else {
            return;
        };
        call.was_anchored = true;
        let at_us = self.now_us;
        let arrives = Stamp {
            service: PortCallService::Anchorage,
            event_type: OperationsEventType::Arri,
            phase: PortCallPhase::Inbd,
            classifier: Classifier::Act,
            at_us,
        };
        self.stamp(Source::Pcs, call_id, arrives);
    }

    /// After a call: on to the next terminal, or out of the port.
    pub(crate) fn sails_on(&mut self, id: Id<Craft>, from_terminal: usize) {
        let Some(craft) = self.craft.get(id) else {
            return;
        };
        let from_m = TERMINALS[from_terminal].river_m;
        let departs_us = self.now_us;
        let Some(next) = craft.calls.first().copied() else {
            let to_m = match from_m % 2_000 < 1_000 {
                true => river::DOWNSTREAM_END_M,
                false => river::UPSTREAM_END_M,
            };
            let arrives_us =
                departs_us + (to_m - from_m).abs() * HOUR_US / craft.hull.speed_m_per_h;
            self.set_motion(
                id,
                Motion::UnderWay {
                    from_m,
                    to_m,
                    departs_us,
                    arrives_us,
                },
            );
            self.agenda.plan(arrives_us, Step::Leaves(id));
            return;
        };
        let speed_m_per_h = craft.hull.speed_m_per_h / 2;
        let rest: Vec<Id<Call>> = craft.calls.clone();
        let Some(to_m) = self
            .calls
            .get(next)
            .map(|call| TERMINALS[call.terminal].river_m)
        else {
            return;
        };
        let manoeuvre_us = self.vessel_random.between(15 * MINUTE_US, 30 * MINUTE_US);
        let arrives_us =
            departs_us + manoeuvre_us + (to_m - from_m).abs() * HOUR_US / speed_m_per_h;
        self.set_motion(
            id,
            Motion::UnderWay {
                from_m,
                to_m,
                departs_us,
                arrives_us,
            },
        );
        self.agenda.plan(arrives_us, Step::Reaches(id));
        let mut expected_us = arrives_us;
        for call in rest {
            if let Some(call) = self.calls.get_mut(call) {
                call.expected_us = expected_us;
                expected_us += (call.handling_min + 45) * MINUTE_US;
            }
            self.estimate(call, Source::Pcs);
        }
    }

    pub(crate) fn set_motion(&mut self, id: Id<Craft>, motion: Motion) {
        if let Some(craft) = self.craft.get_mut(id) {
            craft.motion = motion;
        }
    }

    /// Out of reach.
    pub(crate) fn leaves(&mut self, id: Id<Craft>) {
        self.craft.remove(id);
    }

    /// Through traffic: no call, only positions.
    pub(crate) fn passes_through(&mut self) {
        let share = time::share_ppm(&time::BARGES, self.now_us);
        if self.vessel_random.chance_ppm(share) {
            let hull = fleet::passer(&mut self.vessel_random);
            let is_downstream = self.vessel_random.percent(50);
            let (from_m, to_m) = match is_downstream {
                true => (river::UPSTREAM_END_M, river::DOWNSTREAM_END_M),
                false => (river::DOWNSTREAM_END_M, river::UPSTREAM_END_M),
            };
            let departs_us = self.now_us;
            let arrives_us = departs_us + (to_m - from_m).abs() * HOUR_US / hull.speed_m_per_h;
            let craft = self.craft.add(Craft {
                hull,
                port_call: String::new(),
                calls: Vec::new(),
                motion: Motion::UnderWay {
                    from_m,
                    to_m,
                    departs_us,
                    arrives_us,
                },
            });
            self.agenda.plan(arrives_us, Step::Leaves(craft));
            self.after(0, Step::Transponder(craft));
        }
        let traffic = i64::from(self.settings.traffic_percent);
        let wait_us = self
            .vessel_random
            .exponential(HOUR_US * 100 / (3 * traffic));
        self.after(wait_us, Step::PassesThrough);
    }
}

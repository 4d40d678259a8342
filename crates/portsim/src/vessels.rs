//! Craft and their calls: they come into reach, wait, go from terminal to terminal, and leave. Others only pass.

use crate::agenda::Step;
use crate::containers::Container;
use crate::fleet::{self, Hull};
use crate::outbox::Head;
use crate::pool::Id;
use crate::port::Port;
use crate::river;
use crate::sources::Source;
use crate::terminals::TERMINALS;
use crate::time::{self, HOUR_US, MINUTE_US};
use events::v1::{self, Classifier, OperationsEventType, PortCallPhase, PortCallService};

/// How long before its arrival a craft comes into the receivers' reach.
pub(crate) const REACH_US: i64 = 2 * HOUR_US;

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

//! Berths: who lies where. First come, first served, but a craft that fits may pass one that does not.

use crate::agenda::Step;
use crate::estimates::arrival;
use crate::outbox::Head;
use crate::pool::Id;
use crate::port::Port;
use crate::sources::Source;
use crate::terminals::{GAP_DM, TERMINALS};
use crate::time::{HOUR_US, MINUTE_US};
use crate::vessels::{Call, Motion, Stage, Stamp};
use events::v1::{self, Classifier, OperationsEventType, PortCallPhase, PortCallService};

/// Ruhrort, the gauge that all berths go by.
pub(crate) const GAUGE_STATION: &str = "2770010";
/// Water that must stay under the keel.
const UNDER_KEEL_CM: i64 = 30;

/// Who lies at a berth now.
#[derive(Debug, Default)]
pub(crate) struct BerthState {
    pub stays: Vec<Lying>,
    pub is_closed: bool,
}

/// A craft at a berth.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lying {
    pub call: Id<Call>,
    pub from_dm: u32,
    pub to_dm: u32,
}

/// A quay crane.
#[derive(Debug, Default)]
pub(crate) struct CraneState {
    pub call: Option<Id<Call>>,
    pub is_down: bool,
    /// A move was due while it was down.
    pub is_paused: bool,
}

impl Port {
    /// Gives free berths to those who wait.
    pub(crate) fn berth_the_waiting(&mut self, terminal: usize) {
        let mut place = 0;
        while let Some(call) = self.terminals[terminal].queue.get(place).copied() {
            match self.free_place(terminal, call) {
                Some((berth, from_dm, to_dm)) => {
                    self.terminals[terminal].queue.remove(place);
                    self.moors(call, berth, from_dm, to_dm);
                }
                None => place += 1,
            }
        }
    }

    /// A berth that fits by length, water and cones, with the metres that are free.
    fn free_place(&self, terminal: usize, id: Id<Call>) -> Option<(usize, u32, u32)> {
        let call = self.calls.get(id)?;
        let vessel = &self.craft.get(call.craft)?.hull.particulars;
        let length_dm = vessel.length_cm.unwrap_or(0).div_ceil(10);
        let needs_cm = i64::from(vessel.draught_cm.unwrap_or(0)) + UNDER_KEEL_CM;
        let spec = TERMINALS[terminal].berths;
        spec.iter().enumerate().find_map(|(place, berth)| {
            let state = &self.terminals[terminal].berths[place];
            let depth_cm = i64::from(berth.depth_cm) + self.gauge.level_cm() - 233;
            if state.is_closed || berth.cones_max < vessel.cones || depth_cm < needs_cm {
                return None;
            }
            if berth.is_single && !state.stays.is_empty() {
                return None;
            }
            let from_dm = first_gap(&state.stays, berth.from_dm, berth.to_dm, length_dm)?;
            Some((place, from_dm, from_dm + length_dm))
        })
    }

    fn moors(&mut self, id: Id<Call>, berth: usize, from_dm: u32, to_dm: u32) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        (call.berth, call.from_dm, call.to_dm) = (berth, from_dm, to_dm);
        call.stage = Stage::Alongside;
        let (terminal, craft, was_anchored) = (call.terminal, call.craft, call.was_anchored);
        let lying = Lying {
            call: id,
            from_dm,
            to_dm,
        };
        self.terminals[terminal].berths[berth].stays.push(lying);
        self.set_motion(craft, Motion::Moored { terminal });
        let now_us = self.now_us;
        if was_anchored {
            let leaves = Stamp {
                service: PortCallService::Anchorage,
                event_type: OperationsEventType::Depa,
                ..arrival(Classifier::Act, now_us)
            };
            self.stamp(Source::Pcs, id, leaves);
        }
        self.stamp(Source::Tos, id, arrival(Classifier::Act, now_us));
        let fast_us = self.quay_random.between(5 * MINUTE_US, 10 * MINUTE_US);
        self.after(fast_us, Step::AllFast(id));
    }

    /// The last line is secured; the gangs come.
    pub(crate) fn all_fast(&mut self, id: Id<Call>) {
        let now_us = self.now_us;
        self.stamp(
            Source::Tos,
            id,
            alongside(PortCallService::AllFast, OperationsEventType::Cmpl, now_us),
        );
        let ready_us = self.quay_random.between(4 * MINUTE_US, 9 * MINUTE_US);
        self.after(ready_us, Step::ReadyForCranes(id));
    }

    /// The craft casts off; its berth is free.
    pub(crate) fn departs(&mut self, id: Id<Call>) {
        let now_us = self.now_us;
        let leaves = Stamp {
            phase: PortCallPhase::Outb,
            ..alongside(PortCallService::Berth, OperationsEventType::Depa, now_us)
        };
        self.stamp(Source::Tos, id, leaves);
        let Some(call) = self.calls.remove(id) else {
            return;
        };
        let stays = &mut self.terminals[call.terminal].berths[call.berth].stays;
        stays.retain(|lying| lying.call != id);
        if let Some(craft) = self.craft.get_mut(call.craft) {
            craft.calls.retain(|other| *other != id);
        }
        self.sails_on(call.craft, call.terminal);
        self.berth_the_waiting(call.terminal);
    }

    /// A berth goes out of use for some hours; who lies there may stay, nobody else comes.
    pub(crate) fn berth_closes(&mut self) {
        let terminal = 1 + self.quay_random.index(4);
        let berth = self.quay_random.index(TERMINALS[terminal].berths.len());
        let again_us = self.quay_random.between(10 * HOUR_US, 20 * HOUR_US);
        self.after(again_us, Step::BerthCloses);
        let state = &mut self.terminals[terminal].berths[berth];
        if state.is_closed {
            return;
        }
        state.is_closed = true;
        let span_us = self.quay_random.between(3 * HOUR_US, 5 * HOUR_US);
        let body = v1::BerthClosure {
            closure_id: format!("CL-{}", self.now_us / HOUR_US),
            berth_id: TERMINALS[terminal].berths[berth].id.to_owned(),
            from_at_us: self.now_us,
            to_at_us: self.now_us + span_us,
            is_cancelled: false,
            reason: "quay wall inspection".to_owned(),
        };
        let head = Head::act(self.now_us, TERMINALS[terminal].id);
        self.send(Source::Planner, head, body);
        self.after(span_us, Step::BerthOpens { terminal, berth });
    }

    pub(crate) fn berth_opens(&mut self, terminal: usize, berth: usize) {
        self.terminals[terminal].berths[berth].is_closed = false;
        self.berth_the_waiting(terminal);
    }
}

/// A fact while alongside.
pub(crate) fn alongside(
    service: PortCallService,
    event_type: OperationsEventType,
    at_us: i64,
) -> Stamp {
    Stamp {
        service,
        event_type,
        phase: PortCallPhase::Algs,
        classifier: Classifier::Act,
        at_us,
    }
}

/// The first stretch of `length_dm` between `from_dm` and `to_dm` that keeps the gap to everyone who lies there.
fn first_gap(stays: &[Lying], from_dm: u32, to_dm: u32, length_dm: u32) -> Option<u32> {
    let starts = stays.iter().map(|lying| lying.to_dm + GAP_DM);
    let mut candidates: Vec<u32> = std::iter::once(from_dm).chain(starts).collect();
    candidates.sort_unstable();
    candidates.into_iter().find(|start_dm| {
        let end_dm = start_dm + length_dm;
        let is_free =
            |lying: &Lying| end_dm + GAP_DM <= lying.from_dm || lying.to_dm + GAP_DM <= *start_dm;
        end_dm <= to_dm && stays.iter().all(is_free)
    })
}

//! Quay cranes: discharging, loading, breaking down.

use crate::agenda::Step;
use crate::containers::{Container, SIZES};
use crate::outbox::Head;
use crate::pool::Id;
use crate::port::Port;
use crate::quay::alongside;
use crate::sources::Source;
use crate::terminals::TERMINALS;
use crate::time::{HOUR_US, MINUTE_US, SECOND_US};
use crate::vessels::{Call, Stage, Stamp};
use crate::yard::Carriage;
use events::v1::{
    self, Classifier, EquipmentEventType, OperationsEventType, PortCallService, TransportMode,
    VesselKind,
};

/// Mean time between failures of a crane.
pub(crate) const MEAN_BETWEEN_FAILURES_US: i64 = 40 * HOUR_US;
/// Moves from which a call gets a second crane.
const SECOND_CRANE_FROM: usize = 55;

impl Port {
    /// A call waits for cranes from now on.
    pub(crate) fn ready_for_cranes(&mut self, id: Id<Call>) {
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        call.stage = Stage::Ready;
        let (terminal, handling_min) = (call.terminal, call.handling_min);
        let done_us = self.now_us + handling_min * MINUTE_US;
        self.forecast_end(id, done_us);
        self.give_out_cranes(terminal);
    }

    /// Estimates of cargo completion and departure.
    fn forecast_end(&mut self, id: Id<Call>, done_us: i64) {
        let completes = alongside(
            PortCallService::CargoOperations,
            OperationsEventType::Cmpl,
            done_us,
        );
        let departs = alongside(
            PortCallService::Berth,
            OperationsEventType::Depa,
            done_us + 15 * MINUTE_US,
        );
        for stamp in [completes, departs] {
            let forecast = Stamp {
                classifier: Classifier::Est,
                ..stamp
            };
            self.stamp(Source::Tos, id, forecast);
        }
    }

    /// Free cranes go first to calls that have none, then to large ones that have one.
    fn give_out_cranes(&mut self, terminal: usize) {
        for wanted in [1, 2] {
            for id in self.calls_in_work(terminal) {
                let Some(call) = self.calls.get(id) else {
                    continue;
                };
                let moves = call.discharge.len() + call.load_left as usize;
                let may_have = if moves >= SECOND_CRANE_FROM { 2 } else { 1 };
                if moves > 0 && call.cranes < wanted.min(may_have) {
                    self.give_a_crane(terminal, id);
                }
            }
        }
    }

    fn calls_in_work(&self, terminal: usize) -> Vec<Id<Call>> {
        let stays = self.terminals[terminal]
            .berths
            .iter()
            .flat_map(|berth| &berth.stays);
        stays
            .map(|lying| lying.call)
            .filter(|id| {
                self.calls
                    .get(*id)
                    .is_some_and(|call| call.stage == Stage::Ready)
            })
            .collect()
    }

    fn give_a_crane(&mut self, terminal: usize, id: Id<Call>) {
        let cranes = &mut self.terminals[terminal].cranes;
        let Some(crane) = cranes
            .iter()
            .position(|crane| crane.call.is_none() && !crane.is_down)
        else {
            return;
        };
        cranes[crane].call = Some(id);
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        call.cranes += 1;
        let begins = !std::mem::replace(&mut call.has_begun, true);
        if begins {
            let now_us = self.now_us;
            let starts = alongside(
                PortCallService::CargoOperations,
                OperationsEventType::Strt,
                now_us,
            );
            self.stamp(Source::Tos, id, starts);
        }
        self.plan_move(terminal, crane);
    }

    fn plan_move(&mut self, terminal: usize, crane: usize) {
        let mean_us = HOUR_US / i64::from(TERMINALS[terminal].crane_moves_per_h.max(1));
        let takes_us = (mean_us + self.quay_random.bell(mean_us / 4)).max(30 * SECOND_US);
        self.after(takes_us, Step::CraneMove { terminal, crane });
    }

    /// A crane sets a container down; which one, follows from what is left to do.
    pub(crate) fn crane_move(&mut self, terminal: usize, crane: usize) {
        let state = &mut self.terminals[terminal].cranes[crane];
        if state.is_down {
            state.is_paused = true;
            return;
        }
        let Some(id) = state.call else { return };
        if self.discharges(terminal, crane, id) || self.loads(terminal, crane, id) {
            self.plan_move(terminal, crane);
            return;
        }
        self.terminals[terminal].cranes[crane].call = None;
        let Some(call) = self.calls.get_mut(id) else {
            return;
        };
        call.cranes -= 1;
        if call.cranes == 0 && call.stage == Stage::Ready {
            call.stage = Stage::Done;
            let now_us = self.now_us;
            let completes = alongside(
                PortCallService::CargoOperations,
                OperationsEventType::Cmpl,
                now_us,
            );
            self.stamp(Source::Tos, id, completes);
            let castoff_us = self.quay_random.between(8 * MINUTE_US, 20 * MINUTE_US);
            self.after(castoff_us, Step::Departs(id));
        }
        self.give_out_cranes(terminal);
    }

    fn discharges(&mut self, terminal: usize, crane: usize, id: Id<Call>) -> bool {
        let Some(container) = self.calls.get_mut(id).and_then(|call| call.discharge.pop()) else {
            return false;
        };
        let by = self.carriage(id);
        self.comes_in(container, EquipmentEventType::Disc, &by);
        self.tell_move(terminal, crane, container, EquipmentEventType::Disc, &by);
        true
    }

    fn loads(&mut self, terminal: usize, crane: usize, id: Id<Call>) -> bool {
        let Some(call) = self.calls.get_mut(id).filter(|call| call.load_left > 0) else {
            return false;
        };
        call.load_left -= 1;
        let ready = &mut self.terminals[terminal].for_barge;
        if ready.is_empty() {
            // Nothing stands ready: the rest stays for the next craft.
            if let Some(call) = self.calls.get_mut(id) {
                call.load_left = 0;
            }
            return false;
        }
        let container = ready.swap_remove(self.quay_random.index(ready.len()));
        if self.quay_random.percent(14) {
            self.machine_moves(container, EquipmentEventType::Load, false);
        }
        let by = self.carriage(id);
        self.tell_move(terminal, crane, container, EquipmentEventType::Load, &by);
        self.goes_out(container, EquipmentEventType::Load, &by);
        true
    }

    fn carriage(&self, id: Id<Call>) -> Carriage {
        let Some(call) = self.calls.get(id) else {
            return Carriage::default();
        };
        let Some(craft) = self.craft.get(call.craft) else {
            return Carriage::default();
        };
        let is_sea = craft.hull.particulars.kind == i32::from(VesselKind::Sea);
        Carriage {
            mode: if is_sea {
                TransportMode::Vessel
            } else {
                TransportMode::Barge
            },
            transport_call: call.berth_visit.clone(),
            port_call: craft.port_call.clone(),
            berth_visit: call.berth_visit.clone(),
            train: String::new(),
        }
    }

    fn tell_move(
        &mut self,
        terminal: usize,
        crane: usize,
        id: Id<Container>,
        event_type: EquipmentEventType,
        by: &Carriage,
    ) {
        let Some(container) = self.containers.get(id) else {
            return;
        };
        let block = container
            .block
            .map(|block| self.terminals[terminal].blocks[block].name.clone());
        let (yard, hold) = (block.unwrap_or_default(), by.berth_visit.clone());
        let (from_position, to_position) = match event_type {
            EquipmentEventType::Disc => (hold, yard),
            _ => (yard, hold),
        };
        let takes_us = self.quay_random.between(70 * SECOND_US, 130 * SECOND_US);
        let body = v1::MoveEvent {
            container_id: container.number.as_str().to_owned(),
            equipment_id: self.terminals[terminal].crane_id(crane),
            from_position,
            to_position,
            started_at_us: self.now_us - takes_us,
            ended_at_us: self.now_us,
            event_type: event_type.into(),
            is_productive: true,
            teu_quarters: SIZES[container.size].quarters,
        };
        let head =
            Head::act(self.now_us, TERMINALS[terminal].id).of_visit(&by.port_call, &by.berth_visit);
        self.send(Source::Tos, head, body);
    }

    pub(crate) fn crane_fails(&mut self, terminal: usize, crane: usize) {
        let out_us = self.quay_random.between(15 * MINUTE_US, 110 * MINUTE_US);
        let reason = self
            .quay_random
            .pick(&["spreader", "hoist drive", "cable reel", "wind"]);
        self.terminals[terminal].cranes[crane].is_down = true;
        let expected_us = self.now_us + out_us + self.quay_random.bell(15 * MINUTE_US);
        let expected_us = expected_us.max(self.now_us + 5 * MINUTE_US);
        self.tell_device(terminal, crane, false, reason, Some(expected_us));
        if let Some(call) = self.terminals[terminal].cranes[crane].call {
            let left = self.calls.get(call).map_or(0, |call| {
                call.discharge.len() as i64 + i64::from(call.load_left)
            });
            let per_h = i64::from(TERMINALS[terminal].crane_moves_per_h.max(1));
            self.forecast_end(call, expected_us + left * HOUR_US / per_h);
        }
        self.after(out_us, Step::CraneIsBack { terminal, crane });
    }

    pub(crate) fn crane_is_back(&mut self, terminal: usize, crane: usize) {
        let state = &mut self.terminals[terminal].cranes[crane];
        state.is_down = false;
        let resumes = std::mem::take(&mut state.is_paused);
        self.tell_device(terminal, crane, true, "", None);
        if resumes {
            self.plan_move(terminal, crane);
        }
        self.give_out_cranes(terminal);
        let next_us = self.quay_random.exponential(MEAN_BETWEEN_FAILURES_US);
        self.after(next_us, Step::CraneFails { terminal, crane });
    }

    fn tell_device(
        &mut self,
        terminal: usize,
        crane: usize,
        is_up: bool,
        reason: &str,
        until_us: Option<i64>,
    ) {
        let body = v1::DeviceStatus {
            device_id: self.terminals[terminal].crane_id(crane),
            is_up,
            reason: reason.to_owned(),
            up_expected_at_us: until_us,
        };
        let head = Head::act(self.now_us, TERMINALS[terminal].id);
        self.send(Source::Tos, head, body);
    }
}

//! The planners' desk: now and then a lock on a berth, a unit bumped from its train, and both taken back.

use crate::agenda::Step;
use crate::outbox::Head;
use crate::port::Port;
use crate::sources::Source;
use crate::terminals::TERMINALS;
use crate::time::{HOUR_US, MINUTE_US};
use crate::vessels::Stage;
use events::v1::{self, CommandKind};

impl Port {
    pub(crate) fn planner_acts(&mut self) {
        self.command_turn += 1;
        match self.command_turn % 2 {
            1 => self.lock_a_berth(),
            _ => self.hold_a_unit(),
        }
        let wait_us = self.quay_random.between(2 * HOUR_US, 4 * HOUR_US);
        self.after(wait_us, Step::PlannerActs);
    }

    /// Locks the next coaster's call to its berth at the agreed time.
    fn lock_a_berth(&mut self) {
        let craft = self.craft.find(|craft| {
            let first = craft.calls.first().and_then(|id| self.calls.get(*id));
            first.is_some_and(|call| call.stage == Stage::Announced && call.planned_us.is_some())
        });
        let Some(call) = craft
            .and_then(|craft| craft.calls.first())
            .and_then(|id| self.calls.get(*id))
        else {
            return;
        };
        let Some(port_call) = self
            .craft
            .get(call.craft)
            .map(|craft| craft.port_call.clone())
        else {
            return;
        };
        let berths = TERMINALS[call.terminal].berths;
        let body = v1::BerthCommand {
            kind: CommandKind::Lock.into(),
            berth_id: berths[0].id.to_owned(),
            start_at_us: call
                .planned_us
                .filter(|at_us| *at_us > self.now_us + 30 * MINUTE_US),
            reason: "agreed with the operator".to_owned(),
            planner: "bp1".to_owned(),
        };
        let head = Head::act(self.now_us, TERMINALS[call.terminal].id)
            .of_visit(&port_call, &call.berth_visit);
        self.send(Source::Planner, head, body);
    }

    /// A unit must not go until its papers are mended; or it may again.
    fn hold_a_unit(&mut self) {
        let Some((unit, terminal)) = self.railway.some_booked_unit(&mut self.rail_random) else {
            return;
        };
        let body = v1::RailCommand {
            kind: CommandKind::Lock.into(),
            unit_id: unit,
            train_slot_id: String::new(),
            reason: "papers missing".to_owned(),
            planner: "rp1".to_owned(),
        };
        let head = Head::act(self.now_us, TERMINALS[terminal].id);
        self.send(Source::Planner, head, body);
    }
}

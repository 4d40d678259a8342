//! Refrigerated containers in the yard: a reading every few minutes, and now and then a plug that is pulled.

use crate::agenda::Step;
use crate::containers::Container;
use crate::outbox::Head;
use crate::pool::Id;
use crate::port::Port;
use crate::sources::Source;
use crate::time::{HOUR_US, MINUTE_US};
use events::v1;

impl Port {
    pub(crate) fn reefer_reports(&mut self, id: Id<Container>) {
        let random = &mut self.reefer_random;
        let Some(container) = self.containers.get_mut(id) else {
            return;
        };
        let Some(set_point_dc) = container.set_point_dc else {
            return;
        };
        let ended = container.is_unpowered && random.percent(8);
        container.is_unpowered &= !ended;
        container.excess_dc = match container.is_unpowered {
            true => (container.excess_dc + random.between(2, 5) as i32).min(150),
            false => container.excess_dc * 3 / 4,
        };
        let return_dc = set_point_dc + container.excess_dc + random.between(-3, 6) as i32;
        let body = v1::ReeferTelemetry {
            container_id: container.number.as_str().to_owned(),
            set_point_dc: Some(set_point_dc),
            supply_air_dc: Some(set_point_dc + container.excess_dc + random.between(-4, 2) as i32),
            return_air_dc: Some(return_dc),
            is_powered: !container.is_unpowered,
            alarms: match container.excess_dc {
                excess if excess > 20 => vec!["HIGH_RETURN_AIR".to_owned()],
                _ => Vec::new(),
            },
        };
        let every_us = 5 * MINUTE_US * 100 / i64::from(self.settings.chatter_percent);
        let wait_us = every_us + random.bell(every_us / 50);
        let terminal = self.terminals[container.terminal].spec.id;
        let head = Head::act(self.now_us, terminal);
        self.send(Source::Reefer, head, body);
        self.after(wait_us, Step::ReeferReports(id));
    }

    /// One reefer somewhere loses its power.
    pub(crate) fn reefer_fails(&mut self) {
        let terminal = self.reefer_random.index(self.terminals.len());
        let terminal = &self.terminals[terminal];
        let reefer = terminal
            .for_truck
            .iter()
            .chain(&terminal.for_barge)
            .find(|id| {
                let container = self.containers.get(**id);
                container.is_some_and(|c| c.set_point_dc.is_some() && !c.is_unpowered)
            });
        if let Some(container) = reefer.and_then(|id| self.containers.get_mut(*id)) {
            container.is_unpowered = true;
        }
        let wait_us = self
            .reefer_random
            .exponential(90 * MINUTE_US)
            .min(6 * HOUR_US);
        self.after(wait_us, Step::ReeferFails);
    }
}

//! Customs: some of what comes from abroad is held, looked at, and let go after hours.

use crate::agenda::Step;
use crate::containers::Container;
use crate::outbox::Head;
use crate::pool::Id;
use crate::port::Port;
use crate::sources::Source;
use crate::time::{HOUR_US, MINUTE_US};
use events::v1::{self, CustomsState};

impl Port {
    /// True if customs holds the container that has just come; it is then free to go only when customs says so.
    pub(crate) fn customs_may_hold(&mut self, id: Id<Container>) -> bool {
        let is_held = self.customs_random.percent(28);
        let Some(container) = self
            .containers
            .get_mut(id)
            .filter(|c| is_held && c.is_laden)
        else {
            return false;
        };
        container.customs = CustomsState::Unspecified;
        let wait_us = self.customs_random.between(2 * MINUTE_US, 15 * MINUTE_US);
        self.after(wait_us, Step::CustomsActs(id));
        true
    }

    pub(crate) fn customs_acts(&mut self, id: Id<Container>) {
        let random = &mut self.customs_random;
        let Some(container) = self.containers.get_mut(id) else {
            return;
        };
        let state = match container.customs {
            CustomsState::Unspecified => CustomsState::Hold,
            CustomsState::Hold if random.percent(25) => CustomsState::Scan,
            CustomsState::Scan if random.percent(20) => CustomsState::Inspect,
            _ => CustomsState::Release,
        };
        container.customs = state;
        let body = v1::CustomsStatus {
            container_id: container.number.as_str().to_owned(),
            state: state.into(),
            office: "DE002452".to_owned(),
            mrn: format!("26DE2452{:010}", random.below(10_000_000_000)),
        };
        let terminal = container.terminal;
        let wait_us = match state {
            CustomsState::Inspect => random.between(2 * HOUR_US, 9 * HOUR_US),
            CustomsState::Scan => random.between(HOUR_US / 2, 3 * HOUR_US),
            _ => 20 * MINUTE_US + random.exponential(100 * MINUTE_US),
        };
        let head = Head::act(self.now_us, self.terminals[terminal].spec.id);
        self.send(Source::Customs, head, body);
        match state {
            CustomsState::Release => self.is_free_to_go(id),
            _ => self.after(wait_us, Step::CustomsActs(id)),
        }
    }
}

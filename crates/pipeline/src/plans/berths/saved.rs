//! What the planner of berths remembers, in snapshots.

use events::DecodeError;
use events::internal::{BerthMemory, CallPrice, PlannedStay, PlannerState};
use optimise::berth::Duals;

use super::BerthPlanner;
use super::translate::LastStay;

impl BerthPlanner {
    pub(super) fn save_memory(&self, state: &mut PlannerState) {
        self.publisher.save(state);
        let stays = self.stays.iter().map(|(call, stay)| PlannedStay {
            call: call.clone(),
            berth_id: stay.berth_id.clone(),
            from_m: stay.from_m,
            start_us: stay.start_us,
            end_us: stay.end_us,
        });
        let prices = self.duals.prices.iter().map(|(name, price)| CallPrice {
            call: name.clone(),
            price: *price,
        });
        state.berths = Some(BerthMemory {
            stays: stays.collect(),
            prices: prices.collect(),
        });
    }

    pub(super) fn restore_memory(&mut self, mut state: PlannerState) -> Result<(), DecodeError> {
        self.publisher.restore(&mut state)?;
        let memory = state.berths.unwrap_or_default();
        let stays = memory.stays.into_iter().map(|stay| {
            let last = LastStay {
                berth_id: stay.berth_id,
                from_m: stay.from_m,
                start_us: stay.start_us,
                end_us: stay.end_us,
            };
            (stay.call, last)
        });
        self.stays = stays.collect();
        let prices = memory.prices.into_iter();
        self.duals = Duals {
            prices: prices.map(|price| (price.call, price.price)).collect(),
        };
        Ok(())
    }
}

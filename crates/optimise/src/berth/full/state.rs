//! A plan in the making.

use super::model::Model;
use domain::berth::{BerthPlan, Stay, Unassigned};

/// The stay of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Placement {
    pub mode: u32,
    pub start_min: i64,
    pub end_min: i64,
    pub cost: i64,
}

/// What the others on a quay need to know of a stay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neighbour {
    pub call: u32,
    pub berth: u32,
    pub from_m: i64,
    pub to_m: i64,
    pub start_min: i64,
    pub end_min: i64,
    pub cranes: u64,
    pub cones: u8,
    pub is_alongside: bool,
}

/// All stays, by call and by quay.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub at: Vec<Option<Placement>>,
    /// By dense quay number: its stays ascending by start.
    pub quays: Vec<Vec<Neighbour>>,
    pub value: i64,
}

impl State {
    /// Nobody has a stay.
    pub fn empty(model: &Model<'_>) -> Self {
        State {
            at: vec![None; model.calls.len()],
            quays: vec![Vec::new(); model.quay_cranes.len()],
            value: model
                .problem
                .calls
                .iter()
                .map(|call| call.unassigned_price)
                .sum(),
        }
    }

    pub fn place(&mut self, model: &Model<'_>, call: usize, placement: Placement) {
        let compiled = &model.calls[call];
        let mode = &compiled.modes[placement.mode as usize];
        let spot = &compiled.spots[mode.spot as usize];
        let on_quay = &mut self.quays[spot.quay as usize];
        let later = on_quay.partition_point(|other| other.start_min <= placement.start_min);
        let neighbour = Neighbour {
            call: call as u32,
            berth: spot.berth,
            from_m: spot.from_m,
            to_m: spot.to_m,
            start_min: placement.start_min,
            end_min: placement.end_min,
            cranes: mode.cranes,
            cones: model.problem.calls[call].cones,
            is_alongside: compiled.is_alongside,
        };
        on_quay.insert(later, neighbour);
        self.at[call] = Some(placement);
        self.value += placement.cost - model.problem.calls[call].unassigned_price;
    }

    /// What the stays cost, without the prices of calls that have none.
    pub fn cost_of_stays(&self, model: &Model<'_>) -> i64 {
        let calls = self.at.iter().zip(&model.problem.calls);
        let left = calls.filter(|(at, _)| at.is_none());
        self.value - left.map(|(_, call)| call.unassigned_price).sum::<i64>()
    }

    /// Copies `other` into self without allocating.
    pub fn copy_from(&mut self, other: &State) {
        self.at.copy_from_slice(&other.at);
        for (quay, theirs) in self.quays.iter_mut().zip(&other.quays) {
            quay.clear();
            quay.extend_from_slice(theirs);
        }
        self.value = other.value;
    }

    pub fn remove(&mut self, model: &Model<'_>, call: usize) {
        let Some(placement) = self.at[call].take() else {
            return;
        };
        let compiled = &model.calls[call];
        let spot = &compiled.spots[compiled.modes[placement.mode as usize].spot as usize];
        self.quays[spot.quay as usize].retain(|neighbour| neighbour.call as usize != call);
        self.value += model.problem.calls[call].unassigned_price - placement.cost;
    }

    /// The plan in the domain's form.
    pub fn to_plan(&self, model: &Model<'_>) -> BerthPlan {
        let mut plan = BerthPlan::default();
        for (call, placement) in self.at.iter().enumerate() {
            let compiled = &model.calls[call];
            let Some(placement) = placement else {
                let reason = match compiled.modes.is_empty() {
                    true => "no berth can take it at any time within the horizon",
                    false => "every place is taken, or costs more than leaving the call out",
                };
                plan.unassigned.push(Unassigned {
                    call,
                    reason: reason.to_owned(),
                });
                continue;
            };
            let mode = &compiled.modes[placement.mode as usize];
            let spot = &compiled.spots[mode.spot as usize];
            let on_quay = model.quay_cranes[spot.quay as usize].iter().enumerate();
            let chosen = on_quay.filter(|(bit, _)| mode.cranes & (1 << bit) != 0);
            let mut cranes: Vec<usize> = chosen.map(|(_, crane)| *crane as usize).collect();
            cranes.sort_unstable();
            plan.stays.push(Stay {
                call,
                berth: spot.berth as usize,
                from_m: spot.from_m,
                start_min: placement.start_min,
                end_min: placement.end_min,
                cranes,
            });
        }
        plan
    }
}

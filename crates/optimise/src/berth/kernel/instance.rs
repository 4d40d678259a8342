//! The kernel's problem: ships, discrete berths, handling times, in time slots of the problem's step.

use domain::berth::{BerthPlan, BerthProblem, Handling, Layout, Stay, Unassigned};

/// Where a ship may be handled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BerthOption {
    pub berth: u16,
    pub handling: i32,
    /// First slot at which it may start here.
    pub start_from: i32,
    /// Last slot at which it may be done here.
    pub end_to: i32,
    /// Cost of the place, whatever the time.
    pub place_cost: i64,
    /// Cost of the stay if it starts at `start_from`.
    pub floor: i64,
}

/// A dynamic berth allocation problem. The cost of a stay is `place_cost + weight * end + constant`.
#[derive(Debug, Clone)]
pub(crate) struct Instance {
    pub ships: usize,
    pub berths: usize,
    /// By ship, ascending by floor.
    pub options: Vec<Vec<BerthOption>>,
    /// Position in `options` by `ship * berths + berth`, or `u16::MAX`.
    pub option_at: Vec<u16>,
    /// Cost of one slot, by ship.
    pub weight: Vec<i64>,
    /// Cost at slot 0, by ship (negative: minus weight times arrival).
    pub constant: Vec<i64>,
    /// Price of no stay, by ship.
    pub price: Vec<i64>,
    /// First slot that matters, and one past the last.
    pub first_slot: i32,
    pub last_slot: i32,
}

impl Instance {
    /// The option of a ship at a berth.
    pub fn option(&self, ship: usize, berth: usize) -> Option<&BerthOption> {
        let position = self.option_at[ship * self.berths + berth];
        self.options[ship].get(position as usize)
    }

    /// Cost of a stay of `ship` by `option` that ends at slot `end`.
    #[inline]
    pub fn cost(&self, ship: usize, option: &BerthOption, end: i32) -> i64 {
        self.constant[ship] + option.place_cost + self.weight[ship] * i64::from(end)
    }

    /// The kernel's form of the problem; none if a rule needs the full solver.
    pub fn from_problem(problem: &BerthProblem) -> Option<Instance> {
        if !is_discrete(problem) {
            return None;
        }
        let step = problem.time_step_min;
        let ships = problem.calls.len();
        let berths = problem.berths.len();
        let mut instance = Instance {
            ships,
            berths,
            options: vec![Vec::new(); ships],
            option_at: vec![u16::MAX; ships * berths],
            weight: problem
                .calls
                .iter()
                .map(|call| call.cost_per_min * step)
                .collect(),
            constant: problem
                .calls
                .iter()
                .map(|call| -call.cost_per_min * call.arrival_min)
                .collect(),
            price: problem
                .calls
                .iter()
                .map(|call| call.unassigned_price)
                .collect(),
            first_slot: i32::MAX,
            last_slot: i32::MIN,
        };
        for ship in 0..ships {
            for berth in 0..berths {
                if let Some(option) = option(problem, &instance, ship, berth) {
                    instance.first_slot = instance.first_slot.min(option.start_from);
                    instance.last_slot = instance.last_slot.max(option.end_to + 1);
                    instance.options[ship].push(option);
                }
            }
            instance.options[ship].sort_by_key(|option| (option.floor, option.berth));
            for (position, option) in instance.options[ship].iter().enumerate() {
                instance.option_at[ship * berths + option.berth as usize] = position as u16;
            }
        }
        if instance.first_slot > instance.last_slot {
            (instance.first_slot, instance.last_slot) = (0, 1);
        }
        let slots = i64::from(instance.last_slot) - i64::from(instance.first_slot);
        (slots <= SLOTS_MAX && ships < usize::from(u16::MAX)).then_some(instance)
    }

    /// The plan in the domain's form; `stays` are (ship, berth, start, end) in slots.
    pub fn to_plan(
        &self,
        problem: &BerthProblem,
        stays: &[Option<(usize, i32, i32)>],
    ) -> BerthPlan {
        let mut plan = BerthPlan::default();
        for (call, stay) in stays.iter().enumerate() {
            match stay {
                Some((berth, start, end)) => plan.stays.push(Stay {
                    call,
                    berth: *berth,
                    from_m: problem.berths[*berth].from_m,
                    start_min: i64::from(*start) * problem.time_step_min,
                    end_min: i64::from(*end) * problem.time_step_min,
                    cranes: Vec::new(),
                }),
                None => plan.unassigned.push(Unassigned {
                    call,
                    reason: if self.options[call].is_empty() {
                        "no berth can take it at any time within the horizon".to_owned()
                    } else {
                        "every berth is taken, or costs more than leaving the call out".to_owned()
                    },
                }),
            }
        }
        plan
    }
}

/// Beyond so many slots the time-indexed bound would not fit in memory.
const SLOTS_MAX: i64 = 60_000;

/// True if the problem has nothing but discrete berths, opening hours, handling times and a regular linear cost.
fn is_discrete(problem: &BerthProblem) -> bool {
    let plain_berths = problem.berths.iter().all(|berth| {
        berth.layout == Layout::Discrete && berth.open.len() <= 1 && berth.closures.is_empty()
    });
    let plain_calls = problem.calls.iter().all(|call| {
        let timed = call.previous.is_some() || call.due_min.is_some() || call.promised.is_some();
        let minutes = call
            .handling
            .iter()
            .all(|handling| *handling != Handling::Cranes);
        minutes
            && !timed
            && call.cones == 0
            && call.lock.start_min.is_none()
            && call.cost_per_min > 0
    });
    let coupled = problem
        .rotations
        .iter()
        .any(|rotation| rotation.calls.len() > 1)
        || !problem.orders.is_empty();
    let still = problem.water.levels.is_empty() && problem.water.stop_cm.is_none();
    plain_berths && plain_calls && !coupled && still && problem.reservations.is_empty()
}

fn option(
    problem: &BerthProblem,
    instance: &Instance,
    ship: usize,
    berth: usize,
) -> Option<BerthOption> {
    let call = &problem.calls[ship];
    let place = &problem.berths[berth];
    let Some(Handling::Minutes(minutes)) = call.handling.get(berth).copied() else {
        return None;
    };
    let fits = call.length_m <= place.to_m - place.from_m
        && call.draught_cm + problem.under_keel_cm
            <= place.depth_between_cm(place.from_m, place.from_m + call.length_m)
        && place
            .air_clearance_cm
            .is_none_or(|clearance_cm| call.air_draught_cm <= clearance_cm)
        && call.lock.berth.is_none_or(|locked| locked == berth)
        && call.lock.from_m.is_none_or(|from_m| from_m == place.from_m);
    let open = place.open.first();
    let from_min = call
        .release_min
        .max(open.map_or(i64::MIN, |open| open.start_min));
    let to_min = problem
        .horizon_end_min
        .min(call.latest_departure_min.unwrap_or(i64::MAX))
        .min(open.map_or(i64::MAX, |open| open.end_min));
    let step = problem.time_step_min;
    let handling = i32::try_from(problem.round_up_min(minutes) / step).ok()?;
    let start_from = i32::try_from(problem.round_up_min(from_min) / step).ok()?;
    let end_to = i32::try_from(to_min.div_euclid(step)).ok()?;
    let mut place_cost = 0;
    if let Some(preferred) = call.preferred {
        place_cost = if problem.berths[preferred.berth].quay == place.quay {
            problem.weights.place_per_m * (place.from_m - preferred.from_m).abs()
        } else {
            problem.weights.other_quay
        };
    }
    let mut option = BerthOption {
        berth: berth as u16,
        handling,
        start_from,
        end_to,
        place_cost,
        floor: 0,
    };
    option.floor = instance.cost(ship, &option, start_from + handling);
    (fits && start_from + handling <= end_to).then_some(option)
}

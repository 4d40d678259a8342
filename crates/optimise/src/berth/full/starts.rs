//! The starts of one call in one mode among the stays of the others.

use super::model::{CallModel, Mode, Model, Spot};
use super::modes::unmoved;
use super::state::Neighbour;
use domain::berth::Interval;

/// Limits that the couplings set on start and end.
pub(super) struct Limits {
    pub start_from_min: i64,
    pub start_to_min: i64,
    pub end_to_min: i64,
}

/// The search for a start in one mode.
pub(super) struct Starts<'a> {
    pub model: &'a Model<'a>,
    pub compiled: &'a CallModel,
    pub call: usize,
    pub mode: &'a Mode,
    pub spot: &'a Spot,
    pub limits: Limits,
    /// Times at which mates of the same barge keep the call away.
    pub apart: &'a [Interval],
    /// The other stays on the quay, ascending by start.
    pub neighbours: &'a [Neighbour],
    /// Starts from which on none is cheaper than this are not looked for.
    pub cost_below: i64,
}

impl Starts<'_> {
    /// The first feasible start from the cheapest on and the last before it. Cost is convex in the start but for outages,
    /// stops and the price of moving, so the best is one of the two or the nearest in the window in which a stay has not
    /// moved.
    pub fn candidates(&self) -> [Option<(i64, i64)>; 3] {
        if let Some(start_min) = self.compiled.fixed_start_min {
            return [self.exactly(start_min), None, None];
        }
        let [later, earlier] = self.around_target();
        [later, earlier, self.unmoved()]
    }

    /// The start in the window of unmoved starts that is nearest to the cheapest.
    fn unmoved(&self) -> Option<(i64, i64)> {
        if !self.mode.is_home {
            return None;
        }
        let unmoved = unmoved(self.model.problem, &self.model.problem.calls[self.call])?;
        let target_min = self.mode.target_min;
        let is_inside = |at: &(i64, i64)| (unmoved.start_min..=unmoved.end_min).contains(&at.0);
        if target_min < unmoved.start_min {
            let from_min = unmoved.start_min.max(self.limits.start_from_min);
            self.earliest(self.model.problem.round_up_min(from_min))
                .filter(is_inside)
        } else if target_min > unmoved.end_min {
            self.latest(self.model.round_down_min(unmoved.end_min))
                .filter(is_inside)
        } else {
            None
        }
    }

    fn around_target(&self) -> [Option<(i64, i64)>; 2] {
        let target_min = self.mode.target_min.max(self.limits.start_from_min);
        let later = self.earliest(self.model.problem.round_up_min(target_min));
        let is_ideal = later.is_some_and(|(start_min, _)| start_min == target_min);
        if is_ideal || target_min <= self.limits.start_from_min {
            return [later, None];
        }
        [later, self.latest(self.model.round_down_min(target_min))]
    }

    /// True if an outage or high water makes the stay longer than its work.
    fn is_stretched(&self, (start_min, end_min): (i64, i64)) -> bool {
        end_min - start_min >= self.mode.duration_min + self.model.problem.time_step_min
    }

    /// Calls `visit` with a candidate and, while outages or high water stretch the stay, with the ones after and before it:
    /// there the cost is not convex in the start. `visit` says whether to go on.
    pub fn around(&self, candidate: (i64, i64), mut visit: impl FnMut((i64, i64)) -> bool) {
        visit(candidate);
        if self.compiled.fixed_start_min.is_some() {
            return;
        }
        let step_min = self.model.problem.time_step_min;
        let mut at = candidate;
        while self.is_stretched(at) {
            match self.earliest(at.0 + step_min) {
                Some(later) if visit(later) => at = later,
                _ => break,
            }
        }
        let mut at = candidate;
        while self.is_stretched(at) {
            match self.latest(at.0 - step_min) {
                Some(earlier) if visit(earlier) => at = earlier,
                _ => break,
            }
        }
    }

    pub fn exactly(&self, start_min: i64) -> Option<(i64, i64)> {
        let flows = self.compiled.is_alongside || self.model.next_flow_min(start_min) == start_min;
        let released = self.compiled.is_alongside || start_min >= self.compiled.release_min;
        let end_min = self.model.end_min(self.call, self.mode, start_min);
        let in_time = (self.limits.start_from_min..=self.limits.start_to_min).contains(&start_min)
            && end_min <= self.limits.end_to_min;
        (flows && released && in_time && self.clash(start_min, end_min).is_none())
            .then_some((start_min, end_min))
    }

    /// The first feasible start from `from_min` on, if a stay there may cost less than the limit. Times that others take are met
    /// in the order of their starts, so each is looked at once.
    pub fn earliest(&self, from_min: i64) -> Option<(i64, i64)> {
        let (model, mode) = (self.model, self.mode);
        let mut start_min = from_min;
        let mut met = 0;
        'at: loop {
            start_min = model.next_flow_min(start_min);
            let done_min = start_min + mode.duration_min;
            if start_min > self.limits.start_to_min
                || done_min > self.limits.end_to_min
                || model.cost(self.call, mode, start_min, done_min) >= self.cost_below
            {
                return None;
            }
            let end_min = model.end_min(self.call, mode, start_min);
            if end_min > self.limits.end_to_min {
                return None;
            }
            if let Some(time) = self.clash_alone(start_min, end_min) {
                start_min = model.problem.round_up_min(time.end_min.max(start_min + 1));
                continue;
            }
            while let Some(other) = self.neighbours.get(met) {
                if other.start_min >= end_min {
                    break;
                }
                met += 1;
                if other.end_min > start_min && self.is_in_the_way(other) {
                    start_min = model.problem.round_up_min(other.end_min);
                    continue 'at;
                }
            }
            return Some((start_min, end_min));
        }
    }

    fn latest(&self, from_min: i64) -> Option<(i64, i64)> {
        let mut start_min = from_min.min(self.model.round_down_min(self.limits.start_to_min));
        loop {
            start_min = self.model.last_flow_min(start_min);
            if start_min < self.limits.start_from_min {
                return None;
            }
            let end_min = self.model.end_min(self.call, self.mode, start_min);
            let back_min = if end_min > self.limits.end_to_min {
                end_min - self.limits.end_to_min
            } else {
                match self.clash(start_min, end_min) {
                    None => return Some((start_min, end_min)),
                    Some(time) => end_min - time.start_min,
                }
            };
            let earlier_min = self.model.round_down_min(start_min - back_min.max(1));
            // an outage or a stop may swallow the whole shift: then go step by step
            let slack_min = end_min - start_min - self.mode.duration_min;
            start_min = if slack_min > self.model.problem.time_step_min {
                self.model.round_down_min(start_min - 1)
            } else {
                earlier_min
            };
        }
    }

    /// A time that the place or the barge forbids to a stay from `start_min` to `end_min`.
    fn clash_alone(&self, start_min: i64, end_min: i64) -> Option<Interval> {
        let mut times = self.apart.iter().chain(&self.spot.forbidden);
        times
            .find(|time| time.start_min < end_min && start_min < time.end_min)
            .copied()
    }

    /// Something that forbids a stay from `start_min` to `end_min`.
    fn clash(&self, start_min: i64, end_min: i64) -> Option<Interval> {
        self.clash_alone(start_min, end_min).or_else(|| {
            let before_end = self
                .neighbours
                .iter()
                .take_while(|other| other.start_min < end_min);
            before_end
                .filter(|other| other.end_min > start_min)
                .find(|other| self.is_in_the_way(other))
                .map(|other| Interval::new(other.start_min, other.end_min))
        })
    }

    /// True if a stay in the mode cannot be there at the same time as another.
    fn is_in_the_way(&self, other: &Neighbour) -> bool {
        let (model, compiled, mode, spot) = (self.model, self.compiled, self.mode, self.spot);
        let cones = model.problem.calls[self.call].cones;
        let both_facts = compiled.is_alongside && other.is_alongside;
        if other.berth == spot.berth && !both_facts {
            let overlaps = match spot.gap_m {
                None => true,
                Some(gap_m) => spot.from_m < other.to_m + gap_m && other.from_m < spot.to_m + gap_m,
            };
            if overlaps {
                return true;
            }
        }
        let cones = usize::from(cones.max(other.cones)).min(3);
        if cones > 0 && !both_facts {
            let between_m = (other.from_m - spot.to_m).max(spot.from_m - other.to_m);
            let needed_m = model.problem.cone_distance_m[cones];
            if needed_m > 0 && between_m < needed_m {
                return true;
            }
        }
        let barred = match spot.from_m.cmp(&other.from_m) {
            std::cmp::Ordering::Less => mode.barred_beyond,
            std::cmp::Ordering::Greater => mode.barred_before,
            std::cmp::Ordering::Equal => mode.cranes,
        };
        barred & other.cranes != 0
    }
}

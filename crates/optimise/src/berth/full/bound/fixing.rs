//! Which options a plan below a value may still take.

use super::super::model::Model;
use super::ascent::{Bound, SCALE_BITS};
use super::options::Options;
use super::view::{Choice, View, cheapest};
use std::rc::Rc;

/// An option of a call for the exact listing.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Candidate {
    /// Scaled cost with prices above the call's cheapest.
    pub surplus: i64,
    /// Spot, number of cranes, start, and the cost that the bound counts; none leaves the call out.
    pub stay: Option<(u32, u32, i64, i64)>,
}

impl Bound {
    /// The cheapest choices at the best prices, and the bound that they make, scaled. Renews the prefix sums.
    fn best_choices(&mut self) -> (Vec<Choice>, i64) {
        self.prefix.renew(&self.layout, &self.best_lambda);
        let price = self.layout.price_of_all(&self.best_lambda);
        let one = |options: &Options| cheapest(options, &self.prefix, &self.layout);
        let choices: Vec<Choice> = self.options.iter().map(one).collect();
        let sum = choices.iter().map(|choice| choice.cost).sum::<i64>() - price;
        self.best = self.best.max(sum);
        (choices, sum)
    }

    /// Every option that a plan cheaper than `target` may take, by call, and the reduced cost that such a plan may have;
    /// none if they are more than `most`.
    pub fn candidates(
        &mut self,
        model: &Model<'_>,
        target: i64,
        most: usize,
    ) -> Option<(i64, Vec<Vec<Candidate>>)> {
        if self.is_too_large() {
            return None;
        }
        let (choices, sum) = self.best_choices();
        let spare = ((target - 1) << SCALE_BITS) - sum;
        let mut count = 0;
        let mut all = Vec::with_capacity(model.calls.len());
        for (options, choice) in self.options.iter().zip(&choices) {
            let mut found = Vec::new();
            let out = options
                .price
                .map(|price| (price << SCALE_BITS) - choice.cost);
            found.extend(out.filter(|out| *out <= spare).map(|surplus| Candidate {
                surplus,
                stay: None,
            }));
            let rows = (options.barge, &options.pairs[..]);
            for group in options.groups.iter() {
                let view = View::new(group, &options.profiles, rows, &self.prefix, &self.layout);
                for number in &group.starts {
                    let surplus = view.cost(*number) - choice.cost;
                    if surplus <= spare {
                        let start = &view.profile.starts[*number as usize];
                        let stay = (
                            group.spot,
                            view.profile.cranes,
                            start.start_min,
                            start.cost + group.place_cost,
                        );
                        found.push(Candidate {
                            surplus,
                            stay: Some(stay),
                        });
                    }
                }
            }
            count += found.len();
            if count > most {
                return None;
            }
            all.push(found);
        }
        Some((spare, all))
    }

    /// Drops the options that no plan cheaper than `value` takes.
    pub fn fix(&mut self, value: i64) {
        let (choices, sum) = self.best_choices();
        let spare = ((value - 1) << SCALE_BITS) - sum;
        for (options, choice) in self.options.iter_mut().zip(&choices) {
            let limit = choice.cost + spare;
            let (prefix, layout, profiles) = (&self.prefix, &self.layout, &options.profiles);
            let rows = (options.barge, &options.pairs[..]);
            options.price = options.price.filter(|price| price << SCALE_BITS <= limit);
            let groups = Rc::make_mut(&mut options.groups);
            for group in groups.iter_mut() {
                let mut starts = std::mem::take(&mut group.starts);
                let view = View::new(group, profiles, rows, prefix, layout);
                let mut floor = i64::MAX;
                starts.retain(|start| {
                    let keep = view.cost(*start) <= limit;
                    if keep {
                        floor =
                            floor.min(view.profile.starts[*start as usize].cost + view.place_cost);
                    }
                    keep
                });
                group.starts = starts;
                group.floor = floor;
            }
            groups.retain(|group| !group.starts.is_empty());
            groups.sort_by_key(|group| (group.floor, group.row_from, group.profile));
        }
        self.shorten();
    }
}

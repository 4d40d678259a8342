//! Where the method begins.

use super::form::Form;
use super::point::Point;

/// The central path is entered where complementarity is the mean spread of costs in so many parts: further out, Newton steps
/// are spent on the way in; further in, the shares overfill the rows.
const PART: f64 = 4.0;
/// Halvings when a value is sought.
const BISECTIONS: u32 = 20;

/// Near the central path. Where prices rule, the path's shares are `mu / priced use` and a row that `n` options use is full
/// but for one part in `n + 1`: so its price is `mu (n + 1)`, and values follow from shares that add up to 1.
pub(super) fn start(form: &Form) -> Point {
    let mut value = vec![0.0; form.items()];
    let mut users = vec![1.0; form.rows];
    let mut spread = 0.0;
    for (item, value) in value.iter_mut().enumerate() {
        let range = form.first[item]..form.first[item + 1];
        let costs = &form.cost[range.clone()];
        *value = costs.iter().copied().fold(f64::INFINITY, f64::min);
        spread += costs.iter().map(|cost| cost - *value).sum::<f64>();
        for at in range {
            form.uses(at).iter().for_each(|&(row, _)| users[row] += 1.0);
        }
    }
    let centre = 1.0 + spread / (PART * form.options.len().max(1) as f64);
    let prices: Vec<f64> = users.iter().map(|users| centre * users).collect();
    let mut share = vec![0.0; form.options.len()];
    let mut share_dual = vec![0.0; form.options.len()];
    let mut slack = vec![1.0; form.rows];
    for (item, value) in value.iter_mut().enumerate() {
        let range = form.first[item]..form.first[item + 1];
        for at in range.clone() {
            share_dual[at] = form.cost[at] + form.priced(at, &prices);
        }
        *value = centred_value(&share_dual[range.clone()], centre);
        for at in range {
            share_dual[at] -= *value;
            share[at] = centre / share_dual[at];
            for &(row, part) in form.uses(at) {
                slack[row] -= share[at] * part;
            }
        }
    }
    for (slack, users) in slack.iter_mut().zip(&users) {
        *slack = slack.max(1.0 / users);
    }
    Point {
        share,
        slack,
        share_dual,
        prices,
        value,
    }
}

/// The value `v` at which the shares `centre / (priced - v)` add up to 1.
fn centred_value(priced: &[f64], centre: f64) -> f64 {
    let least = priced.iter().copied().fold(f64::INFINITY, f64::min);
    if priced.is_empty() {
        return 0.0;
    }
    let (mut low, mut high) = (least - centre * priced.len() as f64, least - centre);
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (low + high);
        let sum: f64 = priced.iter().map(|priced| centre / (priced - middle)).sum();
        if sum > 1.0 {
            high = middle;
        } else {
            low = middle;
        }
    }
    low
}

//! Prices of capacity from the linear relaxation, by a primal-dual interior-point method (Mehrotra 1992) that uses the
//! form of the problem: items are independent but for the capacity rows, so each Newton step needs one dense
//! factorisation of the size of the rows alone.
//!
//! The relaxation (`form`): `min c x`, each item's options sum to 1, each row's use in parts of its capacity is at most 1.
//! `start` gives a point near the central path, `normal` solves for a step to the products that `target` asks for, `point`
//! says how long it may be and takes it.

mod form;
mod normal;
mod point;
mod start;
mod target;

use form::Form;
use normal::Normal;
use point::{Point, advance, gap, gap_after, lengths};
use start::start;
use target::Target;

use super::active::Active;
use super::core::Core;

const MAX_ITERATIONS: u32 = 90;
/// A step shorter than this part of the way is a bad one.
const SHORT: f64 = 0.1;
/// So short a step is never taken without going back towards the centre.
const TINY: f64 = 0.02;
/// After so many bad steps, no bad step is.
const MAX_SHORT: u32 = 5;
/// Corrections of a step towards the centre at most, each for a step that is longer by [`FURTHER`].
const CORRECTIONS: u32 = 3;
const FURTHER: f64 = 0.2;
/// The relative distance between the relaxation's two sides at which its prices are as good as they get.
pub const ENOUGH: f64 = 3e-5;

/// What the relaxation says.
#[derive(Debug, Clone)]
pub struct Relaxed {
    /// The price of each whole row.
    pub prices: Vec<f64>,
    /// How much of each option (counted over all options) is taken; 0 out of play.
    pub share: Vec<f64>,
    /// Newton steps.
    pub iterations: u32,
    /// False if it ended before the two sides met.
    pub is_converged: bool,
}

/// Solves the relaxation over the options in play and the given rows (ascending); `stop` ends it early with the prices so
/// far, as does a relative distance of `enough` between its two sides. Rows left out have no price.
pub fn relax(
    core: &Core,
    active: &Active,
    rows: &[u32],
    enough: f64,
    stop: &dyn Fn() -> bool,
) -> Relaxed {
    relax_part(core, active, rows, 1, enough, stop)
}

/// As [`relax`], over one item in `every` on rows with that part of their room.
pub fn relax_part(
    core: &Core,
    active: &Active,
    rows: &[u32],
    every: usize,
    enough: f64,
    stop: &dyn Fn() -> bool,
) -> Relaxed {
    let form = Form::new(core, active, rows, every);
    let mut point = start(&form);
    let mut step = Point::zero(&form);
    let mut other = Point::zero(&form);
    let mut target = Target::new(&form);
    let mut normal = Normal::new(&form);
    let mut iterations = 0;
    let mut short = 0;
    let mut is_converged = false;
    while iterations < MAX_ITERATIONS && !stop() {
        let (gap, scale) = gap(&form, &point);
        is_converged = gap <= enough * scale;
        if is_converged || !normal.factor(&form, &point) {
            break;
        }
        iterations += 1;
        let size = (form.options.len() + form.rows).max(1) as f64;
        let centre = gap / size;
        target.centre(&point, 0.0);
        normal.solve(&form, &point, &target, &mut step);
        let (primal, dual) = lengths(&point, &step, 1.0);
        let left = gap_after(&point, &step, primal, dual) / size;
        let sigma = (left / centre) * (left / centre) * (left / centre);
        let aimed = sigma.min(1.0) * centre;
        target.correct(&point, &step, aimed);
        normal.solve(&form, &point, &target, &mut step);
        let mut reached = lengths(&point, &step, 1.0);
        for _ in 0..CORRECTIONS {
            let further = |length: f64| (length + FURTHER).min(1.0);
            let aim = (further(reached.0), further(reached.1));
            target.bring_near(&point, &step, aim, aimed);
            normal.solve(&form, &point, &target, &mut other);
            let now = lengths(&point, &other, 1.0);
            if now.0 + now.1 < reached.0 + reached.1 + 0.1 * FURTHER {
                break;
            }
            reached = now;
            std::mem::swap(&mut step, &mut other);
        }
        let (mut primal, mut dual) = lengths(&point, &step, 0.995);
        short += u32::from(primal.min(dual) < SHORT);
        let least = if short > MAX_SHORT { SHORT } else { TINY };
        if primal.min(dual) < least {
            // Too near the border for the second-order term: back towards the centre first.
            target.centre(&point, 0.8 * centre);
            normal.solve(&form, &point, &target, &mut step);
            (primal, dual) = lengths(&point, &step, 0.9);
        }
        advance(&form, &mut point, &step, primal, dual);
    }
    let mut share = vec![0.0; core.options()];
    for (at, &option) in form.options.iter().enumerate() {
        share[option as usize] = point.share[at];
    }
    let mut prices = vec![0.0; core.capacity().len()];
    for (&row, &price) in rows.iter().zip(&point.prices) {
        // A row of a part of its room costs that part.
        prices[row as usize] = price * every as f64;
    }
    Relaxed {
        prices,
        share,
        iterations,
        is_converged,
    }
}

/// Multiplications of one Newton step over the given rows.
pub fn newton_work(core: &Core, active: &Active, rows: &[u32]) -> u64 {
    let count = rows.len() as u64;
    let mut work = count * count * count / 6;
    // The item that touched a row last; rows left out count as touched always.
    let mut seen = vec![u32::MAX - 1; core.capacity().len()];
    rows.iter().for_each(|&row| seen[row as usize] = u32::MAX);
    for item in 0..core.items() {
        let mut touched = 0_u64;
        for &option in active.of(item) {
            let uses = core.uses(option as usize);
            work += (uses.len() * uses.len()) as u64;
            for used in uses {
                let seen = &mut seen[used.row as usize];
                if *seen != u32::MAX - 1 && *seen != item as u32 {
                    touched += 1;
                    *seen = item as u32;
                }
            }
        }
        work += touched * touched / 2;
    }
    work
}

#[cfg(test)]
mod tests {
    use super::{ENOUGH, relax};
    use crate::rail::active::Active;
    use crate::rail::binding::undominated;
    use crate::rail::full::build::build;
    use crate::rail::generate::{Shape, problem};

    /// Chains of trains name their rows in any order; read wrongly, the matrix is another and no step goes far.
    #[test]
    fn chains_whose_later_train_comes_first_do_not_stop_it() {
        for seed in 0..5 {
            let shape = Shape {
                units: 400,
                trains: 24,
                fill_percent: 110,
            };
            let core = build(&problem(shape, seed)).core;
            let active = Active::new(&core);
            let relaxed = relax(
                &core,
                &active,
                &undominated(&core, &active),
                ENOUGH,
                &|| false,
            );
            assert!(relaxed.is_converged, "seed {seed}");
            assert!(
                relaxed.iterations < 60,
                "seed {seed}: {}",
                relaxed.iterations
            );
            let mut used = vec![0.0; core.capacity().len()];
            for (option, share) in relaxed.share.iter().enumerate() {
                let uses = core.uses(option).iter();
                uses.for_each(|one| used[one.row as usize] += share * one.amount as f64);
            }
            let mut rows = used.iter().zip(core.capacity());
            assert!(
                rows.all(|(used, &room)| *used <= 1.0001 * room as f64 + 1e-6),
                "seed {seed}"
            );
        }
    }
}

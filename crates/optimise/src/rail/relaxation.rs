//! Which relaxation gives the prices: the interior point where its Newton steps are cheap (over few of the options, where
//! there are many), else the subgradient.

use super::active::Active;
use super::binding;
use super::core::Core;
use super::dual::Dual;
use super::interior::{self, ENOUGH};
use super::narrow;

/// Work of one Newton step (multiplications) up to which the interior point is used.
const MAX_NEWTON_WORK: u64 = 40_000_000;
/// The same where the subgradient has told which rows bind.
const MAX_SIEVED_WORK: u64 = 120_000_000;
/// Iterations of the subgradient for that.
const SIEVE_ITERATIONS: u64 = 120;
/// Up to so much work a Newton step, known prices save nothing.
const QUICK_NEWTON_WORK: u64 = 150_000;
/// Iterations of the subgradient where it stands alone.
const SUBGRADIENT_ITERATIONS: u64 = 600;
/// Iterations from known prices, at most and at least (fewer would only spoil them), and the uses looked at in all.
const WARM_ITERATIONS: [u64; 2] = [60, 20];
const WARM_WORK: u64 = 4_000_000;

/// Prices of whole rows.
#[derive(Debug, Clone)]
pub struct Relaxation {
    /// The price of each whole row.
    pub prices: Vec<f64>,
    /// How much of each option (counted over all options) the relaxation takes; empty where it does not say.
    pub share: Vec<f64>,
    /// Iterations spent.
    pub iterations: u64,
}

/// Prices to begin with: a short ascent from `known` ones, or the full relaxation.
pub fn first(
    core: &Core,
    active: &Active,
    known: Option<&[f64]>,
    stop: &dyn Fn() -> bool,
) -> Relaxation {
    match known {
        Some(known) if newton_work(core, active) > QUICK_NEWTON_WORK => {
            let uses: usize = (0..core.options())
                .map(|option| core.uses(option).len())
                .sum();
            let [most, least] = WARM_ITERATIONS;
            let iterations = most.min(WARM_WORK / (uses as u64).max(1));
            let iterations = if iterations < least { 0 } else { iterations };
            ascend(core, active, known.to_vec(), iterations, stop)
        }
        _ => full(core, active, vec![0.0; core.capacity().len()], ENOUGH, stop),
    }
}

/// The full relaxation over the options still in play.
pub fn refined(
    core: &Core,
    active: &Active,
    known: &Relaxation,
    stop: &dyn Fn() -> bool,
) -> Relaxation {
    full(core, active, known.prices.clone(), ENOUGH, stop)
}

/// Over all rows: which of them bind would cost a re-plan too much to find out.
fn newton_work(core: &Core, active: &Active) -> u64 {
    let rows: Vec<u32> = (0..core.capacity().len() as u32).collect();
    interior::newton_work(core, active, &rows)
}

/// The full relaxation to a relative distance of `enough` between its two sides, from known prices where it needs some.
pub fn full(
    core: &Core,
    active: &Active,
    from: Vec<f64>,
    enough: f64,
    stop: &dyn Fn() -> bool,
) -> Relaxation {
    let mut rows = binding::undominated(core, active);
    let mut from = from;
    let mut spent = 0;
    if interior::newton_work(core, active, &rows) > MAX_NEWTON_WORK {
        // Too many rows: the subgradient finds those that bind, the interior point their prices.
        let mut dual = Dual::new(core, active, from);
        dual.ascend(SIEVE_ITERATIONS, stop);
        spent = dual.iterations;
        rows.retain(|&row| dual.prices[row as usize] > 0.0);
        from = dual.prices;
        if stop() || interior::newton_work(core, active, &rows) > MAX_SIEVED_WORK {
            let rest = ascend(core, active, from, SUBGRADIENT_ITERATIONS, stop);
            return Relaxation {
                iterations: spent + rest.iterations,
                ..rest
            };
        }
    }
    // Rough prices are cheaper from all options at once.
    let relaxed = if enough <= ENOUGH && active.len() >= narrow::MIN_OPTIONS {
        narrow::relax(core, active, &rows, enough, stop)
    } else {
        interior::relax(core, active, &rows, enough, stop)
    };
    let prices = if relaxed.is_converged {
        relaxed.prices
    } else {
        // Near the end of its path a badly scaled problem may stop it; its prices are still the best place to start.
        ascend(core, active, relaxed.prices, SUBGRADIENT_ITERATIONS, stop).prices
    };
    Relaxation {
        prices,
        share: relaxed.share,
        iterations: spent + u64::from(relaxed.iterations),
    }
}

fn ascend(
    core: &Core,
    active: &Active,
    from: Vec<f64>,
    iterations: u64,
    stop: &dyn Fn() -> bool,
) -> Relaxation {
    let mut dual = Dual::new(core, active, from);
    dual.ascend(iterations, stop);
    Relaxation {
        prices: dual.prices,
        share: Vec::new(),
        iterations: dual.iterations,
    }
}

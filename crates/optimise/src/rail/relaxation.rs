//! Which relaxation gives the prices: the interior point where its Newton steps are cheap, else the subgradient.

use super::active::Active;
use super::core::Core;
use super::dual::Dual;
use super::interior;

/// Work of one Newton step (multiplications) up to which the interior point is used.
const MAX_NEWTON_WORK: u64 = 40_000_000;
/// Up to so much work a Newton step, known prices save nothing.
const QUICK_NEWTON_WORK: u64 = 150_000;
/// Iterations of the subgradient where it stands alone.
const SUBGRADIENT_ITERATIONS: u64 = 600;
/// Iterations from known prices.
const WARM_ITERATIONS: u64 = 60;

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
        Some(_) if interior::newton_work(core, active) <= QUICK_NEWTON_WORK => {
            full(core, active, vec![0.0; core.capacity().len()], stop)
        }
        Some(known) => ascend(core, active, known.to_vec(), WARM_ITERATIONS, stop),
        None => full(core, active, vec![0.0; core.capacity().len()], stop),
    }
}

/// The full relaxation over the options still in play.
pub fn refined(
    core: &Core,
    active: &Active,
    known: &Relaxation,
    stop: &dyn Fn() -> bool,
) -> Relaxation {
    full(core, active, known.prices.clone(), stop)
}

fn full(core: &Core, active: &Active, from: Vec<f64>, stop: &dyn Fn() -> bool) -> Relaxation {
    if interior::newton_work(core, active) > MAX_NEWTON_WORK {
        return ascend(core, active, from, SUBGRADIENT_ITERATIONS, stop);
    }
    let relaxed = interior::relax(core, active, stop);
    let prices = if relaxed.is_converged {
        relaxed.prices
    } else {
        // Near the end of its path a badly scaled problem may stop it; its prices are still the best place to start.
        ascend(core, active, relaxed.prices, SUBGRADIENT_ITERATIONS, stop).prices
    };
    Relaxation {
        prices,
        share: relaxed.share,
        iterations: u64::from(relaxed.iterations),
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

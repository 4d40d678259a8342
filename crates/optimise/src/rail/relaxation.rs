//! Which relaxation gives the prices: the interior point where its Newton steps are cheap, else the subgradient.

use super::active::Active;
use super::binding;
use super::core::Core;
use super::dual::Dual;
use super::interior::{self, ENOUGH};

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

/// With more options an item than this, and more work a Newton step, the interior point looks at a few of them at a time.
const MANY_OPTIONS: usize = 15;
const SIFTED_WORK: u64 = 1_000_000;
/// Options of an item that prices choose.
const NEAREST: usize = 10;
/// How near the two sides must come in the rounds of choosing.
const ROUGH: [f64; 2] = [1e-2, 5e-4];
/// Another round is worth while if options outside would lower the bound by this part.
const WORTH: f64 = 5e-5;

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
    if active.len() > MANY_OPTIONS * core.items()
        && interior::newton_work(core, active, &rows) > SIFTED_WORK
    {
        return sifted(core, active, &rows, from, enough, stop);
    }
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
    let relaxed = interior::relax(core, active, &rows, enough, stop);
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

/// The relaxation over the options that its prices bring near, again with those that join, until the others add nothing.
fn sifted(
    core: &Core,
    active: &Active,
    rows: &[u32],
    from: Vec<f64>,
    enough: f64,
    stop: &dyn Fn() -> bool,
) -> Relaxation {
    let mut best = ascend(core, active, from, SIEVE_ITERATIONS / 4, stop);
    let mut bound = f64::NEG_INFINITY;
    let mut is_near = vec![false; core.options()];
    let mut spent = best.iterations;
    let mut rough = ROUGH.iter();
    loop {
        bound = bound.max(near(core, active, &best.prices, &mut is_near));
        let mut few = active.clone();
        few.retain(|_, option| is_near[option as usize]);
        let precision = rough.next().map_or(enough, |rough| rough.max(enough));
        let relaxed = interior::relax(core, &few, rows, precision, stop);
        spent += u64::from(relaxed.iterations);
        let upper = bound_at(core, &few, &relaxed.prices);
        let mut prices = best.prices.clone();
        // Prices over few options err to one side and the other, and the bound is concave.
        for part in [1.0, 0.6] {
            let ways = best.prices.iter().zip(&relaxed.prices);
            let between: Vec<f64> = ways.map(|(from, to)| from + part * (to - from)).collect();
            let proven = bound_at(core, active, &between);
            if proven > bound {
                (bound, prices) = (proven, between);
            }
        }
        best.prices = prices;
        best.share = relaxed.share;
        let is_last = rough.as_slice().is_empty();
        if stop() || (is_last && (bound >= upper - WORTH * upper.abs() || precision <= enough)) {
            best.iterations = spent;
            return best;
        }
    }
}

/// The bound at `prices`, in floating point.
fn bound_at(core: &Core, active: &Active, prices: &[f64]) -> f64 {
    let per_unit = per_unit(core, prices);
    let least = |item| {
        let options = active.of(item).iter();
        let priced = options.map(|&option| priced(core, &per_unit, option));
        priced.min_by(f64::total_cmp).unwrap_or(0.0)
    };
    (0..core.items()).map(least).sum::<f64>() - prices.iter().sum::<f64>()
}

/// Marks the options of least reduced cost of each item; returns the bound.
fn near(core: &Core, active: &Active, prices: &[f64], is_near: &mut [bool]) -> f64 {
    let per_unit = per_unit(core, prices);
    let mut bound = -prices.iter().sum::<f64>();
    let mut nearest: Vec<(f64, u32)> = Vec::new();
    for item in 0..core.items() {
        let options = active.of(item).iter();
        nearest.clear();
        nearest.extend(options.map(|&option| (priced(core, &per_unit, option), option)));
        let by_price = |a: &(f64, u32), b: &(f64, u32)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
        if nearest.len() > NEAREST {
            nearest.select_nth_unstable_by(NEAREST, by_price);
            nearest.truncate(NEAREST);
        }
        nearest
            .iter()
            .for_each(|near| is_near[near.1 as usize] = true);
        let least = nearest.iter().map(|near| near.0).min_by(f64::total_cmp);
        bound += least.unwrap_or(0.0);
    }
    bound
}

fn per_unit(core: &Core, prices: &[f64]) -> Vec<f64> {
    let rows = prices.iter().zip(core.capacity());
    rows.map(|(price, &capacity)| price / capacity.max(1) as f64)
        .collect()
}

fn priced(core: &Core, per_unit: &[f64], option: u32) -> f64 {
    let uses = core.uses(option as usize).iter();
    let used: f64 = uses
        .map(|used| per_unit[used.row as usize] * used.amount as f64)
        .sum();
    core.cost(option as usize) as f64 + used
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

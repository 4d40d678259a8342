//! Branch and bound: on the cost of a ship's stay, then on its berth, then on its start. Depth first; each node improves the
//! prices it inherits and fixes arcs by reduced cost. The tree looks for plans below a *target*, at first little above the
//! bound: few arcs can be in such a plan, and an empty tree raises the bound to the target.

use super::arcs::{Arc, Graph, link};
use super::dual::{Dual, Step};
use super::instance::Instance;

/// Arcs are fixed once in so many iterations.
const FIX_EVERY: u32 = 12;
/// Step with which a node begins.
const NODE_STEP: f64 = 0.4;

/// Below this variance of cost (scaled, squared) the recent paths agree.
const VARIANCE_MIN: f64 = 1e4;

/// An open node.
#[derive(Debug)]
struct Node {
    graph: Graph,
    prices: Vec<i64>,
    /// Bound inherited, cost units.
    bound: i64,
}

/// The tree.
#[derive(Debug)]
pub(super) struct Tree {
    open: Vec<Node>,
    dual: Dual,
    /// Iterations of the bound in a node.
    node_iterations: u32,
    /// The tree looks for plans below this.
    pub target: i64,
    pub nodes: u64,
    pub bound_iterations: u64,
}

/// What a node gave.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// A plan cheaper than the value given: by ship, berth and start slot.
    pub plan: Option<Vec<Option<(usize, usize)>>>,
    /// Work done, in search iterations.
    pub effort: u64,
}

impl Tree {
    /// A tree without nodes.
    pub fn new(root: &Dual, node_iterations: u32) -> Self {
        Tree {
            open: Vec::new(),
            dual: root.clone(),
            node_iterations,
            target: i64::MIN,
            nodes: 0,
            bound_iterations: 0,
        }
    }

    /// The prices and averages of the node that was expanded last.
    pub fn dual(&self) -> &Dual {
        &self.dual
    }

    /// True if no plan is below the target, as far as is not known already.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Plants the tree again over the root's graph for another target.
    pub fn plant(&mut self, root: &mut Dual, graph: &Graph, target: i64) {
        let mut graph = graph.clone();
        root.fix(&mut graph, target);
        self.target = target;
        self.open.push(Node {
            graph,
            prices: root.best_lambda.clone(),
            bound: root.bound(),
        });
    }

    /// Takes one node and cuts it off, solves it or splits it.
    pub fn expand(&mut self, instance: &Instance, value: i64) -> Outcome {
        let mut outcome = Outcome::default();
        let Some(mut node) = self.open.pop() else {
            return outcome;
        };
        self.nodes += 1;
        if node.bound >= value {
            return outcome;
        }
        let dual = &mut self.dual;
        dual.best_lambda.copy_from_slice(&node.prices);
        dual.restart(NODE_STEP);
        for iteration in 1..=self.node_iterations {
            outcome.effort += node.graph.effort();
            self.bound_iterations += 1;
            let step = dual.iterate(instance, &node.graph, value);
            if step == Step::Optimal {
                if dual.bound() < value {
                    let mut plan = vec![None; instance.ships];
                    dual.paths(&node.graph, &mut |ship, berth, start| {
                        plan[ship] = Some((berth, start))
                    });
                    outcome.plan = Some(plan);
                }
                return outcome;
            }
            if dual.bound() >= value {
                return outcome;
            }
            if iteration % FIX_EVERY == 0 {
                dual.fix(&mut node.graph, value);
            }
        }
        node.bound = node.bound.max(dual.bound());
        node.prices.copy_from_slice(&dual.best_lambda);
        outcome.plan = self.split(instance, node);
        outcome
    }

    /// Opens two children; or, where one compatible stay is left for each ship, returns the plan that they make.
    fn split(&mut self, instance: &Instance, node: Node) -> Option<Vec<Option<(usize, usize)>>> {
        let (likely, unlikely) =
            if let Some((ship, cost)) = undecided_cost(instance, &self.dual, &node.graph) {
                halves(&node.graph, |_, arc| {
                    (usize::from(arc.ship) == ship).then_some(arc.cost <= cost)
                })
            } else if let Some((ship, berth)) = undecided_berth(instance, &self.dual, &node.graph) {
                halves(&node.graph, |its_berth, arc| {
                    (usize::from(arc.ship) == ship).then_some(its_berth == berth)
                })
            } else if let Some((ship, start)) = undecided_start(instance, &self.dual, &node.graph) {
                halves(&node.graph, |_, arc| {
                    (usize::from(arc.ship) == ship).then_some(usize::from(arc.start) <= start)
                })
            } else if let Some((one, other)) = conflict(&node.graph) {
                // one stay is left for each ship: a plan lacks one of two that overlap
                let without = |out: usize| {
                    halves(&node.graph, |_, arc| {
                        (usize::from(arc.ship) == out).then_some(true)
                    })
                    .1
                };
                (without(one), without(other))
            } else {
                let mut plan = vec![None; instance.ships];
                for (berth, arcs) in node.graph.berths.iter().enumerate() {
                    for arc in arcs.iter().filter(|arc| arc.cost < 0) {
                        plan[usize::from(arc.ship)] = Some((berth, usize::from(arc.start)));
                    }
                }
                return Some(plan);
            };
        for graph in [unlikely, likely] {
            self.open.push(Node {
                graph,
                prices: node.prices.clone(),
                bound: node.bound,
            });
        }
        None
    }
}

/// The graphs in which the choice is true, and false; arcs without an opinion are in both.
fn halves(graph: &Graph, choice: impl Fn(usize, &Arc) -> Option<bool>) -> (Graph, Graph) {
    let keep = |wanted: bool| {
        let one = |(berth, arcs): (usize, &Vec<Arc>)| {
            let is_kept = |arc: &&Arc| choice(berth, arc).is_none_or(|side| side == wanted);
            let mut kept: Vec<Arc> = arcs.iter().filter(is_kept).copied().collect();
            link(&mut kept);
            kept
        };
        Graph {
            berths: graph.berths.iter().enumerate().map(one).collect(),
        }
    };
    (keep(true), keep(false))
}

/// Two ships whose stays overlap at a berth.
fn conflict(graph: &Graph) -> Option<(usize, usize)> {
    let overlapping = |arcs: &Vec<Arc>| {
        let pair = arcs.windows(2).find(|pair| pair[1].start < pair[0].end)?;
        Some((usize::from(pair[0].ship), usize::from(pair[1].ship)))
    };
    graph.berths.iter().find_map(overlapping)
}

/// The ship whose cost varies most over recent paths, and the cost at which to split it; none if they agree.
fn undecided_cost(instance: &Instance, dual: &Dual, graph: &Graph) -> Option<(usize, i64)> {
    let mut range = vec![(i64::MAX, i64::MIN); instance.ships];
    for arc in graph.berths.iter().flatten() {
        let (least, most) = &mut range[usize::from(arc.ship)];
        *least = (*least).min(arc.cost);
        *most = (*most).max(arc.cost);
    }
    let mut best: Option<(f64, usize)> = None;
    for ship in (0..instance.ships).filter(|ship| range[*ship].0 < range[*ship].1) {
        let variance = dual.square_cost[ship] - dual.mean_cost[ship] * dual.mean_cost[ship];
        if best.is_none_or(|(most, _)| variance > most) {
            best = Some((variance, ship));
        }
    }
    let (variance, ship) = best?;
    let (least, most) = range[ship];
    let middle = (dual.mean_cost[ship].floor() as i64).clamp(least, most - 1);
    (variance > VARIANCE_MIN).then_some((ship, middle))
}

/// The ship whose recent paths disagree most on the berth, with its favourite; none if every ship has one berth left.
fn undecided_berth(instance: &Instance, dual: &Dual, graph: &Graph) -> Option<(usize, usize)> {
    let mut has_arc = vec![false; instance.ships * instance.berths];
    for (berth, arcs) in graph.berths.iter().enumerate() {
        for arc in arcs {
            has_arc[usize::from(arc.ship) * instance.berths + berth] = true;
        }
    }
    let mut best: Option<(f32, usize, usize)> = None;
    for ship in 0..instance.ships {
        let row = ship * instance.berths..(ship + 1) * instance.berths;
        if has_arc[row.clone()].iter().filter(|has| **has).count() < 2 {
            continue;
        }
        let shares = &dual.share[row.clone()];
        let total: f32 = shares.iter().sum();
        let mut favourite = (-1.0_f32, 0);
        for berth in 0..instance.berths {
            if has_arc[row.start + berth] && shares[berth] > favourite.0 {
                favourite = (shares[berth], berth);
            }
        }
        let doubt = total - favourite.0 + 0.3 * (1.0 - total).abs();
        if best.is_none_or(|(most, ..)| doubt > most) {
            best = Some((doubt, ship, favourite.1));
        }
    }
    best.map(|(_, ship, berth)| (ship, berth))
}

/// A ship with several starts left, and the start at which to split them; none if every ship has one arc.
fn undecided_start(instance: &Instance, dual: &Dual, graph: &Graph) -> Option<(usize, usize)> {
    let mut range = vec![(usize::MAX, 0_usize); instance.ships];
    for arc in graph.berths.iter().flatten() {
        let (first, last) = &mut range[usize::from(arc.ship)];
        *first = (*first).min(usize::from(arc.start));
        *last = (*last).max(usize::from(arc.start));
    }
    let spread = |ship: &usize| {
        let (first, last) = range[*ship];
        let off = (dual.cover[*ship] - 1).unsigned_abs() as usize;
        (last.saturating_sub(first)) * (1 + 4 * off)
    };
    let ship = (0..instance.ships)
        .filter(|ship| range[*ship].0 < range[*ship].1)
        .max_by_key(spread)?;
    let (first, last) = range[ship];
    let middle = (dual.mean_start[ship] as usize).clamp(first, last - 1);
    Some((ship, middle))
}

//! Branch and bound: on the berth of a ship, then on its start. Depth first; each node improves the prices it inherits and
//! fixes arcs by reduced cost.

use super::arcs::Graph;
use super::dual::{Dual, Step};
use super::instance::Instance;

/// Iterations of the bound in a node.
const NODE_ITERATIONS: u32 = 60;
/// Arcs are fixed once in so many iterations.
const FIX_EVERY: u32 = 12;
/// Step with which a node begins.
const NODE_STEP: f64 = 0.4;

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
    /// A tree over the graph that the root bound has left.
    pub fn new(root: &Dual, graph: &Graph) -> Self {
        let node = Node {
            graph: graph.clone(),
            prices: root.best_lambda.clone(),
            bound: root.bound(),
        };
        Tree {
            open: vec![node],
            dual: root.clone(),
            nodes: 0,
            bound_iterations: 0,
        }
    }

    /// The least bound of an open node.
    pub fn bound(&self) -> Option<i64> {
        self.open.iter().map(|node| node.bound).min()
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
        for iteration in 1..=NODE_ITERATIONS {
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
        self.split(instance, node);
        outcome
    }

    fn split(&mut self, instance: &Instance, node: Node) {
        let (likely, unlikely) =
            if let Some((ship, berth)) = undecided_berth(instance, &self.dual, &node.graph) {
                halves(&node.graph, |its_berth, its_ship, _| {
                    (its_ship == ship).then_some(its_berth == berth)
                })
            } else if let Some((ship, start)) = undecided_start(instance, &self.dual, &node.graph) {
                halves(&node.graph, |_, its_ship, its_start| {
                    (its_ship == ship).then_some(its_start <= start)
                })
            } else if let Some((one, other)) = conflict(&node.graph) {
                // one stay is left for each ship: a plan lacks one of two that overlap
                let without =
                    |out: usize| halves(&node.graph, |_, ship, _| (ship == out).then_some(true)).1;
                (without(one), without(other))
            } else {
                return; // the stays left are all compatible, and the paths have taken those that pay
            };
        for graph in [unlikely, likely] {
            self.open.push(Node {
                graph,
                prices: node.prices.clone(),
                bound: node.bound,
            });
        }
    }
}

/// The graphs in which the choice is true, and false; arcs without an opinion are in both.
fn halves(graph: &Graph, choice: impl Fn(usize, usize, usize) -> Option<bool>) -> (Graph, Graph) {
    let keep = |wanted: bool| {
        let one = |(berth, arcs): (usize, &Vec<super::arcs::Arc>)| {
            let is_kept = |arc: &&super::arcs::Arc| {
                choice(berth, usize::from(arc.ship), usize::from(arc.start))
                    .is_none_or(|side| side == wanted)
            };
            arcs.iter().filter(is_kept).copied().collect()
        };
        Graph {
            berths: graph.berths.iter().enumerate().map(one).collect(),
            slots: graph.slots,
        }
    };
    (keep(true), keep(false))
}

/// Two ships whose stays overlap at a berth.
fn conflict(graph: &Graph) -> Option<(usize, usize)> {
    let overlapping = |arcs: &Vec<super::arcs::Arc>| {
        let pair = arcs.windows(2).find(|pair| pair[1].start < pair[0].end)?;
        Some((usize::from(pair[0].ship), usize::from(pair[1].ship)))
    };
    graph.berths.iter().find_map(overlapping)
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

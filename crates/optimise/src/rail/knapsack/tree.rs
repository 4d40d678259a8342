//! Branch and bound on the knapsack relaxation, the lowest bound first.
//!
//! A node gives one item one of its options. Its prices begin where those of its parent ended and rise for a few rounds;
//! options through which no better plan leads fall away; the item that leaves the least to be searched is branched on next.
//! What all open nodes prove is the bound of the whole.

use std::collections::BinaryHeap;
use std::rc::Rc;

use super::ascent::Ascent;
use super::look::Look;
use super::penalty::eliminate;
use super::rows::Form;
use super::threshold;
use crate::rail::active::Active;
use crate::rail::core::Core;

/// A dive ends once it has lost so many nodes.
const LOST: u32 = 12;
/// Nodes that may be open at once, times items: what they hold grows with both, to about 50 MB.
const MAX_OPEN_ITEMS: usize = 2_000_000;
/// Rounds of prices at a node.
const ROUNDS: u32 = 16;
/// Where a step begins, and after how many rounds in vain it shrinks.
const STEP: f64 = 0.3;
const PATIENCE: u32 = 3;
/// A node is looked at again if one option in so many has fallen away, so often at most.
const FALLEN_PART: usize = 8;
const LOOKS: usize = 3;

/// A node whose options and prices are those of its parent, but for one item.
#[derive(Debug)]
struct Node {
    /// Fixed point.
    bound: i64,
    depth: u32,
    nth: u64,
    parent: Rc<Parent>,
    item: u32,
    option: u32,
}

#[derive(Debug)]
struct Parent {
    active: Active,
    price: Vec<f64>,
}

impl Node {
    /// Lowest bound first, then deepest, then newest.
    fn key(&self) -> (std::cmp::Reverse<i64>, u32, u64) {
        (std::cmp::Reverse(self.bound), self.depth, self.nth)
    }
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Node {}

impl PartialOrd for Node {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Node {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// What a tree grows on.
pub(super) struct Ground<'a> {
    pub(super) core: &'a Core,
    pub(super) form: &'a Form,
    pub(super) look: &'a mut Look,
}

/// A node that is being looked at.
struct Grown {
    active: Active,
    price: Vec<f64>,
    bound: i64,
    depth: u32,
}

/// What is still to be searched.
#[derive(Debug, Default)]
pub(super) struct Tree {
    open: BinaryHeap<Node>,
    /// Nodes of the present dive, the next one last.
    dive: Vec<Node>,
    /// Nodes that the dive has lost.
    lost: u32,
    opened: u64,
    /// The lowest bound of the nodes that were given up for want of room, fixed point.
    given_up: Option<i64>,
    /// Nodes looked at.
    pub(super) nodes: u64,
    /// The best plan found that is better than what was known.
    pub(super) found: Option<Vec<u32>>,
}

impl Tree {
    /// A tree of one node with all of `active`; `price` are the best prices known, and `bound` what they prove.
    pub(super) fn plant(
        &mut self,
        of: &mut Ground<'_>,
        active: Active,
        price: Vec<f64>,
        bound: i64,
        value: i64,
    ) {
        let root = Grown {
            active,
            price,
            bound,
            depth: 0,
        };
        self.grow(of, root, value);
    }

    /// The bound of everything that is not searched, fixed point; `None` if all is.
    pub(super) fn bound(&self) -> Option<i64> {
        let open = self.open.peek().map(|node| node.bound);
        let dive = self.dive.iter().map(|node| node.bound);
        dive.chain(open).chain(self.given_up).min()
    }

    /// Searches for a plan better than `value` until so many cells are filled in all. False once there is nothing left to
    /// search.
    pub(super) fn search(
        &mut self,
        of: &mut Ground<'_>,
        value: i64,
        cells: u64,
        stop: &dyn Fn() -> bool,
    ) -> bool {
        let mut value = value;
        while of.look.cells < cells && !stop() {
            if self.open.len() * of.core.items() > MAX_OPEN_ITEMS {
                self.thin();
            }
            let Some(node) = self.next() else {
                return false;
            };
            if node.bound > threshold(value) {
                self.lost += 1;
                continue;
            }
            self.nodes += 1;
            let before = self.dive.len();
            let mut active = node.parent.active.clone();
            active.retain(|item, option| item != node.item as usize || option == node.option);
            let grown = Grown {
                active,
                price: node.parent.price.clone(),
                bound: node.bound,
                depth: node.depth,
            };
            self.grow(of, grown, value);
            self.lost += u32::from(self.dive.len() == before);
            if let Some(found) = &self.found {
                value = value.min(of.core.total(found));
            }
        }
        true
    }

    /// Raises the bound of a node, takes options away from it, and opens its children.
    fn grow(&mut self, of: &mut Ground<'_>, mut grown: Grown, value: i64) {
        let mut nth = 1;
        loop {
            // What a node costs where its programmes are small.
            of.look.cells += (grown.active.len() + of.core.items()) as u64;
            let Some(rows) = of.form.rows(of.core, &grown.active) else {
                return;
            };
            if rows.loose.is_empty() {
                self.leaf(of.core, &grown.active, value);
                return;
            }
            let mut ascent = Ascent::new(grown.price, STEP, PATIENCE);
            for _ in 0..ROUNDS {
                ascent.round(&rows, of.look, value);
                grown.bound = grown.bound.max(ascent.best);
                if grown.bound > threshold(value) {
                    return;
                }
            }
            grown.price = ascent.best_price;
            let before = grown.active.len();
            let active = &mut grown.active;
            let Some(raised) = eliminate(of.look, &rows, &grown.price, active, value) else {
                return;
            };
            grown.bound = grown.bound.max(raised);
            let (fallen, loose) = (before - active.len(), active.len() - of.core.items());
            let is_worth_it = nth < LOOKS && fallen * FALLEN_PART > loose;
            if loose > 0 && !is_worth_it {
                self.branch(of.look, grown, ascent.best, value);
                return;
            }
            nth += 1;
        }
    }

    /// Every item has one option left.
    fn leaf(&mut self, core: &Core, active: &Active, value: i64) {
        let items = 0..core.items();
        let choice: Vec<u32> = items.map(|item| active.of(item)[0]).collect();
        let is_plan = core.room(&choice).iter().all(|&room| room >= 0);
        if is_plan && core.total(&choice) < value {
            self.found = Some(choice);
        }
    }

    /// Opens a node for each option of the item that leaves the least to be searched; `known` is the bound that penalties
    /// add to.
    fn branch(&mut self, look: &Look, grown: Grown, known: i64, value: i64) {
        let Grown {
            active,
            price,
            bound,
            depth,
        } = grown;
        let room = (threshold(value) + 1 - known).max(1) as f64;
        let size = |item: usize| -> f64 {
            let options = active.of(item).iter();
            let left = options.map(|&option| {
                let gained = look.gained(item, option) as f64;
                let left = 1.0 - (gained / room).clamp(0.0, 1.0);
                left * left * left * left
            });
            left.sum()
        };
        let loose = (0..price.len()).filter(|&item| active.of(item).len() > 1);
        let least = loose.map(|item| (size(item), item));
        let Some((_, item)) = least.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))) else {
            return;
        };
        let parent = Rc::new(Parent { active, price });
        let first = self.dive.len();
        for &option in parent.active.of(item) {
            self.opened += 1;
            self.dive.push(Node {
                bound: bound.max(known + look.gained(item, option)),
                depth: depth + 1,
                nth: self.opened,
                parent: Rc::clone(&parent),
                item: item as u32,
                option,
            });
        }
        // The most promising on top.
        self.dive[first..].sort_by(Node::cmp);
    }

    /// Gives up the half of the open nodes whose bounds are highest. Their lowest bound stays that of the whole.
    fn thin(&mut self) {
        let mut kept = std::mem::take(&mut self.open).into_sorted_vec();
        let given_up: Vec<Node> = kept.drain(..kept.len() / 2).collect();
        let least = given_up.iter().map(|node| node.bound).chain(self.given_up);
        self.given_up = least.min();
        self.open = kept.into();
    }

    /// The next node: the deepest of the dive, or the lowest bound once the dive has lost too many.
    fn next(&mut self) -> Option<Node> {
        if self.lost >= LOST {
            self.open.extend(self.dive.drain(..));
        }
        self.dive.pop().or_else(|| {
            self.lost = 0;
            self.open.pop()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::{Form, Ground, Look, Node, Parent, Tree};
    use crate::rail::active::Active;
    use crate::rail::core::{Core, Use};
    use crate::rail::prices::Prices;

    /// Items of odd sizes on three small trains, and `settled` others that have one option: programmes of a few cells.
    fn odd(settled: usize) -> Core {
        let mut core = Core::new(3, vec![9, 10, 11], vec![0, 1, 2]);
        for nth in 0..24_i64 {
            core.push_item();
            for train in 0..3_u32 {
                let amount = 2 + (nth * 7 + i64::from(train) * 5) % 4;
                let cost = 40 - 5 * amount + (nth * 11 + i64::from(train) * 3) % 4;
                core.push_option(cost, &[train], [Use { row: train, amount }]);
            }
            core.push_option(60, &[], []);
        }
        for _ in 0..settled {
            core.push_item();
            core.push_option(0, &[], []);
        }
        core
    }

    fn node(bound: i64, nth: u64, parent: &Rc<Parent>) -> Node {
        Node {
            bound,
            depth: 1,
            nth,
            parent: Rc::clone(parent),
            item: 0,
            option: 0,
        }
    }

    /// Nodes given up for want of room are those of the highest bounds, and they still count: forgotten, they would let the
    /// bound rise over the best plan.
    #[test]
    fn nodes_given_up_still_bound_the_whole() {
        let core = odd(0);
        let parent = Rc::new(Parent {
            active: Active::new(&core),
            price: Vec::new(),
        });
        let mut tree = Tree::default();
        for (nth, bound) in [40, 10, 30, 20].into_iter().enumerate() {
            tree.open.push(node(bound, nth as u64, &parent));
        }
        tree.thin();
        assert_eq!((tree.open.len(), tree.bound()), (2, Some(10)));
        tree.open.clear();
        assert_eq!(tree.bound(), Some(30));
        // What is given up later and higher does not take the lower bound's place.
        for (nth, bound) in [50, 60].into_iter().enumerate() {
            tree.open.push(node(bound, nth as u64, &parent));
        }
        tree.thin();
        assert_eq!((tree.open.len(), tree.bound()), (1, Some(30)));
    }

    /// A node costs its items and options even where its programmes are next to nothing: without that, a budget of cells
    /// bought more nodes than there was time for.
    #[test]
    fn small_programmes_do_not_make_nodes_free() {
        let core = odd(50_000);
        let active = Active::new(&core);
        let prices = Prices::new(&core, &active, &[0.0, 0.0, 0.0]);
        let form = Form::new(&core, &prices).expect("one train an option");
        let mut look = Look::new(core.options());
        let mut of = Ground {
            core: &core,
            form: &form,
            look: &mut look,
        };
        let (value, cells) = (60 * 24, 5_000_000);
        let price = [vec![30.0; 24], vec![0.0; 50_000]].concat();
        let mut tree = Tree::default();
        tree.plant(&mut of, active, price, i64::MIN, value);
        assert!(tree.search(&mut of, value, cells, &|| false), "too easy");
        let most = cells / core.items() as u64;
        assert!(
            (10..=most).contains(&tree.nodes),
            "{} of {most}",
            tree.nodes
        );
    }
}

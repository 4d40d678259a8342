//! Paths of arcs that carry room: the cheapest, by labels.

use super::arcs::{Arcs, NEVER};

/// Arcs of a path at most.
const MAX_ARCS: usize = 5;
const NONE: u32 = u32::MAX;

/// The cheapest path of some arcs that brings some room to a node.
#[derive(Debug, Clone, Copy)]
struct Label {
    cost: i64,
    /// The label before, one level down.
    from: u32,
}

/// The search with its labels: by number of arcs, node and room.
pub(super) struct Paths<'a> {
    arcs: &'a Arcs,
    room: &'a [i64],
    levels: Vec<Vec<Label>>,
    width: usize,
}

impl<'a> Paths<'a> {
    pub fn new(arcs: &'a Arcs, room: &'a [i64]) -> Self {
        Paths {
            arcs,
            room,
            levels: Vec::with_capacity(MAX_ARCS + 1),
            width: (2 * arcs.most + 1) as usize,
        }
    }

    /// Fills the labels of all levels.
    pub fn search(&mut self, stop: &dyn Fn() -> bool) {
        let nothing = Label {
            cost: NEVER,
            from: NONE,
        };
        let mut first = vec![nothing; self.arcs.nodes * self.width];
        for node in 0..self.arcs.nodes {
            first[node * self.width + self.arcs.most as usize].cost = 0;
        }
        self.levels.push(first);
        // A path that has cost more than any arc gains is not followed.
        let limit = self.arcs.gain();
        for level in 0..MAX_ARCS {
            if stop() {
                return;
            }
            let mut next = vec![nothing; self.arcs.nodes * self.width];
            for from in 0..self.levels[level].len() {
                let label = self.levels[level][from];
                if label.cost < limit {
                    self.extend(level, from, label.cost, &mut next);
                }
            }
            self.levels.push(next);
        }
    }

    /// Every arc on from a label.
    fn extend(&mut self, level: usize, from: usize, cost: i64, next: &mut [Label]) {
        let (node, brought) = self.place(from);
        let (most, arcs) = (self.arcs.most, self.arcs);
        // What is there may be carried on, or less: then some of it is left lying.
        let there = (brought + self.room[node]).min(most);
        for &to in &arcs.neighbours[node] {
            if self.visits(level, from, to) {
                continue;
            }
            for room in -most..=there {
                let sum = cost + arcs.cost(node as u32, to, room);
                let new = &mut next[to as usize * self.width + (room + most) as usize];
                if sum < new.cost {
                    *new = Label {
                        cost: sum,
                        from: from as u32,
                    };
                }
            }
        }
    }

    fn place(&self, label: usize) -> (usize, i64) {
        let room = (label % self.width) as i64 - self.arcs.most;
        (label / self.width, room)
    }

    /// True if the path to a label has been at `node`. Staying may be the beginning and the end.
    fn visits(&self, level: usize, label: usize, node: u32) -> bool {
        let stays = self.arcs.nodes - 1;
        let mut at = label;
        for level in (0..=level).rev() {
            let is_first = level == 0 && node as usize == stays;
            if at / self.width == node as usize && !is_first {
                return true;
            }
            at = self.levels[level][at].from as usize;
        }
        false
    }

    /// The shifts of the cheapest paths that make the plan cheaper, the best first.
    pub fn cheaper(&self, most: usize) -> Vec<Vec<(u32, u32)>> {
        let mut found: Vec<(i64, usize, usize)> = Vec::new();
        for (level, labels) in self.levels.iter().enumerate() {
            for (at, label) in labels.iter().enumerate() {
                let (node, brought) = self.place(at);
                if label.cost < 0 && brought + self.room[node] >= 0 {
                    found.push((label.cost, level, at));
                }
            }
        }
        found.sort_unstable();
        found.truncate(most);
        found
            .iter()
            .filter_map(|&(_, level, at)| self.shifts(level, at))
            .collect()
    }

    /// None if a unit would have to move twice.
    fn shifts(&self, level: usize, label: usize) -> Option<Vec<(u32, u32)>> {
        let mut shifts = Vec::new();
        let mut at = label;
        for level in (1..=level).rev() {
            let from = self.levels[level][at].from as usize;
            let (to, room) = self.place(at);
            let node = from / self.width;
            let arcs = self.arcs;
            if !arcs.shifts(node as u32, to as u32, room, &mut shifts) {
                return None;
            }
            at = from;
        }
        Some(shifts)
    }
}

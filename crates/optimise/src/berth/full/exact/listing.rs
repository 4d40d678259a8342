//! Depth first through the choices that agree.

use super::super::bound::SCALE_BITS;
use super::super::model::Model;
use super::super::state::State;
use super::Choice;
use super::agreement::{Agreement, BITS, Word};
use crate::budget::Stop;
use std::cmp::Reverse;

/// The outside stop is asked once in so many nodes.
const STOP_EVERY: u64 = 512;

/// Two calls that cannot both have their cheapest choice left.
#[derive(Debug, Clone, Copy)]
struct Clash {
    calls: [usize; 2],
    /// What their cheapest choices that agree cost more, scaled.
    extra: i64,
}

/// What is known before a call is given a choice.
struct View {
    /// Surplus of any plan that is left, at least.
    least: i64,
    /// The call that comes next and the surplus that it may have.
    next: (usize, i64),
}

/// The plans below a target, depth first.
pub(super) struct Listing<'a> {
    model: &'a Model<'a>,
    choices: Vec<Vec<Choice>>,
    agreement: Agreement,
    /// By depth: the set of those that are left.
    left: Vec<Word>,
    /// By depth: the call and the number of its choice.
    chosen: Vec<(usize, usize)>,
    is_chosen: Vec<bool>,
    /// Those without a choice, and the number of their cheapest.
    firsts: Vec<(usize, usize)>,
    clashes: Vec<Clash>,
    /// By call: what the clash that counts for it costs.
    extra: Vec<i64>,
    pub best: Option<State>,
    /// Scaled reduced cost that a plan below the target may have.
    spare: i64,
    target: i64,
    pub nodes: u64,
    pub nodes_max: u64,
    /// Comparisons, and words of sets gone through.
    pub work: u64,
    stop: &'a dyn Stop,
}

impl<'a> Listing<'a> {
    pub fn new(
        model: &'a Model<'a>,
        choices: Vec<Vec<Choice>>,
        agreement: Agreement,
        (spare, target): (i64, i64),
        (nodes_max, stop): (u64, &'a dyn Stop),
    ) -> Self {
        let mut left = vec![0; (choices.len() + 1) * agreement.width];
        for (call, choices) in choices.iter().enumerate() {
            for number in 0..choices.len() {
                left[agreement.words[call] + number / BITS] |= 1 << (number % BITS);
            }
        }
        Listing {
            model,
            left,
            chosen: Vec::with_capacity(choices.len()),
            is_chosen: vec![false; choices.len()],
            firsts: Vec::with_capacity(choices.len()),
            clashes: Vec::new(),
            extra: vec![0; choices.len()],
            best: None,
            spare,
            target,
            nodes: 0,
            nodes_max,
            work: agreement.comparisons,
            stop,
            agreement,
            choices,
        }
    }

    /// The number of a call's first choice left at a depth that is at least `from`.
    fn next(&self, depth: usize, call: usize, from: usize) -> Option<usize> {
        let count = self.choices[call].len();
        let set = &self.left[depth * self.agreement.width + self.agreement.words[call]..];
        let mut at = from / BITS;
        let mut mask = Word::MAX << (from % BITS);
        while at * BITS < count {
            let word = set[at] & mask;
            if word != 0 {
                return Some(at * BITS + word.trailing_zeros() as usize);
            }
            mask = Word::MAX;
            at += 1;
        }
        None
    }

    /// How many choices of a call are left at a depth with a surplus up to `most`.
    fn count(&self, depth: usize, call: usize, most: i64) -> u32 {
        let choices = &self.choices[call];
        let end = choices.partition_point(|choice| choice.surplus <= most);
        let set = &self.left[depth * self.agreement.width + self.agreement.words[call]..];
        let whole: u32 = set[..end / BITS].iter().map(|word| word.count_ones()).sum();
        match end % BITS {
            0 => whole,
            rest => whole + (set[end / BITS] & !(Word::MAX << rest)).count_ones(),
        }
    }

    /// What those without a choice cost at least, and who comes next; none if no plan below the target is left.
    fn look(&mut self, depth: usize, taken: i64) -> Option<View> {
        let mut view = View {
            least: taken,
            next: (0, 0),
        };
        self.firsts.clear();
        for call in 0..self.choices.len() {
            if !self.is_chosen[call] {
                let first = self.next(depth, call, 0)?;
                view.least += self.choices[call][first].surplus;
                self.firsts.push((call, first));
            }
        }
        if view.least > self.spare {
            return None;
        }
        self.find_clashes(depth, self.spare - view.least)?;
        // clashes that share no call add up
        self.clashes
            .sort_unstable_by_key(|clash| (Reverse(clash.extra), clash.calls));
        self.extra.fill(0);
        for clash in &self.clashes {
            let [one, other] = clash.calls;
            if self.extra[one] == 0 && self.extra[other] == 0 {
                (self.extra[one], self.extra[other]) = (clash.extra, clash.extra);
                view.least += clash.extra;
            }
        }
        if view.least > self.spare {
            return None;
        }
        if self.clashes.is_empty() {
            self.keep();
            view.next = self.widest(depth, view.least)?;
            return Some(view);
        }
        let mut fewest = u32::MAX;
        for call in self.clashes.iter().flat_map(|clash| clash.calls) {
            let first = self.choices[call][self.next(depth, call, 0)?].surplus;
            let most = self.spare - view.least + self.extra[call] + first;
            let count = self.count(depth, call, most);
            if count < fewest {
                fewest = count;
                view.next = (call, most);
            }
        }
        Some(view)
    }

    /// The call that gains most in cost by a choice dearer at these prices, and the surplus that it may have; none if the
    /// cheapest choices left are the cheapest plan below the target: prices of what is not used up count against a stay, so
    /// another plan may cost less.
    fn widest(&self, depth: usize, least: i64) -> Option<(usize, i64)> {
        let mut widest = (0, None);
        for (call, first) in &self.firsts {
            let choices = &self.choices[*call];
            let most = self.spare - least + choices[*first].surplus;
            let mut at = self.next(depth, *call, first + 1);
            while let Some(number) = at.filter(|number| choices[*number].surplus <= most) {
                let gain = choices[*first].cost - choices[number].cost;
                if gain > widest.0 {
                    widest = (gain, Some((*call, most)));
                }
                at = self.next(depth, *call, number + 1);
            }
        }
        widest.1
    }

    /// Who cannot both have their cheapest choice, and what that costs more; none if for two of them that is above `most`.
    fn find_clashes(&mut self, depth: usize, most: i64) -> Option<()> {
        let mut clashes = std::mem::take(&mut self.clashes);
        clashes.clear();
        for (n, (one, first)) in self.firsts.iter().enumerate() {
            let row = self.agreement.row(*one, *first);
            for (other, theirs) in &self.firsts[n + 1..] {
                if row[self.agreement.words[*other] + theirs / BITS] & (1 << (theirs % BITS)) == 0 {
                    let extra = self.extra(depth, (*one, *first), (*other, *theirs), most)?;
                    let calls = [*one, *other];
                    clashes.push(Clash { calls, extra });
                }
            }
        }
        self.clashes = clashes;
        Some(())
    }

    /// What two calls cost together above their cheapest choices; none if that is above `most`.
    fn extra(
        &self,
        depth: usize,
        (one, first): (usize, usize),
        (other, theirs): (usize, usize),
        most: i64,
    ) -> Option<i64> {
        let cheapest = self.choices[one][first].surplus + self.choices[other][theirs].surplus;
        let mut best = None;
        let mut limit = most + cheapest;
        let mut at = Some(first);
        while let Some(number) = at {
            let surplus = self.choices[one][number].surplus;
            if surplus + self.choices[other][theirs].surplus > limit {
                break;
            }
            let row = &self.agreement.row(one, number)[self.agreement.words[other]..];
            let left = &self.left[depth * self.agreement.width + self.agreement.words[other]..];
            let words = self.choices[other].len().div_ceil(BITS);
            let both = (0..words).map(|word| (word, row[word] & left[word]));
            if let Some((word, set)) = both.into_iter().find(|(_, set)| *set != 0) {
                let mate = word * BITS + set.trailing_zeros() as usize;
                let sum = surplus + self.choices[other][mate].surplus;
                if sum <= limit {
                    best = Some(sum - cheapest);
                    limit = sum - 1;
                }
            }
            at = self.next(depth, one, number + 1);
        }
        best
    }

    /// Goes through what is left at a depth, beside the choices that took so much surplus.
    pub fn descend(&mut self, depth: usize, taken: i64) {
        self.work +=
            (2 * self.agreement.width + self.choices.len() * self.choices.len() / 4) as u64;
        let Some(view) = self.look(depth, taken) else {
            return;
        };
        let (call, most) = view.next;
        let mut at = self.next(depth, call, 0);
        let spare = self.spare;
        self.is_chosen[call] = true;
        while let Some(number) = at {
            let surplus = self.choices[call][number].surplus;
            // the target may have come down since
            if surplus > most - (spare - self.spare) || self.nodes >= self.nodes_max {
                break;
            }
            self.nodes += 1;
            if self.nodes.is_multiple_of(STOP_EVERY) && self.stop.stop() {
                self.nodes_max = self.nodes;
            }
            let (before, after) = self.left.split_at_mut((depth + 1) * self.agreement.width);
            let agreeing = self.agreement.row(call, number);
            let before = &before[depth * self.agreement.width..];
            for ((next, now), agrees) in after.iter_mut().zip(before).zip(agreeing) {
                *next = now & agrees;
            }
            self.chosen.push((call, number));
            self.descend(depth + 1, taken + surplus);
            self.chosen.pop();
            at = self.next(depth, call, number + 1);
        }
        self.is_chosen[call] = false;
    }

    /// Keeps what is chosen, with the cheapest choices of the others, if that is the cheapest plan so far.
    fn keep(&mut self) {
        let all = || self.chosen.iter().chain(&self.firsts);
        let cost: i64 = all().map(|(call, at)| self.choices[*call][*at].cost).sum();
        if cost >= self.target {
            return;
        }
        let mut state = State::empty(self.model);
        for (call, number) in all() {
            if let Some(placement) = self.choices[*call][*number].placement {
                state.place(self.model, *call, placement);
            }
        }
        self.spare -= (self.target - cost) << SCALE_BITS;
        self.target = cost;
        self.best = Some(state);
    }
}

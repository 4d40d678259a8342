//! Which choices of two calls can be in one plan, looked up once for each two.

use super::super::insert::{self, Scratch};
use super::super::model::Model;
use super::super::state::{Placement, State};
use super::Choice;

/// A set of choices, one bit each; the bits of a call begin with a word.
pub(super) type Word = u64;
pub(super) const BITS: usize = Word::BITS as usize;

/// By choice, the set of the choices of the others that agree with it.
pub(super) struct Agreement {
    /// By call: its first word in a set.
    pub words: Vec<usize>,
    /// Words of a set.
    pub width: usize,
    /// By call: the first of its rows.
    rows: Vec<usize>,
    agreeing: Vec<Word>,
    /// Choices compared two by two.
    pub comparisons: u64,
}

impl Agreement {
    pub fn new(model: &Model<'_>, choices: &[Vec<Choice>]) -> Self {
        let (mut words, mut rows) = (Vec::new(), Vec::new());
        let (mut width, mut count) = (0, 0);
        for choices in choices {
            words.push(width);
            rows.push(count);
            width += choices.len().div_ceil(BITS);
            count += choices.len();
        }
        let mut agreement = Agreement {
            words,
            width,
            rows,
            agreeing: vec![Word::MAX; count * width],
            comparisons: (count * count / 2) as u64,
        };
        let mut state = State::empty(model);
        for (call, ours) in choices.iter().enumerate() {
            for (number, choice) in ours.iter().enumerate() {
                if let Some(placement) = choice.placement {
                    state.place(model, call, placement);
                    agreement.compare(model, &state, choices, (call, number, placement));
                    state.remove(model, call);
                }
            }
        }
        agreement
    }

    /// Strikes out what the calls after this one cannot choose beside the one stay in `state`.
    fn compare(
        &mut self,
        model: &Model<'_>,
        state: &State,
        choices: &[Vec<Choice>],
        (call, number, placement): (usize, usize, Placement),
    ) {
        let mut scratch = Scratch::default();
        let quay = quay_of(model, call, &placement);
        let couplings = &model.calls[call].couplings;
        for (other, theirs) in choices.iter().enumerate().skip(call + 1) {
            let is_coupled = couplings.iter().any(|(mate, _)| *mate as usize == other);
            for (at, choice) in theirs.iter().enumerate() {
                let Some(theirs) = choice.placement else {
                    continue;
                };
                let is_apart = theirs.end_min <= placement.start_min
                    || placement.end_min <= theirs.start_min
                    || quay_of(model, other, &theirs) != quay;
                if is_apart && !is_coupled {
                    continue;
                }
                if insert::exactly(model, state, other, &theirs, &mut scratch).is_none() {
                    self.strike((call, number), (other, at));
                    self.strike((other, at), (call, number));
                }
            }
        }
    }

    fn strike(&mut self, (call, number): (usize, usize), (other, at): (usize, usize)) {
        let row = (self.rows[call] + number) * self.width;
        self.agreeing[row + self.words[other] + at / BITS] &= !(1 << (at % BITS));
    }

    /// The choices that agree with one of a call.
    pub fn row(&self, call: usize, number: usize) -> &[Word] {
        &self.agreeing[(self.rows[call] + number) * self.width..][..self.width]
    }
}

fn quay_of(model: &Model<'_>, call: usize, placement: &Placement) -> u32 {
    let compiled = &model.calls[call];
    compiled.spots[compiled.modes[placement.mode as usize].spot as usize].quay
}

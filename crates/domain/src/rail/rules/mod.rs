//! The hard rules. Those of one unit's path ([`first_breach`]) stand apart from those of the whole plan
//! ([`capacity`], [`dangerous`], [`keep_together`], [`load_cut`]).

pub mod bump;
pub mod capacity;
pub mod chain;
pub mod corridor;
pub mod customs;
pub mod cut_off;
pub mod dangerous;
pub mod frozen;
pub mod keep_together;
pub mod load_cut;
pub mod pin;
pub mod ready;
pub mod unit_limits;

use super::cut_off::CutOffKind;
use super::problem::{RailProblem, TrainSlot};
use super::unit::Unit;

/// A hard rule by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// Every unit is planned exactly once, by slots of the problem.
    Coverage,
    /// A closed or departed train keeps what it has, and a cancelled one takes nothing.
    Frozen,
    /// The legs lead from origin to destination with time to change trains.
    Chain,
    /// At most so many trains in a row.
    Legs,
    /// The booking's corridor.
    Corridor,
    /// The unit can be lifted before the train leaves.
    Ready,
    /// Customs has released the unit in time.
    Customs,
    /// A cut-off.
    CutOff(CutOffKind),
    /// The axles of the train's wagons.
    UnitGross,
    /// The longest unit that the wagons take.
    UnitLength,
    /// The loading gauge of the line.
    Profile,
    /// The planner pinned the unit.
    Pin,
    /// The planner bumped the unit off this train.
    Bump,
    /// Room in TEU.
    Teu,
    /// Room in metres.
    Length,
    /// Tonnes of the train.
    Gross,
    /// Units of dangerous goods on one train.
    Dangerous,
    /// Kilograms of dangerous goods on one train.
    DangerousGross,
    /// Keep-together bookings.
    KeepTogether,
    /// A cut that loading taught.
    LoadCut,
}

impl Rule {
    /// A stable code for output.
    pub fn code(self) -> &'static str {
        match self {
            Rule::Coverage => "COVERAGE",
            Rule::Frozen => "FROZEN",
            Rule::Chain => "CHAIN",
            Rule::Legs => "LEGS",
            Rule::Corridor => "CORRIDOR",
            Rule::Ready => "READY",
            Rule::Customs => "CUSTOMS",
            Rule::CutOff(kind) => kind.code(),
            Rule::UnitGross => "UNIT_GROSS",
            Rule::UnitLength => "UNIT_LENGTH",
            Rule::Profile => "PROFILE",
            Rule::Pin => "PIN",
            Rule::Bump => "BUMP",
            Rule::Teu => "TEU",
            Rule::Length => "LENGTH",
            Rule::Gross => "GROSS",
            Rule::Dangerous => "DANGEROUS",
            Rule::DangerousGross => "DANGEROUS_GROSS",
            Rule::KeepTogether => "KEEP_TOGETHER",
            Rule::LoadCut => "LOAD_CUT",
        }
    }
}

/// How a path breaks a rule: what it needs against what is allowed, in the rule's own unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breach {
    /// The rule.
    pub rule: Rule,
    /// The leg that breaks it.
    pub leg: usize,
    /// What the unit needs (minutes since the epoch, kilograms, decimetres, a code; 0 where nothing is measured).
    pub needed: i64,
    /// What is allowed, in the same unit.
    pub allowed: i64,
}

impl Breach {
    pub(crate) fn new(rule: Rule, leg: usize, needed: i64, allowed: i64) -> Self {
        Breach {
            rule,
            leg,
            needed,
            allowed,
        }
    }
}

/// One unit on one path.
#[derive(Debug, Clone, Copy)]
pub struct Path<'a> {
    /// The problem, for its instant and weights.
    pub problem: &'a RailProblem,
    /// The unit.
    pub unit: &'a Unit,
    /// The legs that are facts: see [`held`].
    pub held: &'a [&'a TrainSlot],
    /// All legs.
    pub legs: &'a [&'a TrainSlot],
}

impl Path<'_> {
    /// True if the path adds nothing to the facts: the unit stays where it is.
    pub fn is_stay(&self) -> bool {
        self.legs.len() <= self.held.len()
    }
}

/// How many legs of a unit's previous path are facts: all up to the last one on a frozen train.
pub fn held(problem: &RailProblem, previous: &[&TrainSlot]) -> usize {
    previous
        .iter()
        .rposition(|leg| leg.is_frozen(problem.now_at_min))
        .map_or(0, |last| last + 1)
}

/// The first rule that the path breaks, in a fixed order; none for staying.
pub fn first_breach(path: &Path) -> Option<Breach> {
    const RULES: [fn(&Path) -> Option<Breach>; 9] = [
        frozen::breach,
        chain::breach,
        corridor::breach,
        bump::breach,
        pin::breach,
        ready::breach,
        customs::breach,
        cut_off::breach,
        unit_limits::breach,
    ];
    RULES.iter().find_map(|rule| rule(path))
}

#[cfg(test)]
mod tests;

//! What was decided.

use super::rules::Rule;

/// A unit with the slots it goes by, in order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Assigned {
    /// The unit's reference.
    pub unit: String,
    /// Slot references, at least one.
    pub legs: Vec<String>,
}

/// Why a unit stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RolledOverReason {
    /// No slot of this problem leads from its origin to its destination.
    NoTrain,
    /// Slots lead there, but each breaks a rule for this unit; the rule that most of them break.
    NoFeasibleTrain(Rule),
    /// Slots would take it, but others have the room and pay more for it.
    NoRoom,
    /// Every slot with room costs more than staying.
    Dearer,
    /// Its pin breaks a rule or finds no room.
    PinImpossible,
    /// Another unit of its keep-together booking cannot go.
    KeepTogether,
}

impl RolledOverReason {
    /// A stable code for output.
    pub fn code(self) -> &'static str {
        match self {
            RolledOverReason::NoTrain => "NO_TRAIN",
            RolledOverReason::NoFeasibleTrain(rule) => rule.code(),
            RolledOverReason::NoRoom => "NO_ROOM",
            RolledOverReason::Dearer => "DEARER",
            RolledOverReason::PinImpossible => "PIN_IMPOSSIBLE",
            RolledOverReason::KeepTogether => "KEEP_TOGETHER",
        }
    }
}

/// A unit that stays, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RolledOver {
    /// The unit's reference.
    pub unit: String,
    /// Why.
    pub reason: RolledOverReason,
}

/// A level-1 plan: every unit is in exactly one of the two lists, each in the problem's order of units.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RailPlan {
    /// Units that go.
    pub assignments: Vec<Assigned>,
    /// Units that stay.
    pub rolled_over: Vec<RolledOver>,
}

//! The plan: who lies where and when.

/// One vessel's time alongside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stay {
    /// Index of the call.
    pub call: usize,
    /// Index of the berth.
    pub berth: usize,
    /// First metre on the quay.
    pub from_m: i64,
    /// Start, minutes.
    pub start_min: i64,
    /// End, minutes.
    pub end_min: i64,
    /// Indices of the cranes that work it throughout, ascending; empty where handling needs none.
    pub cranes: Vec<usize>,
}

/// A call without a stay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Unassigned {
    /// Index of the call.
    pub call: usize,
    /// Why, in a sentence.
    pub reason: String,
}

/// Every call of the problem exactly once, either with a stay or without.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BerthPlan {
    /// The stays, ascending by call.
    pub stays: Vec<Stay>,
    /// The rest, ascending by call.
    pub unassigned: Vec<Unassigned>,
}

impl BerthPlan {
    /// The stay of a call.
    pub fn stay_of(&self, call: usize) -> Option<&Stay> {
        self.stays.iter().find(|stay| stay.call == call)
    }
}

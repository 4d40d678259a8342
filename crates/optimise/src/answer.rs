//! What every solver returns.

/// A plan with its proof and the work that went into it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<P> {
    /// The best plan that was found.
    pub plan: P,
    /// The objective of `plan`, in the cost units of the problem.
    pub value: i64,
    /// A proven lower bound on the objective of any feasible plan; never above `value`.
    pub bound: i64,
    /// What the search did.
    pub statistics: Statistics,
}

impl<P> Answer<P> {
    /// True if no feasible plan is better.
    pub fn is_proved(&self) -> bool {
        self.bound == self.value
    }

    /// (value - bound) / value, 0 when both are 0.
    pub fn gap(&self) -> f64 {
        if self.value == self.bound {
            0.0
        } else {
            (self.value - self.bound) as f64 / (self.value.abs().max(1)) as f64
        }
    }
}

/// Work counters, all deterministic.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Search iterations spent.
    pub iterations: u64,
    /// Times a better plan was found.
    pub improvements: u64,
    /// Iterations of the bound's subgradient.
    pub bound_iterations: u64,
    /// Nodes of branch and bound.
    pub nodes: u64,
}

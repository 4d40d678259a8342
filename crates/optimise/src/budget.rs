//! How long a solver may go on.

/// Says when to stop for a reason outside the search, such as a deadline. The solver asks between iterations, so an
/// implementation must be cheap. Budgets that must reproduce use iterations alone.
pub trait Stop {
    /// True once the solver should return its best plan.
    fn stop(&self) -> bool;
}

/// Never stops early.
pub struct Never;

impl Stop for Never {
    fn stop(&self) -> bool {
        false
    }
}

/// The limit of one solve.
pub struct Budget<'a> {
    /// At most so many iterations of the search; the unit of work is the solver's own (see its docs).
    pub iterations: u64,
    /// A stop from outside, for deadlines and cancellation.
    pub stop: &'a dyn Stop,
}

impl Budget<'static> {
    /// A budget of iterations alone: reproducible on any machine.
    pub fn iterations(iterations: u64) -> Self {
        Budget {
            iterations,
            stop: &Never,
        }
    }
}

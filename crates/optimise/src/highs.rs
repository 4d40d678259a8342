//! Mixed-integer programmes solved by HiGHS, for exact finishes and for cross-checks of our own bounds. Only with the
//! feature `highs`, which needs cmake, a C++ compiler and libclang.
//!
//! HiGHS computes in floating point and limits itself by wall time or nodes, so nothing here is part of the planners'
//! reproducible answers: a plan that a programme finds goes through the checker like any other, and a bound that it proves
//! is rounded by the caller with the slack of [`TOLERANCE`]. Never give it an objective bound as a cutoff: HiGHS once
//! claimed a wrong optimum under one.

use highs::{Col, HighsModelStatus, RowProblem, Sense};

/// Relative error that HiGHS may leave in a value or a bound.
pub const TOLERANCE: f64 = 1e-6;

/// A variable of a [`Programme`]: its number, from 0 in the order of their making.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variable(usize);

impl Variable {
    /// Where its value stands in [`Outcome::values`].
    pub fn number(self) -> usize {
        self.0
    }
}

/// A linear or mixed-integer programme: minimise the sum of cost times value under rows with a least and a most.
#[derive(Debug, Clone, Default)]
pub struct Programme {
    rows: RowProblem,
    columns: Vec<Col>,
}

/// When to stop short of the optimum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Seconds of wall time.
    pub seconds: f64,
    /// Nodes of branch and bound.
    pub nodes: u32,
}

impl Limits {
    /// So many seconds, any number of nodes.
    pub fn seconds(seconds: f64) -> Self {
        Limits {
            seconds,
            nodes: i32::MAX as u32,
        }
    }
}

/// How a solve ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The values are optimal.
    Optimal,
    /// No values keep all rows.
    Infeasible,
    /// A limit was met: the values, if any, are feasible and the bound holds.
    Limit,
    /// HiGHS gave up for reasons of its own; use nothing.
    Failed,
}

/// What HiGHS found.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// How it ended.
    pub end: End,
    /// The best value found; none without a feasible point.
    pub value: Option<f64>,
    /// No feasible point costs less, up to [`TOLERANCE`].
    pub bound: f64,
    /// By variable, empty without a feasible point.
    pub values: Vec<f64>,
}

impl Outcome {
    /// True if an integer variable is 1 (or more).
    pub fn is_chosen(&self, variable: Variable) -> bool {
        self.values
            .get(variable.0)
            .is_some_and(|value| *value > 0.5)
    }

    /// The bound as a whole number, for programmes whose costs and variables are whole: rounded up but for the tolerance.
    pub fn whole_bound(&self) -> i64 {
        (self.bound - self.bound.abs().max(1.0) * TOLERANCE).ceil() as i64
    }
}

impl Programme {
    /// Without variables and rows.
    pub fn new() -> Self {
        Programme::default()
    }

    /// A variable that is 0 or 1.
    pub fn binary(&mut self, cost: f64) -> Variable {
        let column = self.rows.add_integer_column(cost, 0.0..=1.0);
        self.keep(column)
    }

    /// A whole variable from `least` to `most`.
    pub fn whole(&mut self, cost: f64, least: f64, most: f64) -> Variable {
        let column = self.rows.add_integer_column(cost, least..=most);
        self.keep(column)
    }

    /// A real variable from `least` to `most`.
    pub fn real(&mut self, cost: f64, least: f64, most: f64) -> Variable {
        let column = self.rows.add_column(cost, least..=most);
        self.keep(column)
    }

    fn keep(&mut self, column: Col) -> Variable {
        self.columns.push(column);
        Variable(self.columns.len() - 1)
    }

    /// `least <= sum of factor times variable <= most`; infinities leave a side open. A variable stands in a row once.
    pub fn row(&mut self, least: f64, terms: &[(Variable, f64)], most: f64) {
        let terms: Vec<(Col, f64)> = terms
            .iter()
            .map(|(variable, factor)| (self.columns[variable.0], *factor))
            .collect();
        self.rows.add_row(least..=most, &terms);
    }

    /// Variables so far.
    pub fn variables(&self) -> usize {
        self.columns.len()
    }

    /// The least cost, by one thread and a fixed seed.
    pub fn minimise(self, limits: Limits) -> Outcome {
        let failed = Outcome {
            end: End::Failed,
            value: None,
            bound: f64::NEG_INFINITY,
            values: Vec::new(),
        };
        let Ok(mut model) = self.rows.try_optimise(Sense::Minimise) else {
            return failed;
        };
        model.make_quiet();
        model.set_option("threads", 1);
        model.set_option("random_seed", 1);
        model.set_option("mip_rel_gap", 0.0);
        model.set_option("mip_abs_gap", 1e-6);
        model.set_option("time_limit", limits.seconds);
        model.set_option("mip_max_nodes", limits.nodes.min(i32::MAX as u32) as i32);
        let Ok(solved) = model.try_solve() else {
            return failed;
        };
        let end = match solved.status() {
            HighsModelStatus::Optimal | HighsModelStatus::ModelEmpty => End::Optimal,
            HighsModelStatus::Infeasible => End::Infeasible,
            HighsModelStatus::ReachedTimeLimit
            | HighsModelStatus::ReachedIterationLimit
            | HighsModelStatus::ReachedSolutionLimit
            | HighsModelStatus::ReachedInterrupt => End::Limit,
            _ => return failed,
        };
        let value = solved.objective_value();
        let has_point = match end {
            End::Optimal => true,
            End::Limit => solved.primal_solution_status() == highs::HighsSolutionStatus::Feasible,
            _ => false,
        };
        let bound = match end {
            End::Infeasible => f64::INFINITY,
            End::Optimal => value,
            _ => solved
                .double_info_value(c"mip_dual_bound")
                .unwrap_or(f64::NEG_INFINITY),
        };
        Outcome {
            end,
            value: has_point.then_some(value),
            bound,
            values: match has_point {
                true => solved.get_solution().columns().to_vec(),
                false => Vec::new(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Take at least two of three: 5 + 6, where the relaxation takes a part of the dearest.
    fn cover() -> (Programme, Vec<Variable>) {
        let mut programme = Programme::new();
        let all = [5.0, 6.0, 7.0].map(|cost| programme.binary(cost)).to_vec();
        let terms: Vec<(Variable, f64)> = all.iter().map(|one| (*one, 1.0)).collect();
        programme.row(1.5, &terms, f64::INFINITY);
        (programme, all)
    }

    #[test]
    fn the_least_cover_is_chosen() {
        let (programme, all) = cover();
        let outcome = programme.minimise(Limits::seconds(10.0));
        assert_eq!(outcome.end, End::Optimal);
        assert_eq!(outcome.value, Some(11.0));
        assert_eq!(outcome.whole_bound(), 11);
        let chosen: Vec<bool> = all.iter().map(|one| outcome.is_chosen(*one)).collect();
        assert_eq!(chosen, vec![true, true, false]);
    }

    #[test]
    fn rows_that_contradict_are_infeasible() {
        let (mut programme, all) = cover();
        programme.row(0.0, &[(all[0], 1.0), (all[1], 1.0)], 0.0);
        let outcome = programme.minimise(Limits::seconds(10.0));
        assert_eq!((outcome.end, outcome.value), (End::Infeasible, None));
    }
}

//! `quaystream plan berths --week SEEDS`: a simulated week, planned anew every half hour. What moves, and what the executed
//! week costs, against first come first served and against planning without a change penalty.

use super::super::limit::LimitArgs;
use super::super::table::Table;
use super::error::PlanError;
use super::week_port::{WEEK_MIN, Week, metres, week as week_of};
use super::week_run::{Figures, Policy, Run};
use std::fmt::Write;

/// Iterations of one plan unless --iterations says otherwise.
const ITERATIONS: u64 = 2_000;

/// Lives through the weeks, each under every policy with so many seeds of the searches, and renders the table.
pub fn week(seeds: u64, limit: &LimitArgs, runs: u64) -> Result<String, PlanError> {
    let iterations = limit.iterations.unwrap_or(ITERATIONS);
    let mut table = Table::new(&[
        "seed",
        "plan",
        "executed cost",
        "from - to",
        "moved%",
        "moved but for own ETA%",
        "frozen moved",
        "thawed",
        "occupancy%",
        "wait h/call",
    ]);
    let mut sums = Sums::default();
    let mut text = String::new();
    for seed in limit.seed..limit.seed + seeds {
        let week = week_of(seed);
        let mut run = |policy| {
            let searches = if policy == Policy::FirstCome {
                1
            } else {
                runs.max(1)
            };
            let lived = Lived::through(&week, policy, iterations, searches)?;
            table.row(lived.cells(seed, policy, &week));
            Ok::<_, PlanError>(lived)
        };
        let stable = run(Policy::Stable)?;
        let scratch = run(Policy::FromScratch)?;
        let first_come = run(Policy::FirstCome)?;
        sums.add(&week, &stable, &scratch, &first_come);
        let _ = writeln!(text, "seed {seed}: {}", workload(&week));
    }
    Ok(format!("{}{}{text}", table.render(), sums.render()))
}

/// One week under one policy, with several seeds of the searches: executed costs of single runs scatter, because every plan
/// changes what is known at the next.
struct Lived {
    costs: Vec<i64>,
    sum: Figures,
}

impl Lived {
    fn through(
        week: &Week,
        policy: Policy,
        iterations: u64,
        searches: u64,
    ) -> Result<Self, PlanError> {
        let mut lived = Lived {
            costs: Vec::new(),
            sum: Figures::default(),
        };
        for search in 0..searches {
            let figures = Run::new(week, policy, iterations, search).go()?;
            lived.costs.push(figures.cost);
            lived.sum.add(&figures);
        }
        Ok(lived)
    }

    fn count(&self) -> f64 {
        self.costs.len() as f64
    }

    fn cost(&self) -> f64 {
        self.sum.cost as f64 / self.count()
    }

    fn moved_percent(&self) -> f64 {
        self.sum.percent(self.sum.moved)
    }

    /// Metre-minutes used of those there are while the week's calls arrive, per cent.
    fn occupancy(&self, week: &Week) -> f64 {
        let there_are = (metres(&week.port) * WEEK_MIN) as f64;
        100.0 * self.sum.occupied_m_min as f64 / self.count() / there_are
    }

    fn cells(&self, seed: u64, policy: Policy, week: &Week) -> [String; 10] {
        let (sum, calls) = (&self.sum, week.truths.len() as f64);
        let least = self.costs.iter().min().copied().unwrap_or(0);
        let most = self.costs.iter().max().copied().unwrap_or(0);
        [
            seed.to_string(),
            format!("{policy:?}"),
            format!("{:.0}", self.cost()),
            format!("{least} - {most}"),
            format!("{:.2}", self.moved_percent()),
            format!("{:.2}", sum.percent(sum.moved_by_choice)),
            sum.frozen_moved.to_string(),
            sum.thawed.to_string(),
            format!("{:.1}", self.occupancy(week)),
            format!("{:.2}", sum.waited_min as f64 / self.count() / 60.0 / calls),
        ]
    }
}

/// What a week consists of, in words.
fn workload(week: &Week) -> String {
    let in_week = week
        .truths
        .iter()
        .filter(|truth| truth.arrival_min >= 0)
        .count();
    let in_rotation = week.truths.iter().filter(|truth| truth.mate.is_some());
    format!(
        "{in_week} calls in the week, {} with the run-in, {} of them of barges with two terminals, {} crane outages",
        week.truths.len(),
        in_rotation.count(),
        week.outages.len()
    )
}

/// The stable plan's figures over the seeds, per cent.
#[derive(Default)]
struct Sums {
    moved: Vec<f64>,
    over_scratch: Vec<f64>,
    under_first_come: Vec<f64>,
    occupancy: Vec<f64>,
}

impl Sums {
    fn add(&mut self, week: &Week, stable: &Lived, scratch: &Lived, first_come: &Lived) {
        let (cost, scratch) = (stable.cost(), scratch.cost());
        let first_come = first_come.cost();
        self.moved.push(stable.moved_percent());
        self.over_scratch.push(100.0 * (cost - scratch) / scratch);
        self.under_first_come
            .push(100.0 * (first_come - cost) / first_come);
        self.occupancy.push(stable.occupancy(week));
    }

    fn render(&self) -> String {
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
        let most = |values: &[f64]| values.iter().copied().fold(f64::MIN, f64::max);
        let least = |values: &[f64]| values.iter().copied().fold(f64::MAX, f64::min);
        format!(
            "the stable plan:\n\
             moved: mean {:.2} %, worst {:.2} %\n\
             against planning from scratch: mean {:+.2} %, worst {:+.2} %\n\
             below first come first served: mean {:.2} %, worst {:.2} %\n\
             occupancy: mean {:.1} %, from {:.1} to {:.1} %\n",
            mean(&self.moved),
            most(&self.moved),
            mean(&self.over_scratch),
            most(&self.over_scratch),
            mean(&self.under_first_come),
            least(&self.under_first_come),
            mean(&self.occupancy),
            least(&self.occupancy),
            most(&self.occupancy)
        )
    }
}

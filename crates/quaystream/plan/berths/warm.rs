//! `quaystream plan berths --bench DIR --warm`: plans each instance, then delays one ship in twenty by 12 time units and
//! plans again from the last plan and its duals.

use super::super::clock::{CpuDeadline, calibration_s, thread_cpu_s};
use super::super::table::Table;
use super::error::PlanError;
use super::generate::verify;
use domain::berth::BerthProblem;
use optimise::berth::{Solved, Warm, solve, solve_warm, text};
use optimise::budget::Budget;
use optimise::random::Random;
use std::path::Path;

/// Processor seconds of the first plan, of the new one, and of the reference for the new problem.
const FIRST_S: f64 = 1.0;
const AGAIN_S: f64 = 0.028;
const REFERENCE_S: f64 = 2.0;
/// Disturbances tried on each instance.
const TRIALS: u64 = 5;

/// Runs every instance below `dir` and renders the table.
pub fn warm(dir: &Path, seed: u64) -> Result<String, PlanError> {
    let mut table = Table::new(&[
        "instance",
        "cpu ms max",
        "gap% mean",
        "gap% max",
        "certified% mean",
        "certified% max",
    ]);
    let mut all = Sums::default();
    for path in files(dir)? {
        let content =
            std::fs::read_to_string(&path).map_err(|source| PlanError::read(&path, source))?;
        let problem = text::read(&content).map_err(|error| PlanError::bad(&path, error))?;
        let first = timed(&problem, Warm::default(), seed, FIRST_S).0;
        let mut sums = Sums::default();
        for trial in 0..TRIALS {
            let disturbed = disturb(&problem, seed + trial);
            let warm = Warm {
                plan: Some(&first.answer.plan),
                duals: Some(&first.duals),
            };
            let repaired = solve(
                &disturbed,
                Some(&first.answer.plan),
                seed,
                &Budget::iterations(0),
            );
            let (again, seconds) = timed(&disturbed, warm, seed, AGAIN_S);
            verify(&disturbed, &again.answer)?;
            if again.answer.value > repaired.value {
                return Err(PlanError::bad(
                    &path,
                    "the new plan is worse than the repaired one",
                ));
            }
            let reference = timed(&disturbed, warm, seed + 99, REFERENCE_S).0.answer;
            let value = again.answer.value as f64;
            let least = reference.value.min(again.answer.value) as f64;
            sums.add(
                seconds,
                100.0 * (value - least) / least,
                100.0 * again.answer.gap(),
            );
        }
        let name = path
            .file_stem()
            .map_or(String::new(), |name| name.to_string_lossy().into_owned());
        table.row(std::iter::once(name).chain(sums.cells()));
        all.merge(&sums);
    }
    table.row(std::iter::once("all".to_owned()).chain(all.cells()));
    Ok(format!(
        "calibration kernel: {:.3} cpu s\n{}",
        calibration_s(),
        table.render()
    ))
}

fn timed(problem: &BerthProblem, warm: Warm<'_>, seed: u64, limit_s: f64) -> (Solved, f64) {
    let start_s = thread_cpu_s();
    let stop = CpuDeadline::after(Some(limit_s));
    let budget = Budget {
        iterations: u64::MAX,
        stop: &stop,
    };
    let solved = solve_warm(problem, warm, seed, &budget);
    (solved, thread_cpu_s() - start_s)
}

/// One ship in twenty arrives 12 later.
fn disturb(problem: &BerthProblem, seed: u64) -> BerthProblem {
    let mut random = Random::new(seed);
    let mut problem = problem.clone();
    for _ in 0..problem.calls.len() / 20 {
        let call = random.below(problem.calls.len());
        let call = &mut problem.calls[call];
        call.arrival_min += 12;
        call.release_min = call.arrival_min;
    }
    problem
}

fn files(dir: &Path) -> Result<Vec<std::path::PathBuf>, PlanError> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            std::fs::read_dir(&folder).map_err(|source| PlanError::read(&folder, source))?;
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "txt") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[derive(Default)]
struct Sums {
    count: usize,
    seconds_max: f64,
    gap: f64,
    gap_max: f64,
    certified: f64,
    certified_max: f64,
}

impl Sums {
    fn add(&mut self, seconds: f64, gap: f64, certified: f64) {
        self.count += 1;
        self.seconds_max = self.seconds_max.max(seconds);
        self.gap += gap;
        self.gap_max = self.gap_max.max(gap);
        self.certified += certified;
        self.certified_max = self.certified_max.max(certified);
    }

    fn merge(&mut self, other: &Sums) {
        self.count += other.count;
        self.seconds_max = self.seconds_max.max(other.seconds_max);
        self.gap += other.gap;
        self.gap_max = self.gap_max.max(other.gap_max);
        self.certified += other.certified;
        self.certified_max = self.certified_max.max(other.certified_max);
    }

    fn cells(&self) -> [String; 5] {
        let count = self.count.max(1) as f64;
        [
            format!("{:.1}", self.seconds_max * 1000.0),
            format!("{:.3}", self.gap / count),
            format!("{:.2}", self.gap_max),
            format!("{:.3}", self.certified / count),
            format!("{:.2}", self.certified_max),
        ]
    }
}

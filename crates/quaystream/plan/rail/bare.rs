//! Bare instances: one option an item, capacities, nothing else.

use std::path::Path;

use domain::rail::assignment::{self, Assignment};
use optimise::answer::Answer;
use optimise::budget::Budget;
use optimise::rail::core::Core;
use optimise::rail::kernel;
use optimise::rail::read::ReadError;

use super::error::RailError;
use super::given::{self, Given};
use super::output::{self, BarePlan, Output};
use super::{Args, Out, draw};
use crate::plan::clock::thread_cpu_s;

/// A solved bare instance; the plan counts options within their item.
pub struct Solved {
    /// Plan, value, bound, work.
    pub answer: Answer<Vec<usize>>,
    /// Processor seconds.
    pub seconds: f64,
    /// False if an item had to be left out.
    pub is_feasible: bool,
}

/// Solves and checks one instance.
pub fn solve(
    problem: &Assignment,
    seed: u64,
    budget: &Budget,
    file: &Path,
) -> Result<Solved, RailError> {
    let start_s = thread_cpu_s();
    let core = Core::of_assignment(problem);
    let solved = kernel::solve(&core, None, seed, budget).answer;
    let seconds = thread_cpu_s() - start_s;
    let within = |(item, &option): (usize, &u32)| option as usize - core.options_of(item).start;
    let plan: Vec<usize> = solved.plan.iter().enumerate().map(within).collect();
    let mut pairs = plan.iter().enumerate();
    let is_feasible = pairs.all(|(item, &option)| !Core::is_artificial(problem, item, option));
    if is_feasible {
        let value = refuse(assignment::check(problem, &plan), file)?;
        if value != solved.value {
            let violations = vec![format!("the plan costs {value}, not {}", solved.value)];
            return Err(RailError::Refused {
                file: file.to_owned(),
                violations,
            });
        }
    }
    Ok(Solved {
        answer: Answer {
            plan,
            value: solved.value,
            bound: solved.bound,
            statistics: solved.statistics,
        },
        seconds,
        is_feasible,
    })
}

fn refuse<T, F: std::fmt::Display>(
    checked: Result<T, Vec<F>>,
    file: &Path,
) -> Result<T, RailError> {
    checked.map_err(|faults| RailError::refused(file, faults.iter().map(F::to_string).collect()))
}

/// Solves the instance of a file.
pub fn run(
    args: &Args,
    file: &Path,
    read: Result<Assignment, ReadError>,
) -> Result<String, RailError> {
    let problem = read.map_err(|source| RailError::Text {
        file: file.to_owned(),
        source,
    })?;
    let deadline = args.limit.deadline();
    let solved = solve(
        &problem,
        args.limit.seed,
        &args.limit.budget(&deadline),
        file,
    )?;
    if !solved.is_feasible {
        return Err(RailError::NoPlan {
            file: file.to_owned(),
        });
    }
    let answer = &solved.answer;
    if args.out == Some(Out::Json) {
        let train = |(item, &option): (usize, &usize)| problem.items[item][option].train;
        let train = answer.plan.iter().enumerate().map(train).collect();
        return output::text(&Output {
            version: 1,
            value: answer.value,
            bound: answer.bound,
            gap: answer.gap(),
            proved: answer.is_proved(),
            seconds: solved.seconds,
            iterations: answer.statistics.iterations,
            cost: None,
            loads: None,
            overbooking: None,
            plan: BarePlan { train },
        });
    }
    Ok(draw::bare(&problem, &answer.plan) + &draw::summary(answer, solved.seconds))
}

/// Checks a plan for the instance of a file.
pub fn check_plan(
    file: &Path,
    read: Result<Assignment, ReadError>,
    (plan, text): (&Path, &str),
) -> Result<String, RailError> {
    let problem = read.map_err(|source| RailError::Text {
        file: file.to_owned(),
        source,
    })?;
    let given: Given<BarePlan> = given::read(plan, text)?;
    // An unknown train becomes an option that does not exist, which the checker refuses.
    let option = |(item, train): (usize, usize)| {
        let choices = problem.items.get(item).map_or(&[][..], Vec::as_slice);
        choices
            .iter()
            .position(|choice| choice.train == train)
            .unwrap_or(usize::MAX)
    };
    let chosen: Vec<usize> = given
        .plan
        .train
        .into_iter()
        .enumerate()
        .map(option)
        .collect();
    let value = refuse(assignment::check(&problem, &chosen), plan)?;
    Ok(format!("the plan keeps every rule and costs {value}\n"))
}

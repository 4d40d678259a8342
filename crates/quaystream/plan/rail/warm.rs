//! `--bench DIR --warm`: how good a re-plan is that starts from the last plan and its prices.
//!
//! Every container file is solved; one container in fifty loses the train it was planned on; the changed instance is
//! solved again from the last plan within 60 ms, and from nothing within the time of the first solve.

use std::path::Path;

use domain::rail::assignment::Assignment;
use optimise::budget::Budget;
use optimise::rail::core::Core;
use optimise::rail::kernel::{self, Start};
use optimise::rail::read::slots;

use super::bench::{heading, instances, percent, spread};
use super::error::{self, RailError};
use crate::plan::clock::{CpuDeadline, thread_cpu_s};
use crate::plan::limit::LimitArgs;
use crate::plan::table::Table;

const REPLAN_S: f64 = 0.06;
/// One in so many containers changes.
const CHANGED: usize = 50;

/// Re-plans every container file of a folder.
pub fn folder(folder: &Path, limit: &LimitArgs) -> Result<String, RailError> {
    let mut files = Vec::new();
    instances(folder, 0, &mut files)?;
    files.retain(|file| file.extension().is_some());
    let mut table = Table::new(&[
        "instance",
        "re-plan",
        "seconds",
        "gap %",
        "from nothing",
        "above that %",
    ]);
    let mut above = Vec::new();
    for file in &files {
        let read = slots::read(&error::read(file)?);
        let problem = read.map_err(|source| RailError::Text {
            file: file.clone(),
            source,
        })?;
        let core = Core::of_assignment(&problem);
        let deadline = limit.deadline();
        let first = kernel::solve(&core, None, limit.seed, &limit.budget(&deadline));
        let (changed, kept) = change(&problem, &core, &first.answer.plan);
        let changed_core = Core::of_assignment(&changed);
        let known = |(item, option): (usize, &Option<usize>)| {
            option.map(|option| (changed_core.options_of(item).start + option) as u32)
        };
        let start = Start {
            choice: kept.iter().enumerate().map(known).collect(),
            prices: first.prices,
            share: Vec::new(),
        };
        let start_s = thread_cpu_s();
        let short = CpuDeadline::after(Some(REPLAN_S));
        let budget = Budget {
            iterations: u64::MAX,
            stop: &short,
        };
        let warm = kernel::solve(&changed_core, Some(&start), limit.seed, &budget).answer;
        let seconds = thread_cpu_s() - start_s;
        let deadline = limit.deadline();
        let cold = kernel::solve(&changed_core, None, limit.seed, &limit.budget(&deadline)).answer;
        let over = (warm.value - cold.value) as f64 / cold.value.max(1) as f64;
        above.push(over);
        let name = file
            .file_stem()
            .map(|name| name.to_string_lossy().into_owned());
        table.row([
            name.unwrap_or_default(),
            warm.value.to_string(),
            format!("{seconds:.3}"),
            percent(warm.gap()),
            cold.value.to_string(),
            percent(over),
        ]);
    }
    Ok(heading()
        + &table.render()
        + &format!("above the plan from nothing: {}\n", spread(&mut above)))
}

/// One container in fifty loses its train (if it has another option); the last choice of the others, counted within each.
fn change(problem: &Assignment, core: &Core, plan: &[u32]) -> (Assignment, Vec<Option<usize>>) {
    let mut changed = problem.clone();
    let mut kept = Vec::with_capacity(plan.len());
    for (item, options) in changed.items.iter_mut().enumerate() {
        let option = plan[item] as usize - core.options_of(item).start;
        let is_taken_off = item % CHANGED == 0 && options.len() > 1 && option + 1 < options.len();
        if is_taken_off {
            options.remove(option);
        }
        kept.push((!is_taken_off).then_some(option));
    }
    (changed, kept)
}

//! `quaystream plan berths --scale`: time and gap from 10 to 500 calls, discrete berths and full rules.

use super::super::clock::thread_cpu_s;
use super::super::limit::LimitArgs;
use super::super::table::Table;
use super::error::PlanError;
use super::generate::verify;
use domain::berth::BerthProblem;
use optimise::berth::generate::{Size, port};
use optimise::berth::{Warm, solve_warm, text};
use optimise::random::Random;

/// Calls and berths of the discrete instances.
const DISCRETE: [(usize, usize); 8] = [
    (10, 3),
    (25, 5),
    (50, 10),
    (100, 10),
    (100, 20),
    (200, 30),
    (350, 40),
    (500, 60),
];
/// Calls of the ports with all rules.
const PORTS: [usize; 6] = [10, 20, 40, 80, 160, 320];

/// Solves them and renders the table.
pub fn scale(limit: &LimitArgs) -> Result<String, PlanError> {
    let mut table = Table::new(&[
        "kind",
        "calls",
        "berths",
        "value",
        "bound",
        "certified%",
        "cpu s",
        "iterations",
    ]);
    for (calls, berths) in DISCRETE {
        row(&mut table, "discrete", &discrete(calls, berths)?, limit)?;
    }
    for calls in PORTS {
        let size = Size {
            calls,
            hours: calls as i64 * 2,
            step_min: 15,
            is_tiny: false,
        };
        row(&mut table, "all rules", &port(7, size), limit)?;
    }
    Ok(table.render())
}

fn row(
    table: &mut Table,
    kind: &str,
    problem: &BerthProblem,
    limit: &LimitArgs,
) -> Result<(), PlanError> {
    let start_s = thread_cpu_s();
    let deadline = limit.deadline();
    let answer = solve_warm(
        problem,
        Warm::default(),
        limit.seed,
        &limit.budget(&deadline),
    )
    .answer;
    let seconds = thread_cpu_s() - start_s;
    verify(problem, &answer)?;
    table.row([
        kind.to_owned(),
        problem.calls.len().to_string(),
        problem.berths.len().to_string(),
        answer.value.to_string(),
        answer.bound.to_string(),
        format!("{:.2}", 100.0 * answer.gap()),
        format!("{seconds:.2}"),
        answer.statistics.iterations.to_string(),
    ]);
    Ok(())
}

/// Ships as in the public sets: handling 4 to 48 slots at the better berths and twice that at the others, arrivals dense
/// enough for queues.
fn discrete(calls: usize, berths: usize) -> Result<BerthProblem, PlanError> {
    let mut random = Random::new((calls * 1000 + berths) as u64);
    let horizon = calls * 26 / berths + 40;
    let mut file = format!("{calls} {berths}\n");
    let number = |file: &mut String, value: usize| {
        file.push_str(&value.to_string());
        file.push(' ');
    };
    for _ in 0..calls {
        number(&mut file, random.below(horizon));
    }
    for _ in 0..berths {
        number(&mut file, 0);
    }
    for _ in 0..calls {
        let best = 4 + 2 * random.below(23);
        for _ in 0..berths {
            number(&mut file, best * (1 + random.below(2)));
        }
    }
    for _ in 0..berths + calls {
        number(&mut file, 3 * horizon);
    }
    text::read(&file).map_err(|error| PlanError::bad(std::path::Path::new("generated"), error))
}

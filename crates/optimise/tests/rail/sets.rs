//! The public sets, where they are at hand beside the checkout.

use std::path::{Path, PathBuf};

use domain::rail::assignment::{Assignment, check};
use optimise::budget::Budget;
use optimise::rail::core::Core;
use optimise::rail::kernel;
use optimise::rail::read::{gap, slots};

/// One lucky seed would hide that most searches end without a plan.
const SEEDS: u64 = 3;

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data")
}

/// (file, best bound, best value) of each line of a `best_known.csv`.
fn known(folder: &Path, ending: &str, bound: usize, value: usize) -> Vec<(PathBuf, i64, i64)> {
    let Ok(text) = std::fs::read_to_string(folder.join("best_known.csv")) else {
        eprintln!("skipped: {} is not there", folder.display());
        return Vec::new();
    };
    let line = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let file = folder.join(format!("{}{ending}", cells[0]));
        let (bound, value) = (cells[bound].parse().ok()?, cells[value].parse().ok()?);
        file.exists().then_some((file, bound, value))
    };
    text.lines().skip(1).filter_map(line).collect()
}

fn solve(problem: &Assignment, seed: u64, iterations: u64) -> (i64, i64, bool) {
    let core = Core::of_assignment(problem);
    let answer = kernel::solve(&core, None, seed, &Budget::iterations(iterations)).answer;
    let within = |(item, &option): (usize, &u32)| option as usize - core.options_of(item).start;
    let chosen: Vec<usize> = answer.plan.iter().enumerate().map(within).collect();
    let mut pairs = chosen.iter().enumerate();
    let is_feasible = pairs.all(|(item, &option)| !Core::is_artificial(problem, item, option));
    if is_feasible {
        assert_eq!(check(problem, &chosen), Ok(answer.value));
    }
    (answer.value, answer.bound, is_feasible)
}

#[test]
fn containers_and_slots_lie_between_the_best_bound_and_a_little_above_the_best_value() {
    for (file, bound, value) in known(&data().join("rail"), ".txt", 3, 4) {
        let problem = slots::read(&std::fs::read_to_string(&file).unwrap()).unwrap();
        for seed in 1..=SEEDS {
            let (found, proven, _) = solve(&problem, seed, 600_000);
            let name = format!("{}, seed {seed}", file.display());
            assert!(
                proven <= value && bound <= found,
                "{name}: {proven} {found}"
            );
            assert!(
                found as f64 <= value as f64 * 1.015,
                "{name}: {found} against {value}"
            );
            assert!(
                proven as f64 >= bound as f64 * 0.99,
                "{name}: {proven} against {bound}"
            );
        }
    }
}

#[test]
fn generalised_assignments_lie_between_the_best_bound_and_a_little_above_the_best_value() {
    for (file, bound, value) in known(&data().join("assignment"), "", 5, 7) {
        let problem = gap::read(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let (found, proven, is_feasible) = solve(&problem, 1, 1_000_000);
        let name = file.display();
        assert!(is_feasible, "{name}");
        assert!(
            proven <= value && bound <= found,
            "{name}: {proven} {found}"
        );
        assert!(
            found as f64 <= value as f64 * 1.02,
            "{name}: {found} against {value}"
        );
        assert!(
            proven as f64 >= bound as f64 * 0.99,
            "{name}: {proven} against {bound}"
        );
    }
}

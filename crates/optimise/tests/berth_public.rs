//! Public instances with proved optima, where the sample data is at hand: `../shared/data/berth` beside the checkout.
#![allow(clippy::expect_used, clippy::print_stdout)]

use domain::berth::check;
use optimise::berth::{Warm, solve_warm, text};
use optimise::budget::Budget;
use std::path::Path;

/// Iterations for one instance: a tenth of a second or so.
const ITERATIONS: u64 = 60_000;

#[test]
fn proved_optima_are_met_and_never_contradicted() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/berth");
    let Ok(known) = std::fs::read_to_string(dir.join("best_known.csv")) else {
        println!("skipped: no sample data");
        return;
    };
    let (mut solved, mut proved) = (0, 0);
    for line in known.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let is_small = fields[0] == "cordeau_I2" || fields[0] == "derived60x13";
        let path = dir.join(fields[0]).join(format!("{}.txt", fields[1]));
        let Ok(content) = std::fs::read_to_string(path) else {
            continue;
        };
        if !is_small || fields[6] != "True" {
            continue;
        }
        let optimum: i64 = fields[5].parse().expect("a number");
        let problem = text::read(&content).expect("a good file");
        let answer = solve_warm(
            &problem,
            Warm::default(),
            1,
            &Budget::iterations(ITERATIONS),
        )
        .answer;
        let cost = check(&problem, &answer.plan).expect("feasible");
        assert_eq!(cost.total(), answer.value, "{}", fields[1]);
        assert!(
            answer.value >= optimum,
            "{} beats a proved optimum",
            fields[1]
        );
        assert!(
            answer.bound <= optimum,
            "{}: bound above the optimum",
            fields[1]
        );
        assert!(
            answer.value * 1000 <= optimum * 1006,
            "{}: {} against {optimum}",
            fields[1],
            answer.value
        );
        solved += 1;
        proved += usize::from(answer.is_proved());
    }
    assert!(proved * 10 >= solved * 9, "{proved} of {solved} proved");
}

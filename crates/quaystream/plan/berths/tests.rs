//! The command on its example file and on files with mistakes.

use super::{Args, Format, Output, PlanError, check_files, run};
use crate::plan::limit::LimitArgs;
use std::path::{Path, PathBuf};

const EXAMPLE: &str = include_str!("example.json");

fn args(file: &Path, out: Output) -> Args {
    Args {
        file: Some(file.to_owned()),
        format: None,
        limit: LimitArgs {
            seconds: None,
            iterations: Some(3_000),
            seed: 1,
        },
        out,
        explain: out == Output::Text,
        bench: None,
        warm: false,
        generate: None,
        scale: false,
        week: None,
        runs: 1,
    }
}

/// A file of the test's own in the system's folder for temporary files.
fn file(name: &str, content: &str) -> PathBuf {
    let path =
        std::env::temp_dir().join(format!("quaystream-berths-{}-{name}", std::process::id()));
    std::fs::write(&path, content).expect("a temporary file");
    path
}

fn error_of(name: &str, content: &str) -> String {
    let path = file(name, content);
    let error = run(&args(&path, Output::Text)).expect_err("a bad file");
    std::fs::remove_file(&path).expect("removed");
    error.to_string()
}

#[test]
fn the_example_is_solved_explained_and_checked() {
    let problem = file("example.json", EXAMPLE);
    let text = run(&args(&problem, Output::Text)).expect("solved");
    assert!(text.contains("proved optimal"), "{text}");
    assert!(
        text.contains("DEEP is kept out everywhere: draught against the forecast water level"),
        "{text}"
    );
    let json = run(&args(&problem, Output::Json)).expect("solved");
    assert_eq!(
        json.replace(char::is_whitespace, "")
            .matches("\"proved\":true")
            .count(),
        1
    );
    for field in [
        "value",
        "bound",
        "gap",
        "proved",
        "seconds",
        "iterations",
        "plan",
    ] {
        assert!(json.contains(&format!("\"{field}\"")), "{field} in {json}");
    }
    let plan = file("plan.json", &json);
    let verdict = check_files(&problem, None, &plan).expect("the plan keeps the rules");
    assert!(verdict.contains("keeps every rule"));
    let moved = file(
        "moved.json",
        &json.replacen("\"from_m\": 40", "\"from_m\": 37", 1),
    );
    if json.contains("\"from_m\": 40") {
        let error = check_files(&problem, None, &moved).expect_err("off the mooring places");
        assert!(matches!(error, PlanError::Violations(_)));
    }
    for path in [problem, plan, moved] {
        std::fs::remove_file(path).expect("removed");
    }
}

#[test]
fn the_same_iterations_give_the_same_plan() {
    let problem = file("again.json", EXAMPLE);
    let once = run(&args(&problem, Output::Json)).expect("solved");
    let twice = run(&args(&problem, Output::Json)).expect("solved");
    let without_time = |text: &str| -> String {
        text.lines()
            .filter(|line| !line.contains("\"seconds\""))
            .collect()
    };
    assert_eq!(without_time(&once), without_time(&twice));
    std::fs::remove_file(problem).expect("removed");
}

#[test]
fn mistakes_are_named_with_line_field_and_reason() {
    let error = error_of(
        "syntax.json",
        &EXAMPLE.replacen("\"length_m\": 135", "\"length_m\": \"long\"", 1),
    );
    assert!(
        error.contains("line 2")
            && error.contains("length_m: invalid type")
            && error.contains("expected i64"),
        "{error}"
    );
    let error = error_of(
        "field.json",
        &EXAMPLE.replacen("\"cones_max\"", "\"cones_most\"", 1),
    );
    let before = error.split(": unknown field `cones_most`").next();
    assert!(
        error.contains("cones_most")
            && before.is_some_and(|before| before.ends_with(|end: char| end.is_ascii_digit())),
        "only the line stands before the reason: {error}"
    );
    let error = error_of(
        "berth.json",
        &EXAMPLE.replacen("\"Pier\": 150", "\"Peer\": 150", 1),
    );
    assert!(
        error.contains("call B7-Pier, handling names berth 'Peer'"),
        "{error}"
    );
    let error = error_of(
        "version.json",
        &EXAMPLE.replacen("\"version\": 1", "\"version\": 7", 1),
    );
    assert!(error.contains("version is 7"), "{error}");
    let error = error_of(
        "value.json",
        &EXAMPLE.replacen("\"length_m\": 86", "\"length_m\": 0", 1),
    );
    assert!(
        error.contains("call V9: length_m is 0, give 1 to"),
        "{error}"
    );
    let error = error_of("text.txt", "2 1\n3 5\n4\n10\nx\n100\n100 100\n");
    assert!(
        error.contains("line 5, handling time of ship 2 at berth 1"),
        "{error}"
    );
    let missing = run(&Args {
        format: Some(Format::Dbap),
        ..args(Path::new("no-such-file"), Output::Text)
    });
    assert!(matches!(missing, Err(PlanError::Read { .. })));
}

#[test]
fn the_simulated_weeks_have_the_load_that_they_promise() {
    for seed in 1..=5 {
        let week = super::week_port::week(seed);
        let in_week = week.truths.iter().filter(|truth| truth.arrival_min >= 0);
        assert!(in_week.count() >= 120, "seed {seed}: too few calls");
        let rotating = week.truths.iter().filter(|truth| truth.mate.is_some());
        assert!(
            rotating.count() * 5 >= week.truths.len() * 2,
            "seed {seed}: too few barges with two terminals"
        );
        assert!(week.outages.len() >= 4);
    }
}

//! `quaystream plan berths --bench DIR`: every instance of a folder against its `best_known.csv`.

use super::super::clock::{CpuDeadline, calibration_s, thread_cpu_s};
use super::super::limit::LimitArgs;
use super::super::table::Table;
use super::error::PlanError;
use optimise::berth::{Solved, Warm, solve_warm, text};
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// One line of `best_known.csv`.
struct Known {
    set: String,
    name: String,
    bound: i64,
    value: i64,
    is_proved: bool,
    first_come: i64,
}

/// What a run gave on one instance: the median of the runs by value.
struct Run {
    value: i64,
    bound: i64,
    seconds: f64,
    iterations: u64,
}

/// Runs the folder and renders the table.
pub fn bench(dir: &Path, limit: &LimitArgs, runs: u64) -> Result<String, PlanError> {
    let known = read_known(&dir.join("best_known.csv"))?;
    let mut table = Table::new(&[
        "set",
        "instance",
        "value",
        "best",
        "gap%",
        "bound",
        "certified%",
        "proved",
        "cpu s",
        "iterations",
        "fcfs%",
    ]);
    let mut sums: Vec<(String, Sums)> = Vec::new();
    let mut text = format!("calibration kernel: {:.3} cpu s\n", calibration_s());
    for known in &known {
        let path = dir.join(&known.set).join(format!("{}.txt", known.name));
        if !path.exists() {
            continue;
        }
        let run = run(&path, limit, runs)?;
        let gap = 100.0 * (run.value - known.value) as f64 / known.value as f64;
        let certified = 100.0 * (run.value - run.bound) as f64 / run.value as f64;
        table.row([
            known.set.clone(),
            known.name.clone(),
            run.value.to_string(),
            format!("{}{}", known.value, if known.is_proved { "" } else { "?" }),
            format!("{gap:.2}"),
            run.bound.to_string(),
            format!("{certified:.2}"),
            if run.value == run.bound { "yes" } else { "no" }.to_owned(),
            format!("{:.3}", run.seconds),
            run.iterations.to_string(),
            format!(
                "{:.1}",
                100.0 * (known.first_come - run.value) as f64 / run.value as f64
            ),
        ]);
        if (known.is_proved && run.value < known.value) || run.bound > known.value {
            let _ = writeln!(text, "WRONG: {} contradicts the known optimum", known.name);
        }
        if run.value < known.value || run.bound > known.bound {
            let (old, new) = ((known.bound, known.value), (run.bound, run.value));
            let _ = writeln!(
                text,
                "better than known: {} from {old:?} to {new:?}",
                known.name
            );
        }
        let class = format!("{}/{}", known.set, class_of(&known.name));
        if sums.last().is_none_or(|(last, _)| *last != class) {
            sums.push((class, Sums::default()));
        }
        if let Some((_, sums)) = sums.last_mut() {
            sums.add(gap, certified, &run);
        }
    }
    text.push_str(&table.render());
    text.push('\n');
    text.push_str(&summary(&sums));
    Ok(text)
}

fn class_of(name: &str) -> &str {
    name.rsplit_once('-').map_or(name, |(class, _)| class)
}

fn summary(sums: &[(String, Sums)]) -> String {
    let mut table = Table::new(&[
        "class",
        "instances",
        "gap% mean",
        "gap% max",
        "certified% mean",
        "certified% max",
        "proved",
        "cpu s mean",
        "cpu s max",
    ]);
    for (class, sums) in sums {
        let count = sums.count.max(1) as f64;
        table.row([
            class.clone(),
            sums.count.to_string(),
            format!("{:.3}", sums.gap / count),
            format!("{:.2}", sums.gap_max),
            format!("{:.3}", sums.certified / count),
            format!("{:.2}", sums.certified_max),
            sums.proved.to_string(),
            format!("{:.3}", sums.seconds / count),
            format!("{:.3}", sums.seconds_max),
        ]);
    }
    table.render()
}

#[derive(Default)]
struct Sums {
    count: usize,
    gap: f64,
    gap_max: f64,
    certified: f64,
    certified_max: f64,
    proved: usize,
    seconds: f64,
    seconds_max: f64,
}

impl Sums {
    fn add(&mut self, gap: f64, certified: f64, run: &Run) {
        self.count += 1;
        self.gap += gap;
        self.gap_max = self.gap_max.max(gap);
        self.certified += certified;
        self.certified_max = self.certified_max.max(certified);
        self.proved += usize::from(run.value == run.bound);
        self.seconds += run.seconds;
        self.seconds_max = self.seconds_max.max(run.seconds);
    }
}

fn run(path: &Path, limit: &LimitArgs, runs: u64) -> Result<Run, PlanError> {
    let content = std::fs::read_to_string(path).map_err(|source| PlanError::read(path, source))?;
    let problem = text::read(&content).map_err(|error| PlanError::bad(path, error))?;
    let mut all = Vec::new();
    for seed in limit.seed..limit.seed + runs.max(1) {
        let start_s = thread_cpu_s();
        let deadline: CpuDeadline = limit.deadline();
        let Solved { answer, .. } =
            solve_warm(&problem, Warm::default(), seed, &limit.budget(&deadline));
        let seconds = thread_cpu_s() - start_s;
        let cost = domain::berth::check(&problem, &answer.plan).map_err(PlanError::Violations)?;
        if cost.total() != answer.value || answer.bound > answer.value {
            return Err(PlanError::Inconsistent {
                value: answer.value,
                bound: answer.bound,
                checked: cost.total(),
            });
        }
        all.push(Run {
            value: answer.value,
            bound: answer.bound,
            seconds,
            iterations: answer.statistics.iterations,
        });
    }
    all.sort_by(|a, b| a.value.cmp(&b.value).then(a.seconds.total_cmp(&b.seconds)));
    let middle = (all.len() - 1) / 2;
    Ok(all.swap_remove(middle))
}

fn read_known(path: &PathBuf) -> Result<Vec<Known>, PlanError> {
    let content = std::fs::read_to_string(path).map_err(|source| PlanError::read(path, source))?;
    let mut known = Vec::new();
    for (number, line) in content
        .lines()
        .enumerate()
        .skip(1)
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let fields: Vec<&str> = line.split(',').collect();
        let bad = |reason: &str| PlanError::bad(path, format!("line {}, {reason}", number + 1));
        if fields.len() < 9 {
            return Err(bad("has fewer than 9 columns, see the first line"));
        }
        let integer = |field: usize| fields[field].trim().parse::<i64>();
        let (Ok(bound), Ok(value), Ok(start), Ok(completion)) =
            (integer(4), integer(5), integer(7), integer(8))
        else {
            return Err(bad("columns 5, 6, 8 and 9 must be whole numbers"));
        };
        known.push(Known {
            set: fields[0].to_owned(),
            name: fields[1].to_owned(),
            bound,
            value,
            is_proved: fields[6].trim().eq_ignore_ascii_case("true"),
            first_come: start.min(completion),
        });
    }
    Ok(known)
}

//! `--bench DIR`, `--generate COUNT`, `--scale`: many instances, one table. Times are processor seconds of the solving
//! thread; a fixed calculation's time stands beside them, so that machines can be compared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use domain::rail::{check, wagons};
use optimise::rail::generate::{Shape, problem};
use optimise::rail::load;
use optimise::rail::read::{gap, slots};

use super::bare;
use super::error::{self, RailError};
use crate::plan::clock::{calibration_s, thread_cpu_s};
use crate::plan::limit::LimitArgs;
use crate::plan::table::Table;

/// Folders below the given one that are looked into.
const MAX_DEPTH: usize = 3;
const SCALE_UNITS: [usize; 8] = [100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000];

pub(super) fn percent(part: f64) -> String {
    format!("{:.3}", part * 100.0)
}

pub(super) fn heading() -> String {
    format!("calibration {:.3} s\n", calibration_s())
}

/// What `best_known.csv` says: bound and best value by instance name.
fn best_known(folder: &Path) -> Result<BTreeMap<String, (i64, i64)>, RailError> {
    let file = folder.join("best_known.csv");
    if !file.exists() {
        return Ok(BTreeMap::new());
    }
    let text = error::read(&file)?;
    let mut lines = text
        .lines()
        .map(|line| line.split(',').map(str::trim).collect::<Vec<_>>());
    let head = lines.next().unwrap_or_default();
    let column = |names: [&str; 2]| {
        head.iter()
            .position(|cell| names.contains(&cell.to_lowercase().as_str()))
    };
    let bound = column(["lp_bound", "best known bound"]);
    let value = column(["best_known", "best known solution value"]);
    let mut known = BTreeMap::new();
    for line in lines {
        let number = |at: Option<usize>| {
            at.and_then(|at| line.get(at))
                .and_then(|cell| cell.parse().ok())
        };
        if let (Some(name), Some(bound), Some(value)) = (line.first(), number(bound), number(value))
        {
            known.insert((*name).to_owned(), (bound, value));
        }
    }
    Ok(known)
}

pub(super) fn instances(
    folder: &Path,
    depth: usize,
    found: &mut Vec<PathBuf>,
) -> Result<(), RailError> {
    let fault = |source| RailError::File {
        file: folder.to_owned(),
        source,
    };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fault)? {
        entries.push(entry.map_err(fault)?.path());
    }
    entries.sort();
    for entry in entries {
        let ending = entry.extension().and_then(|ending| ending.to_str());
        if entry.is_dir() && depth < MAX_DEPTH {
            instances(&entry, depth + 1, found)?;
        } else if matches!(ending, None | Some("txt")) && entry.is_file() {
            found.push(entry);
        }
    }
    Ok(())
}

/// Every instance of a folder against its `best_known.csv`.
pub fn folder(folder: &Path, limit: &LimitArgs) -> Result<String, RailError> {
    let known = best_known(folder)?;
    let mut files = Vec::new();
    instances(folder, 0, &mut files)?;
    let mut table = Table::new(&[
        "instance",
        "value",
        "best known",
        "above %",
        "bound",
        "best bound",
        "below %",
        "gap %",
        "proved",
        "seconds",
    ]);
    let (mut above, mut below, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for file in &files {
        let text = error::read(file)?;
        let is_slots = file.extension().is_some();
        let read = if is_slots {
            slots::read(&text)
        } else {
            gap::read(&text)
        };
        let problem = read.map_err(|source| RailError::Text {
            file: file.clone(),
            source,
        })?;
        let deadline = limit.deadline();
        let solved = bare::solve(&problem, limit.seed, &limit.budget(&deadline), file)?;
        let answer = solved.answer;
        let relative = file.strip_prefix(folder).unwrap_or(file).with_extension("");
        let name = relative.display().to_string();
        let best = known
            .get(&name)
            .or_else(|| known.get(&format!("{name}.txt")));
        let mut cells = vec![name.clone(), answer.value.to_string()];
        if !solved.is_feasible {
            cells[1] = "none found".to_owned();
        }
        let (mut value_cells, mut bound_cells) = (vec![String::new(); 2], vec![String::new(); 2]);
        if let Some(&(best_bound, best_value)) = best {
            let over = (answer.value - best_value) as f64 / best_value.max(1) as f64;
            let under = (best_bound - answer.bound) as f64 / best_bound.max(1) as f64;
            above.push(over);
            below.push(under);
            if answer.bound > best_value || (solved.is_feasible && answer.value < best_bound) {
                wrong.push(name);
            }
            value_cells = vec![best_value.to_string(), percent(over)];
            bound_cells = vec![best_bound.to_string(), percent(under)];
        }
        cells.extend(value_cells);
        cells.push(answer.bound.to_string());
        cells.extend(bound_cells);
        cells.push(percent(answer.gap()));
        cells.push(if answer.is_proved() { "yes" } else { "" }.to_owned());
        cells.push(format!("{:.3}", solved.seconds));
        table.row(cells);
    }
    let mut text = heading() + &table.render();
    text += &format!(
        "above best known: {}\nbelow best bound: {}\n",
        spread(&mut above),
        spread(&mut below)
    );
    if !wrong.is_empty() {
        text += &format!("WRONG, a bound above a known value: {}\n", wrong.join(", "));
    }
    Ok(text)
}

/// Mean, median, greatest.
pub(super) fn spread(parts: &mut [f64]) -> String {
    parts.sort_by(f64::total_cmp);
    match parts {
        [] => "nothing to compare".to_owned(),
        parts => format!(
            "mean {} %, median {} %, max {} % of {}",
            percent(parts.iter().sum::<f64>() / parts.len() as f64),
            percent(parts[parts.len() / 2]),
            percent(parts[parts.len() - 1]),
            parts.len()
        ),
    }
}

fn row(
    table: &mut Table,
    gaps: &mut Vec<f64>,
    shape: Shape,
    seed: u64,
    limit: &LimitArgs,
) -> Result<(), RailError> {
    let instance = problem(shape, seed);
    let start_s = thread_cpu_s();
    let deadline = limit.deadline();
    let answer = optimise::rail::solve(&instance, None, limit.seed, &limit.budget(&deadline));
    let seconds = thread_cpu_s() - start_s;
    check(&instance, &answer.plan).map_err(|violations| RailError::Refused {
        file: PathBuf::from(format!("generated {seed}")),
        violations: violations.iter().map(ToString::to_string).collect(),
    })?;
    gaps.push(answer.gap());
    table.row([
        seed.to_string(),
        shape.units.to_string(),
        shape.trains.to_string(),
        shape.fill_percent.to_string(),
        answer.value.to_string(),
        answer.bound.to_string(),
        percent(answer.gap()),
        if answer.is_proved() { "yes" } else { "" }.to_owned(),
        format!("{seconds:.3}"),
        answer.plan.rolled_over.len().to_string(),
    ]);
    Ok(())
}

const GENERATED: [&str; 10] = [
    "seed", "units", "trains", "load %", "value", "bound", "gap %", "proved", "seconds", "stay",
];

/// Generated full-rule problems.
pub fn generated(count: u64, limit: &LimitArgs) -> Result<String, RailError> {
    let mut table = Table::new(&GENERATED);
    let mut gaps = Vec::new();
    for seed in 0..count {
        let shape = Shape {
            units: 800,
            trains: 24,
            fill_percent: 90 + (seed % 5) as i64 * 10,
        };
        row(&mut table, &mut gaps, shape, seed, limit)?;
    }
    Ok(heading() + &table.render() + &format!("certified gap: {}\n", spread(&mut gaps)))
}

/// Generated full-rule problems of growing size.
pub fn scale(limit: &LimitArgs) -> Result<String, RailError> {
    let mut table = Table::new(&GENERATED);
    let mut gaps = Vec::new();
    for units in SCALE_UNITS {
        let shape = Shape {
            units,
            trains: (units / 35).clamp(6, 240),
            fill_percent: 100,
        };
        row(&mut table, &mut gaps, shape, 1, limit)?;
    }
    Ok(heading() + &table.render())
}

/// Generated trains, loaded or refuted.
pub fn loads(count: u64, limit: &LimitArgs) -> Result<String, RailError> {
    let (mut stand, mut fall, mut unknown, mut first_fit_fails) = (0, 0, 0, 0);
    let mut times_ms = Vec::new();
    for seed in 0..count {
        let fill_percent = 60 + (seed % 9) as i64 * 5;
        let (consist, units) = load::generate::train(20 + (seed % 21) as usize, fill_percent, seed);
        let stands = load::first_fit(&consist, &units)
            .is_some_and(|loading| wagons::check(&consist, &units, &loading).is_ok());
        first_fit_fails += u64::from(!stands);
        let start_s = thread_cpu_s();
        let deadline = limit.deadline();
        let answer = load::solve(&consist, &units, limit.seed, &limit.budget(&deadline));
        times_ms.push((thread_cpu_s() - start_s) * 1_000.0);
        match answer {
            load::Answer::Loaded(loading) => {
                wagons::check(&consist, &units, &loading).map_err(|violations| {
                    RailError::Refused {
                        file: PathBuf::from(format!("generated train {seed}")),
                        violations: violations.iter().map(ToString::to_string).collect(),
                    }
                })?;
                stand += 1;
            }
            load::Answer::Impossible(_) => fall += 1,
            load::Answer::Unknown => unknown += 1,
        }
    }
    times_ms.sort_by(f64::total_cmp);
    let at = |part: usize| {
        times_ms.get((times_ms.len() * part / 100).min(times_ms.len().saturating_sub(1)))
    };
    let ms = |part| at(part).map_or(0.0, |ms| *ms);
    Ok(heading()
        + &format!(
            "{count} trains: {stand} loaded, {fall} proved impossible, {unknown} unknown; first fit fails on {first_fit_fails}\n\
             processor time: median {:.1} ms, 99 of 100 {:.1} ms, worst {:.1} ms\n",
            ms(50),
            ms(99),
            ms(100)
        ))
}

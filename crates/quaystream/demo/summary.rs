//! What came out of a run, as readable tables.

use std::collections::BTreeMap;
use std::fmt::Write;

use events::describe::rfc3339;
use events::v1::{BerthPlan, Cell, RailSlotPlan, WindowStat, cell};
use pipeline::outcome::Tally;

use super::outputs::Outputs;
use crate::plan::table::Table;

/// Rows shown of each query.
const ROWS: usize = 3;
/// Lines shown of each plan.
const LINES: usize = 12;

/// Every part of the summary that is about results.
pub fn results(outputs: &Outputs, tally: &Tally) -> String {
    let mut text = windows(outputs);
    text.push_str(&berths(outputs, tally));
    text.push_str(&rail(outputs, tally));
    text.push_str(&counts("rejects by reason", &tally.rejects()));
    text.push_str(&counts("accepted with a flag", &tally.flags()));
    let failures = tally.failures();
    if !failures.is_empty() {
        let _ = writeln!(text, "\nqueries that stopped:\n  {}", failures.join("\n  "));
    }
    text
}

fn windows(outputs: &Outputs) -> String {
    let mut text = String::new();
    for (query, rows) in outputs.final_rows() {
        let _ = writeln!(
            text,
            "\n{query}: {} final rows, the last of them",
            rows.len()
        );
        let last = &rows[rows.len().saturating_sub(ROWS)..];
        text.push_str(&indented(&query_table(last)));
    }
    text
}

fn query_table(rows: &[&WindowStat]) -> String {
    let names = rows.first().map(|row| {
        row.cells
            .iter()
            .map(|cell| cell.name.as_str())
            .collect::<Vec<_>>()
    });
    let names: Vec<&str> = names
        .unwrap_or_default()
        .into_iter()
        .filter(|name| !is_bound(name))
        .collect();
    let mut table = Table::new(&[&["window"], names.as_slice()].concat());
    for row in rows {
        let window = format!(
            "{} - {}",
            minute(row.window_start_us),
            clock(row.window_end_us)
        );
        let cells = row
            .cells
            .iter()
            .filter(|cell| !is_bound(&cell.name))
            .map(cell_text);
        table.row([window].into_iter().chain(cells));
    }
    table.render()
}

fn is_bound(name: &str) -> bool {
    matches!(name, "window_start" | "window_end")
}

fn cell_text(cell: &Cell) -> String {
    match &cell.value {
        None => "-".to_owned(),
        Some(cell::Value::Text(text)) => text.clone(),
        Some(cell::Value::Integer(number)) => number.to_string(),
        Some(cell::Value::Real(number)) => format!("{number:.2}"),
        Some(cell::Value::Flag(flag)) => if *flag { "yes" } else { "no" }.to_owned(),
        Some(cell::Value::InstantUs(instant_us)) => minute(*instant_us),
    }
}

fn berths(outputs: &Outputs, tally: &Tally) -> String {
    let mut stays: Vec<&BerthPlan> = outputs.berths.iter().collect();
    stays.sort_by_key(|stay| {
        (
            !stay.is_assigned,
            stay.berthing_planned_at_us,
            &stay.berth_visit_id,
        )
    });
    let mut table = Table::new(&[
        "berth", "from m", "to m", "vessel", "arrives", "berths", "departs", "cost", "why",
    ]);
    for stay in stays.iter().take(LINES) {
        let when = |instant_us: i64| {
            if stay.is_assigned {
                minute(instant_us)
            } else {
                "-".to_owned()
            }
        };
        table.row([
            if stay.is_assigned {
                stay.berth_id.clone()
            } else {
                "none".to_owned()
            },
            metres(stay.quay_from_dm),
            metres(stay.quay_to_dm),
            stay.vessel_name.clone(),
            minute(stay.arrival_estimated_at_us),
            when(stay.berthing_planned_at_us),
            when(stay.departure_planned_at_us),
            stay.cost.to_string(),
            stay.reason.clone(),
        ]);
    }
    plan_text("berth plan", "berths", stays.len(), &table, tally)
}

fn rail(outputs: &Outputs, tally: &Tally) -> String {
    let mut trains: BTreeMap<(i64, String, &str), (usize, u32, u64)> = BTreeMap::new();
    for unit in outputs.rail.iter().filter(|unit| unit.is_assigned) {
        let key = (
            unit.departure_planned_at_us,
            unit.train_slot_ids.join(" + "),
            unit.destination.as_str(),
        );
        let train = trains.entry(key).or_default();
        train.0 += 1;
        train.1 += unit.teu_quarters;
        train.2 += u64::from(unit.gross_kg);
    }
    let mut table = Table::new(&["departs", "train slots", "to", "units", "TEU", "t"]);
    for ((departs_us, slots, destination), (units, teu_quarters, gross_kg)) in
        trains.iter().take(LINES)
    {
        table.row([
            minute(*departs_us),
            slots.clone(),
            (*destination).to_owned(),
            units.to_string(),
            format!("{:.2}", f64::from(*teu_quarters) / 4.0),
            (gross_kg / 1_000).to_string(),
        ]);
    }
    let mut text = plan_text("rail plan, by train", "rail", trains.len(), &table, tally);
    let rolled: Vec<&RailSlotPlan> = outputs
        .rail
        .iter()
        .filter(|unit| !unit.is_assigned)
        .collect();
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for unit in &rolled {
        *reasons.entry(&unit.reason).or_default() += 1;
    }
    let reasons: Vec<String> = reasons
        .iter()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    if !rolled.is_empty() {
        let _ = writeln!(
            text,
            "  {} units rolled over: {}",
            rolled.len(),
            reasons.join("; ")
        );
    }
    text
}

fn plan_text(title: &str, planner: &str, lines: usize, table: &Table, tally: &Tally) -> String {
    let plans = tally.plans();
    let Some(report) = plans.get(planner) else {
        return format!("\n{title}: none was made\n");
    };
    let gap = 100.0 * (report.value - report.bound) as f64 / report.value.max(1) as f64;
    let mut text = format!(
        "\n{title}, number {} as of {}: {} assigned, {} not; cost {}, at least {} ({gap:.1} % apart)\n",
        report.plan_seq,
        minute(report.planned_at_us),
        report.assigned,
        report.unassigned,
        report.value,
        report.bound
    );
    text.push_str(&indented(&table.render()));
    if lines > LINES {
        let _ = writeln!(text, "  and {} more", lines - LINES);
    }
    text
}

fn counts(title: &str, counts: &BTreeMap<&'static str, u64>) -> String {
    let told: Vec<String> = counts
        .iter()
        .map(|(reason, count)| format!("{reason} {count}"))
        .collect();
    let told = if told.is_empty() {
        "none".to_owned()
    } else {
        told.join(", ")
    };
    format!("\n{title}: {told}\n")
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |mut out, line| {
        out.push_str("  ");
        out.push_str(line);
        out.push('\n');
        out
    })
}

fn metres(dm: u32) -> String {
    format!("{}.{}", dm / 10, dm % 10)
}

/// "2026-03-02 14:05".
fn minute(instant_us: i64) -> String {
    rfc3339(instant_us)
        .get(..16)
        .unwrap_or_default()
        .replace('T', " ")
}

/// "14:05".
fn clock(instant_us: i64) -> String {
    rfc3339(instant_us)
        .get(11..16)
        .unwrap_or_default()
        .to_owned()
}

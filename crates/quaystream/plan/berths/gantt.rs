//! A plan as a Gantt chart of text: a block of lines a berth, time to the right.

use domain::berth::{BerthPlan, BerthProblem, Stay};
use std::fmt::Write;

/// Columns of the chart.
const COLUMNS: i64 = 96;

/// Renders the plan.
pub fn render(problem: &BerthProblem, plan: &BerthPlan) -> String {
    let Some(from_min) = plan.stays.iter().map(|stay| stay.start_min).min() else {
        return "no stays\n".to_owned();
    };
    let to_min = plan
        .stays
        .iter()
        .map(|stay| stay.end_min)
        .max()
        .unwrap_or(from_min + 1);
    let span_min = (to_min - from_min).max(1);
    let column = |minute: i64| ((minute - from_min) * COLUMNS / span_min) as usize;
    let widest = problem
        .berths
        .iter()
        .map(|berth| berth.id.chars().count())
        .max()
        .unwrap_or(0)
        .max(5);
    let mut text = format!(
        "{:widest$}  minutes {from_min} to {to_min}, one column is {:.1} min\n",
        "",
        span_min as f64 / COLUMNS as f64
    );
    for (number, berth) in problem.berths.iter().enumerate() {
        let mut stays: Vec<&Stay> = plan
            .stays
            .iter()
            .filter(|stay| stay.berth == number)
            .collect();
        stays.sort_by_key(|stay| (stay.start_min, stay.from_m));
        let mut lanes: Vec<(i64, String)> = Vec::new();
        for stay in stays {
            let free = lanes
                .iter_mut()
                .find(|(until_min, _)| *until_min <= stay.start_min);
            let lane = match free {
                Some(lane) => lane,
                None => {
                    lanes.push((i64::MIN, String::new()));
                    let last = lanes.len() - 1;
                    &mut lanes[last]
                }
            };
            draw(
                &mut lane.1,
                column(stay.start_min),
                column(stay.end_min),
                &problem.calls[stay.call].id,
            );
            lane.0 = stay.end_min;
        }
        if lanes.is_empty() {
            lanes.push((0, String::new()));
        }
        for (n, (_, lane)) in lanes.iter().enumerate() {
            let name = if n == 0 { berth.id.as_str() } else { "" };
            let _ = writeln!(text, "{name:>widest$} |{lane}");
        }
    }
    for left in &plan.unassigned {
        let _ = writeln!(
            text,
            "{:>widest$} |{}: {}",
            "none", problem.calls[left.call].id, left.reason
        );
    }
    text
}

/// Draws `[id====` from one column to another.
fn draw(lane: &mut String, from: usize, to: usize, id: &str) {
    let mut used = lane.chars().count();
    while used < from {
        lane.push(' ');
        used += 1;
    }
    let width = to.saturating_sub(used).max(1);
    let mut block: String = std::iter::once('[').chain(id.chars()).take(width).collect();
    while block.chars().count() < width {
        block.push('=');
    }
    lane.push_str(&block);
}

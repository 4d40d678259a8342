//! A plan as a Gantt chart of text: a block of lines a berth, time to the right.

use domain::berth::{BerthPlan, BerthProblem, Stay};
use std::fmt::Write;

/// Columns of the chart.
const COLUMNS: i64 = 96;
/// Minutes between the hours on the axis: the first of these that gives few enough.
const TICKS_MIN: [i64; 9] = [60, 120, 180, 360, 720, 1440, 2880, 5760, 10_080];
/// Most hours on the axis.
const TICKS_MAX: i64 = 10;

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
    let mut text = axis(widest, from_min, to_min, column);
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
            let _ = writeln!(text, "{name:>widest$} │{lane}");
        }
    }
    for left in &plan.unassigned {
        let _ = writeln!(
            text,
            "{:>widest$} │{}: {}",
            "none", problem.calls[left.call].id, left.reason
        );
    }
    text
}

/// A line of hours and a ruler below it.
fn axis(widest: usize, from_min: i64, to_min: i64, column: impl Fn(i64) -> usize) -> String {
    let is_wide = |tick_min: &&i64| (to_min - from_min) / **tick_min <= TICKS_MAX;
    let tick_min = TICKS_MIN.iter().find(is_wide).unwrap_or(&14_400);
    let (mut hours, mut ruler) = (String::new(), String::new());
    let mut at_min = from_min + (tick_min - from_min.rem_euclid(*tick_min)) % tick_min;
    while at_min <= to_min {
        for (line, mark) in [
            (&mut hours, format!("{} h", at_min / 60)),
            (&mut ruler, "┴".to_owned()),
        ] {
            let fill = if mark == "┴" { "─" } else { " " };
            let missing = column(at_min).saturating_sub(line.chars().count());
            line.push_str(&fill.repeat(missing));
            line.push_str(&mark);
        }
        at_min += tick_min;
    }
    let missing = (COLUMNS as usize).saturating_sub(ruler.chars().count());
    ruler.push_str(&"─".repeat(missing));
    format!("{:widest$}  {hours}\n{:widest$} ┌{ruler}\n", "", "")
}

/// Draws `▌id▒▒▒▒` from one column to another.
fn draw(lane: &mut String, from: usize, to: usize, id: &str) {
    let mut used = lane.chars().count();
    while used < from {
        lane.push(' ');
        used += 1;
    }
    let width = to.saturating_sub(used).max(1);
    let mut block: String = std::iter::once('▌').chain(id.chars()).take(width).collect();
    while block.chars().count() < width {
        block.push('▒');
    }
    lane.push_str(&block);
}

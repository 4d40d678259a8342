//! Random joins of several streams, of every kind and shape, bounded in time.

use std::fmt::Write;

/// The streams that are joined: each has row_time, terminal_id and event_id.
pub const STREAMS: [&str; 4] = [
    "move_event",
    "equipment_event",
    "port_call_timestamp",
    "gate_event",
];

const KINDS: [&str; 8] = [
    "JOIN",
    "LEFT JOIN",
    "RIGHT JOIN",
    "FULL JOIN",
    "LEFT SEMI JOIN",
    "LEFT ANTI JOIN",
    "RIGHT SEMI JOIN",
    "RIGHT ANTI JOIN",
];

/// Draws a number below another.
pub type Draw<'a> = dyn FnMut(usize) -> usize + 'a;

struct Node {
    sql: String,
    /// The sides whose columns can be selected.
    visible: Vec<usize>,
}

/// A query of the rows of a random join, each with the ids of the rows that it is made of, and times in whole minutes.
pub fn query(draw: &mut Draw<'_>, windows: &str) -> String {
    let sides = 3 + draw(2);
    let node = tree(draw, 0, sides);
    let mut ids = String::new();
    for side in &node.visible {
        let _ = write!(ids, ", e{side}");
    }
    let filter = match draw(5) {
        0 => {
            let [one, other] = [(); 2].map(|()| node.visible[draw(node.visible.len())]);
            format!(" WHERE t{one} <= t{other} + INTERVAL '{}' MINUTE", draw(4))
        }
        _ => String::new(),
    };
    let (time, windows) = (time(draw, &node.visible), windows.split_once('|'));
    let (relation, arguments) = windows.expect("relation|arguments");
    format!(
        "INSERT INTO s SELECT window_start, window_end{ids} FROM {relation}((SELECT {time} AS row_time{ids} FROM {}{filter}), DESCRIPTOR(row_time), {arguments})",
        node.sql
    )
}

/// The time of the joined rows: that of one side, or one of several.
fn time(draw: &mut Draw<'_>, visible: &[usize]) -> String {
    let any = |draw: &mut Draw<'_>| format!("t{}", visible[draw(visible.len())]);
    let (one, other) = (any(draw), any(draw));
    match draw(8) {
        0 => format!("coalesce({one}, {other})"),
        1 => format!("greatest({one}, {other} + INTERVAL '1' MINUTE)"),
        2 => format!("least({one}, {other}) - INTERVAL '2' MINUTE"),
        3 => format!("CASE WHEN k{} = 'A' THEN {one} ELSE {other} END", &one[1..]),
        _ => one,
    }
}

fn tree(draw: &mut Draw<'_>, from: usize, to: usize) -> Node {
    if to - from == 1 {
        let sql = format!(
            "(SELECT row_time AS t{from}, terminal_id AS k{from}, event_id AS e{from} FROM {}) AS s{from}",
            STREAMS[from]
        );
        return Node {
            sql,
            visible: vec![from],
        };
    }
    let middle = from + 1 + draw(to - from - 1);
    let (left, right) = (tree(draw, from, middle), tree(draw, middle, to));
    let kind = KINDS[draw(KINDS.len())];
    let mut condition = bound(draw, &left.visible, &right.visible);
    if draw(3) == 0 {
        let more = bound(draw, &left.visible, &right.visible);
        let _ = write!(condition, " AND {more}");
    }
    if draw(4) > 0 {
        let pick = |draw: &mut Draw<'_>, from: &Node| from.visible[draw(from.visible.len())];
        let (one, other) = (pick(draw, &left), pick(draw, &right));
        let equal = ["=", "=", "IS NOT DISTINCT FROM"][draw(3)];
        let _ = write!(condition, " AND k{one} {equal} k{other}");
    }
    let visible = match kind {
        "LEFT SEMI JOIN" | "LEFT ANTI JOIN" => left.visible,
        "RIGHT SEMI JOIN" | "RIGHT ANTI JOIN" => right.visible,
        _ => [left.visible, right.visible].concat(),
    };
    Node {
        sql: format!("({} {kind} {} ON {condition})", left.sql, right.sql),
        visible,
    }
}

/// Bounds between sides of the two inputs.
fn bound(draw: &mut Draw<'_>, left: &[usize], right: &[usize]) -> String {
    let (one, other) = (left[draw(left.len())], right[draw(right.len())]);
    let (before, after) = (draw(5), draw(5));
    let one = match draw(6) {
        0 => format!("coalesce(t{one}, t{})", left[draw(left.len())]),
        _ => format!("t{one}"),
    };
    match draw(7) {
        0 => format!("{one} = t{other} + INTERVAL '{before}' MINUTE"),
        6 => format!(
            "(t{other} BETWEEN {one} AND {one} + INTERVAL '{after}' MINUTE OR {one} - t{other} BETWEEN INTERVAL '{before}' MINUTE AND INTERVAL '{}' MINUTE)",
            before + 2
        ),
        1 => format!(
            "t{other} > {one} AND t{other} <= {one} + INTERVAL '{}' MINUTE",
            after + 1
        ),
        _ => format!(
            "t{other} BETWEEN {one} - INTERVAL '{before}' MINUTE AND {one} + INTERVAL '{after}' MINUTE"
        ),
    }
}

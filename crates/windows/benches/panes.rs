//! What a window costs by its kind, over the same events: `cargo bench -p quaystream -p quaystream-windows --bench panes -- [EVENTS [ROUNDS]]`.
//!
//! CPU seconds of this thread, both stages, in commits of 8,192 rows; windows that are open at the end are left out.
//! Targets: a hop with size/slide 288 at most 1.5 times its tumble, over a stream as over a join and beside a table, a session at most 3 times,
//! medians of the rounds. The program fails if one is missed; with `--test`, which is too short for figures, only at twice the target.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench stops at the first fault"
)]

#[path = "../../../benches/target.rs"]
mod target;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use windows::intake;
use windows::merge::{Merge, MergeSettings, Reached};
use windows::program::{Program, Streams};
use windows::sql::parse::SqlFile;

use target::{Targets, median};

const MINUTE_US: i64 = 60_000_000;
const HOURS: i64 = 48;
const KEYS: u64 = 300;
/// A stream joined with itself: moves of one crane within ten seconds.
const JOIN: &str = "SELECT m.row_time, m.equipment_id, n.teu_quarters FROM move_event m JOIN move_event n ON n.equipment_id = m.equipment_id AND n.row_time >= m.row_time AND n.row_time < m.row_time + INTERVAL '10' SECOND";
/// Moves with the state of their crane as of each.
const AS_OF: &str = "LEFT JOIN crane_state_history h ON h.crane_id = m.equipment_id AND h.valid_from <= m.row_time AND m.row_time < h.valid_to";
const CRANE_STATE: &str =
    "CREATE TABLE crane_state (PRIMARY KEY (crane_id)) AS SELECT crane_id, moves_per_h FROM crane";
const COMMIT_ROWS: usize = 8_192;
/// Odd, so that one of them is the median.
const ROUNDS: usize = 7;
const QUICK_ROUNDS: usize = 3;

/// A kind of window.
struct Kind {
    name: &'static str,
    /// Where rows come from.
    from: &'static str,
    /// Place of the tumble over the same rows.
    tumble: usize,
    /// How many times what that costs it may cost.
    most: Option<f64>,
}

const KINDS: [Kind; 9] = [
    Kind {
        name: "tumble 5 min",
        from: "TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE)",
        tumble: 0,
        most: None,
    },
    Kind {
        name: "hop 60/5 min",
        from: "HOP(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '60' MINUTE)",
        tumble: 0,
        most: None,
    },
    Kind {
        name: "hop 24 h/5 min",
        from: "HOP(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '24' HOUR)",
        tumble: 0,
        most: Some(1.5),
    },
    Kind {
        name: "cumulate 24 h/5 min",
        from: "CUMULATE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '24' HOUR)",
        tumble: 0,
        most: None,
    },
    Kind {
        name: "session 1 min",
        from: "SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(equipment_id), INTERVAL '1' MINUTE)",
        tumble: 0,
        most: Some(3.0),
    },
    Kind {
        name: "join, tumble 5 min",
        from: "TUMBLE((JOIN), DESCRIPTOR(row_time), INTERVAL '5' MINUTE)",
        tumble: 5,
        most: None,
    },
    Kind {
        name: "join, hop 24 h/5 min",
        from: "HOP((JOIN), DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '24' HOUR)",
        tumble: 5,
        most: Some(1.5),
    },
    Kind {
        name: "table, tumble 5 min",
        from: "TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE) AS m AS_OF",
        tumble: 7,
        most: None,
    },
    Kind {
        name: "table, hop 24 h/5 min",
        from: "HOP(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE, INTERVAL '24' HOUR) AS m AS_OF",
        tumble: 7,
        most: Some(1.5),
    },
];

fn main() {
    // Cargo adds an argument of its own.
    let is_quick = std::env::args().any(|argument| argument == "--test");
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let (events, turns) = if is_quick {
        (200_000, QUICK_ROUNDS)
    } else {
        let events = numbers.next().unwrap_or(4_000_000);
        (events, numbers.next().unwrap_or(ROUNDS))
    };
    println!(
        "{events} events of {KEYS} keys over {HOURS} h; CPU seconds of one thread, medians of {turns} rounds"
    );
    // In turn, so that a machine's slow moments meet all kinds alike.
    let mut rounds = [const { Vec::new() }; KINDS.len()];
    for _ in 0..turns {
        for (kind, runs) in KINDS.iter().zip(&mut rounds) {
            runs.push(run(&relation(kind.from), events));
        }
    }
    let mut targets = Targets::new(is_quick);
    tell(&rounds, &mut targets);
    targets.end();
}

fn relation(from: &str) -> String {
    from.replace("(JOIN)", &format!("({JOIN})"))
        .replace("AS_OF", AS_OF)
}

/// A line for each kind of window, from its runs.
fn tell(rounds: &[Vec<Run>; KINDS.len()], targets: &mut Targets) {
    println!("| window | fold | merge | both | to tumble | target | final rows | merge us a row |");
    println!("|---|---|---|---|---|---|---|---|");
    for (kind, runs) in KINDS.iter().zip(rounds) {
        let name = kind.name;
        let fold_s = median(runs.iter().map(|run| run.fold_s));
        let merge_s = median(runs.iter().map(|run| run.merge_s));
        let both = median(runs.iter().map(Run::both_s));
        let of_round = runs.iter().zip(&rounds[kind.tumble]);
        let ratio = median(of_round.map(|(run, tumble)| run.both_s() / tumble.both_s()));
        let word = kind.most.map(|most| targets.judge(name, ratio, most));
        let (rows, word) = (runs[0].rows, word.unwrap_or_default());
        println!(
            "| {name} | {fold_s:.2} | {merge_s:.2} | {both:.2} | {ratio:.2} | {word} | {rows} | {:.2} |",
            merge_s * 1e6 / rows as f64
        );
    }
}

struct Run {
    fold_s: f64,
    merge_s: f64,
    rows: usize,
}

impl Run {
    fn both_s(&self) -> f64 {
        self.fold_s + self.merge_s
    }
}

fn run(from: &str, events: usize) -> Run {
    let file = SqlFile::new(
        "bench",
        format!(
            "INSERT INTO s SELECT window_start, window_end, equipment_id, count(*) AS n, sum(teu_quarters) AS teu, max(teu_quarters) AS most FROM {from} GROUP BY window_start, window_end, equipment_id"
        ),
    );
    let files = [SqlFile::new("crane_state", CRANE_STATE), file];
    let fold = Program::compile(&files, &streams()).expect("fold");
    let program = Program::compile(&files, &streams()).expect("merge");
    let mut merge = Merge::new(program, &MergeSettings::default()).expect("merge");
    let table = &fold.tables[0];
    fold.fill("crane", vec![cranes()]);
    for rows in table.fold.run().expect("fold") {
        merge.absorb(&table.name, table.fingerprint, &rows);
    }
    let mut random = 7_u64;
    let (mut fold_s, mut merge_s, mut rows) = (0.0, 0.0, 0);
    let mut from = 0;
    while from < events {
        let to = (from + COMMIT_ROWS).min(events);
        let batch = moves(from, to, events, &mut random);
        let start = cpu_s();
        fold.fill("move_event", vec![batch]);
        let mut partials = Vec::new();
        for input in &fold.queries[0].inputs {
            let run = input.fold.run().expect("fold").into_iter();
            partials.extend(run.map(|partial| (input.fingerprint, partial)));
        }
        fold_s += cpu_s() - start;
        let start = cpu_s();
        for (fingerprint, partial) in partials {
            merge.absorb("bench", fingerprint, &partial);
        }
        rows += fire(&mut merge, at(to, events));
        merge_s += cpu_s() - start;
        from = to;
    }
    Run {
        fold_s,
        merge_s,
        rows,
    }
}

fn fire(merge: &mut Merge, frontier_us: i64) -> usize {
    let mut rows = 0;
    let reached = Reached {
        frontier_us,
        begin_us: 0,
        horizon_us: None,
    };
    while let Some(at_us) = merge.next_at(&reached) {
        let fired = merge.fire(at_us, &reached);
        rows += fired
            .outputs
            .iter()
            .map(|output| output.rows.num_rows())
            .sum::<usize>();
    }
    rows
}

/// Time of the n-th event.
fn at(n: usize, events: usize) -> i64 {
    (n as i128 * i128::from(HOURS * 60 * MINUTE_US) / events as i128) as i64
}

/// Events in the order of time, keys at random.
fn moves(from: usize, to: usize, events: usize, random: &mut u64) -> RecordBatch {
    let mut next = |below: u64| {
        *random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (*random >> 33) % below
    };
    let times = TimestampMicrosecondArray::from_iter_values((from..to).map(|n| at(n, events)));
    let keys: StringArray = (from..to)
        .map(|_| Some(format!("C{}", next(KEYS))))
        .collect();
    let teu = Int64Array::from_iter_values((from..to).map(|_| next(40) as i64));
    let columns: [(&str, ArrayRef); 3] = [
        ("row_time", Arc::new(times.with_timezone("UTC"))),
        ("equipment_id", Arc::new(keys)),
        ("teu_quarters", Arc::new(teu)),
    ];
    RecordBatch::try_from_iter(columns).expect("batch")
}

/// A state of each crane for every hour.
fn cranes() -> RecordBatch {
    let all = || (0..HOURS).flat_map(|hour| (0..KEYS).map(move |key| (hour, key)));
    let times =
        TimestampMicrosecondArray::from_iter_values(all().map(|(hour, _)| hour * 60 * MINUTE_US));
    let times: ArrayRef = Arc::new(times.with_timezone("UTC"));
    let text = |of: &dyn Fn(i64, u64) -> String| -> ArrayRef {
        Arc::new(
            all()
                .map(|(hour, key)| Some(of(hour, key)))
                .collect::<StringArray>(),
        )
    };
    let rates = Int64Array::from_iter_values(all().map(|(hour, key)| hour + key as i64));
    let columns: [(&str, ArrayRef); 5] = [
        ("row_time", Arc::clone(&times)),
        ("record_time", times),
        ("event_id", text(&|hour, key| format!("{hour}/{key}"))),
        ("crane_id", text(&|_, key| format!("C{key}"))),
        ("moves_per_h", Arc::new(rates)),
    ];
    RecordBatch::try_from_iter(columns).expect("batch")
}

fn streams() -> Streams {
    let tables = events::schema::tables().iter();
    let tables = tables.map(|table| (table.name.clone(), Arc::clone(&table.schema)));
    tables
        .chain([(intake::NAME.to_owned(), intake::schema())])
        .collect::<BTreeMap<_, _>>()
}

/// CPU time of this thread where the system tells, else the time that went by.
fn cpu_s() -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    static START: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    nanoseconds.map_or_else(|| START.elapsed().as_secs_f64(), |ns| ns as f64 / 1e9)
}

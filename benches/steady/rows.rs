//! The rows that are timed: which are due, when their windows closed, and when they arrived.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use events::Message;
use events::v1::{WindowStat, cell};
use kafka::Isolation;
use kafka::tail::{From, Tail};
use quaystream::config::Config;

use crate::target::Targets;
use crate::{PARTITIONS, TERMINALS};

const WINDOW_US: i64 = 250_000;
/// What has not come so long after the last event is missing.
const WAIT_MAX: Duration = Duration::from_secs(30);

pub const QUERY: &str = "
INSERT INTO window_stat
SELECT window_start, window_end, terminal_id, count(*) AS passages
FROM TUMBLE(gate_event, DESCRIPTOR(row_time), INTERVAL '250' MILLISECOND)
GROUP BY window_start, window_end, terminal_id";

/// A row: its window's end, and the place of its terminal.
type Row = (i64, usize);

/// What was sent and has not come, by the starts of windows: an hour of it would be memory that is not the engine's.
#[derive(Default)]
pub struct Sent(BTreeMap<i64, Window>);

#[derive(Default)]
struct Window {
    /// When the first event of each partition was sent.
    first: [Option<Instant>; PARTITIONS as usize],
    /// Of each terminal: has its row not come yet? None without an event.
    waits: [Option<bool>; TERMINALS.len()],
}

/// What a final row is.
enum Arrival {
    /// It came; when its window closed, unless that was after the last event.
    First(Option<Instant>),
    /// It had come before.
    Again,
}

impl Sent {
    /// An event is sent now.
    pub fn note(&mut self, event_us: i64, partition: usize, terminal: usize) {
        let start = event_us.div_euclid(WINDOW_US) * WINDOW_US;
        let window = self.0.entry(start).or_default();
        window.first[partition].get_or_insert_with(Instant::now);
        window.waits[terminal] = Some(true);
    }

    /// A row has come. Windows all of whose rows have come go, the oldest first: those before the first that stays tell no closing.
    fn arrive(&mut self, (end, terminal): Row) -> Arrival {
        let closed = self.closed(end);
        let window = self.0.get_mut(&(end - WINDOW_US));
        let Some(waits) = window.and_then(|window| window.waits[terminal].as_mut()) else {
            return Arrival::Again;
        };
        if !std::mem::take(waits) {
            return Arrival::Again;
        }
        while let Some(first) = self.0.first_entry()
            && !first.get().waits.contains(&Some(true))
        {
            first.remove();
        }
        Arrival::First(closed)
    }

    /// When the window with this end was closed: in the last of the partitions, by its first event behind it.
    fn closed(&self, end: i64) -> Option<Instant> {
        let first = |partition: usize| {
            let mut behind = self.0.range(end..);
            behind.find_map(|(_, window)| window.first[partition])
        };
        let first: Option<Vec<Instant>> = (0..PARTITIONS as usize).map(first).collect();
        first?.into_iter().max()
    }

    /// Rows that have not come of the windows that end at `from_us` or later and are closed.
    fn missing(&self, from_us: i64) -> usize {
        let windows = self.0.range(from_us - WINDOW_US..);
        let closed = windows.filter(|(start, _)| self.closed(*start + WINDOW_US).is_some());
        let waits = closed.flat_map(|(_, window)| window.waits);
        waits.filter(|waits| *waits == Some(true)).count()
    }
}

/// How the rows that were due came.
pub struct Arrived {
    /// Seconds from a window's closing to its final row, of each that came; in order.
    pub latencies: Vec<f64>,
    pub missing: usize,
    /// Rows that came once more.
    pub twice: usize,
}

impl Arrived {
    /// Seconds within which this share came of the rows that came; no number without any.
    pub fn within(&self, share: f64) -> f64 {
        let place = (self.latencies.len().saturating_sub(1) as f64 * share).round();
        let latency = self.latencies.get(place as usize).copied();
        latency.unwrap_or(f64::NAN)
    }

    pub fn tell(&self) {
        let [p50, p95, p99, longest] = [0.5, 0.95, 0.99, 1.0].map(|share| self.within(share) * 1e3);
        println!(
            "final rows: {} of {} due; after their window closed, ms: p50 {p50:.0}, p95 {p95:.0}, p99 {p99:.0}, longest {longest:.0}",
            self.latencies.len(),
            self.latencies.len() + self.missing
        );
    }

    /// Each row that is due comes, and once.
    pub fn judge(&self, targets: &mut Targets) {
        if self.latencies.is_empty() {
            targets.miss("no final row came: run longer".to_owned());
        }
        if self.missing > 0 {
            let waited_s = WAIT_MAX.as_secs();
            targets.miss(format!(
                "{} rows that were due had not come {waited_s} s after the last event",
                self.missing
            ));
        }
        if self.twice > 0 {
            targets.miss(format!("{} final rows came twice", self.twice));
        }
    }
}

/// Reads final rows until all are there that are due of windows that end at `from_us` or later.
pub fn read(config: &Config, sent: &Mutex<Sent>, is_over: &AtomicBool, from_us: i64) -> Arrived {
    let topic = &config.engine.topics.sinks["window_stat"];
    let mut tail = Tail::open(
        &config.kafka,
        topic,
        None,
        From::Beginning,
        Isolation::ReadCommitted,
    )
    .expect("a reader");
    let (mut latencies, mut twice, mut over) = (Vec::new(), 0, None);
    loop {
        if is_over.load(Ordering::Relaxed) {
            let since = *over.get_or_insert_with(Instant::now);
            let missing = sent.lock().expect("not poisoned").missing(from_us);
            if missing == 0 || since.elapsed() > WAIT_MAX {
                latencies.sort_by(f64::total_cmp);
                return Arrived {
                    latencies,
                    missing,
                    twice,
                };
            }
        }
        let Some(record) = tail.next(Duration::from_millis(20)).expect("readable") else {
            continue;
        };
        let now = Instant::now();
        let stat = WindowStat::decode(record.value.as_deref().unwrap_or_default()).expect("a row");
        if stat.query != "timed" || !stat.is_final {
            continue;
        }
        let row = (stat.window_end_us, terminal(&stat));
        match sent.lock().expect("not poisoned").arrive(row) {
            Arrival::First(Some(closed)) if stat.window_end_us >= from_us => {
                latencies.push(now.saturating_duration_since(closed).as_secs_f64());
            }
            Arrival::First(_) => {}
            Arrival::Again => twice += 1,
        }
    }
}

fn terminal(stat: &WindowStat) -> usize {
    let cell = stat.cells.iter().find(|cell| cell.name == "terminal_id");
    let place = match cell.and_then(|cell| cell.value.as_ref()) {
        Some(cell::Value::Text(text)) => TERMINALS.iter().position(|known| known == text),
        _ => None,
    };
    place.expect("a terminal that was sent")
}

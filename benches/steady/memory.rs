//! The memory of the process, and what it is held to.

use std::time::Duration;

use quaystream::config::Config;

use crate::target::Targets;

const MIB: u64 = 1 << 20;
/// What the process has beside all that is counted: program, plans, threads, clients, what the allocator keeps. Measured by this
/// program; docs/CONFIGURATION.md has it too.
const BESIDE_BYTES: u64 = 128 * MIB;
/// From the third quarter of the time to the last a figure grows by at most this share: in a run of minutes, and in one so
/// short that the process is still warming up.
const GROWTH_MOST: f64 = 0.1;
const GROWTH_MOST_SHORT: f64 = 0.25;
const SHORT_S: u64 = 300;
/// Ids are forgotten by the minute, so what the engine holds rises for a minute and falls; docs/CONFIGURATION.md says what an id
/// takes at most. Where a quarter of the time has two such minutes, its least is compared, which has nothing of them in it.
const ID_BYTES: u64 = 55;
const MINUTE_S: u64 = 60;
const LONG_S: u64 = 4 * 2 * MINUTE_S;
/// What the engine holds is so little that a share of it says nothing. Of an hour at 2,000 records a second a quarter has 1.8
/// million: who kept a byte of each would be found.
const HELD_SWING_BYTES: u64 = MIB;

pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / MIB as f64
}

/// Memory at some second, bytes.
pub struct Memory {
    /// Of the process: producer and reader with it, and the broker where it has no process of its own.
    pub resident: u64,
    /// Of the broker's process: each topic grows to its bound.
    pub broker: Option<u64>,
    /// What the engine holds, by the formula of docs/CONFIGURATION.md, but for the clients' queues.
    pub held: u64,
}

impl Memory {
    /// What is not state.
    fn beside(&self) -> u64 {
        self.resident.saturating_sub(self.held)
    }
}

/// Resident bytes of a process.
pub fn resident_bytes(process: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0) * 4_096
}

/// Prints how it went, by tenths of the time.
pub fn tell(memory: &[Memory]) {
    let tenth = memory.len().div_ceil(10).max(1);
    let of = |bytes: fn(&Memory) -> u64| {
        let medians = memory.chunks(tenth);
        let medians =
            medians.map(|part| format!("{:.0}", mib(median(part.iter().map(bytes).collect()))));
        medians.collect::<Vec<_>>().join(" ")
    };
    println!("memory, MiB, medians of the tenths of the time:");
    println!("  process {}", of(|memory| memory.resident));
    println!("  engine by its formula {}", of(|memory| memory.held));
    if memory.iter().any(|memory| memory.broker.is_some()) {
        let broker = of(|memory| memory.broker.unwrap_or_default());
        println!("  the broker's process {broker}");
    }
}

/// Holds the process to what docs/CONFIGURATION.md says of its memory, at so many records a second.
pub fn judge(memory: &[Memory], config: &Config, rate: u64, time: Duration, targets: &mut Targets) {
    within_formula(memory, config, targets);
    let share = match time.as_secs() < SHORT_S {
        true => GROWTH_MOST_SHORT,
        false => GROWTH_MOST,
    };
    let (held_by, ids): (fn(Vec<u64>) -> u64, u64) = match time.as_secs() < LONG_S {
        true => (median, ID_BYTES * MINUTE_S * rate),
        false => (least, 0),
    };
    let figures: [Figure; 3] = [
        ("what is not state", Memory::beside, median, 0),
        (
            "the engine by its formula",
            |memory| memory.held,
            held_by,
            ids.max(HELD_SWING_BYTES),
        ),
        ("the process", |memory| memory.resident, median, ids),
    ];
    let quarter = memory.len() / 4;
    let (third, last) = memory[memory.len() - 2 * quarter..].split_at(quarter);
    for (what, bytes, by, swing) in figures {
        let of = |part: &[Memory]| by(part.iter().map(bytes).collect());
        let (before, after) = (of(third), of(last));
        let most = before + swing.max((before as f64 * share) as u64);
        let told = format!(
            "{what}: {:.1} MiB in the third quarter of the time, {:.1} in the last (at most {:.1})",
            mib(before),
            mib(after),
            mib(most)
        );
        println!("{told}");
        if after > most {
            targets.miss(told);
        }
    }
}

/// What is compared, how, and how much it goes up and down by itself.
type Figure = (&'static str, fn(&Memory) -> u64, fn(Vec<u64>) -> u64, u64);

/// At each second the process has at most what the formula says: the most that was held until then (what is let go the allocator
/// need not give back), the clients' queues, and what stands beside.
fn within_formula(memory: &[Memory], config: &Config, targets: &mut Targets) {
    let workers = (config.fold_workers + config.merge_workers) as u64;
    let queues = config.queued_bytes_max as u64 * workers;
    let held_max = config.engine.memory_bytes_max as u64;
    let most_held = memory.iter().scan(0, |most, memory| {
        *most = memory.held.max(*most);
        Some((memory, *most))
    });
    let is_worst =
        |(memory, held): &(&Memory, u64)| i128::from(memory.resident) - i128::from(*held);
    let Some((worst, held)) = most_held.max_by_key(is_worst) else {
        return;
    };
    let bound = held + queues + BESIDE_BYTES;
    println!(
        "resident at its worst: {:.0} MiB, of {:.0} by the formula: {:.1} held until then and {:.0} of queues (memory_bytes_max and queues: {:.0}), {:.0} beside",
        mib(worst.resident),
        mib(bound),
        mib(held),
        mib(queues),
        mib(held_max + queues),
        mib(BESIDE_BYTES)
    );
    if worst.resident > bound {
        targets.miss(format!(
            "resident memory is {:.0} MiB, above the bound of {:.0}",
            mib(worst.resident),
            mib(bound)
        ));
    }
    let most = memory.iter().map(|memory| memory.held).max();
    if most > Some(held_max) {
        targets.miss(format!(
            "the engine holds {:.0} MiB by its formula, above memory_bytes_max, {:.0}",
            mib(most.unwrap_or_default()),
            mib(held_max)
        ));
    }
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn least(values: Vec<u64>) -> u64 {
    values.into_iter().min().unwrap_or_default()
}

//! Runs one simulated day and prints what was produced, how fast, and what was held in memory.
//!
//! `cargo run --release -p quaystream-portsim --example day -- [SEED] [HOURS]`
#![allow(clippy::print_stdout)]

use portsim::{Partitions, Settings, Simulation};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let seed = arguments.next().transpose()?.unwrap_or(1);
    let hours = arguments.next().transpose()?.unwrap_or(24) as u32;
    let settings = Settings {
        seed,
        hours,
        partitions: Partitions::all(4),
        ..Settings::default()
    };
    let mut simulation = Simulation::new(settings)?;
    let begun = Instant::now();
    let (mut bytes, mut fingerprint, mut most_held, mut records_held) = (0, 0_u64, 0, 0);
    while let Some(produced) = simulation.next() {
        bytes += produced.value.len();
        for byte in &produced.value {
            fingerprint = fingerprint
                .rotate_left(5)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                ^ u64::from(*byte);
        }
        let held = simulation.held();
        records_held = records_held.max(held.records);
        most_held = most_held
            .max(held.steps + held.records + held.containers + held.calls + held.rail_units);
    }
    let took = begun.elapsed();
    let truth = simulation.truth();
    for (table, count) in &truth.events_by_table {
        println!("{table:<22}{count:>9}");
    }
    for (source, counts) in &truth.sources {
        println!("{source:<10}{counts:?}");
    }
    println!("wrong records: {:?}", truth.wrong_by_kind);
    println!("by stream: {:?}", truth.records_by_stream);
    println!(
        "{} records, {} events, {} copies, {} late, {} wrong, {} heartbeats",
        truth.records,
        truth.events(),
        truth.duplicates(),
        truth.late(),
        truth.wrong(),
        truth.heartbeats()
    );
    let per_s = truth.records as f64 / took.as_secs_f64();
    println!("{bytes} bytes in {took:.2?}: {per_s:.0} records/s; fingerprint {fingerprint:016x}");
    println!("at most {most_held} things held, {records_held} records on their way");
    Ok(())
}

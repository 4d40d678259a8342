//! Our decoder beside the `ptars` crate, over the same records, in one run.
//!
//! Both read whole records of the topic and keep every column. They do not give the same batches: ptars makes a struct
//! column of each member of the root message, enums by number unless told otherwise, and knows no projection, no
//! required fields and no reject reasons; ours makes a flat table of each body message. So this compares what a user of
//! either would run, not the same work.
#[path = "../../../crates/events/benches/decode/samples.rs"]
mod samples;

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use events::decode::{Decoder, Projection};
use ptars::{EnumRepr, Handler, PtarsConfig};
use samples::{ROWS, samples, third};

const ROUNDS: usize = 40;

fn main() -> Result<(), Box<dyn Error>> {
    println!(
        "{:<22}{:>14}{:>14}{:>14}{:>10}",
        "sample", "ours M/s", "ours third", "ptars M/s", "ratio"
    );
    for sample in samples() {
        let mut ours = Decoder::new(sample.stream, &Projection::all())?;
        let mut part = Projection::none();
        for table in sample.tables {
            part.add(table, third(table))?;
        }
        let mut ours_third = Decoder::new(sample.stream, &part)?;
        let config = PtarsConfig {
            enum_repr: EnumRepr::String,
            ..PtarsConfig::default()
        };
        let theirs = Handler::try_new(
            events::descriptor_set(),
            sample.stream.message_name(),
            config,
        )?;
        let messages: Vec<Option<&[u8]>> = sample
            .values
            .iter()
            .map(|value| Some(value.as_slice()))
            .collect();
        let (mut ours_s, mut third_s, mut theirs_s) = (f64::MAX, f64::MAX, f64::MAX);
        // Alternating, and the best of each: all see the same noise.
        for _ in 0..ROUNDS {
            ours_s = ours_s.min(seconds(|| run(&mut ours, &sample.values))?);
            third_s = third_s.min(seconds(|| run(&mut ours_third, &sample.values))?);
            theirs_s = theirs_s.min(seconds(|| {
                black_box(theirs.decode_bytes(black_box(&messages))?);
                Ok(())
            })?);
        }
        let rate = |seconds: f64| ROWS as f64 / seconds / 1e6;
        let (ours, third, theirs) = (rate(ours_s), rate(third_s), rate(theirs_s));
        println!(
            "{:<22}{ours:>14.2}{third:>14.2}{theirs:>14.2}{:>10.2}",
            sample.name,
            ours / theirs
        );
    }
    Ok(())
}

fn seconds(work: impl FnOnce() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64())
}

fn run(decoder: &mut Decoder, values: &[Vec<u8>]) -> Result<(), Box<dyn Error>> {
    for (offset, value) in values.iter().enumerate() {
        let row_time_us = decoder.read(black_box(value))?.row_time_us();
        decoder.keep(value, row_time_us, 1, offset as i64);
    }
    black_box(decoder.take());
    Ok(())
}

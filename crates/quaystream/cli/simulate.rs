//! `quaystream simulate`: the simulated port into the input topics.

use std::time::{Duration, Instant};

use clap::Args;
use kafka::feed::Feeder;
use portsim::Simulation;

use super::{CliError, ClusterArgs};
use crate::wiring::signals::StopRequest;
use crate::wiring::{feed, logging};

/// `quaystream simulate`
#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Seed of the simulation: the same seed gives the same records
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Simulated time, hours
    #[arg(long, value_name = "H", default_value_t = 24)]
    hours: u32,
    /// Stop after so many records
    #[arg(long, value_name = "N")]
    events: Option<u64>,
    /// Records a second; as fast as they can be written if not given
    #[arg(long, value_name = "N")]
    rate: Option<u64>,
    /// First simulated instant, seconds since 1970; Monday 2 March 2026 if not given
    #[arg(long, value_name = "S")]
    start: Option<i64>,
}

pub(super) fn simulate(args: &SimulateArgs) -> Result<(), CliError> {
    let config = args.cluster.load()?;
    logging::start(&config.log_level);
    let stop = StopRequest::default();
    stop.on_signals()
        .map_err(CliError::system("cannot listen for signals"))?;
    let usual = portsim::Settings::default();
    let settings = portsim::Settings {
        seed: args.seed,
        hours: args.hours,
        partitions: feed::partitions(&config),
        start_at_us: args.start.map_or(usual.start_at_us, |start_s| {
            start_s.saturating_mul(1_000_000)
        }),
        ..usual
    };
    let start_at_us = settings.start_at_us;
    for (topic, kept_h) in feed::too_old_for(&config, start_at_us / 1_000) {
        tracing::warn!(
            topic,
            "the simulated records are older than the {kept_h} h that the broker keeps them: begin a day ago with \
             --start $(($(date +%s) - 86400)), or set retention_h = 0 before the topic is created"
        );
    }
    let mut simulation = Simulation::new(settings)?;
    let mut feeder = Feeder::connect(
        &config.kafka,
        config.engine.record_bytes_max,
        config.patience,
    )?;
    let pace = feed::Pace {
        per_second: args.rate,
        records_max: args.events,
    };
    let began = Instant::now();
    let mut told_at = began;
    let records = feed::simulation(
        &mut simulation,
        &mut feeder,
        &feed::topics(&config),
        pace,
        &stop,
        |records, now_us| {
            if told_at.elapsed() >= Duration::from_secs(5) {
                told_at = Instant::now();
                tracing::info!(
                    records,
                    simulated_to = events::describe::rfc3339(now_us),
                    "producing"
                );
            }
        },
    )?;
    let seconds = began.elapsed().as_secs_f64();
    let truth = simulation.truth();
    tracing::info!(
        records,
        events = truth.events(),
        copies = truth.duplicates(),
        late = truth.late(),
        wrong = truth.wrong(),
        heartbeats = truth.heartbeats(),
        per_second = (records as f64 / seconds.max(1e-9)) as u64,
        "produced"
    );
    Ok(())
}

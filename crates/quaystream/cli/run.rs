//! `quaystream run`: the processor against a Kafka.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::Args;
use pipeline::backfill::BackfillFrom;
use pipeline::settings::Bounded;
use pipeline::ticks::TickBy;

use super::{CliError, ClusterArgs};
use crate::wiring::processor::Processor;
use crate::wiring::signals::StopRequest;
use crate::wiring::{logging, metrics};

/// Between two lines about progress in the log.
const TELL_EVERY: Duration = Duration::from_secs(30);

/// `quaystream run`
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Read to the end of the input, flush all windows, and stop
    #[arg(long)]
    until_end: bool,
    /// The stages that this process takes part in
    #[arg(long, value_enum, default_value_t = Role::All)]
    role: Role,
    /// Queries that are new begin with the input of before: "earliest", or an instant such as 2026-11-01T00:00:00Z at which
    /// their first windows begin
    #[arg(long, value_name = "EARLIEST|TIME", value_parser = backfill_from)]
    from: Option<BackfillFrom>,
    /// Where Prometheus reads the metrics, instead of metrics_address
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
}

/// What a process does.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Role {
    /// Both stages
    All,
    /// Decode, check and aggregate: scales with the partitions of the input topics
    Fold,
    /// Windows, tables and plans: scales with the partitions of the partials topic
    Merge,
}

pub(super) fn run(args: &RunArgs) -> Result<(), CliError> {
    let mut config = args.cluster.load()?;
    logging::start(&config.log_level);
    if args.until_end {
        config.engine.bounded = Bounded::UntilEnd;
        // What has an end is planned as its own time has it.
        config.engine.planners.tick_by = TickBy::Watermark;
    }
    config.engine.backfill = args.from;
    if args.from.is_some() && config.engine.snapshots.interval.is_zero() {
        return Err(CliError::Usage(
            "--from needs snapshots, with which a backfill is handed over: set state.snapshot_interval_s above 0".to_owned(),
        ));
    }
    match args.role {
        Role::All => {}
        Role::Fold => config.merge_workers = 0,
        Role::Merge => config.fold_workers = 0,
    }
    let faults = config.query_faults();
    if !faults.is_empty() {
        return Err(CliError::Queries(faults));
    }
    let stop = StopRequest::default();
    stop.on_signals()
        .map_err(CliError::system("cannot listen for signals"))?;
    if let Some(address) = args.metrics.or(config.metrics_address) {
        metrics::serve(address)?;
        tracing::info!("metrics on http://{address}/metrics");
    }
    tracing::info!(
        bootstrap = config.kafka.bootstrap,
        application = config.application,
        fold = config.fold_workers,
        merge = config.merge_workers,
        queries = config.engine.queries.len(),
        "starting"
    );
    let processor = Processor::start(&config, &stop)
        .map_err(CliError::system("cannot start the workers' threads"))?;
    let mut told_at = Instant::now();
    let tally = processor.wait(Duration::from_secs(1), |tally| {
        if told_at.elapsed() >= TELL_EVERY {
            told_at = Instant::now();
            tell(tally, "running");
        }
    })?;
    tell(&tally, "stopped in good order");
    Ok(())
}

/// The value of `--from`.
fn backfill_from(text: &str) -> Result<BackfillFrom, String> {
    if text == "earliest" {
        return Ok(BackfillFrom::Earliest);
    }
    let at_us = events::describe::instant(text).ok_or_else(|| {
        format!("`{text}` is neither `earliest` nor an instant such as 2026-11-01T00:00:00Z")
    })?;
    Ok(BackfillFrom::Instant(at_us))
}

fn tell(tally: &pipeline::outcome::Tally, state: &str) {
    let counts = tally.intake_counts();
    let reached = match tally.frontier_us() {
        0 => "none yet".to_owned(),
        frontier_us => events::describe::rfc3339(frontier_us),
    };
    tracing::info!(
        records = counts.records,
        accepted = counts.accepted,
        rejects = tally.rejects().values().sum::<u64>(),
        rows = tally.rows_out(),
        reached,
        "{state}"
    );
}

//! `quaystream demo`: a simulated port day through Kafka and the processor.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use clap::Args;
use events::v1::StatKind;

use super::{CliError, print};
use crate::config::Config;
use crate::demo::outputs::Outputs;
use crate::demo::progress::Progress;
use crate::demo::recount::Recount;
use crate::demo::scene::{Processed, Produced, Scene};
use crate::demo::summary;
use crate::wiring::clock::{memory_peak_mib, now_us};
use crate::wiring::feed::Pace;
use crate::wiring::processor::Processor;
use crate::wiring::signals::StopRequest;
use crate::wiring::{logging, metrics};

/// Records a second of `--forever`: about half an hour of the port's time a second.
const FOREVER_PER_SECOND: u64 = 5_000;

/// `quaystream demo`
#[derive(Debug, Default, Args)]
pub(super) struct DemoArgs {
    /// Go on day after day, until Ctrl-C
    #[arg(long)]
    forever: bool,
    /// Kafka to use instead of the embedded broker; topics get a prefix of their own
    #[arg(long, value_name = "HOST:PORT")]
    broker: Option<String>,
    /// Seed of the simulation: the same seed gives the same final rows and plans
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// About so many records in the simulated day
    #[arg(long, value_name = "N")]
    events: Option<u64>,
    /// Address of the metrics endpoint; a free port of loopback if not given
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,
}

pub(super) fn demo(args: &DemoArgs) -> Result<(), CliError> {
    logging::start("warn");
    let began = Instant::now();
    let config = Config::shipped()?;
    let stop = StopRequest::default();
    stop.on_signals()
        .map_err(CliError::system("cannot listen for signals"))?;
    let free =
        || metrics::free_address().map_err(CliError::system("there is no free port on loopback"));
    let address = args.metrics.map_or_else(free, Ok)?;
    metrics::serve(address)?;
    let scene = match &args.broker {
        None if args.forever => Scene::embedded_for_ever(config)?,
        None => Scene::embedded(config)?,
        Some(bootstrap) => Scene::at(
            config,
            bootstrap,
            &format!("demo-{}.", now_us() / 1_000_000),
        )?,
    };
    let kind = if scene.broker.is_some() {
        "embedded broker"
    } else {
        "Kafka"
    };
    eprintln!(
        "{kind} at {}, metrics on http://{address}/metrics",
        scene.config.kafka.bootstrap
    );
    if args.forever {
        return forever(&scene, args, &stop);
    }
    let mut progress = Progress::default();
    let produced = produce(&scene, args, &stop, &mut progress)?;
    let processed = scene.process(&stop, |tally| progress.show_tally(tally))?;
    if stop.was_asked() {
        progress.finish("stopped before the end");
        return Ok(());
    }
    let records = processed.tally.intake_counts().records;
    progress.finish(&format!(
        "processed {records} records in {:.1} s",
        processed.seconds
    ));
    let outputs = Outputs::read(&scene.config)?;
    let recount = Recount::read(&scene.config)?;
    print(summary::results(&outputs, &processed.tally));
    let differences = recount.differences(&processed.tally, &outputs);
    print(figures(
        &produced,
        &processed,
        &outputs,
        &recount,
        &differences,
    ));
    print(further(&scene, address));
    print(format!(
        "\ndone in {:.1} s\n",
        began.elapsed().as_secs_f64()
    ));
    if differences.is_empty() {
        Ok(())
    } else {
        Err(CliError::Recount(differences.join("; ")))
    }
}

fn settings(args: &DemoArgs) -> portsim::Settings {
    let usual = portsim::Settings::default();
    let settings = portsim::Settings {
        seed: args.seed.unwrap_or(usual.seed),
        ..usual
    };
    match args.events {
        Some(events) => settings.with_records(events),
        None => settings,
    }
}

fn produce(
    scene: &Scene,
    args: &DemoArgs,
    stop: &StopRequest,
    progress: &mut Progress,
) -> Result<Produced, CliError> {
    let produced = scene.produce(settings(args), Pace::default(), stop, |records, now_us| {
        progress.show(|_| {
            format!(
                "producing: {} of the port's time, {records} records",
                events::describe::rfc3339(now_us)
            )
        });
    })?;
    progress.finish(&format!(
        "produced {} records of a port day in {:.1} s ({:.0}/s)",
        produced.truth.records,
        produced.seconds,
        produced.truth.records as f64 / produced.seconds
    ));
    Ok(produced)
}

fn figures(
    produced: &Produced,
    processed: &Processed,
    outputs: &Outputs,
    recount: &Recount,
    differences: &[String],
) -> String {
    let counts = processed.tally.intake_counts();
    let rejects: u64 = processed.tally.rejects().values().sum();
    let records = counts.records as f64;
    let memory = memory_peak_mib().map_or_else(|| "unknown".to_owned(), |mib| format!("{mib} MiB"));
    let checked = if differences.is_empty() {
        "agrees".to_owned()
    } else {
        differences.join("; ")
    };
    format!(
        "\nintake: {} records = {} accepted ({} of them corrections) + {} retractions + {} duplicates + {} superseded \
         + {} heartbeats + {rejects} rejected\n\
         recount of the input topics with prost: {} records, {} accepted, {} duplicates, {} late, {} unusable, \
         {} lorries out: {checked}\n\
         simulator: {} records, {} events, {} copies, {} late, {} wrong, {} amended\n\
         output: {} rows: {} on time, {} corrected, {} final; {} planning runs; digest {:016x}\n\
         speed: {:.0} events/s, {:.1} CPU-s a million events with the broker in it; most memory {memory}\n",
        counts.records,
        counts.accepted,
        counts.corrected,
        counts.retracted,
        counts.duplicates,
        counts.superseded,
        counts.heartbeats,
        recount.records,
        recount.accepted,
        recount.duplicates,
        recount.late,
        recount.unusable,
        recount.gate_outs,
        produced.truth.records,
        produced.truth.events(),
        produced.truth.duplicates(),
        produced.truth.late(),
        produced.truth.wrong(),
        produced.truth.amended(),
        outputs.rows.len(),
        outputs.count(StatKind::OnTime),
        outputs.count(StatKind::Corrected),
        outputs.count(StatKind::Final),
        outputs.deltas.len(),
        outputs.digest,
        records / processed.seconds,
        processed.cpu_s / records * 1e6,
    )
}

fn further(scene: &Scene, address: SocketAddr) -> String {
    let topics: Vec<&str> = scene
        .config
        .topics
        .iter()
        .map(|topic| topic.name.as_str())
        .collect();
    let rejects = &scene.config.engine.topics.rejects;
    let bootstrap = &scene.config.kafka.bootstrap;
    let note = if scene.broker.is_some() {
        "The embedded broker ends with the demo; keep one with `quaystream demo --forever`, or use a Kafka with --broker.\n"
    } else {
        ""
    };
    format!(
        "\ntopics: {}\nlook further:  quaystream tail {rejects} --broker {bootstrap}\n               \
         kcat -b {bootstrap} -t {rejects} -C -e -f '%k %s\\n'\n               curl http://{address}/metrics\n{note}",
        topics.join(", ")
    )
}

/// Days one after the other, at a pace that can be watched, with a line about them now and then.
fn forever(scene: &Scene, args: &DemoArgs, stop: &StopRequest) -> Result<(), CliError> {
    let settings = portsim::Settings {
        hours: 24 * 365,
        ..settings(args)
    };
    let pace = Pace {
        per_second: Some(FOREVER_PER_SECOND),
        records_max: None,
    };
    let processor = Processor::start(&scene.config, stop)
        .map_err(CliError::system("cannot start the workers' threads"))?;
    std::thread::scope(|threads| {
        let feeding = threads.spawn(|| scene.produce(settings, pace, stop, |_, _| {}));
        let mut progress = Progress::default();
        let processed = processor.wait(Duration::from_millis(500), |tally| {
            progress.show_tally(tally)
        });
        stop.request();
        progress.finish("stopped");
        let fed = feeding
            .join()
            .map_err(|_| CliError::Usage("the simulation panicked".to_owned()))?;
        let tally = processed?;
        fed?;
        let outputs = Outputs::read(&scene.config)?;
        print(summary::results(&outputs, &tally));
        Ok(())
    })
}

//! Three processes over three brokers of Apache Kafka, while processes and brokers die: what comes out is what comes out
//! when nobody dies.
//!
//! The gate runs the first of the two where it has the time (`.ci/run chaos`); by hand (docs/VERIFICATION.md) they run for longer
//! than [`MINUTES`] with `QUAYSTREAM_CHAOS_MINUTES`. Deaths inside a commit take `--features fail-points`.

mod crew;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use quaystream::config::{Config, Folder};
use quaystream::demo::outputs::Outputs;
use quaystream::demo::scene::Scene;
use quaystream::wiring::feed::Pace;
use quaystream::wiring::signals::StopRequest;

use crew::Crew;

use super::cluster::{self, script};
use super::place::Place;

/// Minutes over which the port's events are written while processes and brokers die.
const MINUTES: u64 = 5;
/// Of each such stretch.
const KILLS_MIN: usize = 20;
const FAIL_POINT_KILLS_MIN: usize = 5;
/// Bound on the disturbed part, as a multiple of what it should take.
const DISTURBED_MAX: u32 = 2;
/// What else each stretch holds.
const OTHERS: [(&str, usize); 4] = [
    ("broker, kill", 1),
    ("broker, stop", 3),
    ("paused and lost", 2),
    ("restarted in turn", 3),
];
/// The simulated port's first reefer fails after two hours, is too warm half an hour later, and must be so for another.
const SILENT: &str = "k3_reefer_excursion";

#[test]
fn deaths_of_processes_and_brokers_cost_time_and_nothing_else() {
    disturbed(None);
}

#[test]
fn so_do_they_where_snapshots_lie_in_a_store() {
    let place = Place::new("chaos");
    disturbed(Some(&place.0));
}

/// `store`: a folder for snapshots; else they are records of a topic.
fn disturbed(store: Option<&Path>) {
    let Some(bootstrap) = three_brokers() else {
        return;
    };
    let _alone = cluster::alone();
    let minutes = std::env::var("QUAYSTREAM_CHAOS_MINUTES").ok();
    let minutes = minutes.map_or(MINUTES, |minutes| minutes.parse().expect("minutes"));
    let stretches = (minutes / MINUTES).max(1);
    let settings = portsim::Settings {
        hours: 3 * stretches as u32,
        ..portsim::Settings::default()
    };
    let undisturbed = Scene::embedded(cluster::config("")).expect("the embedded broker");
    let stop = StopRequest::default();
    let produced = undisturbed
        .produce(settings.clone(), Pace::default(), &stop, |_, _| {})
        .expect("produced");
    undisturbed.process(&stop, |_| {}).expect("processed");
    let expected = Outputs::read(&undisturbed.config).expect("outputs");
    assert_every_query_tells(&undisturbed.config, &expected);

    let file = configuration(&bootstrap, store);
    let toml = std::fs::read_to_string(&file).expect("readable");
    let config = Config::parse("chaos.toml", &toml, |_| Ok(Folder::shipped())).expect("sound");
    let scene = Scene::at(config, &bootstrap, "").expect("topics on Kafka");
    let is_produced = AtomicBool::new(false);
    let pace = Pace {
        per_second: Some(produced.truth.records / (60 * MINUTES * stretches)),
        records_max: None,
    };
    let kills = std::thread::scope(|scope| {
        scope.spawn(|| {
            scene
                .produce(settings, pace, &StopRequest::default(), |_, _| {})
                .expect("produced at a steady rate");
            is_produced.store(true, Ordering::Relaxed);
        });
        let mut crew = Crew::start(file);
        let time = Duration::from_secs(60 * MINUTES * stretches);
        crew.disturb(&is_produced, DISTURBED_MAX * time);
        crew.end()
    });
    eprintln!("deaths: {kills:?}");
    assert_disturbed(&kills, stretches as usize);

    // Whoever comes last brings it to its end.
    scene.process(&stop, |_| {}).expect("processed to the end");
    let found = Outputs::read(&scene.config).expect("outputs");
    cluster::assert_same(&found, &expected);
}

/// Whatever query fell silent would be as silent in both runs.
fn assert_every_query_tells(config: &Config, outputs: &Outputs) {
    let told = outputs.final_rows();
    let told: BTreeMap<&str, usize> = told
        .into_iter()
        .map(|(query, rows)| (query, rows.len()))
        .collect();
    eprintln!("final rows: {told:?}");
    let files = config.engine.queries.iter();
    let queries = files.filter(|file| file.text.contains("INSERT INTO"));
    let silent: Vec<&String> = queries
        .map(|file| &file.name)
        .filter(|query| *query != SILENT && !told.contains_key(query.as_str()))
        .collect();
    assert!(silent.is_empty(), "queries without a row: {silent:?}");
}

/// All that was to happen did.
fn assert_disturbed(kills: &BTreeMap<String, usize>, stretches: usize) {
    let count = |kind: &str| kills.get(kind).copied().unwrap_or_default();
    let others = OTHERS.iter().map(|(kind, _)| count(kind));
    let processes = kills.values().sum::<usize>() - others.sum::<usize>();
    assert!(processes >= KILLS_MIN * stretches, "{kills:?}");
    for (kind, times) in OTHERS {
        let is_so = match stretches {
            1 => count(kind) == times,
            // The last of the stretches may be cut short.
            more => count(kind) >= times * (more - 1),
        };
        assert!(is_so, "{kind}: {kills:?}");
    }
    if cfg!(feature = "fail-points") {
        let inside = |stage: &str| -> usize {
            let of_stage = kills.iter().filter(|(kind, _)| kind.starts_with(stage));
            of_stage.map(|(_, count)| count).sum()
        };
        let (fold, merge) = (inside("fold:"), inside("merge:"));
        assert!(
            fold > 0 && merge > 0 && fold + merge >= FAIL_POINT_KILLS_MIN,
            "{kills:?}"
        );
    } else {
        eprintln!("SKIPPED deaths inside a commit: --features fail-points builds them in");
    }
}

/// The bootstrap servers, if three brokers of deploy/kafka/kafka.sh are there and this run is to take minutes.
fn three_brokers() -> Option<String> {
    let bootstrap = cluster::kafka("chaos")?;
    let is_three = bootstrap.split(',').count() == 3;
    let is_ours = script(&["env"]).is_some_and(|printed| printed.contains(&bootstrap));
    if !is_three || !is_ours || std::env::var("QUAYSTREAM_TESTS").as_deref() != Ok("full") {
        eprintln!(
            "SKIPPED chaos: it takes `deploy/kafka/kafka.sh up 3` and QUAYSTREAM_TESTS=full, and about ten minutes"
        );
        return None;
    }
    Some(bootstrap)
}

/// The configuration that all processes run with, its topics used by nobody else.
fn configuration(bootstrap: &str, store: Option<&Path>) -> PathBuf {
    let prefix = cluster::prefix();
    let pipeline = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/pipelines/duisburg");
    let shipped = cluster::config("");
    let topics = &shipped.engine.topics;
    let mut named: Vec<(String, String)> = shipped
        .engine
        .inputs
        .iter()
        .map(|input| {
            (
                format!("topics.{}", input.stream.name()),
                input.topic.to_string(),
            )
        })
        .collect();
    for (section, topic) in [
        ("partials", &topics.partials),
        ("intake_state", &topics.intake_state),
        ("snapshots", &topics.snapshots),
        ("rejects", &topics.rejects),
        ("berth_plan", &topics.berth_plan),
        ("rail_plan", &topics.rail_plan),
        ("plan_deltas", &topics.plan_deltas),
        ("plan_explanations", &topics.plan_explanations),
        ("train_loads", &topics.train_loads),
    ] {
        named.push((format!("topics.{section}"), topic.to_string()));
    }
    for (sink, topic) in &topics.sinks {
        named.push((format!("sinks.{sink}"), topic.to_string()));
    }
    let mut toml = format!(
        "[application]\nname = \"{prefix}quaystream\"\npipeline = {pipeline:?}\nmetrics_address = \"\"\n\n\
         [kafka]\nbootstrap = {bootstrap:?}\nreplication = -1\n\n\
         [delivery]\ncommit_interval_ms = 200\n\n\
         [time]\nidle_timeout_s = 3600\n\n\
         [state]\nsnapshot_interval_s = 2\n{}\n\
         [limits]\nfetch_rows_max = 500\n",
        store.map_or_else(String::new, |folder| {
            format!("snapshots = \"file://{}\"\n", folder.display())
        })
    );
    for (section, topic) in named {
        toml.push_str(&format!("\n[{section}]\nname = \"{prefix}{topic}\"\n"));
    }
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{prefix}toml"));
    std::fs::write(&path, toml).expect("written");
    path
}

//! Files of public formats through the importers, Kafka and the processor; skipped where the sample data is not there.

use std::path::{Path, PathBuf};
use std::time::Duration;

use events::v1::cell::Value;
use kafka::feed::Feeder;
use quaystream::demo::outputs::Outputs;
use quaystream::demo::recount::Recount;
use quaystream::demo::scene::Scene;
use quaystream::wiring::feed;
use quaystream::wiring::signals::StopRequest;

use super::cluster;

const FILES: [&str; 5] = [
    "portcalls/digitraffic_portcalls_FIRAU_2019-10-23.json",
    "ais/dma_aisdk_2018-06-01_head.csv",
    "ais/dma_aisdk_2026-09-05_edge_cases.csv",
    "dcsa/tnt-220-response.json",
    "dcsa/portcall-api-200-get-response.json",
];

fn sample(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/data")
        .join(name);
    if !path.exists() {
        eprintln!("SKIPPED {name}: the sample data is not there");
        return None;
    }
    Some(path)
}

#[test]
fn files_of_public_formats_come_out_as_counted() {
    let files: Vec<PathBuf> = FILES.iter().filter_map(|name| sample(name)).collect();
    if files.is_empty() {
        return;
    }
    let scene = Scene::embedded(cluster::config("")).expect("the embedded broker");
    check(&scene, &files, "embedded broker");
    if let Some(bootstrap) = cluster::kafka("imported files") {
        let _up = cluster::undisturbed();
        let scene = cluster::on_kafka(cluster::config(""), &bootstrap);
        check(&scene, &files, "Apache Kafka");
    }
}

fn check(scene: &Scene, files: &[PathBuf], place: &str) {
    let topics = feed::topics(&scene.config);
    let mut feeder =
        Feeder::connect(&scene.config.kafka, 1 << 20, Duration::from_secs(20)).expect("feeder");
    let (mut sent, mut ais_rows, mut ais_events) = (0, 0, 0);
    for path in files {
        let bytes = std::fs::read(path).expect("readable");
        let import = imports::import(None, &bytes).expect("of a known format");
        assert!(!import.events.is_empty(), "{} gives events", path.display());
        if path.extension().is_some_and(|ending| ending == "csv") {
            let lines = String::from_utf8_lossy(&bytes)
                .lines()
                .filter(|line| !line.trim().is_empty())
                .count()
                - 1;
            ais_rows += lines;
            ais_events += import.events.len();
            let skipped = import
                .problems
                .iter()
                .filter(|problem| problem.fate == imports::Fate::Skipped)
                .count();
            assert!(
                import.events.len() + skipped >= lines,
                "{}: a row is neither event nor problem",
                path.display()
            );
        }
        for event in &import.events {
            feed::event(&mut feeder, &topics, event).expect("sent");
            sent += 1;
        }
    }
    feeder.flush().expect("flushed");
    let processed = scene
        .process(&StopRequest::default(), |_| {})
        .expect("processed");
    let counts = processed.tally.intake_counts();
    assert_eq!(counts.records, sent, "{place}");
    let recount = Recount::read(&scene.config).expect("recounted");
    let outputs = Outputs::read(&scene.config).expect("outputs");
    assert_eq!(
        recount.differences(&processed.tally, &outputs),
        Vec::<String>::new(),
        "{place}"
    );
    assert!(
        counts.accepted > 0 && ais_events <= ais_rows,
        "{place}: {counts:?}"
    );

    // The duplicates query counts every record of a source once: accepted, copies, late and rejected alike.
    let rows = outputs.final_rows();
    let of_ais = rows["d1_duplicates"].iter().filter(|row| {
        row.cells
            .iter()
            .any(|cell| cell.value == Some(Value::Text("dma-ais".to_owned())))
    });
    let records: i64 = of_ais
        .flat_map(|row| &row.cells)
        .filter(|cell| cell.name == "records")
        .map(|cell| {
            if let Some(Value::Integer(records)) = cell.value {
                records
            } else {
                0
            }
        })
        .sum();
    assert_eq!(
        records as usize, ais_events,
        "{place}: rows of the files in the duplicates query"
    );
}

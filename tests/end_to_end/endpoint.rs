//! What the metrics endpoint says is what the run did: bounds that are too small, a query that is sick, bad records.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use events::v1::RejectReason;
use kafka::feed::Feeder;
use quaystream::demo::outputs::Outputs;
use quaystream::demo::scene::Scene;
use quaystream::wiring::feed::Pace;
use quaystream::wiring::metrics::free_address;
use quaystream::wiring::signals::StopRequest;

use super::cluster;
use super::place::{Place, wait};

/// The least that may be configured, and what of it the clients of two workers may have.
const MEMORY_BYTES_MAX: u64 = 64 << 20;
const QUEUED_BYTES_MAX: u64 = 16_000_000;
const BAD: [(RejectReason, &[u8]); 2] = [
    (RejectReason::EmptyValue, b""),
    (
        RejectReason::BadWireType,
        &[0x07, 0xff, 0x13, 0x99, 0x01, 0x02],
    ),
];

/// Of `long` rows are spilled, of `open` they are not: its sessions stay open, and fill more than the three quarters of the
/// memory at which fold pauses.
const QUERIES: [(&str, &str); 6] = [
    (
        "queries/keyed",
        "INSERT INTO window_stat SELECT window_start, window_end, container_id, count(*) AS moves
         FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE) GROUP BY window_start, window_end, container_id",
    ),
    (
        "queries/well",
        "INSERT INTO window_stat SELECT window_start, window_end, source, count(*) AS records
         FROM TUMBLE(intake, DESCRIPTOR(row_time), INTERVAL '5' MINUTE) GROUP BY window_start, window_end, source",
    ),
    (
        "queries/sick",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, sum(teu_quarters) / (count(*) - count(*)) AS x
         FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE) GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "queries/sick_rows",
        "INSERT INTO window_stat SELECT window_start, window_end, terminal_id, sum(1000 / (teu_quarters - 8)) AS x
         FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '5' MINUTE) GROUP BY window_start, window_end, terminal_id",
    ),
    (
        "queries/long",
        "INSERT INTO window_stat SELECT window_start, window_end, source, row_time, character_length(pad) AS n
         FROM TUMBLE((SELECT row_time, source, repeat('x', 2000) AS pad FROM intake), DESCRIPTOR(row_time), INTERVAL '720' MINUTE)",
    ),
    (
        "queries/open",
        "INSERT INTO window_stat SELECT window_start, window_end, row_time, character_length(pad) AS n
         FROM SESSION((SELECT row_time, source, repeat('x', 2400) AS pad FROM intake), DESCRIPTOR(row_time), DESCRIPTOR(source),
                      INTERVAL '720' MINUTE)",
    ),
];

/// Values by name and labels.
struct Samples(BTreeMap<(String, BTreeMap<String, String>), f64>);

impl Samples {
    fn read(address: SocketAddr) -> Option<Samples> {
        let mut stream = TcpStream::connect(address).ok()?;
        let asked = stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n");
        asked.ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (_, body) = text.split_once("\r\n\r\n")?;
        let lines = body
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        Some(Samples(lines.map(sample).collect()))
    }

    /// Of one name, by the value of one label.
    fn by(&self, name: &str, label: &str) -> BTreeMap<String, u64> {
        let mut sums = BTreeMap::new();
        for ((found, labels), value) in &self.0 {
            if found == name {
                let label = labels.get(label).cloned().unwrap_or_default();
                *sums.entry(label).or_default() += *value as u64;
            }
        }
        sums
    }

    /// The sum over all labels.
    fn sum(&self, name: &str) -> u64 {
        self.by(name, "").values().sum()
    }
}

fn sample(line: &str) -> ((String, BTreeMap<String, String>), f64) {
    let (named, value) = line.rsplit_once(' ').expect("a value");
    let value = value.parse().expect("a number");
    let (name, labels) = named.split_once('{').unwrap_or((named, "}"));
    let labels = labels.trim_end_matches('}').split(',');
    let labels = labels.filter_map(|label| {
        let (label, value) = label.split_once('=')?;
        Some((label.to_owned(), value.trim_matches('"').to_owned()))
    });
    ((name.to_owned(), labels.collect()), value)
}

/// A place with tiny bounds.
fn placed(scene: &Scene) -> Place {
    let place = Place::new("endpoint");
    for (name, text) in QUERIES {
        let path = place.0.join("pipeline").join(format!("{name}.sql"));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("written");
    }
    let toml = format!(
        "[application]\npipeline = {:?}\n\n[kafka]\nbootstrap = {:?}\n\n[state]\nspill_folder = {:?}\n\n\
         [delivery]\ncommit_interval_ms = 100\ncommit_bytes_max = 262144\ntransaction_bytes_max = 65536\n\n[time]\nidle_timeout_s = 3\n\n\
         [limits]\nfetch_rows_max = 300\nfetch_bytes_max = 262144\nqueued_bytes_max = {QUEUED_BYTES_MAX}\nmemory_bytes_max = {MEMORY_BYTES_MAX}\nquery_keys_max = 60\n\n\
         [planners.berths]\nis_on = false\n\n[planners.rail]\nis_on = false\n",
        place.0.join("pipeline"),
        scene.config.kafka.bootstrap,
        place.0.join("spilled"),
    );
    std::fs::write(place.0.join("quaystream.toml"), toml).expect("written");
    place
}

/// An hour of the port with bad records at its end: how many records.
fn produce(scene: &Scene) -> u64 {
    let settings = portsim::Settings {
        hours: 1,
        ..portsim::Settings::default()
    };
    let stop = StopRequest::default();
    let produced = scene
        .produce(settings, Pace::default(), &stop, |_, _| {})
        .expect("produced");
    let topic = scene.config.topic_of(events::Stream::Container);
    let topic = topic.expect("a container topic");
    let connection = &scene.config.kafka;
    let feeder = Feeder::connect(connection, 1 << 20, Duration::from_secs(20));
    let mut feeder = feeder.expect("a feeder");
    for (_, value) in BAD {
        let sent = feeder.send(topic, Some(0), None, Some(value), 0);
        sent.expect("sent");
    }
    feeder.flush().expect("written");
    produced.truth.records + BAD.len() as u64
}

/// The endpoint once nothing comes any more: the same twice, some seconds apart.
fn at_rest(address: SocketAddr, records: u64) -> Option<Samples> {
    let mut last = Samples(BTreeMap::new());
    let mut calm = 0;
    let is_at_rest = wait(|| {
        let Some(now) = Samples::read(address) else {
            return false;
        };
        let is_same = ["quaystream_rows_total", "quaystream_spilled_bytes"]
            .iter()
            .all(|name| now.sum(name) == last.sum(name));
        calm = if is_same && now.sum("quaystream_records_total") == records {
            calm + 1
        } else {
            0
        };
        last = now;
        // Sources are idle after three seconds.
        calm > 80
    });
    is_at_rest.then_some(last)
}

#[test]
fn what_the_endpoint_says_is_what_the_run_did() {
    let scene = Scene::embedded(cluster::config("")).expect("the embedded broker");
    let place = placed(&scene);
    let records = produce(&scene);
    let address = free_address().expect("a free port");
    let process = place.start("log", &["--metrics", &address.to_string()]);
    let Some(samples) = at_rest(address, records) else {
        place.stop(process, "log");
        panic!("{}", place.log("log"));
    };
    let on_disk = folder_bytes(&place.0.join("spilled"));
    place.stop(process, "log");
    let outputs = Outputs::read(&scene.config).expect("outputs");

    assert_records_are_counted(&samples, &outputs);
    assert_rows_are_counted(&samples, &outputs);
    assert_bounds_are_seen(&samples, on_disk);
    let commits = samples.by("quaystream_kafka_commits_total", "outcome");
    let engine = ["fold", "merge"].map(|of| samples.sum(&format!("quaystream_{of}_commits_total")));
    assert_eq!(commits.get("committed"), Some(&engine.iter().sum()));
    assert!(samples.sum("quaystream_merge_splits_total") > 0);
    let lag = samples.by("quaystream_kafka_lag_records", "topic");
    assert!(
        lag.len() >= 7 && lag.values().all(|lag| *lag == 0),
        "{lag:?}"
    );
}

/// Each record came to one end, and each that was rejected is in the topic.
fn assert_records_are_counted(samples: &Samples, outputs: &Outputs) {
    let mut rejects: BTreeMap<String, u64> = BTreeMap::new();
    for reject in &outputs.rejects {
        let name = reject.reason().as_str_name();
        let name = name.trim_start_matches("REJECT_REASON_").to_lowercase();
        *rejects.entry(name).or_default() += 1 + reject.offsets_more.len() as u64;
    }
    // One of these points at all rows of a commit.
    let refused = samples.sum("quaystream_keys_refused_total");
    assert!(refused > rejects["key_limit"]);
    rejects.insert("key_limit".to_owned(), refused);
    assert_eq!(samples.by("quaystream_rejects_total", "reason"), rejects);
    for (reason, _) in BAD {
        let name = reason.as_str_name();
        let name = name.trim_start_matches("REJECT_REASON_").to_lowercase();
        assert!(rejects.contains_key(&name), "{name}: {rejects:?}");
    }
    let behind_intake = ["late_in_merge", "key_limit", "query_error", "check_digit"];
    let at_intake = rejects
        .iter()
        .filter(|(name, _)| !behind_intake.contains(&name.as_str()));
    let ends = [
        "accepted",
        "retracted",
        "duplicates",
        "superseded",
        "heartbeats",
    ];
    let ends = ends.map(|end| samples.sum(&format!("quaystream_{end}_total")));
    let ends: u64 = ends.iter().sum();
    assert_eq!(
        samples.sum("quaystream_records_total"),
        ends + at_intake.map(|(_, count)| count).sum::<u64>()
    );
}

/// Rows are those in the topic; the sick query has stopped, and no other.
fn assert_rows_are_counted(samples: &Samples, outputs: &Outputs) {
    let mut rows: BTreeMap<String, u64> = BTreeMap::new();
    for row in &outputs.rows {
        *rows.entry(row.query.clone()).or_default() += 1;
    }
    let names: Vec<&str> = rows.keys().map(String::as_str).collect();
    assert_eq!(names, ["keyed", "long", "sick_rows", "well"]);
    assert_eq!(samples.by("quaystream_rows_total", "query"), rows);

    let failed = samples.by("quaystream_query_failures_total", "query");
    assert_eq!(failed, BTreeMap::from([("sick".to_owned(), 1)]));
    let stopped = samples.by("quaystream_query_stopped", "query");
    let stopped: Vec<_> = stopped.iter().filter(|(_, is_so)| **is_so == 1).collect();
    assert_eq!(stopped, [(&"sick".to_owned(), &1)]);

    let refused = samples.by("quaystream_keys_refused_total", "query");
    let rejects = samples.by("quaystream_rejects_total", "reason");
    assert_eq!(
        refused,
        BTreeMap::from([("keyed".to_owned(), rejects["key_limit"])])
    );
    assert!(rejects["query_error"] > 0);
}

/// Memory is within its bound, what has no room is on disk, and fold has paused.
fn assert_bounds_are_seen(samples: &Samples, on_disk: u64) {
    let bytes_max = samples.sum("quaystream_memory_bytes_max");
    assert_eq!(bytes_max, MEMORY_BYTES_MAX - 2 * QUEUED_BYTES_MAX);
    let bytes = samples.sum("quaystream_memory_bytes");
    let state = samples.by("quaystream_state_bytes", "query");
    assert!(
        bytes < bytes_max && state["open"] > bytes_max / 2,
        "{state:?}"
    );
    assert!(bytes > samples.sum("quaystream_ids_bytes") + state.values().sum::<u64>());

    let spilled = samples.sum("quaystream_spilled_bytes");
    assert!(spilled > 0 && spilled <= samples.sum("quaystream_spilled_bytes_total"));
    assert_eq!(spilled, on_disk);

    let paused = samples.by("quaystream_paused", "stage");
    assert_eq!(paused.get("fold"), Some(&1), "{paused:?}");
    let pauses = samples.by("quaystream_pauses_total", "stage");
    assert!(pauses["fold"] >= 1, "{pauses:?}");
}

fn folder_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let bytes = entries.map(|entry| {
        let entry = entry.expect("readable");
        match entry.file_type().expect("readable").is_dir() {
            true => folder_bytes(&entry.path()),
            false => entry.metadata().expect("readable").len(),
        }
    });
    bytes.sum()
}

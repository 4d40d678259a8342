//! The boundaries between the crates, read off their manifests, and the paths that ARCHITECTURE.md names.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// For each crate, which of ours it may know.
const KNOWS: [(&str, &[&str]); 10] = [
    ("domain", &[]),
    ("events", &["domain"]),
    ("optimise", &["domain"]),
    ("windows", &["domain", "events"]),
    ("pipeline", &["domain", "events", "windows", "optimise"]),
    ("kafka", &["pipeline"]),
    ("broker", &[]),
    ("imports", &["domain", "events"]),
    ("portsim", &["domain", "events"]),
    ("store", &["pipeline"]),
];

/// Outside technology, and the one crate that may know it.
const HOMES: [(&str, &str); 9] = [
    ("prost", "events"),
    ("prost-reflect", "events"),
    ("datafusion", "windows"),
    ("rdkafka", "kafka"),
    ("kafka-protocol", "broker"),
    ("object_store", "store"),
    ("clap", "."),
    ("toml", "."),
    ("metrics-exporter-prometheus", "."),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Names in `[dependencies]` of a crate.
fn dependencies(folder: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
    let mut names = BTreeSet::new();
    let mut is_inside = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            is_inside = line == "[dependencies]";
        } else if is_inside && !line.starts_with('#') {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            if !name.is_empty() {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

/// Crates whose results hang on their inputs alone.
const TIMELESS: [&str; 8] = [
    "domain", "events", "optimise", "windows", "pipeline", "imports", "portsim", "store",
];

#[test]
fn only_what_touches_the_world_reads_clocks() {
    for name in TIMELESS {
        let mut folders = vec![root().join("crates").join(name).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("readable").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).expect("readable");
                for clock in ["Instant::now", "SystemTime::now", "Utc::now", "Local::now"] {
                    assert!(!text.contains(clock), "{}: {clock}", path.display());
                }
            }
        }
    }
}

#[test]
fn crates_know_only_what_they_may() {
    let ours: BTreeSet<&str> = KNOWS.iter().map(|(name, _)| *name).collect();
    for (name, may) in KNOWS {
        for found in dependencies(&root().join("crates").join(name)) {
            let is_fine = !ours.contains(found.as_str()) || may.contains(&found.as_str());
            assert!(is_fine, "{name} must not know {found}");
        }
    }
}

#[test]
fn every_outside_technology_has_one_home() {
    for (technology, home) in HOMES {
        for (name, _) in KNOWS.into_iter().chain([(".", &[] as &[&str])]) {
            let folder = if name == "." {
                root()
            } else {
                root().join("crates").join(name)
            };
            let knows = dependencies(&folder).contains(technology);
            assert!(
                !knows || name == home,
                "{technology} belongs to {home}, and {name} depends on it"
            );
        }
    }
}

#[test]
fn domain_stands_on_the_standard_library_alone() {
    assert_eq!(dependencies(&root().join("crates/domain")), BTreeSet::new());
}

#[test]
fn paths_named_in_the_architecture_exist() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let quoted = text.split('`').skip(1).step_by(2);
    let paths: Vec<&str> = quoted.filter(|quoted| is_path(quoted)).collect();
    assert!(paths.len() > 20, "the architecture names files: {paths:?}");
    for path in paths {
        assert!(
            root().join(path).exists(),
            "ARCHITECTURE.md names {path}, which is not there"
        );
    }
}

fn is_path(quoted: &str) -> bool {
    let first = quoted.split('/').next().unwrap_or_default();
    quoted.contains('/')
        && !quoted.contains(char::is_whitespace)
        && !quoted.contains('*')
        && matches!(
            first,
            "crates" | "deploy" | "docs" | "proto" | "tests" | "benches" | ".ci" | "fuzz"
        )
}

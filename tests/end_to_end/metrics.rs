//! The documentation lists every metric, and no other.

use std::collections::BTreeSet;

#[test]
fn the_table_of_metrics_is_that_of_the_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/METRICS.md");
    let docs = std::fs::read_to_string(path).expect("docs/METRICS.md");
    let rows = docs
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: BTreeSet<&str> = rows.collect();
    let engine = pipeline::outcome::METRICS.iter().map(|(name, ..)| *name);
    let built: BTreeSet<&str> = engine.chain(kafka::metrics::NAMES).collect();
    let missing: Vec<_> = built.difference(&documented).collect();
    let stale: Vec<_> = documented.difference(&built).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "not documented: {missing:?}; documented, not there: {stale:?}"
    );
}

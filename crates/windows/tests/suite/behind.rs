//! A query that comes behind the others, as one that was held, tells all that is due at an instant.

use windows::merge::{Absorbed, Merge, MergeSettings, Reached};
use windows::sql::parse::SqlFile;

use crate::engine::compile;
use crate::text::{input, instant_us, shown};

/// A window function above the sessions, so that each pair of bounds is computed by itself.
const SESSIONS: &str = "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, count(*) AS n, sum(count(*)) OVER () AS all_n \
     FROM SESSION(move_event, DESCRIPTOR(row_time), DESCRIPTOR(equipment_id), INTERVAL '10' MINUTE) GROUP BY window_start, window_end, equipment_id";

#[test]
fn all_windows_of_an_instant_that_the_others_have_passed_are_told() {
    let files = [SqlFile::new("q", SESSIONS)];
    let settings = MergeSettings::default();
    let fold = compile(&files);
    let mut before = Merge::new(compile(&files), &settings).expect("merge");
    // Two sessions that end at once and begin apart.
    let rows = "stream move_event\nrow_time | equipment_id | teu_quarters\n\
                00:01 | C1 | 1\n00:06 | C1 | 1\n00:06 | C2 | 1";
    fold.fill("move_event", vec![input(rows)["move_event"].clone()]);
    let stage = &fold.queries[0].inputs[0];
    for batch in stage.fold.run().expect("fold") {
        let absorbed = before.absorb("q", stage.fingerprint, &batch);
        assert!(matches!(absorbed, Absorbed::All), "{absorbed:?}");
    }
    let mut merge = Merge::new(compile(&files), &settings).expect("merge");
    for piece in before.save().expect("saved") {
        assert!(merge.restore(&piece).expect("restored"));
    }
    let passed_us = instant_us("02:00");
    merge.begin(Some(passed_us), Some(passed_us));
    let reached = Reached {
        frontier_us: passed_us,
        begin_us: instant_us("00:00"),
        horizon_us: None,
    };
    let mut told = Vec::new();
    while let Some(at_us) = merge.next_at(&reached) {
        assert!(
            told.len() < 10,
            "an instant comes again and again: {told:?}"
        );
        let outputs = merge.fire(at_us, &reached).outputs;
        told.extend(outputs.iter().flat_map(|output| shown(&output.rows)));
    }
    assert_eq!(told.len(), 2, "{told:?}");
}

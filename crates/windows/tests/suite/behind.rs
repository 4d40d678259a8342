//! A query that comes behind the others, as one that was held, tells all that is due at an instant.

use windows::merge::{Absorbed, Merge, MergeSettings, OnTime, Reached};
use windows::program::Program;
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

fn count(name: &str, minutes: u32) -> SqlFile {
    SqlFile::new(
        name,
        format!(
            "INSERT INTO window_stat SELECT window_start, window_end, equipment_id, count(*) AS n
             FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '{minutes}' MINUTE)
             GROUP BY window_start, window_end, equipment_id"
        ),
    )
}

fn absorb(merge: &mut Merge, fold: &Program, rows: &str) {
    let rows = format!("stream move_event\nrow_time | equipment_id | teu_quarters\n{rows}");
    fold.fill("move_event", vec![input(&rows)["move_event"].clone()]);
    for query in &fold.queries {
        for batch in query.inputs[0].fold.run().expect("fold") {
            let absorbed = merge.absorb(&query.name, query.inputs[0].fingerprint, &batch);
            assert!(matches!(absorbed, Absorbed::All), "{absorbed:?}");
        }
    }
}

/// Everything that is due: the queries that told something, with the instants.
fn fire(merge: &mut Merge, frontier: &str) -> Vec<(String, i64)> {
    let reached = Reached {
        frontier_us: instant_us(frontier),
        begin_us: instant_us("00:00"),
        horizon_us: None,
    };
    let mut told = Vec::new();
    while let Some(at_us) = merge.next_at(&reached) {
        let outputs = merge.fire(at_us, &reached).outputs.into_iter();
        let program = merge.program();
        told.extend(outputs.map(|output| (program.queries[output.query].name.clone(), at_us)));
    }
    merge.pass(&reached);
    told
}

/// What a query has passed without telling anything is passed all the same: an instant of a query that comes behind does not
/// bring its corrections sooner.
#[test]
fn corrections_do_not_come_with_the_instants_of_a_query_that_comes_behind() {
    let files = [count("steady", 15), count("behind", 4)];
    let settings = MergeSettings {
        correction_us: 600_000_000,
        on_time: OnTime {
            corrected_every_us: 120_000_000,
            ..OnTime::default()
        },
        ..MergeSettings::default()
    };
    let fold = compile(&files);
    let mut merge = Merge::new(compile(&files), &settings).expect("merge");
    let behind = 1;
    assert_eq!(merge.program().queries[behind].name, "behind");
    merge.hold(behind);
    absorb(&mut merge, &fold, "00:03 | C1 | 1\n00:05 | C1 | 1");
    let steady = |at| ("steady".to_owned(), instant_us(at));
    assert_eq!(fire(&mut merge, "00:09"), [steady("00:05")], "on time");
    absorb(&mut merge, &fold, "00:06 | C1 | 1");
    assert_eq!(
        fire(&mut merge, "00:09"),
        [],
        "at the next place of the grid"
    );
    merge.release(behind, None, None);
    let told = fire(&mut merge, "00:09");
    assert!(told.iter().all(|(query, _)| query == "behind"), "{told:?}");
    assert!(told.contains(&("behind".to_owned(), instant_us("00:08"))));
    assert!(fire(&mut merge, "00:11").contains(&steady("00:10")));
}

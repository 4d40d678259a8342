//! Queries that wait for some sources alone, and so have a frontier of their own.

use windows::merge::{Absorbed, Merge, MergeSettings, Reached};
use windows::sql::parse::SqlFile;

use crate::engine::compile;
use crate::text::{input, instant_us};

const MOVES: &str = "INSERT INTO s SELECT window_start, window_end, equipment_id, count(*) AS n
     FROM TUMBLE(move_event, DESCRIPTOR(row_time), INTERVAL '15' MINUTE)
     GROUP BY window_start, window_end, equipment_id";

#[test]
fn a_query_that_waits_for_other_sources_is_another_query() {
    let waits_for = |sources: &[&str]| {
        let mut file = SqlFile::new("q", MOVES);
        file.waits_for = sources.iter().map(|source| (*source).to_owned()).collect();
        compile(&[file]).queries[0].fingerprint
    };
    assert_eq!(waits_for(&["gate", "tos"]), waits_for(&["tos", "gate"]));
    assert_ne!(waits_for(&["gate"]), waits_for(&[]));
    assert_ne!(waits_for(&["gate"]), waits_for(&["tos"]));
    assert_ne!(waits_for(&["gate"]), waits_for(&["gate", "tos"]));
}

#[test]
fn a_query_with_a_frontier_of_its_own_goes_on_and_rows_behind_it_are_refused() {
    let files = ["own", "all"].map(|name| SqlFile::new(name, MOVES));
    let settings = MergeSettings {
        own_frontier: ["own".to_owned()].into(),
        ..MergeSettings::default()
    };
    let fold = compile(&files);
    let mut merge = Merge::new(compile(&files), &settings).expect("merge");
    let absorb = |merge: &mut Merge, rows: &str| -> Vec<Absorbed> {
        let rows = input(&format!(
            "stream move_event\nrow_time | equipment_id | teu_quarters\n{rows}"
        ));
        fold.fill("move_event", vec![rows["move_event"].clone()]);
        let inputs = fold
            .queries
            .iter()
            .map(|query| (&query.name, &query.inputs[0]));
        let absorbed = inputs.flat_map(|(name, input)| {
            let batches = input.fold.run().expect(name);
            let absorbed = batches
                .iter()
                .map(|batch| merge.absorb(name, input.fingerprint, batch));
            absorbed.collect::<Vec<_>>()
        });
        absorbed.collect()
    };
    let reached = |text: &str| Reached {
        frontier_us: instant_us(text),
        begin_us: instant_us("00:00"),
        horizon_us: None,
    };
    absorb(&mut merge, "00:01 | C1 | 1\n00:14 | C1 | 1");
    // One source has come to 00:20, another is silent since 00:05.
    let own = reached("00:20");
    assert_eq!(merge.next_of("own", &own), Some(instant_us("00:15")));
    let fired = merge.fire_of("own", instant_us("00:15"), &own);
    assert_eq!(fired.outputs.len(), 1);
    assert!(fired.outputs[0].is_final);
    assert_eq!(merge.next_of("own", &own), None);
    assert_eq!(merge.next_at(&reached("00:05")), None, "the others wait");
    assert_eq!(
        merge.next_of("all", &own),
        None,
        "and have no frontier of their own"
    );
    let absorbed = absorb(&mut merge, "00:06 | C2 | 1");
    let late =
        |absorbed: &Absorbed| matches!(absorbed, Absorbed::But(refused) if refused.late == 1);
    assert!(
        late(&absorbed[0]) && matches!(absorbed[1], Absorbed::All),
        "{absorbed:?}"
    );
    let all = reached("00:15");
    let fired = merge.fire(merge.next_at(&all).expect("its end"), &all);
    assert_eq!(fired.outputs[0].rows.num_rows(), 2, "both rows count there");
}

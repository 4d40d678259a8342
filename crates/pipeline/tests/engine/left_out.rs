//! What is left out of the state of a query since too many keys are open is told, also where the query comes later and what lay
//! before is read for it.

use std::collections::BTreeMap;

use events::Message;
use events::v1::{Reject, RejectReason};
use pipeline::backfill::BackfillFrom;
use pipeline::settings::{Bounded, Settings};

use crate::crew::{Crew, old, with};

const NAME: &str = "lots_of_keys";
const TEXT: &str = "INSERT INTO window_stat SELECT window_start, window_end, container_id, level_end, level_us, changes
     FROM LEVEL((SELECT row_time, container_id, CAST(1 AS BIGINT) AS one FROM move_event), DESCRIPTOR(row_time),
                DESCRIPTOR(container_id), one, INTERVAL '60' MINUTE)";
const KEYS: usize = 12;

fn before() -> Settings {
    Settings {
        query_keys_max: KEYS,
        bounded: Bounded::Never,
        ..old()
    }
}

fn after(backfill: Option<BackfillFrom>) -> Settings {
    Settings {
        backfill,
        ..with(before(), &[(NAME, TEXT)])
    }
}

/// Rejects of the query, with what they say.
fn told(crew: &Crew) -> Vec<String> {
    let records = crew.log.records("rejects").into_iter().flatten();
    let rejects = records.map(|record| {
        let value = record.value.expect("no tombstones");
        Reject::decode(value.as_slice()).expect("a Reject")
    });
    let of_query =
        rejects.filter(|reject| reject.reason() == RejectReason::KeyLimit && reject.query == NAME);
    of_query.map(|reject| reject.detail).collect()
}

/// How many rows rejects point at, by whether they came before the query.
fn rows(told: &[String]) -> BTreeMap<bool, (usize, i64)> {
    let mut rows: BTreeMap<bool, (usize, i64)> = BTreeMap::new();
    for detail in told {
        let number = detail.split(' ').next().expect("a number");
        let sum = rows.entry(detail.contains("of before")).or_default();
        sum.0 += 1;
        sum.1 += number.parse::<i64>().expect("a number");
    }
    rows
}

/// Old processes up to some place, then new ones, fold before merge, of which `deaths` die; to the end of the input, and further.
fn come(new: &Settings, deaths: usize) -> Crew {
    let mut crew = Crew::new();
    crew.fold(before());
    crew.merge(before());
    crew.read_percent(90);
    crew.folds.clear();
    // Merge keeps what it does not know for an hour.
    crew.fold(new.clone());
    crew.read_percent(97);
    crew.turn(20);
    crew.merges.clear();
    for _ in 0..deaths {
        crew.merge(new.clone());
        crew.die_after_a_commit();
    }
    crew.merge(new.clone());
    crew.read_percent(100);
    crew.turn(200);
    // Another comes, and finds nothing that is left to tell.
    crew.merges.clear();
    crew.merge(new.clone());
    crew.turn(100);
    crew
}

#[test]
fn a_query_that_comes_later_tells_what_was_left_out_once() {
    for backfill in [None, Some(BackfillFrom::Earliest)] {
        let told_with = |deaths| {
            let rows = rows(&told(&come(&after(backfill), deaths)));
            let of = |is_before| rows.get(&is_before).copied().unwrap_or_default();
            let (before, behind): ((usize, i64), (usize, i64)) = (of(true), of(false));
            assert!(before.1 > 0, "{backfill:?}: nothing was left out: {rows:?}");
            assert_eq!(before.0, 1, "{backfill:?}: the port's partition tells once");
            before.1 + behind.1
        };
        // Where a backfill hands over hangs on the deaths, and with it what is told in one piece.
        let all = told_with(0);
        for deaths in [1, 3] {
            assert_eq!(told_with(deaths), all, "{backfill:?}, {deaths} deaths");
        }
    }
}

#[test]
fn it_is_told_before_processes_end_that_read_to_the_end() {
    let until_end = |settings| Settings {
        bounded: Bounded::UntilEnd,
        ..settings
    };
    let mut crew = Crew::new();
    crew.fold(until_end(before()));
    crew.merge(until_end(before()));
    crew.read_percent(90);
    crew.finish(&until_end(after(Some(BackfillFrom::Earliest))));
    let (rejects, rows) = rows(&told(&crew)).remove(&true).unwrap_or_default();
    assert_eq!(rejects, 1);
    assert!(rows > 0);
}

use super::*;
use crate::intake::shelves::BUCKET_US;

/// A version of event "1" of source 3.
fn version(record_time_us: i64, row_time_us: i64, offset: i64) -> Incoming {
    Incoming {
        event: event_hash("tos", "1"),
        source: 3,
        record_time_us,
        row_time_us,
        offset,
        is_retracted: false,
    }
}

fn retraction(record_time_us: i64, row_time_us: i64, offset: i64) -> Incoming {
    Incoming {
        is_retracted: true,
        ..version(record_time_us, row_time_us, offset)
    }
}

fn former(offset: i64, row_time_us: i64) -> Option<Former> {
    Some(Former {
        offset,
        row_time_us,
    })
}

/// The verdicts on versions that come with a limit each.
fn verdicts(incoming: &[(Incoming, i64)]) -> Vec<Verdict> {
    let mut versions = Versions::new(8);
    let decide =
        |(incoming, limit_us): &(Incoming, i64)| versions.decide(incoming, Some(*limit_us));
    incoming.iter().map(decide).collect()
}

#[test]
fn a_later_version_counts_in_place_of_the_former_and_an_older_one_never() {
    let found = verdicts(&[
        (version(10, 100, 0), 0),
        (version(10, 100, 1), 0),
        (version(20, 300, 2), 0),
        (version(10, 100, 3), 0),
        (version(15, 200, 4), 0),
        (version(20, 300, 5), 0),
        (version(30, 50, 6), 0),
    ]);
    let expected = [
        Verdict::Counts(None),
        Verdict::Copy { before: 1 },
        Verdict::Counts(former(0, 100)),
        Verdict::Superseded,
        Verdict::Superseded,
        Verdict::Copy { before: 1 },
        Verdict::Counts(former(2, 300)),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_retraction_takes_back_once_and_is_revived_by_a_later_version_alone() {
    let found = verdicts(&[
        (version(10, 100, 0), 0),
        (retraction(20, 100, 1), 0),
        (retraction(20, 100, 2), 0),
        (version(10, 100, 3), 0),
        (retraction(30, 100, 4), 0),
        (version(40, 100, 5), 0),
        (retraction(30, 100, 6), 0),
    ]);
    let expected = [
        Verdict::Counts(None),
        Verdict::Retracts(former(0, 100)),
        Verdict::Copy { before: 1 },
        Verdict::Superseded,
        Verdict::Retracts(None),
        Verdict::Counts(None),
        Verdict::Superseded,
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_retraction_of_the_instant_of_its_version_is_newer() {
    let found = verdicts(&[
        (version(10, 100, 0), 0),
        (retraction(10, 100, 1), 0),
        (version(10, 100, 2), 0),
    ]);
    let expected = [
        Verdict::Counts(None),
        Verdict::Retracts(former(0, 100)),
        Verdict::Superseded,
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_retraction_that_comes_first_waits_for_its_event_until_it_is_late() {
    let found = verdicts(&[
        (retraction(20, 100, 0), 0),
        (version(10, 100, 1), 100),
        (version(10, 200, 2), 101),
    ]);
    let expected = [
        Verdict::Retracts(None),
        Verdict::Superseded,
        Verdict::Counts(None),
    ];
    assert_eq!(found, expected);
}

#[test]
fn what_is_final_is_not_taken_back_to_the_microsecond() {
    let found = verdicts(&[(version(10, 100, 0), 0), (version(20, 300, 1), 100)]);
    assert_eq!(found[1], Verdict::Counts(former(0, 100)));
    let found = verdicts(&[(version(10, 100, 0), 0), (version(20, 300, 1), 101)]);
    assert_eq!(found[1], Verdict::Counts(None));
}

#[test]
fn a_late_version_leaves_the_one_before() {
    let found = verdicts(&[
        (version(10, 100, 0), 0),
        (version(20, 40, 1), 50),
        (retraction(20, 40, 2), 50),
        (version(10, 100, 3), 50),
    ]);
    let expected = [
        Verdict::Counts(None),
        Verdict::Late,
        Verdict::Late,
        Verdict::Copy { before: 1 },
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_event_is_known_as_long_as_any_version_of_it_could_come_in_time() {
    let mut versions = Versions::new(8);
    versions.decide(&version(10, 100, 0), Some(0));
    versions.decide(&version(20, 40, 1), Some(0));
    let copy = versions.decide(&version(10, 100, 2), Some(90));
    assert_eq!(
        copy,
        Verdict::Superseded,
        "its newest version is final, it is not"
    );
    let mut versions = Versions::new(8);
    versions.decide(&version(10, BUCKET_US, 0), Some(0));
    versions.decide(&version(20, 9 * BUCKET_US, 1), Some(0));
    let mut gone = Vec::new();
    versions.evict(3, 5 * BUCKET_US, &mut gone);
    assert_eq!(versions.len(), 1);
    versions.evict(2, 20 * BUCKET_US, &mut gone);
    versions.evict(3, 10 * BUCKET_US, &mut gone);
    assert!(versions.is_empty() && versions.shelves.all().count() == 0);
    assert!(gone.is_empty(), "the topic never held them as slices");
}

#[test]
fn what_changed_comes_back() {
    let mut versions = Versions::new(8);
    versions.decide(&version(10, 100, 7), None);
    versions.decide(&retraction(20, 90, 8), None);
    for event in 0..5_i64 {
        let other = Incoming {
            event: event_hash("gate", &event.to_string()),
            ..version(event, event, event)
        };
        versions.decide(&other, None);
    }
    let portions = versions.changes(4, &|source| u32::from(source) + 1);
    let lengths: Vec<usize> = portions
        .iter()
        .map(|(portion, places)| {
            assert_eq!(portion.id_low.len(), places.len());
            places.len()
        })
        .collect();
    assert_eq!(lengths, [4, 2]);
    assert!(versions.changes(4, &|_| 0).is_empty());
    let mut restored = Versions::new(8);
    for (portion, _) in &portions {
        let number = |index: u32| (index - 1) as u16;
        restored.restore(portion, None, &number).expect("restored");
    }
    assert_eq!(restored.newest, versions.newest);
    assert_eq!(
        restored.decide(&version(10, 100, 9), None),
        Verdict::Superseded
    );
    let mut torn = portions[0].0.clone();
    torn.offset.pop();
    assert!(restored.restore(&torn, None, &|_| 0).is_err());
}

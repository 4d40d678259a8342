//! Queries are added, changed and taken out while others go on: of those nothing is touched, and of what is new each window
//! is told once and whole, or not at all.

use std::collections::BTreeMap;

use events::Message;
use events::v1::WindowStat;
use pipeline::log::{Outgoing, Position};
use pipeline::merge::Merge;
use pipeline::roster::{REVISIONS_A_LIFE, Roster};
use pipeline::settings::{Bounded, Settings};
use pipeline::worker::programs::{Portion, Programs};

use crate::crew::{Crew, NEW, Row, finals, new, old, rows, told_ahead, undisturbed};
use crate::fixture::merge_of;

/// The rows are those that an undisturbed run tells of windows from some instant on.
#[track_caller]
fn assert_whole_from_some_instant(name: &str, found: &[Row], all: &[Row]) {
    let first = found.first().map(|row| row.0);
    let first = first.unwrap_or_else(|| panic!("{name} tells nothing"));
    let expected = all.iter().filter(|row| row.0 >= first);
    let expected: Vec<&Row> = expected.collect();
    assert!(
        found.iter().collect::<Vec<_>>() == expected,
        "{name}: {} rows from {first} on, of {} expected",
        found.len(),
        expected.len()
    );
    assert!(found.len() < all.len(), "{name} was there from the start");
}

/// What is replaced next.
#[derive(Clone, Copy)]
enum Step {
    Fold,
    Merge,
    Nothing,
}

/// Two folds and a merge with the old queries; by the steps each is replaced by one with the new ones.
fn rolling(steps: &[Step], turns: usize) -> BTreeMap<String, Vec<Row>> {
    rolling_with(|settings| settings, steps, turns)
}

/// As [`rolling`], under other settings.
fn rolling_with(
    change: fn(Settings) -> Settings,
    steps: &[Step],
    turns: usize,
) -> BTreeMap<String, Vec<Row>> {
    // Without an end, so that merge trims the log behind its snapshots.
    let endless = |settings| Settings {
        bounded: Bounded::Never,
        ..change(settings)
    };
    let (old, all) = (|| endless(old()), change(new()));
    let new = || endless(new());
    let mut crew = Crew::new();
    crew.fold(old());
    crew.fold(old());
    crew.merge(old());
    crew.read_percent(75);
    for step in steps {
        match step {
            Step::Fold => {
                drop(crew.folds.remove(0));
                crew.fold(new());
            }
            Step::Merge => {
                drop(crew.merges.remove(0));
                crew.merge(new());
            }
            Step::Nothing => {}
        }
        crew.turn(turns);
    }
    assert!(crew.trimmed() > 0, "the log is whole");
    crew.finish(&all)
}

#[test]
fn queries_come_and_go_in_a_rolling_restart_and_the_others_notice_nothing() {
    let (before, after) = (undisturbed(&old()), undisturbed(&new()));
    use Step::{Fold, Merge};
    for steps in [
        [Fold, Fold, Merge],
        [Merge, Fold, Fold],
        [Fold, Merge, Fold],
    ] {
        let found = rolling(&steps, 3);
        for name in ["moves", "yard", "open_slots"] {
            assert!(found[name] == before[name], "{name} differs");
        }
        let told = found.get("intake_all").map_or(&[][..], Vec::as_slice);
        assert!(
            told.iter().all(|row| before["intake_all"].contains(row)),
            "a row of the query that went is not whole"
        );
        assert!(told.len() < before["intake_all"].len());
        for (name, _) in NEW {
            assert_whole_from_some_instant(
                name,
                found.get(name).map_or(&[][..], Vec::as_slice),
                &after[name],
            );
        }
    }
}

#[test]
fn rows_ahead_and_split_commits_do_not_change_what_is_whole() {
    use Step::{Fold, Merge, Nothing};
    let before = undisturbed(&told_ahead(old()));
    let after = undisturbed(&told_ahead(new()));
    for (steps, turns) in [
        ([Fold, Merge, Fold, Nothing], 1),
        ([Merge, Fold, Merge, Fold], 2),
    ] {
        let found = rolling_with(told_ahead, &steps, turns);
        for name in ["moves", "yard", "open_slots"] {
            assert!(
                finals(&found[name]) == finals(&before[name]),
                "{name} differs"
            );
        }
        for (name, _) in NEW {
            let rows = found.get(name).map_or(&[][..], Vec::as_slice);
            let ahead = rows.len() - finals(rows).len();
            assert!(
                ahead > 0 || name.starts_with("new_session"),
                "{name} tells nothing ahead"
            );
            assert_whole_from_some_instant(name, &finals(rows), &finals(&after[name]));
        }
        for (name, rows) in &found {
            let mut once = rows.clone();
            once.dedup();
            assert!(once == *rows, "{name}: a row left twice");
        }
    }
}

#[test]
fn merge_may_learn_of_a_query_long_after_fold_and_nothing_is_lost() {
    use Step::{Fold, Merge, Nothing};
    // Whether merge is replaced before the folds or after them, the same windows are whole: the log has what it needs.
    let early = rolling(&[Merge, Fold, Fold, Nothing, Nothing, Nothing], 10);
    let late = rolling(&[Nothing, Fold, Fold, Nothing, Nothing, Merge], 10);
    for (name, _) in NEW.iter().filter(|(name, _)| *name != "new_as_of") {
        assert!(
            !early[*name].is_empty() && early[*name] == late[*name],
            "{name}"
        );
    }
}

#[test]
fn a_query_that_old_instances_run_again_for_a_while_tells_each_window_once() {
    let after = undisturbed(&new());
    let mut crew = Crew::new();
    crew.fold(new());
    crew.merge(new());
    for round in 0..8 {
        crew.read_percent(30 + 8 * round);
        drop(crew.merges.remove(0));
        crew.merge(if round % 2 == 0 { old() } else { new() });
    }
    let found = crew.finish(&new());
    for (name, _) in NEW {
        // Taken up anew it counts its revisions from another place.
        let found = finals(&found[name]);
        let mut told = found.clone();
        told.dedup();
        assert!(told == found, "{name}: a row left twice");
        assert!(
            told.iter().all(|row| after[name].contains(row)),
            "{name}: a row is not whole"
        );
    }
    // Its rows lie in the log all the time.
    assert!(finals(&found["new_tumble"]) == after["new_tumble"]);
}

#[test]
fn a_query_that_was_written_down_tells_what_was_due_after_a_crash_too() {
    let after = undisturbed(&new());
    let told = |crashes: usize| {
        let mut crew = Crew::new();
        crew.fold(new());
        crew.merge(old());
        crew.read_percent(90);
        // No partials come while merge is replaced, again and again.
        let folds = std::mem::take(&mut crew.folds);
        crew.turn(20);
        for _ in 0..=crashes {
            crew.merges.clear();
            crew.merge(new());
            crew.turn(10);
        }
        drop(folds);
        crew.finish(&new())
    };
    for crashes in [0, 1, 3] {
        let found = told(crashes);
        assert!(
            found["new_tumble"] == after["new_tumble"],
            "{crashes} crashes"
        );
        assert!(found["new_gate"] == after["new_gate"], "{crashes} crashes");
    }
}

#[test]
fn a_query_that_comes_in_the_middle_of_a_split_commit_tells_all() {
    let before = undisturbed(&told_ahead(old()));
    let after = undisturbed(&told_ahead(new()));
    let folded = || {
        let mut crew = Crew::new();
        crew.fold(told_ahead(new()));
        crew.read_percent(100);
        crew.folds.clear();
        crew
    };
    // Over the same partials, with nobody dying.
    let whole = folded().finish(&told_ahead(old()));
    for places in [8, 12] {
        let mut crew = folded();
        let mut seen = 0;
        for _ in 0..2_000 {
            crew.merge(told_ahead(old()));
            let died = crew.die_after_a_commit();
            seen += usize::from(crew.is_within_a_record());
            if !died || seen == places {
                break;
            }
        }
        assert_eq!(seen, places, "no commit was split");
        let found = crew.finish(&told_ahead(new()));
        for name in ["moves", "yard", "open_slots"] {
            assert!(found[name] == whole[name], "{name} differs");
            assert!(
                finals(&found[name]) == finals(&before[name]),
                "{name} differs"
            );
        }
        for name in ["new_tumble", "new_hop", "new_gate"] {
            assert!(
                finals(&found[name]) == finals(&after[name]),
                "{name} differs"
            );
        }
    }
}

#[test]
fn a_changed_query_begins_anew_and_crashes_change_nothing() {
    let changed = || {
        let mut settings = old();
        for file in &mut settings.queries {
            if file.name == "moves" {
                file.text = file.text.replace("sum(teu_quarters)", "max(teu_quarters)");
            }
        }
        settings
    };
    let (before, after) = (undisturbed(&old()), undisturbed(&changed()));
    let mut crew = Crew::new();
    crew.fold(old());
    crew.merge(old());
    crew.read_percent(75);
    (crew.folds, crew.merges) = (Vec::new(), Vec::new());
    let told = rows(&crew.log).remove("moves").unwrap_or_default();
    for round in 0..12 {
        crew.fold(changed());
        crew.merge(changed());
        // The commit in which the new queries are written down is one of those that are lost.
        crew.log.abort_next(round % 3);
        crew.turn(2 + round);
        (crew.folds, crew.merges) = (Vec::new(), Vec::new());
    }
    let mut found = crew.finish(&changed());
    for name in ["intake_all", "yard", "open_slots"] {
        assert!(found[name] == before[name], "{name} differs");
    }
    let mut moves = found.remove("moves").expect("rows");
    moves.retain(|row| !told.contains(row));
    let revisions = moves.iter().map(|(_, value)| {
        let stat = WindowStat::decode(value.as_slice()).expect("a WindowStat");
        i64::from(stat.revision)
    });
    assert!(
        revisions.min() >= Some(REVISIONS_A_LIFE),
        "readers know them for newer ones"
    );
    let moves = finals(&moves);
    assert_whole_from_some_instant("moves", &moves, &after["moves"]);
    let last = told.last().map(|row| row.0);
    assert!(
        moves.first().map(|row| row.0) > last,
        "a window has two versions"
    );
}

#[test]
fn what_is_not_written_down_is_of_a_version_before_and_goes_on() {
    let crew = {
        let mut crew = Crew::new();
        crew.fold(old());
        crew.merge(old());
        crew.read_percent(75);
        crew
    };
    // The roster goes: an installation of before has none.
    for partition in 0..2 {
        let forgotten = Outgoing {
            topic: "snapshots".into(),
            partition: Some(partition),
            key: Some(b"queries".to_vec()),
            value: None,
            timestamp_ms: 0,
            headers: Vec::new(),
        };
        crew.log.append(forgotten).expect("the topic exists");
    }
    let mut crew = crew;
    let found = crew.finish(&old());
    let before = undisturbed(&old());
    for (name, rows) in &before {
        assert!(found[name] == *rows, "{name} differs");
    }
}

/// The partials log has the ends of transactions between its records: a position behind one says nothing of rows.
#[test]
fn the_place_of_a_query_moves_on_with_offsets_that_hold_no_partials() {
    let at = |next_offset| Position {
        next_offset,
        within: String::new(),
    };
    let settings = new();
    let mut merge = merge_of(&settings);
    merge
        .enrol(Some(&Roster::default()), &at(5))
        .expect("a query");
    merge.resume_at(&at(5)).expect("a position");
    merge.write_down(&at(5));
    let program = Programs::default().take(Portion::Whole, &settings);
    let program = program.expect("it compiles");
    let assert_since = |merge: &Merge, since: i64| {
        for query in &program.queries {
            let entry = merge.roster().get(&query.name, query.fingerprint);
            assert_eq!(
                entry.map(|entry| entry.since),
                Some(since),
                "{}",
                query.name
            );
        }
    };
    assert_since(&merge, 5);
    assert!(!merge.has_roster_news());
    merge.skip_to(7);
    assert_since(&merge, 7);
    assert!(
        merge.has_roster_news(),
        "it is written down with the position"
    );
}

//! Snapshots in an object store: what leaves is the same to the byte, whatever the store does.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use events::Message;
use events::internal::SnapshotManifest;
use pipeline::depot::{Depot, Store};
use pipeline::memory::{MemoryStore, Stored};
use pipeline::outcome::Tally;
use pipeline::roster;
use pipeline::settings::{Bounded, Settings, SnapshotSettings};
use pipeline::worker::{MergeWorker, Shared};

use crate::fixture::settings;
use crate::relay::{OUTPUTS, Relay};

/// Snapshots every 100 ms, so that there are many; the input has an end, or none.
fn often(bounded: Bounded) -> Settings {
    Settings {
        bounded,
        snapshots: SnapshotSettings {
            interval: Duration::from_millis(100),
            object_bytes: 3_000,
            ..SnapshotSettings::default()
        },
        ..settings(2, 1)
    }
}

/// A relay over a port day that ends, whose snapshots go to a store in memory; its workers do not know of the end.
fn relay(bounded: Bounded, is_threaded: bool) -> (Relay, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::default());
    let mut relay = Relay::new(often(Bounded::UntilEnd), 2, 3_000);
    relay.shared.depot = Some(Depot::new(store.clone(), "relay", is_threaded));
    relay.shared.settings = Arc::new(often(bounded));
    (relay, store)
}

fn expected() -> Vec<Vec<Vec<Stored>>> {
    let mut settings = often(Bounded::UntilEnd);
    settings.snapshots.interval = Duration::ZERO;
    let relay = Relay::new(settings, 2, 3_000);
    relay.run(usize::MAX, 1);
    relay.outputs()
}

fn assert_same(found: &Relay, expected: &[Vec<Vec<Stored>>]) {
    for ((topic, expected), found) in OUTPUTS.iter().zip(expected).zip(found.outputs()) {
        assert!(found == *expected, "{topic} differs");
    }
}

fn folders(store: &MemoryStore) -> BTreeSet<String> {
    let names = store.names().into_iter();
    let folder = |name: String| name.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    names.filter_map(folder).collect()
}

/// All that were ever published, the oldest first.
fn manifests(relay: &Relay) -> Vec<SnapshotManifest> {
    let records = relay.log.records("snapshots").into_iter().flatten();
    // Beside them lies the roster of queries.
    let manifests = records.filter(|record| record.key.as_deref() != Some(roster::KEY));
    let manifests = manifests.filter_map(|record| record.value);
    manifests
        .map(|value| SnapshotManifest::decode(value.as_slice()).expect("manifests alone"))
        .collect()
}

#[test]
fn two_snapshots_are_kept_and_older_ones_leave_the_store() {
    let (relay, store) = relay(Bounded::Never, false);
    let tally = relay.run(200, 1);
    assert!(tally.snapshots().0 >= 6, "{:?}", tally.snapshots());
    // One more may be on its way.
    let folders = folders(&store);
    assert!((2..=3).contains(&folders.len()), "{folders:?}");
    assert!(store.names().len() > folders.len(), "of several objects");
    let records = relay.log.records("snapshots").into_iter().flatten();
    let lengths = records.filter_map(|record| Some(record.value?.len()));
    assert!(lengths.max().unwrap_or_default() < 4_000, "manifests alone");
}

#[test]
fn torn_and_lost_objects_are_passed_over_and_the_snapshot_before_is_taken() {
    let expected = expected();
    for is_lost in [false, true] {
        let (mut relay, store) = relay(Bounded::Never, false);
        assert!(relay.run(120, 1).snapshots().0 >= 3, "the log is trimmed");
        let newest = manifests(&relay).pop().expect("there are some");
        let name = format!("{}/0", newest.folder);
        match is_lost {
            true => store.delete(&name).expect("deleted"),
            false => {
                let bytes = store.get(&name).expect("reached").expect("there");
                let half = &bytes[..bytes.len() / 2];
                store.put(&name, half).expect("written");
            }
        }
        relay.shared.settings = Arc::new(often(Bounded::UntilEnd));
        let tally = relay.run(usize::MAX, 1);
        assert_eq!(tally.snapshots().1, 1, "from the one before");
        assert_same(&relay, &expected);
    }
}

#[test]
fn a_store_that_does_not_answer_stops_snapshots_and_nothing_else() {
    let (relay, store) = relay(Bounded::UntilEnd, false);
    let partials = relay.log.records("partials")[0].len();
    store.cut_off(usize::MAX);
    let tally = relay.run(usize::MAX, 1);
    assert_eq!(tally.snapshots().0, 0);
    assert_same(&relay, &expected());
    assert_eq!(store.names(), Vec::<String>::new());
    assert_eq!(
        relay.log.records("partials")[0].len(),
        partials,
        "all is kept"
    );
}

#[test]
fn a_store_that_fails_now_and_then_is_asked_again_after_a_while() {
    let (relay, store) = relay(Bounded::Never, false);
    store.cut_off(1);
    // The next attempt is a second later; a turn takes 50 ms.
    let tally = relay.run(110, 1);
    assert!(tally.snapshots().0 >= 1, "{:?}", tally.snapshots());
    assert!(!store.names().is_empty());
}

#[test]
fn an_upload_that_hangs_holds_no_commit_back_and_is_published_once_it_is_through() {
    let (relay, store) = relay(Bounded::Never, true);
    store.hold(true);
    let topics = [Arc::clone(&relay.shared.settings.topics.partials)];
    let (source, sink) = relay.log.join("merge", None, &topics, 2);
    let tally = Arc::<Tally>::default();
    let shared = Shared {
        tally: Arc::clone(&tally),
        ..relay.shared.clone()
    };
    let mut merge = MergeWorker::new(shared, source, sink);
    for _ in 0..60 {
        relay.clock.advance(Duration::from_millis(50));
        merge.turn(Duration::ZERO).expect("it goes on");
    }
    assert!(tally.commits().1 > 10, "{:?}", tally.commits());
    assert_eq!(tally.snapshots().0, 0);
    assert_eq!(manifests(&relay), Vec::new());
    store.hold(false);
    for _ in 0..5_000 {
        relay.clock.advance(Duration::from_millis(50));
        merge.turn(Duration::ZERO).expect("it goes on");
        if tally.snapshots().0 > 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(tally.snapshots().0 > 0, "published at last");
    assert!(!manifests(&relay).is_empty());
}

#[test]
fn an_owner_of_before_fills_the_store_and_publishes_nothing() {
    let (mut relay, store) = relay(Bounded::Never, false);
    let topics = [Arc::clone(&relay.shared.settings.topics.partials)];
    let (source, sink) = relay.log.join("merge", None, &topics, 2);
    let member = source.member();
    let mut zombie = MergeWorker::new(relay.shared.clone(), source, sink);
    // It begins to write, and is given up before it can publish.
    while store.names().is_empty() {
        relay.clock.advance(Duration::from_millis(50));
        zombie.turn(Duration::ZERO).expect("it goes on");
    }
    let written = folders(&store);
    relay.log.expel(member);
    relay.log.blind(member, 8);
    let heir = relay.run(60, 1);
    assert!(heir.snapshots().0 >= 2, "{:?}", heir.snapshots());
    let kept = folders(&store);
    assert!(kept.is_disjoint(&written), "swept away: {kept:?}");
    // It goes on with what it has in its hands until it learns how things are.
    for _ in 0..30 {
        relay.clock.advance(Duration::from_millis(200));
        zombie.turn(Duration::ZERO).expect("it lives on");
    }
    drop(zombie);
    let published = manifests(&relay);
    assert!(
        published
            .iter()
            .all(|manifest| !written.contains(&manifest.folder))
    );
    relay.shared.settings = Arc::new(often(Bounded::UntilEnd));
    let tally = relay.run(usize::MAX, 1);
    assert_eq!(tally.snapshots().1, 1, "from a snapshot");
    assert_same(&relay, &expected());
}

#[test]
fn a_start_that_needs_a_store_which_does_not_answer_names_it() {
    let (relay, store) = relay(Bounded::Never, false);
    assert!(relay.run(120, 1).snapshots().0 >= 3, "the log is trimmed");
    store.cut_off(usize::MAX);
    let topics = [Arc::clone(&relay.shared.settings.topics.partials)];
    let start = |shared: Shared| {
        let (source, sink) = relay.log.join("merge", None, &topics, 4);
        let mut merge = MergeWorker::new(shared, source, sink);
        merge
            .turn(Duration::ZERO)
            .map_err(|error| error.to_string())
    };
    let text = start(relay.shared.clone()).expect_err("no state");
    assert!(text.contains("are needed to restore state"), "{text}");
    assert!(
        text.contains("cannot be read: asked not to answer"),
        "{text}"
    );
    let none = Shared {
        depot: None,
        ..relay.shared.clone()
    };
    let text = start(none).expect_err("no store");
    assert!(text.contains("state.snapshots names none"), "{text}");
    store.cut_off(0);
    start(relay.shared.clone()).expect("it can be read again");
}

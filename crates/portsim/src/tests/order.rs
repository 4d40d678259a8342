//! Disorder, lateness and heartbeats.

use super::*;
use crate::{HOUR_US, Partitions, SECOND_US, Source};
use events::Stream;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Lateness as the engine decides it: against the largest row time seen before from the same partition and source.
#[test]
fn disorder_is_as_set_and_bounds_hold() {
    let settings = Settings {
        partitions: Partitions::all(1),
        // Their copies are not of those that disorder makes.
        disorder: Disorder {
            amended_ppm: 0,
            ..Disorder::default()
        },
        ..Settings::default()
    };
    let start_us = settings.start_at_us;
    let mut simulation = Simulation::new(settings.clone()).unwrap();
    let bounds: HashMap<&str, i64> = Source::ALL
        .iter()
        .map(|s| (s.name(), i64::from(s.decl().out_of_order_max_s) * SECOND_US))
        .collect();
    let mut newest: HashMap<(Stream, String), i64> = HashMap::new();
    let mut seen: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
    let (mut late, mut copies) = (0, 0);
    for record in simulation.by_ref() {
        let Ok(event) = Event::decode(record.stream, &record.value) else {
            continue;
        };
        let Some(envelope) = event.envelope().filter(|e| !is_beside(&e.event_id)) else {
            continue;
        };
        let Some(bound_us) = bounds.get(envelope.source.as_str()) else {
            continue;
        };
        if envelope.event_id.is_empty() || envelope.event_time_us == 0 {
            continue;
        }
        let row_us = match is_act(&event) {
            true => envelope.event_time_us,
            false => envelope.record_time_us,
        };
        let key = [
            envelope.source.as_bytes(),
            b"/",
            envelope.event_id.as_bytes(),
        ]
        .concat();
        if record.partition.is_none() && seen.insert(key, row_us).is_some() {
            copies += 1;
            continue;
        }
        let newest = newest
            .entry((record.stream, envelope.source.clone()))
            .or_insert(row_us);
        if row_us < *newest - bound_us {
            late += 1;
            let by_s = (*newest - bound_us - row_us) / SECOND_US;
            assert!(
                by_s > 300,
                "{} of {} is late by {by_s} s only",
                envelope.event_id,
                (row_us - start_us) / SECOND_US
            );
        }
        *newest = (*newest).max(row_us);
        assert!(row_us >= start_us - 2 * HOUR_US);
    }
    let truth = simulation.truth();
    assert_eq!(late, truth.late(), "late is what was made late");
    assert_eq!(copies, truth.duplicates());
    close_to(
        "late",
        truth.late(),
        truth.events(),
        settings.disorder.late_ppm,
        15,
    );
    close_to(
        "wrong",
        truth.wrong(),
        truth.events(),
        settings.disorder.wrong_ppm,
        30,
    );
    let ais = &truth.sources["ais"];
    // One copy in four out of five cases, up to four in the rest.
    close_to(
        "ais copies",
        ais.duplicates,
        ais.events,
        settings.disorder.duplicate_ais_ppm * 131 / 100,
        5,
    );
    close_to(
        "held up",
        ais.held_up,
        ais.events,
        settings.disorder.out_of_order_ppm,
        5,
    );
    let others = |count: fn(&crate::SourceTruth) -> u64| -> u64 {
        let sources = truth.sources.iter().filter(|(name, _)| **name != "ais");
        sources.map(|(_, source)| count(source)).sum()
    };
    let shares = (
        others(|source| source.duplicates),
        others(|source| source.events),
    );
    close_to(
        "copies",
        shares.0,
        shares.1,
        settings.disorder.duplicate_ppm,
        15,
    );
}

/// Made beside the good ones, to be wrong or amended.
fn is_beside(event_id: &str) -> bool {
    event_id.ends_with("-wrong") || event_id.ends_with(crate::amended::SUFFIX)
}

/// Each story told, by the last word of it.
#[test]
fn amended_lorries_end_with_their_latest_version_and_come_in_time() {
    let settings = Settings {
        hours: 12,
        disorder: Disorder::default(),
        ..quiet(7)
    };
    let mut simulation = Simulation::new(settings).unwrap();
    let bound_us = i64::from(Source::Gate.decl().out_of_order_max_s) * SECOND_US;
    let mut newest_us = i64::MIN;
    let mut stories: BTreeMap<String, Vec<(i64, bool)>> = BTreeMap::new();
    for record in simulation.by_ref() {
        let Ok(event) = Event::decode(record.stream, &record.value) else {
            continue;
        };
        let Some(envelope) = event.envelope().filter(|e| e.source == "gate") else {
            continue;
        };
        let is_whole = !is_beside(&envelope.event_id) && envelope.event_time_us > 0;
        if envelope.event_id.ends_with(crate::amended::SUFFIX) {
            assert!(envelope.event_time_us >= newest_us - bound_us);
            let version = (envelope.record_time_us, envelope.is_retracted);
            let story = stories.entry(envelope.event_id.clone());
            story.or_default().push(version);
        } else if is_whole {
            newest_us = newest_us.max(envelope.event_time_us);
        }
    }
    let versions = stories
        .values()
        .map(|story| story.iter().collect::<BTreeSet<_>>());
    let told: usize = versions.map(|versions| versions.len()).sum();
    assert_eq!(told as u64, simulation.truth().amended());
    let ends = |is_retracted: bool| {
        let last = stories.values().filter_map(|story| story.iter().max());
        last.filter(|last| last.1 == is_retracted).count()
    };
    assert!(ends(true) > 5 && ends(false) > 5, "{stories:?}");
    let is_overtaken = |story: &&Vec<(i64, bool)>| !story.is_sorted();
    assert!(stories.values().filter(is_overtaken).count() > 5);
}

fn close_to(what: &str, count: u64, of: u64, ppm: u32, percent: u64) {
    let expected = of * u64::from(ppm) / 1_000_000;
    assert!(
        count.abs_diff(expected) * 100 <= expected * percent,
        "{what}: {count} instead of {expected}"
    );
}

#[test]
fn disorder_leaves_the_port_as_it_is() {
    let key = |settings: Settings| -> BTreeSet<(String, i64)> {
        let events = Simulation::new(settings).unwrap().filter_map(|record| {
            let event = Event::decode(record.stream, &record.value).ok()?;
            let envelope = event.envelope()?.clone();
            let is_plain = !is_beside(&envelope.event_id) && !envelope.event_id.is_empty();
            // An event without its source or time stands beside the whole one.
            let is_whole = envelope.event_time_us > 0 && !envelope.source.is_empty();
            (is_plain && is_whole && record.partition.is_none())
                .then_some((envelope.event_id, envelope.event_time_us))
        });
        events.collect()
    };
    let settings = Settings {
        hours: 4,
        ..quiet(1)
    };
    let untidy = Settings {
        disorder: Disorder::default(),
        ..settings.clone()
    };
    assert!(key(settings) == key(untidy));
}

#[test]
fn heartbeats_reach_every_partition_of_every_stream_of_a_source() {
    let settings = Settings {
        hours: 2,
        partitions: Partitions {
            vessel: 3,
            container: 2,
            ..Partitions::all(1)
        },
        ..quiet(1)
    };
    let end_us = settings.end_at_us();
    let mut last: BTreeMap<(String, Stream, i32), i64> = BTreeMap::new();
    for record in Simulation::new(settings.clone()).unwrap() {
        let Some(partition) = record.partition else {
            continue;
        };
        let event = Event::decode(record.stream, &record.value).unwrap();
        let envelope = envelope(&event);
        assert_eq!(envelope.event_time_us, envelope.record_time_us);
        let place = (envelope.source.clone(), record.stream, partition);
        let before_us = last
            .insert(place, envelope.record_time_us)
            .unwrap_or(envelope.record_time_us);
        let span_s = (envelope.record_time_us - before_us) / SECOND_US;
        assert!(
            (0..=305).contains(&span_s),
            "{span_s} s after the last of {}",
            envelope.source
        );
    }
    let mut expected = 0;
    for source in crate::sources() {
        expected += source
            .streams
            .iter()
            .map(|stream| settings.partitions.of(*stream) as usize)
            .sum::<usize>();
    }
    assert_eq!(last.len(), expected);
    assert!(
        last.values().all(|at_us| *at_us >= end_us),
        "the last one closes the day"
    );
}

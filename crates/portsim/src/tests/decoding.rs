//! The records as the engine's own decoder reads them.

use super::*;
use crate::{Partitions, WrongKind};
use events::Stream;
use events::decode::{Decoder, Kind, Projection};
use std::collections::BTreeMap;

/// Each wrong kind is rejected for its reason, and everything else is a row of the table under which it was counted.
#[test]
fn the_engines_decoder_finds_what_was_made() {
    let settings = Settings {
        hours: 8,
        chatter_percent: 5,
        partitions: Partitions::all(1),
        disorder: Disorder {
            wrong_ppm: 50_000,
            ..Disorder::default()
        },
        ..Settings::default()
    };
    let decoder = |stream| (stream, Decoder::new(stream, &Projection::none()).unwrap());
    let mut decoders: BTreeMap<Stream, Decoder> = Stream::ALL.into_iter().map(decoder).collect();
    let mut simulation = Simulation::new(settings).unwrap();
    let mut rejects: BTreeMap<i32, u64> = BTreeMap::new();
    let (mut tables, mut heartbeats, mut flagged, mut future): (
        BTreeMap<String, u64>,
        u64,
        u64,
        u64,
    ) = Default::default();
    for record in simulation.by_ref() {
        let decoder = decoders.get_mut(&record.stream).unwrap();
        match decoder.read(&record.value) {
            Err(error) => *rejects.entry(i32::from(error.reason)).or_default() += 1,
            Ok(head) => match head.kind {
                Kind::Heartbeat => heartbeats += 1,
                Kind::Table(_)
                    if head.event_time_us > record.timestamp_ms * 1_000 + 399 * crate::DAY_US =>
                {
                    future += 1
                }
                Kind::Table(_) if head.event_id.ends_with("-wrong") => flagged += 1,
                Kind::Table(table) => *tables.entry(table.table().name.clone()).or_default() += 1,
            },
        }
    }
    let truth = simulation.truth();
    let made = |kind: WrongKind| truth.wrong_by_kind.get(kind.name()).copied().unwrap_or(0);
    assert_eq!(future, made(WrongKind::FutureDate));
    let usable = WrongKind::ALL.into_iter().filter(|kind| kind.is_usable());
    assert_eq!(flagged, usable.map(made).sum::<u64>());
    for kind in WrongKind::ALL
        .into_iter()
        .filter(|kind| *kind != WrongKind::FutureDate)
    {
        let Some(reason) = kind.reject_reason() else {
            continue;
        };
        assert!(made(kind) > 10, "{kind:?}");
        assert_eq!(
            rejects.remove(&i32::from(reason)),
            Some(made(kind)),
            "{kind:?}"
        );
    }
    assert_eq!(rejects, BTreeMap::new(), "nothing else is rejected");
    assert_eq!(heartbeats, truth.heartbeats());
    let names: Vec<&str> = tables.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        truth.events_by_table.keys().copied().collect::<Vec<_>>()
    );
    assert_eq!(
        tables.values().sum::<u64>(),
        truth.events() + truth.duplicates() + truth.amended()
    );
}

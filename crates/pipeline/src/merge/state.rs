//! The state of the windows, as the settings have it, and how far time has come for it.

use std::sync::Arc;

use events::Stream;
use windows::frontier::{Frontier, Origin};
use windows::merge::{Merge as Windows, MergeSettings, OnTime, Outcome};
use windows::program::Program;
use windows::state::held::Spill;

use crate::error::EngineError;
use crate::log::Partition;
use crate::partials;
use crate::settings::{Settings, micros};

/// The state of all queries, without rows.
pub(super) fn windows(
    settings: &Settings,
    program: Arc<Program>,
    partition: &Partition,
    spill: Option<Arc<dyn Spill>>,
) -> Result<Windows, EngineError> {
    let early = settings
        .early
        .iter()
        .map(|(query, every)| (query.clone(), micros(*every)));
    let ahead = MergeSettings {
        on_time: OnTime {
            corrected_every_us: micros(settings.on_time.corrected_every),
            except: settings.on_time.except.clone(),
        },
        early_us: early.collect(),
        own_frontier: settings.waits_for.keys().cloned().collect(),
        spill,
        ..bounds(settings)
    };
    at_home(settings, program, partition, &ahead)
}

/// As [`windows()`], of queries that tell final rows alone.
pub(crate) fn windows_of_finals(
    settings: &Settings,
    program: Arc<Program>,
    partition: &Partition,
    spill: Option<Arc<dyn Spill>>,
) -> Result<Windows, EngineError> {
    let finals = MergeSettings {
        spill,
        ..bounds(settings)
    };
    at_home(settings, program, partition, &finals)
}

fn bounds(settings: &Settings) -> MergeSettings {
    MergeSettings {
        table_keys_max: settings.table_keys_max,
        correction_us: micros(settings.correction_max),
        query_keys_max: settings.query_keys_max,
        rest_after_us: micros(settings.rest_after),
        ..MergeSettings::default()
    }
}

fn at_home(
    settings: &Settings,
    program: Arc<Program>,
    partition: &Partition,
    merge_settings: &MergeSettings,
) -> Result<Windows, EngineError> {
    let mut state = Windows::new(program, merge_settings)?;
    let (index, partitions) = (partition.index, settings.topics.partials_partitions);
    state.live_at(Arc::new(move |merge_key, rows| {
        Ok(partials::share(merge_key, rows, index, partitions)?)
    }));
    Ok(state)
}

/// Computes with the rows that nothing can take back any more.
pub(crate) fn settle(
    settings: &Settings,
    frontier: &Frontier,
    state: &mut Windows,
) -> Result<Outcome, EngineError> {
    let reached_us = match frontier.ended() {
        Some(_) => Some(i64::MAX),
        None => frontier.reached_us(),
    };
    let passed = |stream: &str, partition: i32, source: &str| {
        let stream = Stream::from_name(stream);
        let mut inputs = settings.inputs.iter();
        let input = inputs.find(|input| Some(input.stream) == stream);
        let own = input.and_then(|input| frontier.passed_us(&input.topic, partition, source));
        own.max(reached_us).unwrap_or(i64::MIN)
    };
    Ok(state.settle(reached_us, &passed)?)
}

/// A frontier that waits for every declared source in every partition of its topics.
pub(crate) fn declared(settings: &Settings) -> Frontier {
    let mut frontier = Frontier::new();
    for (input, stream) in settings.partitions() {
        for source in settings.sources_of(stream) {
            frontier.declare(Origin {
                topic: input.topic.to_string(),
                partition: input.index,
                source: source.name.clone(),
            });
        }
    }
    for (query, sources) in &settings.waits_for {
        frontier.wait_for(query, sources.iter().cloned());
    }
    frontier
}

//! Lorries that a gate reports wrongly and then corrects or takes back: made beside the others, so that what the port did
//! is untouched. All versions come in time.

use events::Event;
use events::v1::{self, GateDirection};

use crate::random::Random;
use crate::time::{MINUTE_US, SECOND_US};

/// The ids of such events end so.
pub(crate) const SUFFIX: &str = "-amended";

/// One version of an amended event.
#[derive(Debug)]
pub(crate) struct Version {
    pub event: Event,
    pub record_time_us: i64,
    pub arrival_us: i64,
    /// The same was written before.
    pub is_copy: bool,
}

/// What the gate says one time after the other, by the seconds that it is written after the lorry left and those that it
/// arrives; the seconds by which the time told is off; and whether it is a retraction.
type Telling = (i64, i64, i64, bool);

/// All stories, in the order in which they are told.
const STORIES: [&[Telling]; 4] = [
    // It left by another gate, and somewhat later.
    &[(5, 5, -90, false), (40, 45, 0, false)],
    // There was no such lorry; the gate says so twice.
    &[(5, 5, 0, false), (50, 55, 0, true), (50, 70, 0, true)],
    // The word that there was none overtakes the report.
    &[(5, 60, 0, false), (30, 35, 0, true)],
    // It was taken back by mistake.
    &[(5, 5, 0, false), (20, 25, 0, true), (60, 65, 0, false)],
];

/// The versions of an event about a lorry that nobody else speaks of, which left the terminal of `good` at `now_us`.
pub(crate) fn story(number: usize, good: &Event, now_us: i64, random: &mut Random) -> Vec<Version> {
    let terminal_id = good
        .envelope()
        .map(|envelope| envelope.terminal_id.clone())
        .unwrap_or_default();
    let entered_us = now_us - random.between(15 * MINUTE_US, 40 * MINUTE_US);
    let story = STORIES[number % STORIES.len()];
    let version = |(place, &(written_s, arrives_s, off_s, is_retracted)): (usize, &Telling)| {
        let record_time_us = now_us + written_s * SECOND_US;
        let envelope = v1::Envelope {
            event_id: format!("gate-{number:07}{SUFFIX}"),
            source: "gate".to_owned(),
            event_time_us: now_us + off_s * SECOND_US,
            record_time_us,
            classifier: v1::Classifier::Act.into(),
            terminal_id: terminal_id.clone(),
            un_location_code: "DEDUI".to_owned(),
            is_retracted,
            ..Default::default()
        };
        let body = v1::GateEvent {
            truck_id: format!("DU-XX {number}"),
            gate: format!("{terminal_id}-G{}", 1 + place % 2),
            direction: GateDirection::Out.into(),
            entered_at_us: Some(entered_us),
            haulier: "KOCH".to_owned(),
            ..Default::default()
        };
        let event = v1::ContainerEvent {
            envelope: Some(envelope),
            body: Some(v1::container_event::Body::GateEvent(body)),
        };
        Version {
            event: event.into(),
            record_time_us,
            arrival_us: now_us + arrives_s * SECOND_US,
            is_copy: story[..place].iter().any(|before| before.0 == written_s),
        }
    };
    story.iter().enumerate().map(version).collect()
}

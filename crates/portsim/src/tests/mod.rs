//! What must hold of every simulated day, whatever the seed: read back from the records, not from the simulator's state.

use crate::{Disorder, Settings, Simulation};
use events::{Event, v1};

const SEEDS: [u64; 3] = [1, 7, 4242];

/// Few positions and readings: the port is the same, the test is quick.
fn quiet(seed: u64) -> Settings {
    Settings {
        seed,
        chatter_percent: 10,
        disorder: Disorder::none(),
        ..Settings::default()
    }
}

/// All events in the order of their event time, heartbeats left out.
fn events_of(settings: Settings) -> Vec<Event> {
    let simulation = Simulation::new(settings).unwrap();
    let decoded = simulation.filter(|record| record.partition.is_none());
    let mut events: Vec<Event> = decoded
        .map(|record| Event::decode(record.stream, &record.value).unwrap())
        .collect();
    events.sort_by_key(|event| (envelope(event).event_time_us, envelope(event).source_seq));
    events
}

fn envelope(event: &Event) -> &v1::Envelope {
    event.envelope().unwrap()
}

fn is_act(event: &Event) -> bool {
    envelope(event).classifier == i32::from(v1::Classifier::Act)
}

macro_rules! bodies {
    ($events:expr, $stream:ident, $module:ident :: $body:ident) => {
        $events.iter().filter_map(|event| match event {
            Event::$stream(inner) => match &inner.body {
                Some(v1::$module::Body::$body(body)) => Some((envelope(event), body, event)),
                _ => None,
            },
            _ => None,
        })
    };
}

mod decoding;
mod order;
mod rail;
mod vessels;
mod whole;
mod yard;

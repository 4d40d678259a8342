//! Small samples written by hand, one a fault; and the public files where they are present.

mod ais;
mod dcsa;
mod digitraffic;
mod files;
mod robust;

use crate::{Fate, Import, Outcome, Place, Problem, import};
use events::{Event, v1};

fn imported(text: &str) -> Import {
    import(None, text.as_bytes()).unwrap()
}

fn envelope(event: &Event) -> &v1::Envelope {
    event.envelope().unwrap()
}

fn position(event: &Event) -> &v1::VesselPosition {
    match event {
        Event::Vessel(v1::VesselEvent {
            body: Some(v1::vessel_event::Body::VesselPosition(position)),
            ..
        }) => position,
        other => panic!("{other:?} is no position"),
    }
}

fn timestamp(event: &Event) -> &v1::PortCallTimestamp {
    match event {
        Event::Vessel(v1::VesselEvent {
            body: Some(v1::vessel_event::Body::PortCallTimestamp(timestamp)),
            ..
        }) => timestamp,
        other => panic!("{other:?} is no timestamp"),
    }
}

fn equipment(event: &Event) -> &v1::EquipmentEvent {
    match event {
        Event::Container(v1::ContainerEvent {
            body: Some(v1::container_event::Body::EquipmentEvent(equipment)),
            ..
        }) => equipment,
        other => panic!("{other:?} is no equipment event"),
    }
}

/// The one problem with this text in its reason.
fn only<'a>(import: &'a Import, reason: &str) -> &'a Problem {
    let found: Vec<&Problem> = import
        .problems
        .iter()
        .filter(|problem| problem.reason.contains(reason))
        .collect();
    assert_eq!(found.len(), 1, "{reason:?} among {:#?}", import.problems);
    found[0]
}

fn at(pointer: &str) -> Place {
    Place::Pointer(pointer.to_owned())
}

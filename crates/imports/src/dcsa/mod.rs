//! DCSA's standards: Track & Trace (2.2, 3.0) and Port Call (2.0).
//!
//! Codes are read in both spellings, `GTIN` and `GATED_IN`, `ACT` and `ACTUAL`, whatever version a document claims, since
//! published samples mix them. The same event id with a later time of update overrides: the ids are taken as they are.

pub(crate) mod port_call;
mod reefer;
pub(crate) mod track_trace;
mod transport;
mod vessel;

use crate::error::ImportError;
use crate::format::Format;
use crate::node::{Node, Skipped};
use crate::outcome::Desk;
use serde_json::Value;

/// The events of a document: a bare list, or the list `events` of an object.
fn events_of<'a>(document: &'a Value, format: Format) -> Result<Vec<Node<'a>>, ImportError> {
    let root = Node::root(document);
    let list = if root.is_list() {
        Some(root)
    } else {
        root.get("events").filter(Node::is_list)
    };
    let Some(list) = list else {
        return Err(ImportError::NotOfFormat {
            format,
            reason: "there is neither a list of events nor an object with the list events"
                .to_owned(),
        });
    };
    Ok(list.elements())
}

/// The id that every event must have. A number is none: it would not survive the way through systems.
fn event_id(node: &Node<'_>, desk: &mut Desk<'_>) -> Result<String, Skipped> {
    let Some(id) = node.get("eventID") else {
        return Err(node.skip(desk, "eventID is missing"));
    };
    match id.string().filter(|text| !text.is_empty()) {
        Some(text) => Ok(text),
        None => Err(id.skip(desk, "eventID is no text")),
    }
}

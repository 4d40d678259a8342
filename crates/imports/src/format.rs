//! The formats, and how each is recognised.

use serde_json::Value;
use std::fmt;

/// A public format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Port calls of Digitraffic, Finland (JSON).
    Digitraffic,
    /// Historical AIS of the Danish Maritime Authority (CSV, 22 or 26 columns).
    DmaAis,
    /// DCSA Track & Trace 2.2 and 3.0 (JSON), both spellings of codes.
    DcsaTrackTrace,
    /// DCSA Port Call 2.0 (JSON).
    DcsaPortCall,
}

impl Format {
    /// All formats.
    pub const ALL: [Format; 4] = [
        Format::Digitraffic,
        Format::DmaAis,
        Format::DcsaTrackTrace,
        Format::DcsaPortCall,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::Digitraffic => "digitraffic",
            Format::DmaAis => "dma-ais",
            Format::DcsaTrackTrace => "dcsa-track-trace",
            Format::DcsaPortCall => "dcsa-port-call",
        }
    }

    /// The format of this name.
    pub fn from_name(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    /// All names, for messages.
    pub fn names() -> String {
        Format::ALL.map(Format::name).join(", ")
    }

    /// The `source` in the envelope of the events that the format gives.
    pub fn source(self) -> &'static str {
        match self {
            Format::Digitraffic => "digitraffic",
            Format::DmaAis => "dma-ais",
            Format::DcsaTrackTrace => "dcsa-tnt",
            Format::DcsaPortCall => "dcsa-portcall",
        }
    }

    /// Recognises a text format by its first bytes.
    pub(crate) fn of_text(head: &[u8]) -> Option<Format> {
        let text = String::from_utf8_lossy(&head[..head.len().min(64)]);
        let bare = text.trim_start_matches(['\u{feff}', '#', ' ']);
        bare.starts_with("Timestamp,Type of mobile")
            .then_some(Format::DmaAis)
    }

    /// Recognises a JSON format by what its first objects hold.
    pub(crate) fn of_json(document: &Value) -> Option<Format> {
        if document.get("portCalls").is_some() {
            return Some(Format::Digitraffic);
        }
        let list = document.get("events").unwrap_or(document).as_array()?;
        let any = |key: &str| list.iter().any(|event| event.get(key).is_some());
        if any("portCallService") {
            return Some(Format::DcsaPortCall);
        }
        // Deliberately wrong Track & Trace documents wrap their events once more.
        let is_tnt = any("eventType") || any("eventClassification") || any("someEvents");
        is_tnt.then_some(Format::DcsaTrackTrace)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

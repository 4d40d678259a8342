//! Why a record cannot be decoded.
use std::fmt;

use crate::v1::RejectReason;

/// Why a record cannot be decoded, in the terms of the reject topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The reason code.
    pub reason: RejectReason,
    /// Where decoding stopped, in bytes from the start of the value; `None` where it is not one place.
    pub at_byte: Option<u64>,
    /// The field, from the root message on, such as `port_call_timestamp.vessel.imo`; empty where it is the record.
    pub path: String,
    /// What was wrong and how to mend it.
    pub detail: String,
}

impl DecodeError {
    pub(crate) fn of_record(reason: RejectReason, detail: impl Into<String>) -> DecodeError {
        DecodeError {
            reason,
            at_byte: None,
            path: String::new(),
            detail: detail.into(),
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.path.as_str(), self.at_byte) {
            ("", None) => write!(f, "{}", self.detail),
            ("", Some(at)) => write!(f, "byte {at}: {}", self.detail),
            (path, None) => write!(f, "field {path}: {}", self.detail),
            (path, Some(at)) => write!(f, "field {path} at byte {at}: {}", self.detail),
        }
    }
}

impl std::error::Error for DecodeError {}

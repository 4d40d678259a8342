//! Instants in words.
use chrono::{DateTime, SecondsFormat};

/// The instant that [`rfc3339`] writes so, microseconds since 1970; none if the text is no RFC 3339 instant with its offset from UTC.
pub fn instant(text: &str) -> Option<i64> {
    let parsed = DateTime::parse_from_rfc3339(text).ok()?;
    Some(parsed.timestamp_micros())
}

/// Microseconds since 1970 in RFC 3339, such as `2026-05-01T06:30:00Z`; beyond the years that it can show, the number.
pub fn rfc3339(instant_us: i64) -> String {
    match DateTime::from_timestamp_micros(instant_us) {
        Some(instant) => instant.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        None => instant_us.to_string(),
    }
}

//! From a file to its outcomes.

use crate::error::ImportError;
use crate::format::Format;
use crate::outcome::{Desk, Import, Outcome};
use crate::{dcsa, digitraffic, dma_ais};
use serde_json::Value;
use std::io::{BufRead, Read};

/// The longest JSON document that is read, bytes. CSV has no limit, since it is read row by row.
pub const JSON_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Imports a whole file that lies in memory. Without a format it is recognised.
///
/// # Errors
/// If the file is of no known format, too long, or not of the format at all. Faults within a file are no errors but
/// [problems](crate::Problem).
pub fn import(format: Option<Format>, bytes: &[u8]) -> Result<Import, ImportError> {
    let mut import = Import::default();
    read(format, bytes, &mut |outcome| match outcome {
        Outcome::Event(event) => import.events.push(*event),
        Outcome::Problem(problem) => import.problems.push(problem),
    })?;
    Ok(import)
}

/// Imports a file piece by piece and says of what format it was. Rows of a CSV are given as they are read.
///
/// # Errors
/// As [`import`], and if reading fails.
pub fn read(
    format: Option<Format>,
    mut file: impl BufRead,
    each: &mut dyn FnMut(Outcome),
) -> Result<Format, ImportError> {
    let seen = match format {
        Some(format) => Some(format),
        None => Format::of_text(file.fill_buf()?),
    };
    let mut desk = Desk::new(each);
    if seen == Some(Format::DmaAis) {
        dma_ais::read(file, &mut desk)?;
        return Ok(Format::DmaAis);
    }
    let document = parse(seen, &whole(file)?)?;
    let Some(format) = seen.or_else(|| Format::of_json(&document)) else {
        let seen = "JSON without the fields of any of them".to_owned();
        return Err(ImportError::UnknownFormat { seen });
    };
    match format {
        Format::Digitraffic => digitraffic::read(&document, &mut desk)?,
        Format::DcsaPortCall => dcsa::port_call::read(&document, &mut desk)?,
        Format::DcsaTrackTrace => dcsa::track_trace::read(&document, &mut desk)?,
        Format::DmaAis => {}
    }
    Ok(format)
}

fn whole(file: impl BufRead) -> Result<Vec<u8>, ImportError> {
    let mut bytes = Vec::new();
    file.take(JSON_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > JSON_BYTES_MAX {
        let limit_bytes = JSON_BYTES_MAX;
        return Err(ImportError::TooLong { limit_bytes });
    }
    Ok(bytes)
}

fn parse(format: Option<Format>, bytes: &[u8]) -> Result<Value, ImportError> {
    let bare = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    serde_json::from_slice(bare).map_err(|fault| match format {
        Some(format) => ImportError::NotOfFormat {
            format,
            reason: fault.to_string(),
        },
        None => ImportError::UnknownFormat {
            seen: looks_like(bare),
        },
    })
}

fn looks_like(bytes: &[u8]) -> String {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    match first {
        None => "it is empty".to_owned(),
        Some(b'<') => "it looks like XML".to_owned(),
        Some(b'{' | b'[') => "it looks like JSON, but does not parse".to_owned(),
        Some(b'U') if bytes.starts_with(b"UNA") || bytes.starts_with(b"UNB") => {
            "it looks like EDIFACT, which is not read yet".to_owned()
        }
        Some(_) => "neither JSON nor a known CSV header".to_owned(),
    }
}

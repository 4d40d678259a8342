//! The header of a request: what is asked, at which version, by whom.

use bytes::{Buf, Bytes};
use kafka_protocol::messages::ApiKey;

/// What is known of a request before its body is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    pub(crate) key: ApiKey,
    pub(crate) version: i16,
    pub(crate) correlation_id: i32,
}

/// Reads the header; the body is left in the frame.
pub(crate) fn read_head(frame: &mut Bytes) -> Result<(Head, String), String> {
    let cut = |_| "a request that ends within its header".to_owned();
    let number = frame.try_get_i16().map_err(cut)?;
    let version = frame.try_get_i16().map_err(cut)?;
    let correlation_id = frame.try_get_i32().map_err(cut)?;
    let key = ApiKey::try_from(number).map_err(|()| format!("request kind {number} is unknown"))?;
    let client_bytes = usize::try_from(frame.try_get_i16().map_err(cut)?).unwrap_or(0);
    if client_bytes > frame.len() {
        return Err("a client id that goes beyond its frame".to_owned());
    }
    let client_id = String::from_utf8_lossy(&frame.split_to(client_bytes)).into_owned();
    if key.request_header_version(version) >= 2 {
        skip_tagged(frame).ok_or("tagged fields that go beyond their frame")?;
    }
    Ok((
        Head {
            key,
            version,
            correlation_id,
        },
        client_id,
    ))
}

fn skip_tagged(frame: &mut Bytes) -> Option<()> {
    for _ in 0..unsigned(frame)? {
        unsigned(frame)?;
        let length = usize::try_from(unsigned(frame)?).ok()?;
        if length > frame.len() {
            return None;
        }
        frame.advance(length);
    }
    Some(())
}

fn unsigned(frame: &mut Bytes) -> Option<u32> {
    let mut value = 0u32;
    for shift in [0, 7, 14, 21, 28] {
        let byte = frame.try_get_u8().ok()?;
        value |= u32::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

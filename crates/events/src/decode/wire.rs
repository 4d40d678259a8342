//! The protobuf wire: varints, lengths, and skipping what the schema does not know.

/// What is wrong with some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// They end in the middle of a field.
    Truncated,
    /// A varint of more than 64 bits.
    Varint,
    /// Field number 0, above 2^29, or wire type 6 or 7.
    Tag,
    /// A known field in another wire type than the schema's.
    WireType,
    /// The end of a group that was not begun, or another one's.
    EndGroup,
    /// Groups within groups.
    GroupDepth,
    /// Text that is not UTF-8.
    Utf8,
    /// A field longer than the limit.
    FieldLength,
    /// More values of repeated fields than the limit.
    ListLength,
}

/// Messages and groups within each other: as many as prost allows, so that both accept the same bytes.
const DEPTH_MAX: usize = 100;

/// Reads a varint at `*pos` and moves behind it.
#[inline(always)]
pub(crate) fn varint(buf: &[u8], pos: &mut usize) -> Result<u64, Wrong> {
    match buf.get(*pos) {
        Some(&byte) if byte < 0x80 => {
            *pos += 1;
            Ok(u64::from(byte))
        }
        Some(_) => varint_long(buf, pos),
        None => Err(Wrong::Truncated),
    }
}

/// A varint of two bytes or more.
#[inline(always)]
fn varint_long(buf: &[u8], pos: &mut usize) -> Result<u64, Wrong> {
    let rest = buf.get(*pos..).unwrap_or_default();
    let Some(chunk) = rest.first_chunk::<8>() else {
        let (value, length) = varint_bytewise(rest)?;
        *pos += length;
        return Ok(value);
    };
    let (value, length) = match squeezed(u64::from_le_bytes(*chunk)) {
        Some(short) => short,
        None => varint_bytewise(rest)?,
    };
    *pos += length;
    Ok(value)
}

/// The varint in eight bytes and its length; `None` if it is longer. Finds the byte without the continuation bit, then
/// squeezes the 7-bit groups together, all at once.
#[inline(always)]
fn squeezed(word: u64) -> Option<(u64, usize)> {
    let ends = !word & 0x8080_8080_8080_8080;
    if ends == 0 {
        return None;
    }
    let length = (ends.trailing_zeros() as usize >> 3) + 1;
    let x = word & (ends ^ (ends - 1)) & 0x7f7f_7f7f_7f7f_7f7f;
    let x = (x & 0x007f_007f_007f_007f) | ((x & 0x7f00_7f00_7f00_7f00) >> 1);
    let x = (x & 0x0000_3fff_0000_3fff) | ((x & 0x3fff_0000_3fff_0000) >> 2);
    Some((
        (x & 0x0fff_ffff) | ((x & 0x0fff_ffff_0000_0000) >> 4),
        length,
    ))
}

/// At the end of the record, or of more than eight bytes: the value and its length. Takes no `pos`, so that the walk can
/// keep it in a register.
#[inline(never)]
fn varint_bytewise(rest: &[u8]) -> Result<(u64, usize), Wrong> {
    let mut value = 0u64;
    for (at, &byte) in rest.iter().take(10).enumerate() {
        if at == 9 && byte > 1 {
            return Err(Wrong::Varint);
        }
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte < 0x80 {
            return Ok((value, at + 1));
        }
    }
    Err(Wrong::Truncated)
}

/// Reads a length at `*pos` and returns where what it measures ends, which is not behind `end`; `*pos` is then where it
/// starts.
#[inline(always)]
pub(crate) fn length(buf: &[u8], pos: &mut usize, end: usize) -> Result<usize, Wrong> {
    let length = varint(buf, pos)?;
    match end.checked_sub(*pos) {
        Some(room) if length <= room as u64 => Ok(*pos + length as usize),
        _ => Err(Wrong::Truncated),
    }
}

#[inline(always)]
pub(crate) fn fixed32(buf: &[u8], pos: &mut usize) -> Result<u32, Wrong> {
    let chunk = buf
        .get(*pos..)
        .and_then(|rest| rest.first_chunk::<4>())
        .ok_or(Wrong::Truncated)?;
    *pos += 4;
    Ok(u32::from_le_bytes(*chunk))
}

#[inline(always)]
pub(crate) fn fixed64(buf: &[u8], pos: &mut usize) -> Result<u64, Wrong> {
    let chunk = buf
        .get(*pos..)
        .and_then(|rest| rest.first_chunk::<8>())
        .ok_or(Wrong::Truncated)?;
    *pos += 8;
    Ok(u64::from_le_bytes(*chunk))
}

/// Reads a tag: field number and wire type in one.
#[inline(always)]
pub(crate) fn tag(buf: &[u8], pos: &mut usize) -> Result<u32, Wrong> {
    let tag = varint(buf, pos)?;
    u32::try_from(tag).map_err(|_| Wrong::Tag)
}

/// Skips an unknown group whose start tag stood before `*pos`, `depth` messages deep.
#[cold]
pub(crate) fn skip_group(
    buf: &[u8],
    pos: &mut usize,
    number: u32,
    depth: usize,
) -> Result<(), Wrong> {
    let mut open = [0u32; DEPTH_MAX];
    open[0] = number;
    let mut count = 1;
    while count > 0 {
        let tag = tag(buf, pos)?;
        let number = tag >> 3;
        if number == 0 {
            return Err(Wrong::Tag);
        }
        match tag & 7 {
            6 | 7 => return Err(Wrong::Tag),
            4 if open[count - 1] != number => return Err(Wrong::EndGroup),
            4 => {
                count -= 1;
                continue;
            }
            _ if depth + count >= DEPTH_MAX => return Err(Wrong::GroupDepth),
            0 => varint(buf, pos).map(drop)?,
            1 => fixed64(buf, pos).map(drop)?,
            2 => *pos = length(buf, pos, buf.len())?,
            5 => fixed32(buf, pos).map(drop)?,
            _ => {
                open[count] = number;
                count += 1;
            }
        }
    }
    Ok(())
}

/// Text up to this length is checked in one step: an identifier, a UUID.
pub(crate) const SHORT_TEXT: usize = 48;

/// Bytes that are looked at together: a tag of one byte, a length of one byte, a short text.
pub(crate) const WINDOW: usize = 2 + SHORT_TEXT;

/// The high bits of the first bytes of sixteen, by how many.
const HIGH_BITS: [[u64; 2]; 17] = {
    let mut masks = [[0; 2]; 17];
    let mut length = 1;
    while length < masks.len() {
        masks[length] = masks[length - 1];
        masks[length][(length - 1) / 8] |= 0x80 << (8 * ((length - 1) % 8));
        length += 1;
    }
    masks
};

/// The length of the text after a tag and a length, if it is short and ASCII: nearly all text of a port.
#[inline(always)]
pub(crate) fn short_text(window: &[u8; WINDOW]) -> Option<usize> {
    let length = usize::from(window[1]);
    let high = if length <= 16 {
        high(window, 2, length)
    } else if length <= 32 {
        high(window, 2, 16) | high(window, 18, length - 16)
    } else if length <= SHORT_TEXT {
        high(window, 2, 16) | high(window, 18, 16) | high(window, 34, length - 32)
    } else {
        return None;
    };
    (high == 0).then_some(length)
}

/// The high bits of up to sixteen bytes of a window.
#[inline(always)]
fn high(window: &[u8; WINDOW], at: usize, length: usize) -> u64 {
    let word = |at: usize| {
        let chunk = window[at..].first_chunk();
        chunk.map_or(0, |chunk| u64::from_le_bytes(*chunk))
    };
    let [first, second] = HIGH_BITS[length];
    word(at) & first | word(at + 8) & second
}

/// The varint after a tag of one byte, and its length, if that is at most eight.
#[inline(always)]
pub(crate) fn short_varint(window: &[u8; WINDOW]) -> Option<(u64, usize)> {
    if window[1] < 0x80 {
        return Some((u64::from(window[1]), 1));
    }
    squeezed(u64::from_le_bytes(*window[1..].first_chunk::<8>()?))
}

/// As [`short_varint`], the length alone.
#[inline(always)]
pub(crate) fn short_varint_length(window: &[u8; WINDOW]) -> Option<usize> {
    if window[1] < 0x80 {
        return Some(1);
    }
    squeezed(u64::from_le_bytes(*window[1..].first_chunk::<8>()?)).map(|(_, length)| length)
}

/// A varint of one or two bytes, and how many.
#[inline(always)]
pub(crate) fn two_bytes(first: u8, second: u8) -> Option<(u32, usize)> {
    if first < 0x80 {
        Some((u32::from(first), 1))
    } else if second < 0x80 {
        Some((u32::from(first & 0x7f) | u32::from(second) << 7, 2))
    } else {
        None
    }
}

/// The bits of an `i64` from a varint of an `int32`, `uint32` or `sint32`.
#[inline(always)]
pub(crate) fn int32(raw: u64) -> u64 {
    i64::from(raw as i32) as u64
}

#[inline(always)]
pub(crate) fn uint32(raw: u64) -> u64 {
    u64::from(raw as u32)
}

#[inline(always)]
pub(crate) fn sint32(raw: u64) -> u64 {
    let raw = raw as u32;
    int32(u64::from((raw >> 1) ^ (raw & 1).wrapping_neg()))
}

/// Checks that text is UTF-8.
#[inline]
pub(crate) fn is_utf8(text: &[u8]) -> bool {
    is_short_ascii(text) || std::str::from_utf8(text).is_ok()
}

/// True if the bytes are at most 32 and ASCII: two overlapping loads from each end see them all.
#[inline(always)]
fn is_short_ascii(text: &[u8]) -> bool {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let word = |chunk: &[u8; 8]| u64::from_le_bytes(*chunk);
    let Some((first, last)) = text.first_chunk::<8>().zip(text.last_chunk::<8>()) else {
        if let Some((first, last)) = text.first_chunk::<4>().zip(text.last_chunk::<4>()) {
            return (u32::from_le_bytes(*first) | u32::from_le_bytes(*last)) & HIGH as u32 == 0;
        }
        return text.iter().fold(0, |all, byte| all | byte) < 0x80;
    };
    let ends = word(first) | word(last);
    if text.len() <= 16 {
        return ends & HIGH == 0;
    }
    match text[8..]
        .first_chunk::<8>()
        .zip(text[..text.len() - 8].last_chunk::<8>())
    {
        Some((second, third)) if text.len() <= 32 => {
            (ends | word(second) | word(third)) & HIGH == 0
        }
        _ => false,
    }
}

#[cfg(test)]
#[path = "wire_tests.rs"]
mod tests;

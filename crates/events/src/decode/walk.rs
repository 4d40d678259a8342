//! Reads a record into the row, field by field.
use super::layout::{Code, Layout, Op, SINK};
use super::row::{Row, Stop, span};
use super::wire::{self, Wrong};

/// What does not change from record to record.
#[derive(Debug)]
pub(crate) struct Limits {
    pub field_bytes_max: usize,
    pub list_values_max: usize,
}

/// Messages around a field, at most: the root, the body, and what `schema` allows within it.
const DEPTH_MAX: usize = 8;

/// Bytes looked at together: a tag, a length, a short text. Fields nearer to the end of the record go the long way.
const WINDOW: usize = 2 + wire::SHORT_TEXT;

/// What is the same for all records.
struct Context<'c> {
    layout: &'c Layout,
    limits: &'c Limits,
    value: &'c [u8],
}

/// Reads a record. There is no recursion: messages around the current one wait in an array. Usual fields are read from
/// one window, with one check of the bounds; all others go through [`other`].
///
/// Numbers are read from the whole record, so that they can be looked at eight bytes at a time; one that runs over the
/// end of its message is found when the walk stands behind that end.
pub(crate) fn record(
    layout: &Layout,
    limits: &Limits,
    row: &mut Row,
    value: &[u8],
) -> Result<(), Stop> {
    let context = &Context {
        layout,
        limits,
        value,
    };
    let (mut nodes_around, mut ends_around) = ([0u16; DEPTH_MAX], [0usize; DEPTH_MAX]);
    let mut depth = 0;
    let (mut node_place, mut end) = (0u16, value.len());
    let mut node = &layout.nodes[0];
    let (mut at, mut pos) = (0, 0);
    let tail = tail(value);
    loop {
        if pos >= end {
            if pos > end {
                return Err(stop(value, Wrong::Truncated, at, node_place));
            }
            if depth == 0 {
                return Ok(());
            }
            depth -= 1;
            (node_place, end) = (nodes_around[depth], ends_around[depth]);
            node = &layout.nodes[usize::from(node_place)];
            continue;
        }
        at = pos;
        if let Some(window) = window(value, &tail, pos)
            && let Some(&op) = node.short.get(usize::from(window[0]))
            && let Some(next) = usual(context, row, window, op, (pos, end))
        {
            pos = next;
            continue;
        }
        let fault = |wrong| stop(value, wrong, at, node_place);
        let op = layout.op(node, wire::tag(value, &mut pos).map_err(fault)?);
        if !matches!(op.code, Code::Message | Code::Body) {
            pos = other(context, row, op, (at, pos, end), depth).map_err(fault)?;
            continue;
        }
        let inner_end = wire::length(value, &mut pos, end).map_err(fault)?;
        let place = depth & (DEPTH_MAX - 1);
        (nodes_around[place], ends_around[place]) = (node_place, end);
        depth += 1;
        end = inner_end;
        node_place = if op.code == Code::Body {
            begin_body(layout, row, op.extra)
        } else {
            op.extra
        };
        node = &layout.nodes[usize::from(node_place)];
    }
}

#[cold]
fn stop(value: &[u8], wrong: Wrong, at: usize, node: u16) -> Stop {
    let tag = wire::tag(value, &mut { at }).unwrap_or_default();
    Stop {
        wrong,
        at,
        node,
        tag,
    }
}

/// Begins a member of the body; gives its node.
fn begin_body(layout: &Layout, row: &mut Row, place: u16) -> u16 {
    let body = &layout.bodies[usize::from(place)];
    if row.body != place {
        row.begin_body(place, body.slots);
    }
    body.node
}

/// The last bytes of the record with as many zeroes behind them, so that the last fields have a window too.
#[inline(always)]
fn tail(value: &[u8]) -> [u8; 2 * WINDOW] {
    let mut tail = [0; 2 * WINDOW];
    match value.last_chunk::<WINDOW>() {
        Some(last) => tail[..WINDOW].copy_from_slice(last),
        None => tail[..value.len()].copy_from_slice(value),
    }
    tail
}

/// The bytes from `pos` on, in the record or in its tail.
#[inline(always)]
fn window<'v>(value: &'v [u8], tail: &'v [u8; 2 * WINDOW], pos: usize) -> Option<&'v [u8; WINDOW]> {
    match value.get(pos..)?.first_chunk() {
        Some(window) => Some(window),
        None => tail
            .get(pos - value.len().saturating_sub(WINDOW)..)?
            .first_chunk(),
    }
}

/// Reads a field from the window that begins at `pos`; gives where the next one begins. `None` for what does not fit into
/// it, and for everything that is not a usual scalar.
#[inline(always)]
fn usual(
    context: &Context<'_>,
    row: &mut Row,
    window: &[u8; WINDOW],
    op: Op,
    (pos, end): (usize, usize),
) -> Option<usize> {
    if op.code == Code::Text {
        let length = usize::from(window[1]);
        let next = pos + 2 + length;
        if next > end
            || !wire::is_short_text(window, length) && !is_long_text(context, (pos + 2, next))
        {
            return None;
        }
        row.set(op.slot, span(pos + 2, next));
        return Some(next);
    }
    let (raw, length) = wire::short_varint(window)?;
    let raw = match op.code {
        Code::Int64 => raw,
        Code::Int32 => int32(raw),
        Code::Uint32 => uint32(raw),
        Code::Uint64 => saturated(row, raw),
        Code::Sint32 => sint32(raw),
        Code::Bool => u64::from(raw != 0),
        Code::Enum => enumerated(context.layout, row, op, raw),
        _ => return None,
    };
    row.set(op.slot, raw);
    Some(pos + 1 + length)
}

/// Lists, unknown fields, faults, and whatever is not usual, read from `pos`; gives where the next field begins.
#[inline(never)]
fn other(
    context: &Context<'_>,
    row: &mut Row,
    op: Op,
    (at, mut pos, end): (usize, usize, usize),
    depth: usize,
) -> Result<usize, Wrong> {
    let &Context {
        layout,
        limits,
        value,
    } = context;
    match op.code {
        Code::ListOne => {
            let one = layout.lists[usize::from(op.extra)];
            let raw = scalar(context, row, one, end, &mut pos)?;
            push(limits, row, op.slot, raw)?;
        }
        Code::ListPacked => {
            let one = layout.lists[usize::from(op.extra)];
            let end = wire::length(value, &mut pos, end)?;
            while pos < end {
                let raw = scalar(context, row, one, end, &mut pos)?;
                push(limits, row, op.slot, raw)?;
            }
            if pos != end {
                return Err(Wrong::Truncated);
            }
        }
        Code::SkipVarint => wire::varint(value, &mut pos).map(drop)?,
        Code::SkipFixed64 => wire::fixed64(value, &mut pos).map(drop)?,
        Code::SkipLength => pos = wire::length(value, &mut pos, end)?,
        Code::SkipFixed32 => wire::fixed32(value, &mut pos).map(drop)?,
        Code::SkipGroup => {
            let number = wire::tag(value, &mut { at })? >> 3;
            wire::skip_group(&value[..end], &mut pos, number, depth)?;
        }
        Code::BadTag => return Err(Wrong::Tag),
        Code::Mismatch => return Err(Wrong::WireType),
        Code::StrayEndGroup => return Err(Wrong::EndGroup),
        _ => {
            let raw = scalar(context, row, op, end, &mut pos)?;
            row.set(op.slot, raw);
        }
    }
    Ok(pos)
}

/// Reads any scalar in the form that the row keeps.
fn scalar(
    context: &Context<'_>,
    row: &mut Row,
    op: Op,
    end: usize,
    pos: &mut usize,
) -> Result<u64, Wrong> {
    let &Context {
        layout,
        limits,
        value,
    } = context;
    Ok(match op.code {
        Code::Text | Code::Bytes => {
            let end = wire::length(value, pos, end)?;
            let start = std::mem::replace(pos, end);
            if op.code == Code::Text {
                text(limits, &value[start..end])?;
            } else if end - start > limits.field_bytes_max {
                return Err(Wrong::FieldLength);
            }
            span(start, end)
        }
        Code::Int64 => wire::varint(value, pos)?,
        Code::Int32 => int32(wire::varint(value, pos)?),
        Code::Uint32 => uint32(wire::varint(value, pos)?),
        Code::Uint64 => saturated(row, wire::varint(value, pos)?),
        Code::Ufixed64 => saturated(row, wire::fixed64(value, pos)?),
        Code::Sint32 => sint32(wire::varint(value, pos)?),
        Code::Sint64 => {
            let raw = wire::varint(value, pos)?;
            (raw >> 1) ^ (raw & 1).wrapping_neg()
        }
        Code::Bool => u64::from(wire::varint(value, pos)? != 0),
        Code::Enum => enumerated(layout, row, op, wire::varint(value, pos)?),
        Code::Fixed64 => wire::fixed64(value, pos)?,
        Code::Fixed32 => u64::from(wire::fixed32(value, pos)?),
        Code::Sfixed32 => int32(u64::from(wire::fixed32(value, pos)?)),
        // The others are not scalars; the layout does not put them here.
        _ => return Err(Wrong::Tag),
    })
}

#[inline(always)]
fn int32(raw: u64) -> u64 {
    i64::from(raw as i32) as u64
}

#[inline(always)]
fn uint32(raw: u64) -> u64 {
    u64::from(raw as u32)
}

#[inline(always)]
fn sint32(raw: u64) -> u64 {
    let raw = raw as u32;
    int32(u64::from((raw >> 1) ^ (raw & 1).wrapping_neg()))
}

#[inline(always)]
fn enumerated(layout: &Layout, row: &mut Row, op: Op, raw: u64) -> u64 {
    let number = raw as i32;
    let known = layout
        .enums
        .get(usize::from(op.extra))
        .copied()
        .unwrap_or_default();
    row.has_unknown_enum |= !(0..64).contains(&number) || known >> (number & 63) & 1 == 0;
    int32(raw)
}

/// True for text of 17 to 127 bytes within the limit.
#[inline(never)]
fn is_long_text(context: &Context<'_>, (start, end): (usize, usize)) -> bool {
    let has_short_length = end - start < 0x80;
    has_short_length && text(context.limits, &context.value[start..end]).is_ok()
}

/// Checks any text.
fn text(limits: &Limits, text: &[u8]) -> Result<(), Wrong> {
    if text.len() > limits.field_bytes_max {
        Err(Wrong::FieldLength)
    } else if wire::is_utf8(text) {
        Ok(())
    } else {
        Err(Wrong::Utf8)
    }
}

#[inline(always)]
fn saturated(row: &mut Row, raw: u64) -> u64 {
    row.is_saturated |= raw > i64::MAX as u64;
    raw.min(i64::MAX as u64)
}

#[inline]
fn push(limits: &Limits, row: &mut Row, slot: u8, raw: u64) -> Result<(), Wrong> {
    row.list_count += 1;
    if row.list_count > limits.list_values_max {
        return Err(Wrong::ListLength);
    }
    if slot != SINK {
        row.lists.push((slot, raw));
    }
    Ok(())
}

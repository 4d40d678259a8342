//! Reads a message into the row, field by field.
use super::layout::{Code, Layout, Node, Op, SINK};
use super::row::{Row, Stop, span};
use super::wire::{self, Wrong};

/// What does not change from record to record.
#[derive(Debug)]
pub(crate) struct Limits {
    pub field_bytes_max: usize,
    pub list_values_max: usize,
}

/// Where the walk is: a field begins at `at`, the next byte to read is at `pos`.
struct Place {
    at: usize,
    pos: usize,
    end: usize,
}

/// Reads the message of a node from `value[pos..end]`. On a fault the row knows where.
pub(crate) fn message(
    layout: &Layout,
    limits: &Limits,
    row: &mut Row,
    value: &[u8],
    (pos, end): (usize, usize),
    node_place: u16,
) -> Result<(), Wrong> {
    let node = &layout.nodes[usize::from(node_place)];
    let mut place = Place { at: pos, pos, end };
    let read = fields(layout, limits, row, value, &mut place, node);
    if let Err(wrong) = read {
        let tag = wire::tag(value, &mut { place.at }).unwrap_or_default();
        row.stop.get_or_insert(Stop {
            wrong,
            at: place.at,
            node: node_place,
            tag,
        });
    }
    read
}

/// Numbers are read from the whole record, so that they can be looked at eight bytes at a time; one that runs over the
/// end of its message is found when the loop stops behind it.
#[inline(always)]
fn fields(
    layout: &Layout,
    limits: &Limits,
    row: &mut Row,
    value: &[u8],
    place: &mut Place,
    node: &Node,
) -> Result<(), Wrong> {
    let end = place.end;
    let mut pos = place.pos;
    while pos < end {
        place.at = pos;
        let op = match value.get(pos) {
            Some(&byte) if byte < 0x80 => {
                pos += 1;
                node.short[usize::from(byte)]
            }
            _ => layout.op(node, wire::tag(value, &mut pos)?),
        };
        field(
            layout,
            limits,
            row,
            value,
            (&mut pos, end),
            op,
            (place.at, node.depth),
        )?;
    }
    if pos == end {
        Ok(())
    } else {
        Err(Wrong::Truncated)
    }
}

#[inline(always)]
fn field(
    layout: &Layout,
    limits: &Limits,
    row: &mut Row,
    value: &[u8],
    (pos, end): (&mut usize, usize),
    op: Op,
    (at, depth): (usize, u8),
) -> Result<(), Wrong> {
    match op.code {
        Code::Message => {
            let end = wire::length(value, pos, end)?;
            message(layout, limits, row, value, (*pos, end), op.extra)?;
            *pos = end;
        }
        Code::Body => {
            let end = wire::length(value, pos, end)?;
            let body = &layout.bodies[usize::from(op.extra)];
            if row.body != op.extra {
                row.begin_body(op.extra, body.slots);
            }
            message(layout, limits, row, value, (*pos, end), body.node)?;
            *pos = end;
        }
        Code::ListOne => {
            let one = layout.lists[usize::from(op.extra)];
            let raw = scalar(layout, limits, row, value, (pos, end), one)?;
            push(limits, row, op.slot, raw)?;
        }
        Code::ListPacked => {
            let one = layout.lists[usize::from(op.extra)];
            let end = wire::length(value, pos, end)?;
            while *pos < end {
                let raw = scalar(layout, limits, row, value, (pos, end), one)?;
                push(limits, row, op.slot, raw)?;
            }
            if *pos != end {
                return Err(Wrong::Truncated);
            }
        }
        Code::SkipVarint => wire::varint(value, pos).map(drop)?,
        Code::SkipFixed64 => wire::fixed64(value, pos).map(drop)?,
        Code::SkipLength => *pos = wire::length(value, pos, end)?,
        Code::SkipFixed32 => wire::fixed32(value, pos).map(drop)?,
        Code::SkipGroup => {
            let number = wire::tag(value, &mut { at })? >> 3;
            wire::skip_group(&value[..end], pos, number, usize::from(depth))?;
        }
        Code::BadTag => return Err(Wrong::Tag),
        Code::Mismatch => return Err(Wrong::WireType),
        Code::StrayEndGroup => return Err(Wrong::EndGroup),
        _ => {
            let raw = scalar(layout, limits, row, value, (pos, end), op)?;
            row.set(op.slot, raw);
        }
    }
    Ok(())
}

/// Reads one scalar in the form that the row keeps.
#[inline(always)]
fn scalar(
    layout: &Layout,
    limits: &Limits,
    row: &mut Row,
    value: &[u8],
    (pos, end): (&mut usize, usize),
    op: Op,
) -> Result<u64, Wrong> {
    Ok(match op.code {
        Code::Text => {
            let end = wire::length(value, pos, end)?;
            let start = std::mem::replace(pos, end);
            if !wire::is_short_text(value, start, end) {
                long_text(limits, &value[start..end])?;
            }
            span(start, end)
        }
        Code::Bytes => {
            let end = wire::length(value, pos, end)?;
            let start = std::mem::replace(pos, end);
            if end - start > limits.field_bytes_max {
                return Err(Wrong::FieldLength);
            }
            span(start, end)
        }
        Code::Int64 => wire::varint(value, pos)?,
        Code::Int32 => i64::from(wire::varint(value, pos)? as i32) as u64,
        Code::Uint32 => u64::from(wire::varint(value, pos)? as u32),
        Code::Uint64 => saturated(row, wire::varint(value, pos)?),
        Code::Ufixed64 => saturated(row, wire::fixed64(value, pos)?),
        Code::Sint64 => {
            let raw = wire::varint(value, pos)?;
            (raw >> 1) ^ (raw & 1).wrapping_neg()
        }
        Code::Sint32 => {
            let raw = wire::varint(value, pos)? as u32;
            i64::from(((raw >> 1) ^ (raw & 1).wrapping_neg()) as i32) as u64
        }
        Code::Bool => u64::from(wire::varint(value, pos)? != 0),
        Code::Enum => {
            let number = wire::varint(value, pos)? as i32;
            let known = layout.enums[usize::from(op.extra)];
            row.has_unknown_enum |= !(0..64).contains(&number) || known >> (number & 63) & 1 == 0;
            i64::from(number) as u64
        }
        Code::Fixed64 => wire::fixed64(value, pos)?,
        Code::Fixed32 => u64::from(wire::fixed32(value, pos)?),
        Code::Sfixed32 => i64::from(wire::fixed32(value, pos)? as i32) as u64,
        // The others are not scalars; the layout does not put them here.
        _ => return Err(Wrong::Tag),
    })
}

/// Text that is long, not ASCII, or at the very end of the record.
#[inline(never)]
fn long_text(limits: &Limits, text: &[u8]) -> Result<(), Wrong> {
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

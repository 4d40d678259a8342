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
    let context = Context {
        layout,
        limits,
        value,
        end,
        depth: node.depth,
    };
    let mut at = pos;
    let read = fields(&context, row, node, &mut at);
    if let Err(wrong) = read {
        let tag = wire::tag(value, &mut { at }).unwrap_or_default();
        row.stop.get_or_insert(Stop {
            wrong,
            at,
            node: node_place,
            tag,
        });
    }
    read
}

/// What is the same for all fields of a message.
struct Context<'c> {
    layout: &'c Layout,
    limits: &'c Limits,
    value: &'c [u8],
    end: usize,
    depth: u8,
}

/// The hot loop: scalars here, everything else in [`other`]. Numbers are read from the whole record, so that they can be
/// looked at eight bytes at a time; one that runs over the end of its message is found when the loop stops behind it.
/// `at` is where the last field begins.
#[inline(always)]
fn fields(context: &Context<'_>, row: &mut Row, node: &Node, at: &mut usize) -> Result<(), Wrong> {
    let &Context {
        layout, value, end, ..
    } = context;
    let mut pos = *at;
    while pos < end {
        *at = pos;
        let op = match value.get(pos) {
            Some(&byte) if byte < 0x80 => {
                pos += 1;
                node.short[usize::from(byte)]
            }
            _ => layout.op(node, wire::tag(value, &mut pos)?),
        };
        let raw = match op.code {
            Code::Text => {
                let text_end = wire::length(value, &mut pos, end)?;
                let start = std::mem::replace(&mut pos, text_end);
                if !wire::is_short_text(value, start, text_end) {
                    long_text(context.limits, value, start, text_end)?;
                }
                span(start, text_end)
            }
            Code::Int64 => wire::varint(value, &mut pos)?,
            Code::Int32 => int32(wire::varint(value, &mut pos)?),
            Code::Uint32 => uint32(wire::varint(value, &mut pos)?),
            Code::Uint64 => saturated(row, wire::varint(value, &mut pos)?),
            Code::Sint32 => sint32(wire::varint(value, &mut pos)?),
            Code::Bool => u64::from(wire::varint(value, &mut pos)? != 0),
            Code::Enum => enumerated(layout, row, op, wire::varint(value, &mut pos)?),
            _ => {
                pos = other(context, row, op, *at, pos)?;
                continue;
            }
        };
        row.set(op.slot, raw);
    }
    if pos == end {
        Ok(())
    } else {
        Err(Wrong::Truncated)
    }
}

/// Messages, lists, unknown fields, faults, and the rarer scalars, read from `pos`; gives where the next field begins.
#[inline(never)]
fn other(
    context: &Context<'_>,
    row: &mut Row,
    op: Op,
    at: usize,
    mut pos: usize,
) -> Result<usize, Wrong> {
    let &Context {
        layout,
        limits,
        value,
        end,
        depth,
    } = context;
    match op.code {
        Code::Message => {
            let end = wire::length(value, &mut pos, end)?;
            message(layout, limits, row, value, (pos, end), op.extra)?;
            pos = end;
        }
        Code::Body => {
            let end = wire::length(value, &mut pos, end)?;
            let body = &layout.bodies[usize::from(op.extra)];
            if row.body != op.extra {
                row.begin_body(op.extra, body.slots);
            }
            message(layout, limits, row, value, (pos, end), body.node)?;
            pos = end;
        }
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
            wire::skip_group(&value[..end], &mut pos, number, usize::from(depth))?;
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
        ..
    } = context;
    Ok(match op.code {
        Code::Text | Code::Bytes => {
            let end = wire::length(value, pos, end)?;
            let start = std::mem::replace(pos, end);
            if op.code == Code::Text {
                long_text(limits, value, start, end)?;
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

/// Text that is long, not ASCII, or at the very end of the record.
#[inline(never)]
fn long_text(limits: &Limits, value: &[u8], start: usize, end: usize) -> Result<(), Wrong> {
    let text = &value[start..end];
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

//! The long way round, for fields that the walk's loop does not read itself: lists, long numbers and text, wide tags,
//! unknown fields and groups, and whatever is wrong. Written for clarity.
use super::layout::{Code, Layout, Node, Op, SINK};
use super::row::{Row, Stop, span};
use super::walk::{Context, Inner, Limits, Step};
use super::wire::{self, Wrong};

/// Reads any field from `at`.
#[inline(never)]
pub(super) fn field(
    context: &Context<'_>,
    row: &mut Row,
    node: &Node,
    (at, end): (usize, usize),
    depth: usize,
) -> Result<Step, Stop> {
    any(context, row, node, (at, end), depth).map_err(|wrong| stop(context.value, wrong, at, node))
}

#[cold]
fn stop(value: &[u8], wrong: Wrong, at: usize, node: &Node) -> Stop {
    let tag = wire::tag(value, &mut { at }).unwrap_or_default();
    Stop {
        wrong,
        at,
        node: node.place,
        tag,
    }
}

/// Numbers are read from the whole record, so that they can be looked at eight bytes at a time; one that runs over the
/// end of its message is found when it has been read.
fn any(
    context: &Context<'_>,
    row: &mut Row,
    node: &Node,
    (at, end): (usize, usize),
    depth: usize,
) -> Result<Step, Wrong> {
    let &Context {
        layout,
        limits,
        value,
    } = context;
    let mut pos = at;
    let tag = wire::tag(value, &mut pos)?;
    let op = layout.op(node, tag);
    match op.code {
        Code::Message | Code::Body => {
            let end = wire::length(value, &mut pos, end)?;
            let start = pos;
            return Ok(Step::Into(Inner { op, start, end }));
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
        Code::SkipGroup => wire::skip_group(&value[..end], &mut pos, tag >> 3, depth)?,
        Code::BadTag => return Err(Wrong::Tag),
        Code::Mismatch => return Err(Wrong::WireType),
        Code::StrayEndGroup => return Err(Wrong::EndGroup),
        _ => {
            let raw = scalar(context, row, op, end, &mut pos)?;
            row.set(op.slot, raw);
        }
    }
    if pos > end {
        return Err(Wrong::Truncated);
    }
    Ok(Step::To(pos))
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
        Code::Text | Code::CheckText | Code::Bytes => {
            let end = wire::length(value, pos, end)?;
            let start = std::mem::replace(pos, end);
            if end - start > limits.field_bytes_max {
                return Err(Wrong::FieldLength);
            }
            if op.code != Code::Bytes && !wire::is_utf8(&value[start..end]) {
                return Err(Wrong::Utf8);
            }
            span(start, end)
        }
        Code::Int64 => wire::varint(value, pos)?,
        Code::Int32 => wire::int32(wire::varint(value, pos)?),
        Code::Uint32 => wire::uint32(wire::varint(value, pos)?),
        Code::Uint64 | Code::CheckUint64 => saturated(row, wire::varint(value, pos)?),
        Code::Ufixed64 => saturated(row, wire::fixed64(value, pos)?),
        Code::Sint32 => wire::sint32(wire::varint(value, pos)?),
        Code::Sint64 => {
            let raw = wire::varint(value, pos)?;
            (raw >> 1) ^ (raw & 1).wrapping_neg()
        }
        Code::Bool => u64::from(wire::varint(value, pos)? != 0),
        Code::Enum | Code::CheckEnum => enumerated(layout, row, op, wire::varint(value, pos)?),
        Code::Fixed64 => wire::fixed64(value, pos)?,
        Code::Fixed32 => u64::from(wire::fixed32(value, pos)?),
        Code::Sfixed32 => wire::int32(u64::from(wire::fixed32(value, pos)?)),
        // The others are not scalars; the layout does not put them here.
        _ => return Err(Wrong::Tag),
    })
}

fn enumerated(layout: &Layout, row: &mut Row, op: Op, raw: u64) -> u64 {
    let number = raw as i32;
    let enums = layout.enums.get(usize::from(op.extra));
    let is_known = enums.is_some_and(|known| known.binary_search(&number).is_ok());
    row.has_unknown_enum |= !is_known;
    wire::int32(raw)
}

fn saturated(row: &mut Row, raw: u64) -> u64 {
    row.is_saturated |= raw > i64::MAX as u64;
    raw.min(i64::MAX as u64)
}

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

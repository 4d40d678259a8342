//! Reads a message into the row, field by field.
use super::layout::{Code, Layout, Op, SINK};
use super::row::{Row, Stop, span};
use super::wire::{self, Wrong};

/// What does not change from record to record.
#[derive(Debug)]
pub(crate) struct Limits {
    pub field_bytes_max: usize,
    pub list_values_max: usize,
}

/// Reads the message of `node` from `buf[pos..]`; positions count from the start of the record. On a fault the row
/// knows where.
pub(crate) fn message(
    layout: &Layout,
    limits: &Limits,
    row: &mut Row,
    buf: &[u8],
    mut pos: usize,
    node_place: u16,
) -> Result<(), Wrong> {
    let node = &layout.nodes[usize::from(node_place)];
    while pos < buf.len() {
        let at = pos;
        let mut tag = 0;
        let read = (|| {
            tag = wire::tag(buf, &mut pos)?;
            field(
                layout,
                limits,
                row,
                buf,
                &mut pos,
                layout.op(node, tag),
                (tag >> 3, node.depth),
            )
        })();
        if let Err(wrong) = read {
            row.stop.get_or_insert(Stop {
                wrong,
                at,
                node: node_place,
                tag,
            });
            return Err(wrong);
        }
    }
    Ok(())
}

#[inline(always)]
fn field(
    layout: &Layout,
    limits: &Limits,
    row: &mut Row,
    buf: &[u8],
    pos: &mut usize,
    op: Op,
    (number, depth): (u32, u8),
) -> Result<(), Wrong> {
    match op.code {
        Code::Message => {
            let end = wire::length(buf, pos)?;
            message(layout, limits, row, &buf[..end], *pos, op.extra)?;
            *pos = end;
        }
        Code::Body => {
            let end = wire::length(buf, pos)?;
            let body = &layout.bodies[usize::from(op.extra)];
            if row.body != op.extra {
                row.begin_body(op.extra, body.slots);
            }
            message(layout, limits, row, &buf[..end], *pos, body.node)?;
            *pos = end;
        }
        Code::ListOne => {
            let one = layout.lists[usize::from(op.extra)];
            let raw = scalar(layout, limits, row, buf, pos, one)?;
            push(limits, row, op.slot, raw)?;
        }
        Code::ListPacked => {
            let one = layout.lists[usize::from(op.extra)];
            let end = wire::length(buf, pos)?;
            while *pos < end {
                let raw = scalar(layout, limits, row, &buf[..end], pos, one)?;
                push(limits, row, op.slot, raw)?;
            }
        }
        Code::SkipVarint => wire::varint(buf, pos).map(drop)?,
        Code::SkipFixed64 => wire::fixed64(buf, pos).map(drop)?,
        Code::SkipLength => *pos = wire::length(buf, pos)?,
        Code::SkipFixed32 => wire::fixed32(buf, pos).map(drop)?,
        Code::SkipGroup => wire::skip_group(buf, pos, number, usize::from(depth))?,
        Code::BadTag => return Err(Wrong::Tag),
        Code::Mismatch => return Err(Wrong::WireType),
        Code::StrayEndGroup => return Err(Wrong::EndGroup),
        _ => {
            let raw = scalar(layout, limits, row, buf, pos, op)?;
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
    buf: &[u8],
    pos: &mut usize,
    op: Op,
) -> Result<u64, Wrong> {
    Ok(match op.code {
        Code::Text | Code::Bytes => {
            let end = wire::length(buf, pos)?;
            let start = std::mem::replace(pos, end);
            if end - start > limits.field_bytes_max {
                return Err(Wrong::FieldLength);
            }
            if op.code == Code::Text && !wire::is_utf8(&buf[start..end]) {
                return Err(Wrong::Utf8);
            }
            span(start, end)
        }
        Code::Int64 => wire::varint(buf, pos)?,
        Code::Int32 => i64::from(wire::varint(buf, pos)? as i32) as u64,
        Code::Uint32 => u64::from(wire::varint(buf, pos)? as u32),
        Code::Uint64 => saturated(row, wire::varint(buf, pos)?),
        Code::Ufixed64 => saturated(row, wire::fixed64(buf, pos)?),
        Code::Sint64 => {
            let raw = wire::varint(buf, pos)?;
            (raw >> 1) ^ (raw & 1).wrapping_neg()
        }
        Code::Sint32 => {
            let raw = wire::varint(buf, pos)? as u32;
            i64::from(((raw >> 1) ^ (raw & 1).wrapping_neg()) as i32) as u64
        }
        Code::Bool => u64::from(wire::varint(buf, pos)? != 0),
        Code::Enum => {
            let number = wire::varint(buf, pos)? as i32;
            let known = layout.enums[usize::from(op.extra)];
            row.has_unknown_enum |= !(0..64).contains(&number) || known >> (number & 63) & 1 == 0;
            i64::from(number) as u64
        }
        Code::Fixed64 => wire::fixed64(buf, pos)?,
        Code::Fixed32 => u64::from(wire::fixed32(buf, pos)?),
        Code::Sfixed32 => i64::from(wire::fixed32(buf, pos)? as i32) as u64,
        // The others are not scalars; the layout does not put them here.
        _ => return Err(Wrong::Tag),
    })
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

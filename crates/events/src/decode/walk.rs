//! Reads a record into the row, field by field: one loop over the fields that nearly all records are made of. Whatever
//! else there is goes [the long way round](super::odd).
use super::layout::{Code, Layout, Node, Op};
use super::odd;
use super::row::{Row, Stop, span};
use super::wire::{self, WINDOW};

/// Messages around a field, at most: the root, the body, and what `schema` allows within it.
const DEPTH_MAX: usize = 8;

/// What does not change from record to record.
#[derive(Debug)]
pub(crate) struct Limits {
    pub field_bytes_max: usize,
    pub list_values_max: usize,
}

/// What is the same for all fields of a record.
#[derive(Clone, Copy)]
pub(super) struct Context<'c> {
    pub layout: &'c Layout,
    pub limits: &'c Limits,
    pub value: &'c [u8],
}

/// What comes after a field's beginning.
pub(super) enum Step {
    /// The next field, or the end of the message.
    To(usize),
    /// A message within.
    Into(Inner),
}

/// A message within another: what its tag says, and where it is.
pub(super) struct Inner {
    pub op: Op,
    pub start: usize,
    pub end: usize,
}

/// Reads a record. There is no recursion: messages around the current one wait in an array. Each field is read from one
/// window, with one check of the bounds.
pub(crate) fn record(
    layout: &Layout,
    limits: &Limits,
    tail: &mut Tail,
    row: &mut Row,
    value: &[u8],
) -> Result<(), Stop> {
    tail.set(value);
    let mut node = &layout.nodes[0];
    let (mut pos, mut end, mut depth) = (0, value.len(), 0);
    let (mut nodes, mut ends) = ([node; DEPTH_MAX], [end; DEPTH_MAX]);
    loop {
        if pos >= end {
            if depth == 0 {
                return Ok(());
            }
            depth -= 1;
            (node, end) = (
                nodes[depth & (DEPTH_MAX - 1)],
                ends[depth & (DEPTH_MAX - 1)],
            );
            continue;
        }
        let mut inner = None;
        if let Some(window) = window(value, tail, pos) {
            let op = &node.short[usize::from(window[0])];
            if let Some(next) = scalar(row, window, op, (pos, end)) {
                pos = next;
                continue;
            }
            if matches!(op.code, Code::Message | Code::Body) {
                inner = message(window, *op, (pos, end));
            } else if op.code == Code::WideTag
                && let Some(next) = wide(layout, row, node, (value, tail), (pos, end))
            {
                pos = next;
                continue;
            }
        }
        let inner = match inner {
            Some(inner) => inner,
            None => {
                let context = &Context {
                    layout,
                    limits,
                    value,
                };
                match odd::field(context, row, node, (pos, end), depth)? {
                    Step::To(next) => {
                        pos = next;
                        continue;
                    }
                    Step::Into(inner) => inner,
                }
            }
        };
        let place = depth & (DEPTH_MAX - 1);
        (nodes[place], ends[place]) = (node, end);
        depth += 1;
        (pos, end) = (inner.start, inner.end);
        node = enter(layout, row, inner.op);
    }
}

/// Begins a message; gives its node.
#[inline(always)]
fn enter<'l>(layout: &'l Layout, row: &mut Row, op: Op) -> &'l Node {
    let mut node = op.extra;
    if op.code == Code::Body {
        let body = &layout.bodies[usize::from(op.extra)];
        if row.body != op.extra {
            row.begin_body(op.extra, body.slots);
        }
        node = body.node;
    }
    &layout.nodes[usize::from(node)]
}

/// Reads the usual scalar at `pos` from its window; gives where the next field begins. `None` for what does not fit into
/// the window or does not end before `end`, for what is unusual, and for what is wrong.
#[inline(always)]
fn scalar(
    row: &mut Row,
    window: &[u8; WINDOW],
    op: &Op,
    (pos, end): (usize, usize),
) -> Option<usize> {
    let until = |length: usize| {
        let next = pos + 1 + length;
        (next <= end).then_some(next)
    };
    let number = || {
        let (raw, length) = wire::short_varint(window)?;
        Some((raw, until(length)?))
    };
    let (raw, next) = match op.code {
        Code::Text => {
            let next = until(1 + wire::short_text(window)?)?;
            (span(pos + 2, next), next)
        }
        Code::CheckText => return until(1 + wire::short_text(window)?),
        Code::SkipVarint | Code::CheckUint64 => return until(wire::short_varint_length(window)?),
        Code::Enum if op.knows(window[1]) => (u64::from(window[1]), until(1)?),
        Code::CheckEnum if op.knows(window[1]) => return until(1),
        // A window has eight bytes of a number, which are 56 bits: nothing to saturate.
        Code::Int64 | Code::Uint64 | Code::Bool => number()?,
        Code::Int32 => {
            let (raw, next) = number()?;
            (wire::int32(raw), next)
        }
        Code::Uint32 => {
            let (raw, next) = number()?;
            (wire::uint32(raw), next)
        }
        Code::Sint32 => {
            let (raw, next) = number()?;
            (wire::sint32(raw), next)
        }
        _ => return None,
    };
    row.set(op.slot, raw);
    Some(next)
}

/// As [`scalar`], after a tag of two bytes.
#[inline(never)]
fn wide(
    layout: &Layout,
    row: &mut Row,
    node: &Node,
    (value, tail): (&[u8], &Tail),
    (pos, end): (usize, usize),
) -> Option<usize> {
    let window = window(value, tail, pos)?;
    let (tag, size) = wire::two_bytes(window[0], window[1])?;
    let pos = pos + size - 1;
    let op = layout.op(node, tag);
    scalar(row, self::window(value, tail, pos)?, &op, (pos, end))
}

/// The message at `pos`, if two bytes say how long it is.
#[inline(always)]
fn message(window: &[u8; WINDOW], op: Op, (pos, end): (usize, usize)) -> Option<Inner> {
    let (length, size) = wire::two_bytes(window[1], window[2])?;
    let start = pos + 1 + size;
    let inner = Inner {
        op,
        start,
        end: start + length as usize,
    };
    (inner.end <= end).then_some(inner)
}

/// The last bytes of a record with as many zeroes behind them, so that its last fields have a window too.
#[derive(Debug)]
pub(crate) struct Tail {
    start: usize,
    bytes: [u8; 2 * WINDOW],
}

impl Tail {
    #[inline(always)]
    pub fn new() -> Tail {
        Tail {
            start: 0,
            bytes: [0; 2 * WINDOW],
        }
    }

    #[inline(always)]
    fn set(&mut self, value: &[u8]) {
        self.start = value.len().saturating_sub(WINDOW);
        let last = &value[self.start..];
        match last.first_chunk::<WINDOW>() {
            Some(last) => self.bytes[..WINDOW].copy_from_slice(last),
            None => {
                self.bytes = [0; 2 * WINDOW];
                self.bytes[..last.len()].copy_from_slice(last);
            }
        }
    }
}

/// The bytes from `pos` on, in the record or in its tail. Records are below 4 GiB: to say so saves a check for overflow.
#[inline(always)]
fn window<'v>(value: &'v [u8], tail: &'v Tail, pos: usize) -> Option<&'v [u8; WINDOW]> {
    let start = pos as u32 as usize;
    match value.get(start..start + WINDOW) {
        Some(window) => window.first_chunk(),
        None => tail.bytes.get(pos - tail.start..)?.first_chunk(),
    }
}

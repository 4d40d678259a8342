//! The decoder's table: what to do at each tag of each message, one lookup a field.
//!
//! Each message on the way from the root is a *node*; a message used in two places is two nodes. A node's operations
//! are indexed by the whole tag (field number and wire type), so that one load tells a known field in its right wire
//! type from an unknown field and from a fault.
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use super::envelope;
use super::projection::Projection;
use crate::Stream;
use crate::schema::{
    Origin, Scalar, SchemaError, TableId, TableSchema, bodies, scalar_of, tables_of,
};

/// Slots of a row: the envelope's, the row's place in the log, the body's needed fields.
pub(crate) const SLOTS: usize = 64;
/// The slot of what nobody needs.
pub(crate) const SINK: u8 = (SLOTS - 1) as u8;
/// Slots of the envelope: more than the numbers of its fields.
pub(crate) const ENVELOPE_SLOTS: u8 = 16;
/// The first slot of the body.
pub(crate) const BODY_SLOT: u8 = 21;

/// Of the envelope, the fields of every record's head.
const HEAD: [u8; 7] = [
    envelope::EVENT_ID,
    envelope::SOURCE,
    envelope::EVENT_TIME_US,
    envelope::RECORD_TIME_US,
    envelope::CLASSIFIER,
    envelope::TERMINAL_ID,
    envelope::IS_RETRACTED,
];

/// What to do with a field. Those that store do so in the operation's slot. The first are what most fields are: the walk
/// reads them itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Code {
    Text,
    Int64,
    Int32,
    Uint64,
    Uint32,
    Sint32,
    Bool,
    Enum,
    // Messages: `extra` is the node, or the place in `bodies`.
    Message,
    Body,
    // Scalars that nobody needs and that may still be wrong or odd. Other numbers are skipped as if unknown.
    CheckText,
    CheckUint64,
    CheckEnum,
    SkipVarint,
    // Rarer scalars.
    Sint64,
    Fixed64,
    Ufixed64,
    Fixed32,
    Sfixed32,
    Bytes,
    // Repeated scalars: `extra` is the place of the scalar's own operation in `lists`.
    ListOne,
    ListPacked,
    // Other unknown fields.
    SkipFixed64,
    SkipLength,
    SkipGroup,
    SkipFixed32,
    // Faults.
    BadTag,
    Mismatch,
    StrayEndGroup,
    /// The tag has more than one byte: [`Layout::op`] tells.
    WideTag,
}

/// An operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Op {
    pub code: Code,
    pub slot: u8,
    /// For an enum, its place in `enums`; else see [`Code`].
    pub extra: u16,
    /// For an enum, the numbers below 32 that it knows.
    pub known: u32,
}

impl Op {
    fn of(code: Code, slot: u8, extra: u16) -> Op {
        Op {
            code,
            slot,
            extra,
            known: 0,
        }
    }

    /// True if the enum knows this number below 32.
    #[inline(always)]
    pub fn knows(&self, number: u8) -> bool {
        number < 32 && self.known >> number & 1 == 1
    }
}

/// A message on the way from the root.
#[derive(Debug)]
pub(crate) struct Node {
    /// Its place in the layout.
    pub place: u16,
    /// The operations by a tag's first byte.
    pub short: [Op; 256],
    /// Where all its operations start, and how many tags they cover.
    start: u32,
    tags: u32,
    /// Fields on the way to it, such as `port_call_timestamp.vessel`.
    pub path: String,
    pub descriptor: MessageDescriptor,
}

/// A member of the body.
#[derive(Debug)]
pub(crate) struct Body {
    pub node: u16,
    /// `None` for the heartbeat.
    pub table: Option<TableId>,
    /// The slots after [`BODY_SLOT`] that it uses.
    pub slots: u8,
}

/// Where the fields of the envelope go. Those that are columns come last, next to the row's place and the body, so that a
/// row can be kept without the others.
#[derive(Clone, Debug, Default)]
pub(crate) struct EnvelopeSlots {
    by_number: [u8; ENVELOPE_SLOTS as usize],
    /// The first slot of a column.
    pub first: u8,
}

impl EnvelopeSlots {
    fn of(stream: Stream, projection: &Projection) -> EnvelopeSlots {
        let (mut by_number, mut head, mut first) = ([SINK; _], 0, ENVELOPE_SLOTS);
        for number in 1..ENVELOPE_SLOTS {
            if tables_of(stream).any(|table| needs_envelope(table, projection, number)) {
                first -= 1;
                by_number[usize::from(number)] = first;
            } else if HEAD.contains(&number) {
                by_number[usize::from(number)] = head;
                head += 1;
            }
        }
        EnvelopeSlots { by_number, first }
    }

    /// The slot of a field.
    #[inline(always)]
    pub fn slot(&self, number: u8) -> u8 {
        self.by_number[usize::from(number & (ENVELOPE_SLOTS - 1))]
    }
}

/// All of it, for one stream and projection.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    ops: Vec<Op>,
    pub nodes: Vec<Node>,
    pub bodies: Vec<Body>,
    /// Of each field of the envelope, by number, its slot.
    pub envelope: EnvelopeSlots,
    /// Of each enum field, the numbers that it knows, ascending.
    pub enums: Vec<Vec<i32>>,
    /// Of each repeated field, the operation of one value.
    pub lists: Vec<Op>,
}

impl Layout {
    /// The operation at any tag of a node.
    pub fn op(&self, node: &Node, tag: u32) -> Op {
        match self.ops.get((node.start + tag.min(node.tags)) as usize) {
            Some(&op) if tag < node.tags => op,
            _ => unknown(tag),
        }
    }

    /// Builds the layout of a stream.
    pub fn new(stream: Stream, projection: &Projection) -> Result<Layout, SchemaError> {
        let name = stream.message_name();
        let root = crate::message(name).ok_or_else(|| SchemaError::NoMessage {
            message: name.to_owned(),
        })?;
        let mut layout = Layout {
            envelope: EnvelopeSlots::of(stream, projection),
            ..Layout::default()
        };
        let root_node = layout.node(&root, String::new());
        for field in root
            .fields()
            .filter(|field| field.containing_oneof().is_none())
        {
            layout.envelope(root_node, &field)?;
        }
        for (field, message) in bodies(&root) {
            let table = tables_of(stream).find(|table| table.body_number == field.number());
            let paths = table
                .map(|table| body_paths(table, projection))
                .unwrap_or_default();
            if paths.len() >= usize::from(SINK - BODY_SLOT) {
                return Err(SchemaError::TooWide {
                    message: message.full_name().to_owned(),
                });
            }
            let node = layout.message(&message, field.name().to_owned(), &mut Vec::new(), &paths);
            let place = layout.bodies.len() as u16;
            layout.bodies.push(Body {
                node,
                table: table.map(|table| table.id),
                slots: paths.len() as u8,
            });
            layout.set(root_node, &field, &[2], Op::of(Code::Body, SINK, place));
        }
        for place in 0..layout.nodes.len() {
            let node = &layout.nodes[place];
            let short = std::array::from_fn(|tag| match tag {
                0..0x80 => layout.op(node, tag as u32),
                _ => Op::of(Code::WideTag, SINK, 0),
            });
            layout.nodes[place].short = short;
        }
        Ok(layout)
    }

    /// Where the decoder puts a column of a body; `paths` as collected by [`Layout::new`].
    pub fn slot_of(paths: &[Vec<u32>], path: &[u32]) -> u8 {
        paths
            .iter()
            .position(|other| other == path)
            .map_or(SINK, |place| BODY_SLOT + place as u8)
    }

    fn envelope(&mut self, root_node: u16, field: &FieldDescriptor) -> Result<(), SchemaError> {
        let too_wide = || SchemaError::TooWide {
            message: field.full_name().to_owned(),
        };
        let Kind::Message(message) = field.kind() else {
            return Err(too_wide());
        };
        let node = self.node(&message, field.name().to_owned());
        for field in message.fields() {
            let number = u8::try_from(field.number()).ok();
            let number = number
                .filter(|&number| number < ENVELOPE_SLOTS)
                .ok_or_else(too_wide)?;
            self.scalar(node, &field, self.envelope.slot(number));
        }
        self.set(root_node, field, &[2], Op::of(Code::Message, SINK, node));
        Ok(())
    }

    /// Adds a node for a body's message and those within it.
    fn message(
        &mut self,
        message: &MessageDescriptor,
        name: String,
        path: &mut Vec<u32>,
        paths: &[Vec<u32>],
    ) -> u16 {
        let node = self.node(message, name.clone());
        for field in message.fields() {
            path.push(field.number());
            match field.kind() {
                Kind::Message(nested) => {
                    let nested =
                        self.message(&nested, format!("{name}.{}", field.name()), path, paths);
                    let op = Op::of(Code::Message, SINK, nested);
                    self.set(node, &field, &[2], op);
                }
                _ => self.scalar(node, &field, Layout::slot_of(paths, path)),
            }
            path.pop();
        }
        node
    }

    /// Adds a node that knows none of its fields yet.
    fn node(&mut self, message: &MessageDescriptor, path: String) -> u16 {
        let start = self.ops.len() as u32;
        let tags = (message
            .fields()
            .map(|field| field.number())
            .max()
            .unwrap_or(0)
            + 1)
            << 3;
        self.ops.extend((0..tags).map(unknown));
        self.nodes.push(Node {
            place: self.nodes.len() as u16,
            short: [Op::of(Code::WideTag, SINK, 0); 256],
            start,
            tags,
            path,
            descriptor: message.clone(),
        });
        (self.nodes.len() - 1) as u16
    }

    /// Sets a known field: `op` at the given wire types, a fault at the others.
    fn set(&mut self, node: u16, field: &FieldDescriptor, wire_types: &[u32], op: Op) {
        let start = self.nodes[usize::from(node)].start + (field.number() << 3);
        for wire_type in 0..6 {
            let is_right = wire_types.contains(&wire_type);
            let mismatch = Op::of(Code::Mismatch, SINK, 0);
            self.ops[(start + wire_type) as usize] = if is_right { op } else { mismatch };
        }
    }

    fn scalar(&mut self, node: u16, field: &FieldDescriptor, slot: u8) {
        let scalar = scalar_of(&field.kind());
        let (code, wire_type) = code(&scalar);
        let mut op = Op::of(code, slot, 0);
        if let Scalar::Enum(descriptor) = &scalar {
            let mut known: Vec<_> = descriptor.values().map(|value| value.number()).collect();
            known.sort_unstable();
            let low = known.iter().filter(|number| (0..32).contains(*number));
            op.known = low.fold(0, |all, number| all | 1 << number);
            op.extra = self.enums.len() as u16;
            self.enums.push(known);
        }
        if !field.is_list() {
            if slot == SINK {
                op.code = unneeded(code);
            }
            return self.set(node, field, &[wire_type], op);
        }
        let extra = self.lists.len() as u16;
        self.lists.push(op);
        self.set(
            node,
            field,
            &[wire_type],
            Op::of(Code::ListOne, slot, extra),
        );
        if wire_type != 2 {
            let start = self.nodes[usize::from(node)].start + (field.number() << 3);
            self.ops[(start + 2) as usize] = Op::of(Code::ListPacked, slot, extra);
        }
    }
}

/// The needed fields of a table's body, in the order of their slots.
pub(crate) fn body_paths(table: &TableSchema, projection: &Projection) -> Vec<Vec<u32>> {
    let columns = projection.columns(table.id).unwrap_or_default();
    let origins = columns.iter().map(|&column| &table.columns[column].origin);
    let path = |origin: &Origin| {
        if let Origin::Body(path) = origin {
            Some(path.clone())
        } else {
            None
        }
    };
    origins.filter_map(path).collect()
}

/// True if a column is the envelope's field of this number.
fn needs_envelope(table: &TableSchema, projection: &Projection, number: u8) -> bool {
    let columns = projection.columns(table.id).unwrap_or_default();
    columns.iter().any(|&column| {
        matches!(&table.columns[column].origin, Origin::Envelope(field) if *field == u32::from(number))
    })
}

/// The operation for a field that the schema does not know.
#[inline]
fn unknown(tag: u32) -> Op {
    let code = match tag & 7 {
        _ if tag >> 3 == 0 => Code::BadTag,
        0 => Code::SkipVarint,
        1 => Code::SkipFixed64,
        2 => Code::SkipLength,
        3 => Code::SkipGroup,
        4 => Code::StrayEndGroup,
        5 => Code::SkipFixed32,
        _ => Code::BadTag,
    };
    Op::of(code, SINK, 0)
}

/// The code of a scalar that nobody needs.
fn unneeded(code: Code) -> Code {
    match code {
        Code::Int64 | Code::Int32 | Code::Uint32 | Code::Sint64 | Code::Sint32 | Code::Bool => {
            Code::SkipVarint
        }
        Code::Fixed64 => Code::SkipFixed64,
        Code::Fixed32 | Code::Sfixed32 => Code::SkipFixed32,
        Code::Uint64 => Code::CheckUint64,
        Code::Enum => Code::CheckEnum,
        Code::Text => Code::CheckText,
        // Bytes have a limit; the others are no scalars.
        other => other,
    }
}

/// The code and the wire type of a scalar.
fn code(scalar: &Scalar) -> (Code, u32) {
    match scalar {
        Scalar::Int32 => (Code::Int32, 0),
        Scalar::Int64 => (Code::Int64, 0),
        Scalar::Uint32 => (Code::Uint32, 0),
        Scalar::Uint64 => (Code::Uint64, 0),
        Scalar::Sint32 => (Code::Sint32, 0),
        Scalar::Sint64 => (Code::Sint64, 0),
        Scalar::Bool => (Code::Bool, 0),
        Scalar::Enum(_) => (Code::Enum, 0),
        Scalar::Fixed64 => (Code::Ufixed64, 1),
        Scalar::Sfixed64 | Scalar::Double => (Code::Fixed64, 1),
        Scalar::Fixed32 | Scalar::Float => (Code::Fixed32, 5),
        Scalar::Sfixed32 => (Code::Sfixed32, 5),
        Scalar::Text => (Code::Text, 2),
        Scalar::Bytes => (Code::Bytes, 2),
    }
}

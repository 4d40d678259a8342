//! Records of every message, written field by field from the descriptors, as no well-behaved encoder would: fields in
//! any order and more than once, packed or not, messages in parts, unknown fields and groups, padded varints.
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

/// A small random source (splitmix64): the same seed gives the same records.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// True once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// A record of a root message: mostly with a whole envelope and one body.
pub fn record(root: &MessageDescriptor, random: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    let bodies: Vec<_> = root.fields().filter(|field| field.number() != 1).collect();
    let envelope = root.get_field(1).unwrap();
    let parts = 1 + random.below(3);
    for part in 0..parts {
        if part == 0 || random.once_in(3) {
            let mut nested = required(random);
            nested.extend(message(envelope.kind().as_message().unwrap(), random));
            length_delimited(1, &nested, random, &mut out);
        }
        if part == 0 || random.once_in(2) {
            field(&bodies[random.below(bodies.len())], random, &mut out);
        }
        if random.once_in(8) {
            unknown(random, &mut out);
        }
    }
    out
}

/// event_id, source and the times; seldom one is left out.
fn required(random: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    for (number, text) in [(1, "e-1"), (2, "tos")] {
        if !random.once_in(40) {
            length_delimited(number, text.as_bytes(), random, &mut out);
        }
    }
    for number in [4u32, 5] {
        if !random.once_in(40) {
            varint(u64::from(number << 3), 0, &mut out);
            varint(
                1_700_000_000_000_000 + random.next() % 1_000_000_000,
                0,
                &mut out,
            );
        }
    }
    out
}

/// Some of a message's fields.
fn message(descriptor: &MessageDescriptor, random: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    let fields: Vec<_> = descriptor.fields().collect();
    let count = random.below(2 * fields.len() + 1);
    for _ in 0..count {
        field(&fields[random.below(fields.len())], random, &mut out);
        if random.once_in(40) {
            unknown(random, &mut out);
        }
    }
    out
}

fn field(field: &FieldDescriptor, random: &mut Random, out: &mut Vec<u8>) {
    let number = field.number();
    if let Kind::Message(nested) = field.kind() {
        return length_delimited(number, &message(&nested, random), random, out);
    }
    if field.is_list() && wire_type(&field.kind()) != 2 && random.once_in(2) {
        let mut packed = Vec::new();
        for _ in 0..random.below(4) {
            value(&field.kind(), random, &mut packed);
        }
        return length_delimited(number, &packed, random, out);
    }
    // Seldom in the wrong wire type.
    let wire_type = if random.once_in(400) {
        random.below(8) as u32
    } else {
        wire_type(&field.kind())
    };
    varint(u64::from(number << 3 | wire_type), padding(random), out);
    value(&field.kind(), random, out);
}

fn value(kind: &Kind, random: &mut Random, out: &mut Vec<u8>) {
    match kind {
        Kind::String => {
            let text = text(random);
            varint(text.len() as u64, padding(random), out);
            out.extend(text);
        }
        Kind::Bytes => {
            let length = random.below(20);
            varint(length as u64, 0, out);
            out.extend((0..length).map(|_| random.next() as u8));
        }
        Kind::Enum(descriptor) if !random.once_in(20) => {
            let values: Vec<_> = descriptor.values().collect();
            varint(values[random.below(values.len())].number() as u64, 0, out);
        }
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => out.extend(random.next().to_le_bytes()),
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => {
            out.extend((random.next() as u32).to_le_bytes())
        }
        _ => {
            let value = random.next() >> random.below(64);
            varint(value, padding(random), out);
        }
    }
}

fn text(random: &mut Random) -> Vec<u8> {
    let length = [0, 3, 7, 8, 9, 15, 16, 17, 31, 33, 70][random.below(11)];
    let mut text: Vec<u8> = (0..length).map(|_| b' ' + random.below(95) as u8).collect();
    if random.once_in(10) {
        text.extend("Düsseldorf 港".bytes());
    }
    if !text.is_empty() && random.once_in(300) {
        let at = random.below(text.len());
        text[at] = 0x80 | random.next() as u8;
    }
    text
}

/// A field that no message has.
fn unknown(random: &mut Random, out: &mut Vec<u8>) {
    let number = [17, 60, 300, 70_000, (1 << 29) - 1][random.below(5)];
    match random.below(5) {
        0 => {
            varint(number << 3, 0, out);
            varint(random.next() >> random.below(64), 0, out);
        }
        1 => {
            varint(number << 3 | 1, 0, out);
            out.extend(random.next().to_le_bytes());
        }
        2 => {
            varint(number << 3 | 5, 0, out);
            out.extend((random.next() as u32).to_le_bytes());
        }
        3 => {
            varint(number << 3 | 3, 0, out);
            if random.once_in(2) {
                unknown(random, out);
            }
            varint(number << 3 | 4, 0, out);
        }
        _ => {
            varint(number << 3 | 2, 0, out);
            let text = text(random);
            varint(text.len() as u64, 0, out);
            out.extend(text);
        }
    }
}

fn wire_type(kind: &Kind) -> u32 {
    match kind {
        Kind::String | Kind::Bytes | Kind::Message(_) => 2,
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => 1,
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => 5,
        _ => 0,
    }
}

fn length_delimited(number: u32, bytes: &[u8], random: &mut Random, out: &mut Vec<u8>) {
    varint(u64::from(number << 3 | 2), padding(random), out);
    varint(bytes.len() as u64, padding(random), out);
    out.extend_from_slice(bytes);
}

/// Seldom, a varint has more bytes than it needs.
fn padding(random: &mut Random) -> usize {
    if random.once_in(50) {
        random.below(4)
    } else {
        0
    }
}

fn varint(mut value: u64, padding: usize, out: &mut Vec<u8>) {
    let start = out.len();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    let padding = padding.min(10 - (out.len() - start));
    for _ in 0..padding {
        if let Some(last) = out.last_mut() {
            *last |= 0x80;
        }
        out.push(0);
    }
}

/// A record spoilt in one to three places.
pub fn spoilt(record: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = record.to_vec();
    for _ in 0..1 + random.below(3) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len());
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at] = random.next() as u8,
            3 => bytes.insert(at, random.next() as u8),
            4 => drop(bytes.remove(at)),
            _ => {
                let end = (at + random.below(12)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, piece);
            }
        }
    }
    bytes
}

//! Writing protobuf by hand: the few forms that output rows need.

/// Wire type 0.
pub(super) const VARINT: u32 = 0;
/// Wire type 1.
pub(super) const FIXED64: u32 = 1;
/// Wire type 2.
pub(super) const LENGTH: u32 = 2;

pub(super) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn tag(out: &mut Vec<u8>, number: u32, wire_type: u32) {
    varint(out, u64::from(number << 3 | wire_type));
}

pub(super) fn bytes(out: &mut Vec<u8>, number: u32, value: &[u8]) {
    tag(out, number, LENGTH);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

/// A field that is left out where it has its default.
pub(super) fn unsigned(out: &mut Vec<u8>, number: u32, value: u64) {
    if value != 0 {
        tag(out, number, VARINT);
        varint(out, value);
    }
}

pub(super) fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

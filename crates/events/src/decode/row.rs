//! The row being read: raw values by slot, before they go into columns.
use super::layout::{BODY_SLOT, ENVELOPE_SLOTS, SINK, SLOTS};
use super::wire::Wrong;

/// No body yet.
pub(crate) const NO_BODY: u16 = u16::MAX;

/// Where decoding stopped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stop {
    pub wrong: Wrong,
    pub at: usize,
    pub node: u16,
    pub tag: u32,
}

/// Words between the envelope's slots and the body's: the row's place in the log, which the caller sets when it keeps the
/// row.
pub(super) const ROW_TIME: u8 = ENVELOPE_SLOTS;
pub(super) const PARTITION: u8 = ENVELOPE_SLOTS + 1;
pub(super) const OFFSET: u8 = ENVELOPE_SLOTS + 2;
/// The slots of the body that are present, as bits.
pub(super) const PRESENT: u8 = ENVELOPE_SLOTS + 3;
/// Where its bytes begin among those of other rows.
pub(super) const BYTES_AT: u8 = ENVELOPE_SLOTS + 4;

/// One row as read. Integers stand as the bits of an `i64`, text and bytes as start and length within the record.
#[derive(Debug)]
pub(crate) struct Row {
    slots: [u64; SLOTS],
    /// By slot: 1 if a field was there. Bytes, since setting bits would make each field wait for the one before.
    present: [u8; SLOTS],
    /// Place of the body in the layout.
    pub body: u16,
    /// Values of repeated fields with their slot, in the order of the wire.
    pub lists: Vec<(u8, u64)>,
    /// Values of repeated fields that are not kept count as well.
    pub list_count: usize,
    pub has_unknown_enum: bool,
    pub is_saturated: bool,
}

impl Row {
    pub fn new() -> Row {
        Row {
            slots: [0; SLOTS],
            present: [0; SLOTS],
            body: NO_BODY,
            lists: Vec::new(),
            list_count: 0,
            has_unknown_enum: false,
            is_saturated: false,
        }
    }

    /// Forgets the last record.
    #[inline(always)]
    pub fn clear(&mut self) {
        self.slots[..usize::from(ENVELOPE_SLOTS)].fill(0);
        self.body = NO_BODY;
        self.lists.clear();
        self.list_count = 0;
        self.has_unknown_enum = false;
        self.is_saturated = false;
    }

    /// Begins a body: of several members of a oneof the last one stands.
    #[inline(always)]
    pub fn begin_body(&mut self, body: u16, slots: u8) {
        self.body = body;
        self.present = [0; SLOTS];
        self.lists.clear();
        let eights = self.slots[usize::from(BODY_SLOT)..].chunks_exact_mut(8);
        for eight in eights.take(usize::from(slots).div_ceil(8)) {
            eight.fill(0);
        }
    }

    #[inline(always)]
    pub fn set(&mut self, slot: u8, raw: u64) {
        let slot = slot & SINK;
        self.slots[usize::from(slot)] = raw;
        self.present[usize::from(slot)] = 1;
    }

    /// Sets a word of the row's place.
    #[inline(always)]
    pub fn place(&mut self, slot: u8, raw: u64) {
        self.slots[usize::from(slot & SINK)] = raw;
    }

    /// The slots from one on to the last in use, for a body with so many.
    #[inline(always)]
    pub fn staged(&self, first: u8, body_slots: usize) -> &[u64] {
        let end = usize::from(BODY_SLOT) + body_slots;
        self.slots
            .get(usize::from(first)..end)
            .unwrap_or(&self.slots)
    }

    /// Which of the first slots of the body are present, as bits.
    #[inline(always)]
    pub fn present(&self, body_slots: usize) -> u64 {
        let (words, _) = self.present[usize::from(BODY_SLOT)..].as_chunks::<8>();
        let used = words.iter().take(body_slots.div_ceil(8)).enumerate();
        let bits = used.map(|(place, word)| {
            let bits = u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080) >> 56;
            bits << (8 * place)
        });
        bits.fold(0, |all, bits| all | bits)
    }

    #[inline(always)]
    pub fn get(&self, slot: u8) -> u64 {
        self.slots[usize::from(slot & SINK)]
    }
}

/// Start and length in one value.
#[inline(always)]
pub(crate) fn span(start: usize, end: usize) -> u64 {
    (start as u64) << 32 | (end - start) as u64
}

/// The bytes of a span.
#[inline(always)]
pub(crate) fn spanned(value: &[u8], span: u64) -> &[u8] {
    let start = (span >> 32) as usize;
    value
        .get(start..start + (span as u32) as usize)
        .unwrap_or_default()
}

//! A look at a request before it is decoded: whether every length in it is borne out by the bytes that follow.
//!
//! The codec allocates room for as many elements as an array claims, before it reads the first. A few stray bytes could
//! so ask for hundreds of gigabytes. Each request's shape is therefore written down here and walked first.
//!
//! Shapes: a number is a field of so many bytes, `s` a (nullable) string, `b` (nullable) bytes, `[..]` an array;
//! `@a-b` says in which versions the field is there. Tagged fields follow from the flexible version on.

use kafka_protocol::messages::ApiKey;

/// Elements that all arrays of one request may have together.
const ELEMENTS_MAX: usize = 200_000;
const NEVER: i16 = i16::MAX;

/// The first flexible version and the shape of every request that the broker answers.
pub(crate) fn shape(key: ApiKey) -> Option<(i16, &'static str)> {
    Some(match key {
        ApiKey::Produce => (9, "s 2 4 [s@0-12 16@13- [4 b]]"),
        ApiKey::Fetch => (
            12,
            "4@0-14 4 4 4 1 4@7- 4@7- [s@0-12 16@13- [4 4@9- 8 4@12- 8@5- 4]] [s@7-12 16@13- [4]@7-]@7- s@11-",
        ),
        ApiKey::ListOffsets => (6, "4 1@2- [s [4 4@4- 8]] 4@10-"),
        ApiKey::Metadata => (9, "[16@10- s] 1@4- 1@8-10 1@8-"),
        ApiKey::OffsetCommit => (8, "s 4 s s@7- 8@0-4 [s [4 8 4@6- s]]"),
        ApiKey::OffsetFetch => (
            6,
            "s@0-7 [s@0-7 [4]@0-7]@0-7 [s@8- s@9- 4@9- [s@8- [4]@8-]@8-]@8- 1@7-",
        ),
        ApiKey::FindCoordinator => (3, "s@0-3 1@1- [s]@4-"),
        ApiKey::JoinGroup => (6, "s 4 4@1- s s@5- s [s b] s@8-"),
        ApiKey::Heartbeat => (4, "s 4 s s@3-"),
        ApiKey::LeaveGroup => (4, "s s@0-2 [s@3- s@3- s@5-]@3-"),
        ApiKey::SyncGroup => (4, "s 4 s s@3- s@5- s@5- [s b]"),
        ApiKey::DescribeGroups => (5, "[s] 1@3-"),
        ApiKey::ListGroups => (3, "[s]@4- [s]@5-"),
        ApiKey::ApiVersions => (3, "s@3- s@3-"),
        ApiKey::CreateTopics => (5, "[s 4 2 [4 [4]] [s s]] 4 1"),
        ApiKey::DeleteTopics => (4, "[s@6- 16@6-]@6- [s]@0-5 4"),
        ApiKey::DeleteRecords => (2, "[s [4 8]] 4"),
        ApiKey::InitProducerId => (2, "s 4 8@3- 2@3-"),
        ApiKey::OffsetForLeaderEpoch => (4, "4@3- [s [4 4 4]]"),
        ApiKey::AddPartitionsToTxn => (
            3,
            "[s@4- 8@4- 2@4- 1@4- [s [4]]@4-]@4- s@0-3 8@0-3 2@0-3 [s [4]]@0-3",
        ),
        ApiKey::AddOffsetsToTxn => (3, "s 8 2 s"),
        ApiKey::EndTxn => (3, "s 8 2 1"),
        ApiKey::TxnOffsetCommit => (3, "s s 8 2 4@3- s@3- s@3- [s [4 8 4@2- s]]"),
        ApiKey::DescribeConfigs => (4, "[1 s [s]] 1 1@3-"),
        ApiKey::AlterConfigs => (2, "[1 s [s s]] 1"),
        ApiKey::CreatePartitions => (2, "[s 4 [[4]]] 4 1"),
        ApiKey::DeleteGroups => (2, "[s]"),
        ApiKey::IncrementalAlterConfigs => (1, "[1 s [s 1 s]] 1"),
        ApiKey::OffsetDelete => (NEVER, "s [s [4]]"),
        ApiKey::DescribeCluster => (0, "1 1@1- 1@2-"),
        ApiKey::DescribeProducers => (0, "[s [4]]"),
        _ => return None,
    })
}

/// Whether `body` has the shape of this request at this version.
pub(crate) fn is_sound(key: ApiKey, version: i16, body: &[u8]) -> bool {
    let Some((flexible_from, shape)) = shape(key) else {
        return false;
    };
    let mut walk = Walk {
        rest: body,
        version,
        flexible: version >= flexible_from,
        elements_left: ELEMENTS_MAX,
    };
    walk.fields(shape).is_some()
}

#[derive(Debug)]
struct Walk<'a> {
    rest: &'a [u8],
    version: i16,
    flexible: bool,
    elements_left: usize,
}

impl Walk<'_> {
    /// Walks the fields of one structure and its tagged fields.
    fn fields(&mut self, shape: &str) -> Option<()> {
        let mut left = shape;
        while !left.is_empty() {
            let (field, after) = split_field(left)?;
            left = after;
            let (kind, is_present) = self.gate(field)?;
            if is_present {
                self.field(kind)?;
            }
        }
        self.tagged()
    }

    /// Parts the version range from a field.
    fn gate<'s>(&self, field: &'s str) -> Option<(&'s str, bool)> {
        let after_array = field.rfind(']').map_or(0, |at| at + 1);
        let Some(at) = field[after_array..].find('@') else {
            return Some((field, true));
        };
        let (kind, range) = field.split_at(after_array + at);
        let (from, to) = range[1..].split_once('-')?;
        let from: i16 = from.parse().ok()?;
        let to: i16 = if to.is_empty() {
            i16::MAX
        } else {
            to.parse().ok()?
        };
        Some((kind, (from..=to).contains(&self.version)))
    }

    fn field(&mut self, kind: &str) -> Option<()> {
        match kind.as_bytes().first()? {
            b'[' => self.array(kind.strip_prefix('[')?.strip_suffix(']')?),
            b's' => {
                let length = if self.flexible {
                    self.compact_length()?
                } else {
                    self.length16()?
                };
                self.skip(length)
            }
            b'b' => {
                let length = if self.flexible {
                    self.compact_length()?
                } else {
                    self.length32()?
                };
                self.skip(length)
            }
            _ => self.skip(kind.parse().ok()?),
        }
    }

    fn array(&mut self, element: &str) -> Option<()> {
        let count = if self.flexible {
            self.compact_length()?
        } else {
            self.length32()?
        };
        self.elements_left = self.elements_left.checked_sub(count)?;
        // One field alone that is no structure has no tagged fields of its own.
        let is_plain = !element.contains(' ') && !element.contains('@') && !element.contains('[');
        for _ in 0..count {
            if is_plain {
                self.field(element)?
            } else {
                self.fields(element)?
            }
        }
        Some(())
    }

    fn tagged(&mut self) -> Option<()> {
        if !self.flexible {
            return Some(());
        }
        for _ in 0..self.unsigned()? {
            self.unsigned()?;
            let length = usize::try_from(self.unsigned()?).ok()?;
            self.skip(length)?;
        }
        Some(())
    }

    fn skip(&mut self, length: usize) -> Option<()> {
        self.rest = self.rest.get(length..)?;
        Some(())
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*taken)
    }

    /// A length whose null is -1.
    fn length16(&mut self) -> Option<usize> {
        let length = i16::from_be_bytes(self.take()?);
        if length == -1 {
            Some(0)
        } else {
            usize::try_from(length).ok()
        }
    }

    fn length32(&mut self) -> Option<usize> {
        let length = i32::from_be_bytes(self.take()?);
        if length == -1 {
            Some(0)
        } else {
            usize::try_from(length).ok()
        }
    }

    /// A length plus one, whose null is 0.
    fn compact_length(&mut self) -> Option<usize> {
        usize::try_from(self.unsigned()?.saturating_sub(1)).ok()
    }

    fn unsigned(&mut self) -> Option<u32> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let [byte] = self.take()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

/// Parts the first field from the rest of a shape.
fn split_field(shape: &str) -> Option<(&str, &str)> {
    let mut depth = 0i32;
    for (at, letter) in shape.char_indices() {
        match letter {
            '[' => depth += 1,
            ']' => depth -= 1,
            ' ' if depth == 0 => return Some((&shape[..at], &shape[at + 1..])),
            _ => {}
        }
    }
    (depth == 0).then_some((shape, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_offered_has_a_shape() {
        for (key, _, _) in crate::api::OFFERED {
            assert!(shape(*key).is_some(), "{key:?}");
        }
    }

    #[test]
    fn lengths_are_borne_out_or_refused() {
        // One topic "t" with no partitions, at version 1 of DeleteRecords.
        let sound = [0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 0, 0, 0, 0, 9];
        assert!(is_sound(ApiKey::DeleteRecords, 1, &sound));
        for cut in 0..sound.len() {
            assert!(
                !is_sound(ApiKey::DeleteRecords, 1, &sound[..cut]),
                "{cut} bytes"
            );
        }
        let mut many = sound;
        many[0] = 0x7f;
        assert!(!is_sound(ApiKey::DeleteRecords, 1, &many));
        many[0] = 0x80;
        assert!(
            !is_sound(ApiKey::DeleteRecords, 1, &many),
            "a negative count that is not null"
        );
    }

    #[test]
    fn small_elements_are_counted() {
        // An array of 300,000 null strings: all there, and more than one request may have.
        let mut body = 300_000i32.to_be_bytes().to_vec();
        body.extend(std::iter::repeat_n(0xff, 600_000));
        assert!(!is_sound(ApiKey::DeleteGroups, 0, &body));
        body[..4].copy_from_slice(&100_000i32.to_be_bytes());
        assert!(is_sound(ApiKey::DeleteGroups, 0, &body));
    }
}

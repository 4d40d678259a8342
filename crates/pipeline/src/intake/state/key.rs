//! Keys of the intake-state topic.

use crate::intake::shelves::Place;
use crate::log::Partition;

/// What a slice is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Events that were accepted.
    Ids,
    /// How often they came again.
    Copies,
    /// Events whose source may correct them.
    Versions,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 3] = [Kind::Ids, Kind::Copies, Kind::Versions];

    fn name(self) -> &'static str {
        match self {
            Kind::Ids => "ids",
            Kind::Copies => "copies",
            Kind::Versions => "versions",
        }
    }
}

/// What a record is of, within its input partition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// Deltas before format 3.
    Old,
    /// The delta in a slot.
    Delta(u32),
    /// Kind, minute, part, name of the source.
    Slice(Kind, i64, u32, String),
}

impl Key {
    /// The key of a slice.
    pub fn slice(kind: Kind, place: Place, source: &str) -> Self {
        Key::Slice(kind, place.minute, place.part, source.to_owned())
    }

    /// As it stands in the topic.
    pub fn bytes(&self, partition: &Partition) -> Vec<u8> {
        let input = format!("{}/{}", partition.topic, partition.index);
        let text = match self {
            Key::Old => input,
            Key::Delta(slot) => format!("{input}/delta/{slot}"),
            Key::Slice(kind, minute, part, source) => {
                format!("{input}/{}/{minute}/{part}/{source}", kind.name())
            }
        };
        text.into_bytes()
    }

    /// The key of a record; none if it is of another input partition.
    pub fn read(bytes: &[u8], partition: &Partition) -> Option<Key> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (topic, rest) = text.split_once('/')?;
        let (index, rest) = rest.split_once('/').unwrap_or((rest, ""));
        if *topic != *partition.topic || index.parse() != Ok(partition.index) {
            return None;
        }
        if rest.is_empty() {
            return Some(Key::Old);
        }
        let (kind, rest) = rest.split_once('/')?;
        if kind == "delta" {
            return rest.parse().ok().map(Key::Delta);
        }
        let kind = Kind::ALL.into_iter().find(|known| known.name() == kind)?;
        let mut parts = rest.splitn(3, '/');
        let minute = parts.next()?.parse().ok()?;
        let part = parts.next()?.parse().ok()?;
        Some(Key::Slice(kind, minute, part, parts.next()?.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written_and_by_their_own_partition_alone() {
        let partition = Partition::new("port.rail", 11);
        let place = Place {
            source: 3,
            minute: -5,
            part: 2,
        };
        let keys = [
            Key::Old,
            Key::Delta(1_023),
            Key::slice(Kind::Ids, place, "a/b"),
            Key::slice(Kind::Versions, place, ""),
        ];
        for key in keys {
            let bytes = key.bytes(&partition);
            assert_eq!(Key::read(&bytes, &partition), Some(key));
            for other in [Partition::new("port.rail", 1), Partition::new("port", 11)] {
                assert_eq!(Key::read(&bytes, &other), None);
            }
        }
        assert_eq!(Key::read(b"port.rail/11/later/1", &partition), None);
    }
}

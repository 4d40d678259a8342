//! Where rows wait, and for whom.

use std::collections::BTreeSet;

use arrow::datatypes::SchemaRef;

use super::KEPT;

/// Whose rows wait in one place: a table of the schema, and the stream whose offsets its rows have.
pub fn place_name(stream: &str, table: &str) -> String {
    format!("{stream}/{table}")
}

/// A query or table that reads rows which wait.
pub trait Reader {
    /// Its own.
    fn fingerprint(&self) -> u64;

    /// True if it reads this table of the schema.
    fn reads(&self, table: &str) -> bool;

    /// True if rows of that table with these columns hold all that it reads of them.
    fn can_use(&self, table: &str, columns: &SchemaRef) -> bool;
}

/// Who is to see rows that wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readers {
    /// All who read their table.
    All,
    /// Of those the queries and tables with these fingerprints.
    Only(BTreeSet<u64>),
}

impl Readers {
    /// True if a query or table of this fingerprint is among them.
    pub fn has(&self, fingerprint: u64) -> bool {
        match self {
            Readers::All => true,
            Readers::Only(readers) => readers.contains(&fingerprint),
        }
    }

    /// These are no readers apart any more. False if none is left.
    pub(super) fn leave(&mut self, leaving: &BTreeSet<u64>) -> bool {
        match self {
            Readers::All => true,
            Readers::Only(readers) => {
                readers.retain(|reader| !leaving.contains(reader));
                !readers.is_empty()
            }
        }
    }
}

/// True if a piece of this name holds rows that wait for some readers alone.
pub fn is_apart(piece: &str) -> bool {
    let place = piece.strip_prefix(KEPT).map(Place::parse);
    place.is_some_and(|place| place.readers != Readers::All)
}

/// What a place's name says: stream, table, and the readers if not all are meant.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) stream: String,
    pub(super) table: String,
    pub(super) readers: Readers,
}

impl Place {
    pub(super) fn parse(name: &str) -> Self {
        let mut words = name.splitn(3, '/').map(str::to_owned);
        let (stream, table) = (words.next(), words.next());
        let readers = words.next().map(|readers| {
            let readers = readers.split(',').filter_map(|reader| reader.parse().ok());
            Readers::Only(readers.collect())
        });
        Place {
            stream: stream.unwrap_or_default(),
            table: table.unwrap_or_default(),
            readers: readers.unwrap_or(Readers::All),
        }
    }

    pub(super) fn name(&self) -> String {
        let name = place_name(&self.stream, &self.table);
        match &self.readers {
            Readers::All => name,
            Readers::Only(readers) => {
                let readers: Vec<String> = readers.iter().map(u64::to_string).collect();
                format!("{name}/{}", readers.join(","))
            }
        }
    }

    /// The name of the place where the rows of this one wait for some alone.
    pub(super) fn alone_for(&self, readers: &BTreeSet<u64>) -> String {
        let readers = Readers::Only(readers.clone());
        let place = Place {
            readers,
            ..self.clone()
        };
        place.name()
    }
}

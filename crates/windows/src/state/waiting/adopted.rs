//! Rows that another has, and that are handed over with the state of some.

use std::collections::{BTreeMap, BTreeSet};

use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use datafusion::common::Result;

use super::{Held, Reader, Room, Waiting, offsets};

impl Waiting {
    /// Takes in what waits in `other` and not here, or here without a column that they read, for some alone to see: those
    /// that have their state from there.
    pub fn adopt(&mut self, other: &Waiting, readers: &[&dyn Reader]) -> Result<()> {
        self.leave(&readers.iter().map(|reader| reader.fingerprint()).collect());
        for room in other.rooms.values() {
            let table = room.place.table.as_str();
            let here: Vec<SchemaRef> = self.schemas(&room.place.name()).cloned().collect();
            // Those who can use the same of what is here lack the same.
            let mut alike: BTreeMap<Vec<bool>, BTreeSet<u64>> = BTreeMap::new();
            for reader in readers.iter().filter(|reader| reader.reads(table)) {
                let uses = here.iter().map(|schema| reader.can_use(table, schema));
                let group = alike.entry(uses.collect()).or_default();
                group.insert(reader.fingerprint());
            }
            for (uses, readers) in alike {
                let usable = here.iter().zip(uses).filter(|(_, is_usable)| *is_usable);
                let usable: Vec<&SchemaRef> = usable.map(|(schema, _)| schema).collect();
                self.adopt_room(room, &readers, &usable)?;
            }
        }
        Ok(())
    }

    fn adopt_room(
        &mut self,
        room: &Room,
        readers: &BTreeSet<u64>,
        usable: &[&SchemaRef],
    ) -> Result<()> {
        let place = room.place.alone_for(readers);
        for (origin, waiting) in &room.origins {
            let here = self.rooms.get(&room.place.name());
            let here = here.and_then(|here| here.origins.get(origin));
            let here = here.into_iter().flatten().flat_map(|held| &held.rows);
            let mut known = BTreeSet::new();
            for rows in here.filter(|rows| usable.contains(&rows.schema_ref())) {
                known.extend(offsets(&rows.load()?)?.iter().copied());
            }
            if known.is_empty() {
                // All of them; what is kept away stays there.
                let adopted = self.room(&place).origins.entry(origin.clone());
                adopted.or_default().extend(waiting.iter().cloned());
                continue;
            }
            for rows in waiting.iter().flat_map(|held| &held.rows) {
                let rows = rows.load()?;
                let is_new = offsets(&rows)?.iter();
                let is_new = is_new.map(|offset| Some(!known.contains(offset)));
                let rows = filter_record_batch(&rows, &is_new.collect())?;
                if rows.num_rows() > 0 {
                    self.absorb(&place, &rows)?;
                }
            }
        }
        Ok(())
    }

    /// The different schemas of the rows that wait in one place.
    fn schemas(&self, place: &str) -> impl Iterator<Item = &SchemaRef> {
        let room = self.rooms.get(place).into_iter();
        let rows = room.flat_map(Room::held).flat_map(|held| &held.rows);
        let mut seen: Vec<&SchemaRef> = Vec::new();
        for schema in rows.map(Held::schema_ref) {
            if !seen.contains(&schema) {
                seen.push(schema);
            }
        }
        seen.into_iter()
    }

    /// Rows that waited for these readers alone do so no more.
    fn leave(&mut self, readers: &BTreeSet<u64>) {
        for (_, mut room) in std::mem::take(&mut self.rooms) {
            if !room.place.readers.leave(readers) {
                continue;
            }
            let here = self.room(&room.place.name());
            for (origin, mut waiting) in room.origins {
                here.origins.entry(origin).or_default().append(&mut waiting);
            }
        }
    }
}

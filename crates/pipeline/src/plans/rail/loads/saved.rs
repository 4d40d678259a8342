//! What is known of loads, in snapshots.

use domain::rail::LoadCut;
use events::internal::{LoadLearnt, LoadTried};
use events::{DecodeError, Message, v1};

use super::{Loads, Tried};

impl Loads {
    pub(crate) fn save(&self) -> (Vec<LoadTried>, Vec<LoadLearnt>) {
        let tried = self.tried.iter().map(|(slot, tried)| LoadTried {
            slot: slot.clone(),
            fingerprint: tried.fingerprint,
            is_loaded: tried.places.is_some(),
            places: tried
                .places
                .iter()
                .flatten()
                .map(Message::encode_to_vec)
                .collect(),
        });
        let learnt = self.cuts.iter().map(|cut| LoadLearnt {
            slot: cut.train.clone(),
            units: cut.units.clone(),
            max_units: cut.max_units,
        });
        (tried.collect(), learnt.collect())
    }

    pub(crate) fn restore(
        &mut self,
        tried: Vec<LoadTried>,
        learnt: Vec<LoadLearnt>,
    ) -> Result<(), DecodeError> {
        let tried = tried.into_iter().map(|tried| {
            let places = tried.places.iter();
            let places = places.map(|place| v1::UnitPlace::decode(place.as_slice()));
            let places = places.collect::<Result<Vec<_>, _>>()?;
            let known = Tried {
                fingerprint: tried.fingerprint,
                places: tried.is_loaded.then_some(places),
            };
            Ok((tried.slot, known))
        });
        self.tried = tried.collect::<Result<_, DecodeError>>()?;
        let learnt = learnt.into_iter().map(|cut| LoadCut {
            train: cut.slot,
            units: cut.units,
            max_units: cut.max_units,
        });
        self.cuts = learnt.collect();
        Ok(())
    }
}

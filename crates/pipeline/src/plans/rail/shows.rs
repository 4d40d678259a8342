//! How often bookings show up, by what was measured (query R6): by customer and service, else by service.

use std::collections::BTreeMap;

use optimise::rail::overbook::ShowRate;

use super::inputs::{Inputs, UnitRow};
use super::rules::RailRules;

/// What shows up for certain, thousandths.
const CERTAIN_PERMILLE: i64 = 1000;

/// What was measured.
#[derive(Debug, Default)]
pub struct Shows {
    pairs: BTreeMap<(String, String), ShowRate>,
    services: BTreeMap<String, ShowRate>,
    /// The service of each slot.
    slots: BTreeMap<String, String>,
}

impl Shows {
    /// Adds the rows up.
    pub fn new(inputs: &Inputs) -> Self {
        let slots = inputs.slots.iter();
        let mut shows = Shows {
            slots: slots
                .map(|slot| (slot.train_slot_id.clone(), slot.service_id.clone()))
                .collect(),
            ..Shows::default()
        };
        for row in &inputs.rates {
            let pair = (row.customer.clone(), row.service_id.clone());
            let service = shows.services.entry(row.service_id.clone()).or_default();
            for rate in [shows.pairs.entry(pair).or_default(), service] {
                rate.shown += row.shows.max(0);
                rate.booked += row.shows.max(0) + row.no_shows.max(0);
            }
        }
        shows
    }

    /// How often a unit's booking shows up, thousandths: the upper end of the measured interval. Always, where too little
    /// was measured, and where the unit stands in the yard already.
    pub fn permille(&self, row: &UnitRow, rules: &RailRules) -> i64 {
        if row.is_present {
            return CERTAIN_PERMILLE;
        }
        let Some(service_id) = self.slots.get(&row.train_slot_id) else {
            return CERTAIN_PERMILLE; // the planner may choose its train: nothing like it was measured
        };
        let pair = (row.customer.clone(), service_id.clone());
        let measured = [self.pairs.get(&pair), self.services.get(service_id)];
        let enough = |rate: &&ShowRate| rate.booked >= rules.no_show_bookings_min.max(1);
        let found = measured.into_iter().flatten().find(enough);
        found.map_or(CERTAIN_PERMILLE, ShowRate::upper_permille)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::rail::inputs::{RateRow, SlotRow};

    #[test]
    fn rates_are_those_of_the_customer_then_of_the_service() {
        let rate = |customer: &str, shows, no_shows| RateRow {
            customer: customer.to_owned(),
            service_id: "S".to_owned(),
            shows,
            no_shows,
        };
        let slot = |train_slot_id: &str, service_id: &str| SlotRow {
            train_slot_id: train_slot_id.to_owned(),
            service_id: service_id.to_owned(),
            ..SlotRow::default()
        };
        let shows = Shows::new(&Inputs {
            slots: vec![slot("S1", "S"), slot("T1", "T")],
            rates: vec![rate("often", 50, 50), rate("new", 5, 5)],
            ..Inputs::default()
        });
        let rules = RailRules::default();
        let permille = |customer: &str, train_slot_id: &str, is_present| {
            let row = UnitRow {
                customer: customer.to_owned(),
                train_slot_id: train_slot_id.to_owned(),
                is_present,
                ..UnitRow::default()
            };
            shows.permille(&row, &rules)
        };
        // Wilson's interval for 50 of 100 ends at 59.6 %, for 55 of 110 at 59.2 %.
        assert_eq!(permille("often", "S1", false), 597);
        assert_eq!(permille("new", "S1", false), 592);
        assert_eq!(permille("often", "S1", true), 1000);
        assert_eq!(permille("often", "T1", false), 1000);
    }
}

//! How often bookings show up, by what was measured (query R6): by customer and service, else by service.

use std::collections::BTreeMap;

use optimise::rail::overbook::{CERTAIN_PERMILLE, Rates};

use super::inputs::{Inputs, UnitRow};
use super::rules::RailRules;

/// What was measured.
#[derive(Debug, Default)]
pub struct Shows {
    rates: Rates,
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
            rates: Rates::default(),
        };
        for row in &inputs.rates {
            let (customer, service) = (&row.customer, &row.service_id);
            shows.rates.add(customer, service, row.shows, row.no_shows);
        }
        shows
    }

    /// How often a unit's booking shows up, thousandths. Always, where the unit stands in the yard already.
    pub fn permille(&self, row: &UnitRow, rules: &RailRules) -> i64 {
        match self.slots.get(&row.train_slot_id) {
            Some(service_id) if !row.is_present => {
                let bookings_min = rules.no_show_bookings_min;
                self.rates.permille(&row.customer, service_id, bookings_min)
            }
            // Without a booked train the planner may choose one: nothing like it was measured.
            _ => CERTAIN_PERMILLE,
        }
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

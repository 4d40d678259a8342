//! Closing a train, loading it, reporting it ready.

use super::services::SERVICES;
use super::{Load, Train, Unit};
use crate::agenda::Step;
use crate::containers::SIZES;
use crate::outbox::Head;
use crate::pool::Id;
use crate::port::Port;
use crate::sources::Source;
use crate::terminals::TERMINALS;
use crate::time::{MINUTE_US, SECOND_US};
use crate::yard::Carriage;
use domain::ids::WagonNumber;
use events::v1::{self, BookingStatus, EquipmentEventType, SlotStatus, TransportMode};

/// Type, length over buffers and loading length (dm), tare and payload (kg), axles.
pub(crate) const WAGONS: [(&str, u32, u32, u32, u32, u32); 4] = [
    ("Sgns60", 197, 184, 17_500, 72_500, 4),
    ("Sggrss80", 266, 246, 27_500, 107_500, 6),
    ("Sggmrss90", 296, 276, 29_000, 106_000, 6),
    ("T3000e", 342, 318, 35_000, 100_000, 6),
];

impl Port {
    /// The loading list is made: in the order of booking what is ready and fits; the rest gets the next train.
    pub(crate) fn train_closes(&mut self, id: Id<Train>) {
        let Some(train) = self.railway.trains.get_mut(id) else {
            return;
        };
        let service = &SERVICES[train.service];
        let place = train.service;
        let booked = std::mem::take(&mut train.booked);
        self.railway.open[place].retain(|other| *other != id);
        self.publish_slot(id, SlotStatus::Closed);
        let mut load = Load::default();
        let mut on_board = Vec::new();
        for unit_id in booked {
            let Some(unit) = self.railway.units.get(unit_id) else {
                continue;
            };
            if unit.is_no_show {
                self.never_came(unit_id);
                continue;
            }
            let with_it = Load {
                quarters: load.quarters + unit.load.quarters,
                length_dm: load.length_dm + unit.load.length_dm,
                gross_kg: load.gross_kg + unit.load.gross_kg,
            };
            let fits = with_it.quarters <= service.teu_max_quarters
                && with_it.length_dm <= service.length_max_dm
                && with_it.gross_kg <= service.gross_max_kg;
            if unit.is_ready && fits {
                load = with_it;
                on_board.push(unit_id);
            } else {
                self.books_the_next(unit_id);
            }
        }
        on_board.reverse();
        if let Some(train) = self.railway.trains.get_mut(id) {
            train.to_load = on_board;
        }
        self.after(10 * MINUTE_US, Step::TrainLoads(id));
    }

    fn never_came(&mut self, id: Id<Unit>) {
        self.tell_booking(id, BookingStatus::NoShow);
        if let Some(unit) = self.railway.units.remove(id) {
            self.containers.remove(unit.container);
        }
    }

    /// One unit is set on its wagon.
    pub(crate) fn train_loads(&mut self, id: Id<Train>) {
        let Some(train) = self.railway.trains.get_mut(id) else {
            return;
        };
        let Some(unit_id) = train.to_load.pop() else {
            return;
        };
        train.loaded_units.push(unit_id);
        let (slot, terminal) = (train.slot.clone(), SERVICES[train.service].terminal);
        let Some(unit) = self.railway.units.get(unit_id) else {
            return;
        };
        let (container, load) = (unit.container, unit.load);
        train.loaded.quarters += load.quarters;
        train.loaded.length_dm += load.length_dm;
        train.loaded.gross_kg += load.gross_kg;
        let by = by_rail(&slot);
        self.rail_crane_moves(terminal, container, EquipmentEventType::Load, &by);
        self.goes_out(container, EquipmentEventType::Load, &by);
        let cranes = TERMINALS[terminal].rail_cranes.max(1) as i64;
        let takes_us = self.rail_random.between(100 * SECOND_US, 170 * SECOND_US) / cranes;
        self.after(takes_us, Step::TrainLoads(id));
    }

    /// A move by one of the rail cranes that ends now. The container is in the yard.
    pub(crate) fn rail_crane_moves(
        &mut self,
        terminal: usize,
        container: Id<crate::containers::Container>,
        event_type: EquipmentEventType,
        by: &Carriage,
    ) {
        let Some(what) = self.containers.get(container) else {
            return;
        };
        let block = what
            .block
            .map(|block| self.terminals[terminal].blocks[block].name.clone());
        let (yard, wagon) = (block.unwrap_or_default(), by.train.clone());
        let (from_position, to_position) = match event_type {
            EquipmentEventType::Load => (yard, wagon),
            _ => (wagon, yard),
        };
        let crane = 1 + self
            .rail_random
            .index(TERMINALS[terminal].rail_cranes.max(1));
        let takes_us = self.rail_random.between(80 * SECOND_US, 150 * SECOND_US);
        let body = v1::MoveEvent {
            container_id: what.number.as_str().to_owned(),
            equipment_id: format!("{}-RC{crane}", TERMINALS[terminal].id),
            from_position,
            to_position,
            started_at_us: self.now_us - takes_us,
            ended_at_us: self.now_us,
            event_type: event_type.into(),
            is_productive: true,
            teu_quarters: SIZES[what.size].quarters,
        };
        let head = Head::act(self.now_us, TERMINALS[terminal].id).of_train(&by.train);
        self.send(Source::Tos, head, body);
    }

    /// Composition and readiness, half an hour before departure.
    pub(crate) fn train_is_ready(&mut self, id: Id<Train>) {
        let Some(train) = self.railway.trains.get(id) else {
            return;
        };
        let (slot, load) = (train.slot.clone(), train.loaded);
        let terminal = TERMINALS[SERVICES[train.service].terminal].id;
        let mut composition = v1::TrainComposition {
            length_dm: 190,
            gross_t: 90,
            ..Default::default()
        };
        let mut loading_dm = 0;
        let mut tare_kg = 0;
        while loading_dm < load.length_dm + 200 {
            let place = self.rail_random.weighted(&[20, 45, 25, 10]);
            let (wagon_type, length_dm, can_load_dm, wagon_kg, _, axles) = WAGONS[place];
            loading_dm += can_load_dm;
            tare_kg += wagon_kg;
            composition.length_dm += length_dm;
            composition.axles += axles;
            composition.wagon_types.push(wagon_type.to_owned());
            composition.wagon_numbers.push(self.wagon_number());
        }
        composition.gross_t += (tare_kg + load.gross_kg) / 1000;
        composition.axle_load_max_dt = self.rail_random.between(165, 225) as u32;
        let wagon = composition
            .wagon_numbers
            .first()
            .cloned()
            .unwrap_or_default();
        let wagon_type = composition.wagon_types.first().cloned().unwrap_or_default();
        let is_defective = self.rail_random.percent(8);
        let head = Head::act(self.now_us, terminal).of_train(&slot);
        self.send(Source::Rail, head.clone(), composition);
        if is_defective {
            let body = v1::WagonStatus {
                wagon_number: wagon,
                wagon_type,
                is_defective: true,
                defect: "brake block".to_owned(),
            };
            self.send(Source::Rail, head.clone(), body);
        }
        let body = v1::TrainReady {
            is_ready: !is_defective,
            reason: if is_defective {
                "wagon defective".to_owned()
            } else {
                String::new()
            },
        };
        self.send(Source::Rail, head, body);
    }

    fn wagon_number(&mut self) -> String {
        // 33: interchange and axles of a private wagon; 68, 80, 84: keeper's country.
        let country = self.rail_random.pick(&[68, 80, 84]);
        let stem = 33_004_000_000 + country * 10_000_000 + self.rail_random.below(1_000_000);
        WagonNumber::with_check_digit(stem)
            .map(|number| number.to_string())
            .unwrap_or_default()
    }
}

/// Carriage by a train.
pub(crate) fn by_rail(slot: &str) -> Carriage {
    Carriage {
        mode: TransportMode::Rail,
        transport_call: slot.to_owned(),
        train: slot.to_owned(),
        ..Carriage::default()
    }
}

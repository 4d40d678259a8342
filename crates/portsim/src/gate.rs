//! Lorries: appointment, gate in, handling, gate out.

use crate::agenda::Step;
use crate::containers::{Container, Exit};
use crate::outbox::Head;
use crate::pool::Id;
use crate::port::Port;
use crate::sources::Source;
use crate::terminals::TERMINALS;
use crate::time::{self, HOUR_US, MINUTE_US};
use crate::yard::Carriage;
use events::v1::{self, EquipmentEventType, GateDirection, TransportMode};

/// A lorry within a terminal.
#[derive(Debug)]
pub(crate) struct Truck {
    terminal: usize,
    plate: String,
    gate: String,
    haulier: &'static str,
    entered_us: i64,
    appointment: Option<(String, i64, i64)>,
    brings: Option<Id<Container>>,
    fetches: Option<Id<Container>>,
}

const HAULIERS: [&str; 8] = [
    "KOCH",
    "RHEINTRANS",
    "BOSMANS",
    "DELTA",
    "NIERSLOG",
    "VOSS",
    "WESTKURIER",
    "ELBERS",
];
const TOWNS: [&str; 8] = ["DU", "KR", "WES", "E", "D", "MG", "BOT", "KLE"];

/// Lorries an hour at the busiest time, in the whole port.
const BUSY_PER_HOUR: i64 = 300;

impl Port {
    /// Poisson arrivals with the rhythm of working hours.
    pub(crate) fn truck_comes(&mut self) {
        let share = time::share_ppm(&time::TRUCKS, self.now_us);
        if self.gate_random.chance_ppm(share) {
            let weights: Vec<u32> = (0..TERMINALS.len())
                .map(|terminal| self.calling_for_trucks(terminal))
                .collect();
            let terminal = self.gate_random.weighted(&weights);
            self.a_truck_with_work(terminal);
        }
        let busy =
            BUSY_PER_HOUR * i64::from(self.settings.traffic_percent) * self.backlog_percent()
                / 10_000;
        let wait_us = self.gate_random.exponential(HOUR_US / busy.max(1));
        self.after(wait_us, Step::TruckComes);
    }

    /// Hauliers send more lorries when containers pile up in the port.
    fn backlog_percent(&self) -> i64 {
        let waiting: usize = self
            .terminals
            .iter()
            .map(|terminal| terminal.for_truck.len())
            .sum();
        let usual: u32 = (0..TERMINALS.len()).map(usual_stock).sum();
        (waiting as i64 * 100 / i64::from(usual)).clamp(90, 170)
    }

    /// A terminal draws lorries by its size, and more when containers pile up that should go by road.
    fn calling_for_trucks(&self, terminal: usize) -> u32 {
        let imports = self.terminals[terminal].for_truck.len() as u32;
        let percent = (imports * 100 / usual_stock(terminal)).clamp(50, 400);
        TERMINALS[terminal].truck_weight * percent
    }

    /// What a lorry does follows from what the yard is short of: many imports, more fetching; few exports, more bringing.
    fn a_truck_with_work(&mut self, terminal: usize) {
        let spec = &TERMINALS[terminal];
        let usual = i64::from(usual_stock(terminal));
        let imports = self.terminals[terminal].for_truck.len() as i64;
        let exports = self.terminals[terminal].for_barge.len() as i64;
        let fetch_percent = (imports * 62 / usual).clamp(8, 96);
        let bring_percent = match spec.berths.is_empty() {
            true => 0,
            false => (125 - exports * 75 / usual).clamp(5, 96),
        };
        let fetches = self.gate_random.percent(fetch_percent as u32);
        let brings = self.gate_random.percent(bring_percent as u32);
        let fetches = (fetches && imports > 0).then(|| {
            let ready = &mut self.terminals[terminal].for_truck;
            ready.swap_remove(self.gate_random.index(ready.len()))
        });
        let brings = brings.then(|| self.new_container(terminal, Exit::Barge));
        if fetches.is_some() || brings.is_some() {
            self.truck_enters(terminal, brings, fetches);
        }
    }

    /// Gate in.
    pub(crate) fn truck_enters(
        &mut self,
        terminal: usize,
        brings: Option<Id<Container>>,
        fetches: Option<Id<Container>>,
    ) {
        let random = &mut self.gate_random;
        self.truck_count += 1;
        let appointment = random.percent(82).then(|| {
            let early_us = random.bell(35 * MINUTE_US);
            let from_us = (self.now_us - early_us).div_euclid(30 * MINUTE_US) * 30 * MINUTE_US;
            (
                format!("AP-{}", self.truck_count),
                from_us,
                from_us + 30 * MINUTE_US,
            )
        });
        let truck = Truck {
            terminal,
            plate: format!(
                "{}-TR {}",
                random.pick(&TOWNS),
                1000 + self.truck_count % 9000
            ),
            gate: format!(
                "{}-G{}",
                TERMINALS[terminal].id,
                1 + random.index(TERMINALS[terminal].gates)
            ),
            haulier: random.pick(&HAULIERS),
            entered_us: self.now_us,
            appointment,
            brings,
            fetches,
        };
        // A visit takes its time, longer when the terminal is full of lorries.
        let crowd = i64::from(self.terminals[terminal].trucks_inside) * MINUTE_US / 2;
        let wait_us = random.between(6 * MINUTE_US, 16 * MINUTE_US) + crowd;
        self.terminals[terminal].trucks_inside += 1;
        let container = truck.brings.or(truck.fetches);
        self.tell_gate(&truck, GateDirection::In, container);
        let id = self.trucks.add(truck);
        self.after(wait_us, Step::TruckHandles(id));
    }

    /// The container that it brings comes off.
    pub(crate) fn truck_handles(&mut self, id: Id<Truck>) {
        let Some(truck) = self.trucks.get_mut(id) else {
            return;
        };
        let (brings, fetches) = (truck.brings.take(), truck.fetches);
        let by = by_truck(truck);
        if let Some(container) = brings {
            self.comes_in(container, EquipmentEventType::Gtin, &by);
            self.machine_moves(container, EquipmentEventType::Gtin, true);
        }
        let mut wait_us = self.gate_random.between(4 * MINUTE_US, 11 * MINUTE_US);
        if let Some(container) = fetches {
            if self.gate_random.percent(22) {
                self.machine_moves(container, EquipmentEventType::Gtot, false);
                wait_us += 3 * MINUTE_US;
            }
            wait_us += self.gate_random.between(5 * MINUTE_US, 12 * MINUTE_US);
        }
        self.after(wait_us, Step::TruckLeaves(id));
    }

    /// Gate out, with the container that it fetched.
    pub(crate) fn truck_leaves(&mut self, id: Id<Truck>) {
        let Some(truck) = self.trucks.remove(id) else {
            return;
        };
        self.terminals[truck.terminal].trucks_inside -= 1;
        self.tell_gate(&truck, GateDirection::Out, truck.fetches);
        if let Some(container) = truck.fetches {
            self.machine_moves(container, EquipmentEventType::Gtot, true);
            self.goes_out(container, EquipmentEventType::Gtot, &by_truck(&truck));
        }
    }

    fn tell_gate(
        &mut self,
        truck: &Truck,
        direction: GateDirection,
        container: Option<Id<Container>>,
    ) {
        let container = container.and_then(|id| self.containers.get(id));
        let (appointment_id, from_us, to_us) = match &truck.appointment {
            Some((id, from_us, to_us)) => (id.clone(), Some(*from_us), Some(*to_us)),
            None => (String::new(), None, None),
        };
        let body = v1::GateEvent {
            truck_id: truck.plate.clone(),
            gate: truck.gate.clone(),
            direction: direction.into(),
            entered_at_us: (direction == GateDirection::Out).then_some(truck.entered_us),
            appointment_id,
            appointment_from_at_us: from_us,
            appointment_to_at_us: to_us,
            haulier: truck.haulier.to_owned(),
            container_id: container
                .map(|c| c.number.as_str().to_owned())
                .unwrap_or_default(),
        };
        let head = Head::act(self.now_us, TERMINALS[truck.terminal].id);
        self.send(Source::Gate, head, body);
    }
}

/// Containers that usually wait for lorries, and as many for barges.
pub(crate) fn usual_stock(terminal: usize) -> u32 {
    (TERMINALS[terminal].yard_teu / 7).max(1)
}

fn by_truck(truck: &Truck) -> Carriage {
    Carriage {
        mode: TransportMode::Truck,
        transport_call: format!("{}@{}", truck.plate, truck.entered_us / time::SECOND_US),
        ..Carriage::default()
    }
}

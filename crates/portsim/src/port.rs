//! The port as a whole, and who does what when a step is due.

use crate::agenda::{Agenda, Step};
use crate::containers::{Container, Numbers};
use crate::gate::Truck;
use crate::gauge::Gauge;
use crate::outbox::{Head, Outbox};
use crate::payload::Payload;
use crate::pool::Pool;
use crate::rail::Railway;
use crate::random::Random;
use crate::settings::Settings;
use crate::sources::Source;
use crate::terminals::{TERMINALS, Terminal};
use crate::time::HOUR_US;
use crate::vessels::{Call, Craft};

/// The simulated port.
#[derive(Debug)]
pub(crate) struct Port {
    pub settings: Settings,
    pub now_us: i64,
    pub end_us: i64,
    pub agenda: Agenda,
    pub outbox: Outbox,
    pub terminals: Vec<Terminal>,
    pub craft: Pool<Craft>,
    pub calls: Pool<Call>,
    pub containers: Pool<Container>,
    pub trucks: Pool<Truck>,
    pub railway: Railway,
    pub gauge: Gauge,
    pub numbers: Numbers,
    /// One for each part, so that a change in one leaves the others as they were.
    pub vessel_random: Random,
    pub quay_random: Random,
    pub yard_random: Random,
    pub gate_random: Random,
    pub rail_random: Random,
    pub customs_random: Random,
    pub reefer_random: Random,
    pub ais_random: Random,
    /// Counts port calls, lorries and appointments.
    pub call_count: u64,
    pub truck_count: u64,
    pub command_turn: usize,
}

impl Port {
    pub(crate) fn new(settings: Settings) -> Self {
        let seed = settings.seed;
        let mut port = Port {
            now_us: settings.start_at_us - HOUR_US,
            end_us: settings.end_at_us(),
            agenda: Agenda::default(),
            outbox: Outbox::new(&settings),
            terminals: TERMINALS.iter().map(Terminal::new).collect(),
            craft: Pool::new(),
            calls: Pool::new(),
            containers: Pool::new(),
            trucks: Pool::new(),
            railway: Railway::new(),
            gauge: Gauge::new(seed),
            numbers: Numbers::new(seed),
            vessel_random: Random::new(seed, 1),
            quay_random: Random::new(seed, 2),
            yard_random: Random::new(seed, 3),
            gate_random: Random::new(seed, 4),
            rail_random: Random::new(seed, 5),
            customs_random: Random::new(seed, 6),
            reefer_random: Random::new(seed, 7),
            ais_random: Random::new(seed, 8),
            call_count: 0,
            truck_count: 0,
            command_turn: 0,
            settings,
        };
        port.agenda.plan(port.now_us, Step::Opening);
        port
    }

    /// An event that its source learns of now.
    pub(crate) fn send<P: Payload>(&mut self, source: Source, head: Head, body: P) {
        self.outbox.send(self.now_us, source, head, body);
    }

    /// Plans a step after a span.
    pub(crate) fn after(&mut self, span_us: i64, step: Step) {
        self.agenda.plan(self.now_us + span_us.max(0), step);
    }

    /// The instant with which the simulated time begins.
    pub(crate) fn start_us(&self) -> i64 {
        self.settings.start_at_us
    }

    /// Does what is due.
    pub(crate) fn act(&mut self, at_us: i64, step: Step) {
        self.now_us = at_us;
        match step {
            Step::Opening => self.open(),
            Step::Heartbeat(source) => self.beat(source),
            Step::BargeIsAnnounced => self.barge_is_announced(),
            Step::CoasterIsAnnounced => self.coaster_is_announced(),
            Step::PassesThrough => self.passes_through(),
            Step::Announce(call) => self.announce(call),
            Step::ReviseArrival(call, source) => self.revise_arrival(call, source),
            Step::Approaches(craft) => self.approaches(craft),
            Step::Reaches(craft) => self.reaches(craft),
            Step::Leaves(craft) => self.leaves(craft),
            Step::Transponder(craft) => self.transponder(craft),
            Step::AllFast(call) => self.all_fast(call),
            Step::ReadyForCranes(call) => self.ready_for_cranes(call),
            Step::CraneMove { terminal, crane } => self.crane_move(terminal, crane),
            Step::CraneFails { terminal, crane } => self.crane_fails(terminal, crane),
            Step::CraneIsBack { terminal, crane } => self.crane_is_back(terminal, crane),
            Step::Departs(call) => self.departs(call),
            Step::BerthCloses => self.berth_closes(),
            Step::BerthOpens { terminal, berth } => self.berth_opens(terminal, berth),
            Step::CustomsActs(container) => self.customs_acts(container),
            Step::ReeferReports(container) => self.reefer_reports(container),
            Step::ReeferFails => self.reefer_fails(),
            Step::TruckComes => self.truck_comes(),
            Step::TruckHandles(truck) => self.truck_handles(truck),
            Step::TruckLeaves(truck) => self.truck_leaves(truck),
            Step::SlotsArePublished => self.slots_are_published(),
            Step::UnitIsBooked(train) => self.unit_is_booked(train),
            Step::UnitComesByTruck(unit) => self.unit_comes_by_truck(unit),
            Step::TrainCloses(train) => self.train_closes(train),
            Step::TrainLoads(train) => self.train_loads(train),
            Step::TrainIsReady(train) => self.train_is_ready(train),
            Step::DepartureForecast(train) => self.departure_forecast(train),
            Step::TrainDeparts(train) => self.train_departs(train),
            Step::TrainPasses(train) => self.train_passes(train),
            Step::InboundForecast(train) => self.inbound_forecast(train),
            Step::InboundPasses(train) => self.inbound_passes(train),
            Step::InboundUnloads(train) => self.inbound_unloads(train),
            Step::GaugeReads => self.gauge_reads(),
            Step::GaugeForecast => self.gauge_forecast(),
            Step::PlannerActs => self.planner_acts(),
        }
    }

    fn beat(&mut self, source: Source) {
        self.outbox.beat(self.now_us, source);
        let every_us = i64::from(self.settings.heartbeat_every_s) * crate::time::SECOND_US;
        self.after(every_us, Step::Heartbeat(source));
    }
}

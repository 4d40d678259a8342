//! The hour before the first instant: master data, the stock of the yards, what is announced already.

use crate::agenda::Step;
use crate::containers::Exit;
use crate::outbox::Head;
use crate::port::Port;
use crate::quay::GAUGE_STATION;
use crate::sources::Source;
use crate::terminals::{GAP_DM, TERMINALS};
use crate::time::{DAY_US, HOUR_US, MINUTE_US, SECOND_US};
use events::v1;

impl Port {
    pub(crate) fn open(&mut self) {
        let begin_us = self.now_us;
        for source in Source::ALL {
            self.agenda.plan(begin_us, Step::Heartbeat(source));
        }
        self.publish_sources();
        self.publish_terminals();
        self.publish_rail_services();
        self.fill_yards();
        self.now_us = begin_us;
        self.first_slots();
        self.first_vessels();
        self.plan_the_regular_steps();
    }

    fn publish_sources(&mut self) {
        for source in Source::ALL {
            let decl = source.decl();
            let body = v1::SourceProfile {
                source_id: decl.name.to_owned(),
                description: decl.description.to_owned(),
                delay_usual_s: decl.delay_usual_s,
            };
            self.publish("", body);
        }
    }

    /// A record of master data, a tenth of a second after the last.
    pub(crate) fn publish<P: crate::payload::Payload>(&mut self, terminal: &'static str, body: P) {
        self.now_us += SECOND_US / 10;
        let head = Head::act(self.now_us, terminal);
        self.send(Source::Master, head, body);
    }

    fn publish_terminals(&mut self) {
        for spec in TERMINALS {
            let terminal = v1::Terminal {
                name: spec.name.to_owned(),
                yard_capacity_teu_quarters: spec.yard_teu * 4,
            };
            self.publish(spec.id, terminal);
            for berth in spec.berths {
                let body = v1::Berth {
                    berth_id: berth.id.to_owned(),
                    quay: format!("{}-Q", spec.id),
                    from_dm: berth.from_dm,
                    to_dm: berth.to_dm,
                    depth_cm: berth.depth_cm,
                    gauge_station: GAUGE_STATION.to_owned(),
                    gauge_reference_cm: 233,
                    air_clearance_cm: None,
                    cones_max: berth.cones_max,
                    has_shore_power: berth.has_shore_power,
                    gap_dm: GAP_DM,
                    is_single: berth.is_single,
                };
                self.publish(spec.id, body);
            }
            let (from_dm, to_dm) = quay_ends(spec.berths);
            for crane in 0..spec.cranes {
                let body = v1::Crane {
                    crane_id: format!("{}-C{}", spec.id, crane + 1),
                    quay: format!("{}-Q", spec.id),
                    from_dm,
                    to_dm,
                    moves_per_h: spec.crane_moves_per_h,
                };
                self.publish(spec.id, body);
            }
        }
    }

    /// The stock of every yard, as gate-in events over half an hour. What is booked on the first trains comes on top.
    fn fill_yards(&mut self) {
        let begin_us = self.start_us() - HOUR_US + 2 * MINUTE_US;
        for (terminal, spec) in TERMINALS.iter().enumerate() {
            let wanted_quarters = i64::from(spec.yard_teu) * 4;
            self.now_us = begin_us;
            for (exit, percent) in [(Exit::Truck, 22), (Exit::Barge, 24)] {
                let until =
                    self.terminals[terminal].stock_quarters() + wanted_quarters * percent / 100;
                while self.terminals[terminal].stock_quarters() < until {
                    if exit == Exit::Barge && spec.berths.is_empty() {
                        break;
                    }
                    self.now_us += SECOND_US;
                    let container = self.new_container(terminal, exit);
                    self.stands_in_the_yard(container);
                }
            }
        }
    }

    /// Calls of the coming day and a half are announced already; some craft arrive within the first minutes.
    fn first_vessels(&mut self) {
        let per_hour = self.vessels_per_hour();
        for hour in 0..crate::announcing::LEAD_US / HOUR_US {
            let (barges, coasters) = (per_hour.0, per_hour.1);
            let at_us = self.start_us() + hour * HOUR_US;
            self.announce_hour(at_us, barges, coasters);
        }
    }

    fn plan_the_regular_steps(&mut self) {
        let start_us = self.start_us();
        self.agenda.plan(start_us, Step::BargeIsAnnounced);
        self.agenda.plan(start_us, Step::CoasterIsAnnounced);
        self.agenda.plan(start_us, Step::PassesThrough);
        self.agenda.plan(start_us, Step::TruckComes);
        self.agenda
            .plan(start_us - 45 * MINUTE_US, Step::GaugeReads);
        self.agenda
            .plan(start_us - 40 * MINUTE_US, Step::GaugeForecast);
        self.agenda.plan(start_us + 3 * HOUR_US, Step::PlannerActs);
        self.agenda.plan(start_us + 9 * HOUR_US, Step::BerthCloses);
        self.agenda.plan(start_us + 2 * HOUR_US, Step::ReeferFails);
        self.agenda.plan(start_us + DAY_US, Step::SlotsArePublished);
        for (terminal, spec) in TERMINALS.iter().enumerate() {
            for crane in 0..spec.cranes {
                let span_us = self
                    .quay_random
                    .exponential(crate::cranes::MEAN_BETWEEN_FAILURES_US);
                self.agenda
                    .plan(start_us + span_us, Step::CraneFails { terminal, crane });
            }
        }
    }
}

fn quay_ends(berths: &[crate::terminals::BerthSpec]) -> (u32, u32) {
    let from_dm = berths.iter().map(|berth| berth.from_dm).min();
    let to_dm = berths.iter().map(|berth| berth.to_dm).max();
    (from_dm.unwrap_or(0), to_dm.unwrap_or(0))
}

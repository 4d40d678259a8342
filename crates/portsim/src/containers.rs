//! Containers: their numbers, what they are, what is in them.

use crate::agenda::Step;
use crate::pool::Id;
use crate::port::Port;
use crate::rail::Unit;
use crate::random::Random;
use crate::time::MINUTE_US;
use domain::ids::ContainerId;
use events::v1;

/// A container while the port has to do with it.
#[derive(Debug, Clone)]
pub(crate) struct Container {
    pub number: ContainerId,
    pub size: usize,
    pub is_laden: bool,
    pub gross_kg: u32,
    pub danger: Option<usize>,
    pub terminal: usize,
    /// Block that it stands in; none while it is not in the yard.
    pub block: Option<usize>,
    pub exit: Exit,
    pub customs: v1::CustomsState,
    /// Set point of a reefer, tenths of a degree Celsius.
    pub set_point_dc: Option<i32>,
    /// Warmer than its set point by so much, and whether the power is off.
    pub excess_dc: i32,
    pub is_unpowered: bool,
}

/// How a container will leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    Truck,
    Barge,
    Rail(Id<Unit>),
}

/// ISO size and type, quarters of a TEU, outside length, share.
pub(crate) struct Size {
    pub iso: &'static str,
    pub quarters: u32,
    pub length_dm: u32,
    pub is_reefer: bool,
}

const fn size(iso: &'static str, quarters: u32, length_dm: u32, is_reefer: bool) -> Size {
    Size {
        iso,
        quarters,
        length_dm,
        is_reefer,
    }
}

/// Sizes in the order of `SIZE_WEIGHTS`.
pub(crate) const SIZES: [Size; 7] = [
    size("22G1", 4, 61, false),
    size("42G1", 8, 122, false),
    size("45G1", 8, 122, false),
    size("L5G1", 9, 138, false),
    size("45R1", 8, 122, true),
    size("22R1", 4, 61, true),
    size("22T6", 4, 61, false),
];
const SIZE_WEIGHTS: [u32; 7] = [27, 12, 42, 7, 5, 1, 3];

/// Class (IMDG, RID) and UN number.
pub(crate) const DANGERS: [(&str, &str); 6] = [
    ("3", "1263"),
    ("8", "1760"),
    ("9", "3480"),
    ("2.1", "1950"),
    ("5.1", "1942"),
    ("6.1", "2810"),
];

const OWNERS: [&str; 12] = [
    "MSKU", "MSCU", "HLXU", "CMAU", "TGHU", "COSU", "EGHU", "OOLU", "TCLU", "SUDU", "FCIU", "CAIU",
];

/// Gives numbers that never come twice.
#[derive(Debug)]
pub(crate) struct Numbers {
    random: Random,
    count: u64,
    first: u64,
}

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, 9);
        let first = random.below(1_000_000);
        Numbers {
            random,
            count: 0,
            first,
        }
    }

    fn next(&mut self) -> ContainerId {
        loop {
            // 7919 and a million have no common divisor, so that an owner's serials come round after a million.
            let round = self.count / OWNERS.len() as u64;
            let serial = (self.first + round * 7919) % 1_000_000;
            let owner = OWNERS[(self.count % OWNERS.len() as u64) as usize];
            self.count += 1;
            if let Some(number) = ContainerId::with_check_digit(owner, serial as u32) {
                return number;
            }
        }
    }
}

impl Port {
    /// A container that will come to a terminal, not in the yard yet.
    pub(crate) fn new_container(&mut self, terminal: usize, exit: Exit) -> Id<Container> {
        let number = self.numbers.next();
        let random = &mut self.numbers.random;
        let size = random.weighted(&SIZE_WEIGHTS);
        let is_laden = random.percent(if exit == Exit::Barge { 70 } else { 85 });
        let cargo_kg = match (is_laden, SIZES[size].quarters) {
            (false, _) => 0,
            (true, 4) => random.between(5_000, 26_000),
            (true, _) => random.between(4_000, 25_500),
        };
        let tare_kg = 550 * i64::from(SIZES[size].quarters) - 100;
        let danger = (is_laden && random.percent(6)).then(|| random.index(DANGERS.len()));
        let set_point_dc = (SIZES[size].is_reefer && is_laden)
            .then(|| random.pick(&[-200, -180, -180, 20, 50, 130]));
        self.containers.add(Container {
            number,
            size,
            is_laden,
            gross_kg: (tare_kg + cargo_kg) as u32,
            danger,
            terminal,
            block: None,
            exit,
            customs: v1::CustomsState::Release,
            set_point_dc,
            excess_dc: 0,
            is_unpowered: false,
        })
    }

    /// Starts the reports of a reefer.
    pub(crate) fn plug_in(&mut self, id: Id<Container>) {
        let first_us = self.reefer_random.between(MINUTE_US / 2, 5 * MINUTE_US);
        self.after(first_us, Step::ReeferReports(id));
    }
}

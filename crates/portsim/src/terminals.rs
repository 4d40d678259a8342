//! The port's terminals: what is fixed about them, and how they stand.

use crate::containers::Container;
use crate::pool::Id;
use crate::quay::{BerthState, CraneState};
use crate::vessels::Call;

/// What is fixed about a terminal. Names and measures are plausible, not surveyed; codes are the port's own.
#[derive(Debug)]
pub(crate) struct TerminalSpec {
    pub id: &'static str,
    pub name: &'static str,
    /// Rhine kilometre of the harbour mouth, metres.
    pub river_m: i64,
    /// Position of the quay, 1e-7 degrees north and east.
    pub position_e7: (i32, i32),
    pub berths: &'static [BerthSpec],
    /// Number of quay cranes and the moves an hour that each makes.
    pub cranes: usize,
    pub crane_moves_per_h: u32,
    pub yard_teu: u32,
    pub blocks: usize,
    pub gates: usize,
    /// Share of the port's barge calls and of its lorries.
    pub call_weight: u32,
    pub truck_weight: u32,
    /// Rail cranes; 0 where no train loads.
    pub rail_cranes: usize,
}

/// A berth of a terminal.
#[derive(Debug)]
pub(crate) struct BerthSpec {
    pub id: &'static str,
    pub from_dm: u32,
    pub to_dm: u32,
    /// Depth at 233 cm on the Ruhrort gauge.
    pub depth_cm: u32,
    pub is_single: bool,
    pub cones_max: u32,
    pub has_shore_power: bool,
}

/// Free water between two vessels.
pub(crate) const GAP_DM: u32 = 100;

const fn berth(
    id: &'static str,
    from_dm: u32,
    to_dm: u32,
    depth_cm: u32,
    cones_max: u32,
) -> BerthSpec {
    BerthSpec {
        id,
        from_dm,
        to_dm,
        depth_cm,
        is_single: true,
        cones_max,
        has_shore_power: true,
    }
}

/// The terminals, the largest first.
pub(crate) const TERMINALS: &[TerminalSpec] = &[
    TerminalSpec {
        id: "DGT",
        name: "Duisburg Gateway Terminal",
        river_m: 780_500,
        position_e7: (514_520_000, 67_610_000),
        berths: &[
            BerthSpec {
                id: "DGT-Q1",
                from_dm: 0,
                to_dm: 4_100,
                depth_cm: 400,
                is_single: false,
                cones_max: 1,
                has_shore_power: true,
            },
            berth("DGT-B2", 4_200, 5_700, 380, 1),
        ],
        cranes: 4,
        crane_moves_per_h: 28,
        yard_teu: 2_400,
        blocks: 8,
        gates: 2,
        call_weight: 24,
        truck_weight: 24,
        rail_cranes: 3,
    },
    TerminalSpec {
        id: "LOG1",
        name: "Logport I",
        river_m: 774_200,
        position_e7: (513_930_000, 67_210_000),
        berths: &[
            berth("LOG1-B1", 0, 1_400, 360, 0),
            berth("LOG1-B2", 1_450, 2_850, 360, 2),
        ],
        cranes: 3,
        crane_moves_per_h: 26,
        yard_teu: 1_500,
        blocks: 6,
        gates: 2,
        call_weight: 16,
        truck_weight: 16,
        rail_cranes: 2,
    },
    TerminalSpec {
        id: "DIT",
        name: "Duisburg Intermodal Terminal",
        river_m: 774_800,
        position_e7: (513_990_000, 67_260_000),
        berths: &[
            berth("DIT-B1", 0, 1_400, 360, 0),
            berth("DIT-B2", 1_420, 2_850, 360, 1),
        ],
        cranes: 2,
        crane_moves_per_h: 26,
        yard_teu: 1_300,
        blocks: 5,
        gates: 2,
        call_weight: 13,
        truck_weight: 13,
        rail_cranes: 2,
    },
    TerminalSpec {
        id: "LOG6",
        name: "Logport VI",
        river_m: 791_000,
        position_e7: (515_260_000, 66_910_000),
        berths: &[
            berth("LOG6-B1", 0, 1_500, 380, 0),
            berth("LOG6-B2", 1_520, 2_900, 380, 0),
        ],
        cranes: 2,
        crane_moves_per_h: 25,
        yard_teu: 1_000,
        blocks: 4,
        gates: 1,
        call_weight: 12,
        truck_weight: 9,
        rail_cranes: 0,
    },
    TerminalSpec {
        id: "RRT",
        name: "Rhine-Ruhr Terminal",
        river_m: 778_900,
        position_e7: (514_390_000, 67_440_000),
        berths: &[
            berth("RRT-B1", 0, 1_380, 340, 1),
            berth("RRT-B2", 1_400, 2_800, 340, 0),
        ],
        cranes: 2,
        crane_moves_per_h: 25,
        yard_teu: 1_000,
        blocks: 4,
        gates: 1,
        call_weight: 12,
        truck_weight: 10,
        rail_cranes: 0,
    },
    TerminalSpec {
        id: "LOG3",
        name: "Logport III rail hub",
        river_m: 773_000,
        position_e7: (513_720_000, 66_980_000),
        berths: &[],
        cranes: 0,
        crane_moves_per_h: 0,
        yard_teu: 1_200,
        blocks: 4,
        gates: 2,
        call_weight: 0,
        truck_weight: 10,
        rail_cranes: 2,
    },
    TerminalSpec {
        id: "LOG2",
        name: "Logport II",
        river_m: 776_600,
        position_e7: (514_170_000, 67_330_000),
        berths: &[berth("LOG2-B1", 0, 1_400, 350, 0)],
        cranes: 1,
        crane_moves_per_h: 26,
        yard_teu: 800,
        blocks: 3,
        gates: 1,
        call_weight: 6,
        truck_weight: 6,
        rail_cranes: 0,
    },
    TerminalSpec {
        id: "RUH",
        name: "Ruhrort basin",
        river_m: 780_900,
        position_e7: (514_570_000, 67_440_000),
        berths: &[berth("RUH-B1", 0, 1_400, 330, 3)],
        cranes: 1,
        crane_moves_per_h: 24,
        yard_teu: 600,
        blocks: 3,
        gates: 1,
        call_weight: 6,
        truck_weight: 5,
        rail_cranes: 1,
    },
    TerminalSpec {
        id: "HOM",
        name: "Homberg",
        river_m: 780_000,
        position_e7: (514_480_000, 67_040_000),
        berths: &[berth("HOM-B1", 0, 1_400, 330, 0)],
        cranes: 1,
        crane_moves_per_h: 24,
        yard_teu: 600,
        blocks: 3,
        gates: 1,
        call_weight: 6,
        truck_weight: 4,
        rail_cranes: 0,
    },
    TerminalSpec {
        id: "KAS",
        name: "Kasslerfeld",
        river_m: 779_400,
        position_e7: (514_350_000, 67_400_000),
        berths: &[berth("KAS-B1", 0, 1_400, 320, 0)],
        cranes: 1,
        crane_moves_per_h: 22,
        yard_teu: 600,
        blocks: 3,
        gates: 1,
        call_weight: 5,
        truck_weight: 3,
        rail_cranes: 0,
    },
];

/// How a terminal stands.
#[derive(Debug)]
pub(crate) struct Terminal {
    pub spec: &'static TerminalSpec,
    pub berths: Vec<BerthState>,
    pub cranes: Vec<CraneState>,
    /// Calls that have arrived and lie waiting, in the order of arrival.
    pub queue: Vec<Id<Call>>,
    pub blocks: Vec<Block>,
    /// Containers in the yard that lorries may fetch, and that barges may load.
    pub for_truck: Vec<Id<Container>>,
    pub for_barge: Vec<Id<Container>>,
    pub trucks_inside: u32,
    /// Turns through the yard's machines.
    pub machine: usize,
}

/// A block of a yard.
#[derive(Debug)]
pub(crate) struct Block {
    pub name: String,
    pub stock_quarters: i64,
}

impl Terminal {
    pub(crate) fn new(spec: &'static TerminalSpec) -> Self {
        Terminal {
            spec,
            berths: spec.berths.iter().map(|_| BerthState::default()).collect(),
            cranes: (0..spec.cranes).map(|_| CraneState::default()).collect(),
            queue: Vec::new(),
            blocks: (0..spec.blocks)
                .map(|place| Block {
                    name: format!("{}-Y{}", spec.id, place + 1),
                    stock_quarters: 0,
                })
                .collect(),
            for_truck: Vec::new(),
            for_barge: Vec::new(),
            trucks_inside: 0,
            machine: 0,
        }
    }

    /// Yard stock, quarters of a TEU.
    pub(crate) fn stock_quarters(&self) -> i64 {
        self.blocks.iter().map(|block| block.stock_quarters).sum()
    }

    /// Name of a quay crane.
    pub(crate) fn crane_id(&self, crane: usize) -> String {
        format!("{}-C{}", self.spec.id, crane + 1)
    }

    /// The next of the yard's reach stackers, in turn.
    pub(crate) fn next_machine_id(&mut self) -> String {
        self.machine = (self.machine + 1) % (self.spec.blocks + 1);
        format!("{}-RS{}", self.spec.id, self.machine + 1)
    }
}

//! Berths and the cranes that serve them.

use super::problem::Interval;

/// How vessels share a berth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// One vessel at a time, lying at the berth's first metre.
    #[default]
    Discrete,
    /// Several vessels side by side along the quay.
    ByMetre {
        /// Distance of mooring places: a stay begins a multiple of this from the berth's first metre. At least 1.
        step_m: i64,
        /// Free quay between two neighbours, metres.
        gap_m: i64,
    },
}

/// A stretch of a berth with less water than the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DepthSection {
    /// First metre on the quay.
    pub from_m: i64,
    /// First metre after.
    pub to_m: i64,
    /// Depth at the reference gauge, cm.
    pub depth_cm: i64,
}

/// A time at which part of a berth cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closure {
    /// First closed metre on the quay.
    pub from_m: i64,
    /// First open metre after.
    pub to_m: i64,
    /// When.
    pub interval: Interval,
}

/// A place where vessels lie: one berth, or a quay used by the metre.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Berth {
    /// Opaque identifier.
    pub id: String,
    /// The terminal, an index into the travel table.
    pub terminal: usize,
    /// The quay; berths of one quay share its metres and its crane rails.
    pub quay: usize,
    /// First metre on the quay.
    pub from_m: i64,
    /// First metre after.
    pub to_m: i64,
    /// One vessel, or by the metre.
    pub layout: Layout,
    /// Depth at the reference gauge, cm.
    pub depth_cm: i64,
    /// Shallower stretches.
    pub sections: Vec<DepthSection>,
    /// Clearance below the lowest bridge or line at the reference gauge, cm; none if open above.
    pub air_clearance_cm: Option<i64>,
    /// Most blue cones that may lie here, 0 to 3.
    pub cones_max: u8,
    /// Opening hours, each long enough to hold a whole stay; empty means always open.
    pub open: Vec<Interval>,
    /// Closed stretches.
    pub closures: Vec<Closure>,
}

impl Berth {
    /// The least depth at the reference gauge between two metres, cm.
    pub fn depth_between_cm(&self, from_m: i64, to_m: i64) -> i64 {
        let mut depth_cm = self.depth_cm;
        for section in &self.sections {
            if section.from_m < to_m && from_m < section.to_m {
                depth_cm = depth_cm.min(section.depth_cm);
            }
        }
        depth_cm
    }
}

/// A quay crane on rails.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Crane {
    /// Opaque identifier.
    pub id: String,
    /// The quay it runs on.
    pub quay: usize,
    /// Its place in the row of cranes on that quay; a crane of lower order can never stand beyond one of higher order. Cranes
    /// of the same order, mobile ones say, can pass one another.
    pub rail_order: i64,
    /// First metre it reaches.
    pub reach_from_m: i64,
    /// First metre that it does not reach.
    pub reach_to_m: i64,
    /// Measured productivity, hundredths of a move an hour (2550 is 25.5 moves/h). At least 1.
    pub rate_centimoves_h: i64,
    /// When it stands still; a vessel that it works waits meanwhile.
    pub outages: Vec<Interval>,
}

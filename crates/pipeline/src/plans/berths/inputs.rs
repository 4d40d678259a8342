//! The rows of the berth planner's inputs.

use crate::error::EngineError;
use crate::plans::ReadInput;
use crate::plans::columns::Columns;

/// A berth, as the master data has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BerthRow {
    pub berth_id: String,
    pub terminal_id: String,
    pub quay: String,
    pub from_dm: i64,
    pub to_dm: i64,
    pub is_single: bool,
    pub gap_dm: i64,
    pub depth_cm: i64,
    pub gauge_station: String,
    pub gauge_reference_cm: i64,
    pub air_clearance_cm: Option<i64>,
    pub cones_max: i64,
}

/// A berth visit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VisitRow {
    pub berth_visit_id: String,
    pub port_call_id: String,
    pub terminal_id: String,
    pub vessel_name: String,
    pub length_cm: Option<i64>,
    pub draught_cm: Option<i64>,
    pub air_draught_cm: Option<i64>,
    pub cones: i64,
    pub arrival_us: i64,
    pub is_alongside: bool,
    pub berth_actual: String,
    pub from_dm_actual: Option<i64>,
    pub departure_estimated_us: Option<i64>,
    pub berth_preferred: String,
    pub moves: Option<i64>,
    pub handling_planned_min: Option<i64>,
    pub departure_latest_us: Option<i64>,
    pub departure_planned_us: Option<i64>,
    pub priority: i64,
    pub rotation_id: String,
    pub rotation_seq: i64,
}

/// A closed berth.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClosureRow {
    pub berth_id: String,
    pub from_us: i64,
    pub to_us: i64,
}

/// A quay crane.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CraneRow {
    pub crane_id: String,
    pub terminal_id: String,
    pub quay: String,
    pub from_dm: i64,
    pub to_dm: i64,
    pub moves_per_h: i64,
}

/// What a quay crane really made lately.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RateRow {
    pub crane_id: String,
    /// Moves that the rate is measured over.
    pub moves: i64,
    /// Hundredths of a move an hour.
    pub centimoves_h: i64,
}

/// A crane that stands still.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OutageRow {
    pub crane_id: String,
    pub to_us: Option<i64>,
}

/// A planner's lock.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LockRow {
    pub berth_visit_id: String,
    pub berth_id: String,
    pub start_us: Option<i64>,
}

/// A level of a gauge from an instant on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LevelRow {
    pub station: String,
    pub from_us: i64,
    pub level_cm: i64,
}

/// All inputs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inputs {
    pub berths: Vec<BerthRow>,
    pub visits: Vec<VisitRow>,
    pub closures: Vec<ClosureRow>,
    pub cranes: Vec<CraneRow>,
    pub rates: Vec<RateRow>,
    pub outages: Vec<OutageRow>,
    pub locks: Vec<LockRow>,
    pub levels: Vec<LevelRow>,
}

impl Inputs {
    /// Reads them all as of the instant of planning.
    pub fn read(read: &mut ReadInput<'_>) -> Result<Self, EngineError> {
        Ok(Inputs {
            berths: berths(read)?,
            visits: visits(read)?,
            closures: closures(read)?,
            cranes: cranes(read)?,
            rates: rates(read)?,
            outages: outages(read)?,
            locks: locks(read)?,
            levels: levels(read)?,
        })
    }
}

fn berths(read: &mut ReadInput<'_>) -> Result<Vec<BerthRow>, EngineError> {
    let batch = read("berths/berths")?;
    let columns = Columns::new("berths/berths", &batch);
    let (ids, terminals) = (columns.text("berth_id")?, columns.text("terminal_id")?);
    let (quays, stations) = (columns.text("quay")?, columns.text("gauge_station")?);
    let (from, to) = (columns.integer("from_dm")?, columns.integer("to_dm")?);
    let (single, gap) = (columns.flag("is_single")?, columns.integer("gap_dm")?);
    let depth = columns.integer("depth_cm")?;
    let reference = columns.integer("gauge_reference_cm")?;
    let clearance = columns.integer("air_clearance_cm")?;
    let cones = columns.integer("cones_max")?;
    let row = |n: usize| BerthRow {
        berth_id: ids[n].clone(),
        terminal_id: terminals[n].clone(),
        quay: quays[n].clone(),
        from_dm: from[n].unwrap_or(0),
        to_dm: to[n].unwrap_or(0),
        is_single: single[n],
        gap_dm: gap[n].unwrap_or(0),
        depth_cm: depth[n].unwrap_or(0),
        gauge_station: stations[n].clone(),
        gauge_reference_cm: reference[n].unwrap_or(0),
        air_clearance_cm: clearance[n],
        cones_max: cones[n].unwrap_or(0),
    };
    Ok(columns.rows().map(row).collect())
}

fn visits(read: &mut ReadInput<'_>) -> Result<Vec<VisitRow>, EngineError> {
    let batch = read("berths/calls")?;
    let columns = Columns::new("berths/calls", &batch);
    let visit = columns.text("berth_visit_id")?;
    let (port_call, terminal) = (columns.text("port_call_id")?, columns.text("terminal_id")?);
    let name = columns.text("vessel_name")?;
    let length = columns.integer("vessel_length_cm")?;
    let draught = columns.integer("vessel_draught_cm")?;
    let air_draught = columns.integer("vessel_air_draught_cm")?;
    let cones = columns.integer("vessel_cones")?;
    let arrival = columns.instant_us("arrival_at")?;
    let alongside = columns.flag("is_alongside")?;
    let berth_actual = columns.text("berth_id_actual")?;
    let from_actual = columns.integer("quay_from_dm_actual")?;
    let estimated = columns.instant_us("departure_estimated_at")?;
    let preferred = columns.text("berth_id_preferred")?;
    let moves = columns.integer("moves")?;
    let handling = columns.integer("handling_planned_min")?;
    let latest = columns.instant_us("departure_latest_at")?;
    let planned = columns.instant_us("departure_planned_at")?;
    let priority = columns.integer("priority")?;
    let rotation = columns.text("rotation_id")?;
    let seq = columns.integer("rotation_seq")?;
    let row = |n: usize| {
        arrival[n].map(|arrival_us| VisitRow {
            berth_visit_id: visit[n].clone(),
            port_call_id: port_call[n].clone(),
            terminal_id: terminal[n].clone(),
            vessel_name: name[n].clone(),
            length_cm: length[n],
            draught_cm: draught[n],
            air_draught_cm: air_draught[n],
            cones: cones[n].unwrap_or(0),
            arrival_us,
            is_alongside: alongside[n],
            berth_actual: berth_actual[n].clone(),
            from_dm_actual: from_actual[n],
            departure_estimated_us: estimated[n],
            berth_preferred: preferred[n].clone(),
            moves: moves[n],
            handling_planned_min: handling[n],
            departure_latest_us: latest[n],
            departure_planned_us: planned[n],
            priority: priority[n].unwrap_or(1),
            rotation_id: rotation[n].clone(),
            rotation_seq: seq[n].unwrap_or(0),
        })
    };
    Ok(columns.rows().filter_map(row).collect())
}

fn closures(read: &mut ReadInput<'_>) -> Result<Vec<ClosureRow>, EngineError> {
    let batch = read("berths/closures")?;
    let columns = Columns::new("berths/closures", &batch);
    let berth = columns.text("berth_id")?;
    let (from, to) = (columns.instant_us("from_at")?, columns.instant_us("to_at")?);
    let row = |n: usize| {
        Some(ClosureRow {
            berth_id: berth[n].clone(),
            from_us: from[n]?,
            to_us: to[n]?,
        })
    };
    Ok(columns.rows().filter_map(row).collect())
}

fn cranes(read: &mut ReadInput<'_>) -> Result<Vec<CraneRow>, EngineError> {
    let batch = read("berths/cranes")?;
    let columns = Columns::new("berths/cranes", &batch);
    let (crane, terminal) = (columns.text("crane_id")?, columns.text("terminal_id")?);
    let quay = columns.text("quay")?;
    let (from, to) = (columns.integer("from_dm")?, columns.integer("to_dm")?);
    let rate = columns.integer("moves_per_h")?;
    let row = |n: usize| CraneRow {
        crane_id: crane[n].clone(),
        terminal_id: terminal[n].clone(),
        quay: quay[n].clone(),
        from_dm: from[n].unwrap_or(0),
        to_dm: to[n].unwrap_or(0),
        moves_per_h: rate[n].unwrap_or(0),
    };
    Ok(columns.rows().map(row).collect())
}

fn rates(read: &mut ReadInput<'_>) -> Result<Vec<RateRow>, EngineError> {
    let batch = read("berths/crane_rates")?;
    let columns = Columns::new("berths/crane_rates", &batch);
    let crane = columns.text("crane_id")?;
    let (moves, rate) = (columns.integer("moves")?, columns.integer("centimoves_h")?);
    let row = |n: usize| RateRow {
        crane_id: crane[n].clone(),
        moves: moves[n].unwrap_or(0),
        centimoves_h: rate[n].unwrap_or(0),
    };
    Ok(columns.rows().map(row).collect())
}

fn outages(read: &mut ReadInput<'_>) -> Result<Vec<OutageRow>, EngineError> {
    let batch = read("berths/crane_outages")?;
    let columns = Columns::new("berths/crane_outages", &batch);
    let (crane, to) = (columns.text("crane_id")?, columns.instant_us("to_at")?);
    let row = |n: usize| OutageRow {
        crane_id: crane[n].clone(),
        to_us: to[n],
    };
    Ok(columns.rows().map(row).collect())
}

fn locks(read: &mut ReadInput<'_>) -> Result<Vec<LockRow>, EngineError> {
    let batch = read("berths/locks")?;
    let columns = Columns::new("berths/locks", &batch);
    let (visit, berth) = (columns.text("berth_visit_id")?, columns.text("berth_id")?);
    let start = columns.instant_us("start_at")?;
    let row = |n: usize| LockRow {
        berth_visit_id: visit[n].clone(),
        berth_id: berth[n].clone(),
        start_us: start[n],
    };
    Ok(columns.rows().map(row).collect())
}

fn levels(read: &mut ReadInput<'_>) -> Result<Vec<LevelRow>, EngineError> {
    let batch = read("berths/water_levels")?;
    let columns = Columns::new("berths/water_levels", &batch);
    let (station, from) = (columns.text("station")?, columns.instant_us("from_at")?);
    let level = columns.integer("level_cm")?;
    let row = |n: usize| {
        Some(LevelRow {
            station: station[n].clone(),
            from_us: from[n]?,
            level_cm: level[n]?,
        })
    };
    Ok(columns.rows().filter_map(row).collect())
}

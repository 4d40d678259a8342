//! The rows of the rail planner's inputs.

use std::collections::BTreeSet;

use windows::sql::parse::SqlFile;

use crate::error::EngineError;
use crate::plans::ReadInput;
use crate::plans::columns::Columns;

const RATES: &str = "rail/no_show_rates";
const COMPOSITIONS: &str = "rail/compositions";
const DEFECTIVE: &str = "rail/defective_wagons";

/// A train slot.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SlotRow {
    pub train_slot_id: String,
    pub service_id: String,
    pub terminal_id: String,
    pub corridor: String,
    pub origin: String,
    pub destination: String,
    pub track: String,
    pub departure_us: i64,
    pub arrival_us: i64,
    pub status: String,
    /// 0: no limit; likewise the next two.
    pub length_max_dm: i64,
    pub gross_max_kg: i64,
    pub teu_max_quarters: i64,
    /// What stands on it already and is no longer planned; likewise the next three.
    pub length_loaded_dm: i64,
    pub gross_loaded_kg: i64,
    pub teu_loaded_quarters: i64,
    pub dangerous_goods_loaded: i64,
    pub cut_off_fco_us: Option<i64>,
    pub cut_off_dco_us: Option<i64>,
    pub cut_off_vco_us: Option<i64>,
    pub cut_off_dgc_us: Option<i64>,
    pub closing_us: Option<i64>,
    pub dangerous_goods_max: Option<i64>,
}

/// A unit that wants to travel.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UnitRow {
    pub unit_id: String,
    pub booking_id: String,
    pub terminal_id: String,
    pub origin: String,
    pub destination: String,
    pub train_slot_id: String,
    pub teu_quarters: i64,
    pub length_dm: i64,
    pub gross_kg: i64,
    pub dangerous_goods_class: String,
    pub is_empty: bool,
    pub is_reefer: bool,
    pub ready_us: Option<i64>,
    pub is_present: bool,
    pub customs_state: String,
    pub customs_release_estimated_us: Option<i64>,
    pub vgm_us: Option<i64>,
    pub priority: i64,
    pub due_us: Option<i64>,
    pub keep_together_id: String,
    pub customer: String,
}

/// A planner's word on a unit.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LockRow {
    pub unit_id: String,
    pub train_slot_id: Option<String>,
}

/// How many bookings were brought, and how many never were.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RateRow {
    pub customer: String,
    pub service_id: String,
    pub shows: i64,
    pub no_shows: i64,
}

/// The wagons of a train, from the head.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CompositionRow {
    pub train_slot_id: String,
    pub wagon_numbers: Vec<String>,
    pub wagon_types: Vec<String>,
}

/// All inputs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Inputs {
    pub slots: Vec<SlotRow>,
    pub units: Vec<UnitRow>,
    pub locks: Vec<LockRow>,
    pub rates: Vec<RateRow>,
    pub compositions: Vec<CompositionRow>,
    /// Numbers of wagons that may not be loaded.
    pub defective_wagons: BTreeSet<String>,
}

impl Inputs {
    /// Reads them all as of the instant of planning. Rates and wagons may be missing from a port's `files`: then every
    /// booking counts as certain, and trains have the usual wagons.
    pub fn read(read: &mut ReadInput<'_>, files: &[SqlFile]) -> Result<Self, EngineError> {
        let has = |name: &str| files.iter().any(|file| file.name == name);
        Ok(Inputs {
            slots: slots(read)?,
            units: units(read)?,
            locks: locks(read)?,
            rates: if has(RATES) { rates(read)? } else { Vec::new() },
            compositions: if has(COMPOSITIONS) {
                compositions(read)?
            } else {
                Vec::new()
            },
            defective_wagons: if has(DEFECTIVE) {
                defective_wagons(read)?
            } else {
                BTreeSet::new()
            },
        })
    }
}

fn slots(read: &mut ReadInput<'_>) -> Result<Vec<SlotRow>, EngineError> {
    let batch = read("rail/slots")?;
    let columns = Columns::new("rail/slots", &batch);
    let (ids, terminals) = (columns.text("train_slot_id")?, columns.text("terminal_id")?);
    let service = columns.text("service_id")?;
    let (corridor, track) = (columns.text("corridor")?, columns.text("track")?);
    let (origin, destination) = (columns.text("origin")?, columns.text("destination")?);
    let departure = columns.instant_us("departure_at")?;
    let arrival = columns.instant_us("arrival_at")?;
    let status = columns.text("status")?;
    let length_max = columns.integer("length_max_dm")?;
    let gross_max = columns.integer("gross_max_kg")?;
    let teu_max = columns.integer("teu_max_quarters")?;
    let length_loaded = columns.integer("length_loaded_dm")?;
    let gross_loaded = columns.integer("gross_loaded_kg")?;
    let teu_loaded = columns.integer("teu_loaded_quarters")?;
    let dangerous_loaded = columns.integer("dangerous_goods_loaded")?;
    let fco = columns.instant_us("cut_off_fco_at")?;
    let dco = columns.instant_us("cut_off_dco_at")?;
    let vco = columns.instant_us("cut_off_vco_at")?;
    let dgc = columns.instant_us("cut_off_dgc_at")?;
    let closing = columns.instant_us("closing_at")?;
    let dangerous_max = columns.integer("dangerous_goods_max")?;
    let row = |n: usize| {
        departure[n].map(|departure_us| SlotRow {
            train_slot_id: ids[n].clone(),
            service_id: service[n].clone(),
            terminal_id: terminals[n].clone(),
            corridor: corridor[n].clone(),
            origin: origin[n].clone(),
            destination: destination[n].clone(),
            track: track[n].clone(),
            departure_us,
            arrival_us: arrival[n].unwrap_or(departure_us),
            status: status[n].clone(),
            length_max_dm: length_max[n].unwrap_or(0),
            gross_max_kg: gross_max[n].unwrap_or(0),
            teu_max_quarters: teu_max[n].unwrap_or(0),
            length_loaded_dm: length_loaded[n].unwrap_or(0),
            gross_loaded_kg: gross_loaded[n].unwrap_or(0),
            teu_loaded_quarters: teu_loaded[n].unwrap_or(0),
            dangerous_goods_loaded: dangerous_loaded[n].unwrap_or(0),
            cut_off_fco_us: fco[n],
            cut_off_dco_us: dco[n],
            cut_off_vco_us: vco[n],
            cut_off_dgc_us: dgc[n],
            closing_us: closing[n],
            dangerous_goods_max: dangerous_max[n],
        })
    };
    Ok(columns.rows().filter_map(row).collect())
}

fn units(read: &mut ReadInput<'_>) -> Result<Vec<UnitRow>, EngineError> {
    let batch = read("rail/units")?;
    let columns = Columns::new("rail/units", &batch);
    let (ids, bookings) = (columns.text("unit_id")?, columns.text("booking_id")?);
    let (terminal, slot) = (columns.text("terminal_id")?, columns.text("train_slot_id")?);
    let (origin, destination) = (columns.text("origin")?, columns.text("destination")?);
    let teu = columns.integer("teu_quarters")?;
    let (length, gross) = (columns.integer("length_dm")?, columns.integer("gross_kg")?);
    let class = columns.text("dangerous_goods_class")?;
    let (empty, reefer) = (columns.flag("is_empty")?, columns.flag("is_reefer")?);
    let (ready, present) = (columns.instant_us("ready_at")?, columns.flag("is_present")?);
    let customs = columns.text("customs_state")?;
    let release = columns.instant_us("customs_release_estimated_at")?;
    let vgm = columns.instant_us("vgm_at")?;
    let (priority, due) = (columns.integer("priority")?, columns.instant_us("due_at")?);
    let together = columns.text("keep_together_id")?;
    let customer = columns.text("customer")?;
    let row = |n: usize| UnitRow {
        unit_id: ids[n].clone(),
        booking_id: bookings[n].clone(),
        terminal_id: terminal[n].clone(),
        origin: origin[n].clone(),
        destination: destination[n].clone(),
        train_slot_id: slot[n].clone(),
        teu_quarters: teu[n].unwrap_or(0),
        length_dm: length[n].unwrap_or(0),
        gross_kg: gross[n].unwrap_or(0),
        dangerous_goods_class: class[n].clone(),
        is_empty: empty[n],
        is_reefer: reefer[n],
        ready_us: ready[n],
        is_present: present[n],
        customs_state: customs[n].clone(),
        customs_release_estimated_us: release[n],
        vgm_us: vgm[n],
        priority: priority[n].unwrap_or(1),
        due_us: due[n],
        keep_together_id: together[n].clone(),
        customer: customer[n].clone(),
    };
    Ok(columns.rows().map(row).collect())
}

fn locks(read: &mut ReadInput<'_>) -> Result<Vec<LockRow>, EngineError> {
    let batch = read("rail/locks")?;
    let columns = Columns::new("rail/locks", &batch);
    let (unit, slot) = (
        columns.text("unit_id")?,
        columns.text_or_null("train_slot_id")?,
    );
    let row = |n: usize| LockRow {
        unit_id: unit[n].clone(),
        train_slot_id: slot[n].clone(),
    };
    Ok(columns.rows().map(row).collect())
}

fn rates(read: &mut ReadInput<'_>) -> Result<Vec<RateRow>, EngineError> {
    let batch = read(RATES)?;
    let columns = Columns::new(RATES, &batch);
    let (customer, service) = (columns.text("customer")?, columns.text("service_id")?);
    let (shows, no_shows) = (columns.integer("shows")?, columns.integer("no_shows")?);
    let row = |n: usize| RateRow {
        customer: customer[n].clone(),
        service_id: service[n].clone(),
        shows: shows[n].unwrap_or(0),
        no_shows: no_shows[n].unwrap_or(0),
    };
    Ok(columns.rows().map(row).collect())
}

fn compositions(read: &mut ReadInput<'_>) -> Result<Vec<CompositionRow>, EngineError> {
    let batch = read(COMPOSITIONS)?;
    let columns = Columns::new(COMPOSITIONS, &batch);
    let slot = columns.text("train_slot_id")?;
    let (numbers, types) = (
        columns.texts("wagon_numbers")?,
        columns.texts("wagon_types")?,
    );
    let row = |n: usize| CompositionRow {
        train_slot_id: slot[n].clone(),
        wagon_numbers: numbers[n].clone(),
        wagon_types: types[n].clone(),
    };
    Ok(columns.rows().map(row).collect())
}

fn defective_wagons(read: &mut ReadInput<'_>) -> Result<BTreeSet<String>, EngineError> {
    let batch = read(DEFECTIVE)?;
    let columns = Columns::new(DEFECTIVE, &batch);
    Ok(columns.text("wagon_number")?.into_iter().collect())
}

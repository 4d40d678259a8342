//! The port's side of the problem: berths, closures, water, travel.

use std::collections::BTreeMap;

use domain::berth::{Berth, Closure, Interval, Layout, Level, Water};

use super::inputs::{BerthRow, CraneRow, Inputs, RateRow};
use super::rules::BerthRules;
use super::visits::horizon_end_min;
use crate::plans::times::{ceil_min, floor_min};

/// Largest measure of a berth that is believed, decimetres and cm.
const MEASURE_MAX: i64 = 1_000_000;

/// Highest rate of a crane that is believed, moves an hour.
const MOVES_PER_H_MAX: i64 = 10_000;

/// Berths with what is needed to read rows about them.
#[derive(Debug, Default)]
pub struct Harbour {
    /// In the order of the input.
    pub berths: Vec<Berth>,
    /// Terminals in the order of their first berth.
    pub terminals: Vec<String>,
    /// The forecast of the berths' gauge.
    pub water: Water,
    /// Berths that cannot be used, with the reason.
    pub left_out: Vec<(String, String)>,
    by_id: BTreeMap<String, usize>,
    cranes: Vec<Vec<CraneAt>>,
}

#[derive(Debug, Clone, Copy)]
struct CraneAt {
    /// Hundredths of a move an hour: as measured, else as the master data has it.
    centimoves_h: i64,
    /// Until when it stands still, minutes; none if it works.
    out_until_min: Option<i64>,
}

impl Harbour {
    /// Reads the berths and what concerns them. Minutes are counted from `epoch_us`.
    pub fn new(inputs: &Inputs, epoch_us: i64, rules: &BerthRules) -> Self {
        let mut harbour = Harbour::default();
        let gauge = gauge(&inputs.berths);
        let mut quays: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for row in &inputs.berths {
            if let Some(reason) = fault(row) {
                harbour.left_out.push((row.berth_id.clone(), reason));
                continue;
            }
            if harbour.by_id.contains_key(&row.berth_id) {
                continue; // the same berth twice: the first row counts
            }
            let next = quays.len();
            let quay = *quays.entry((&row.terminal_id, &row.quay)).or_insert(next);
            let terminal = harbour.terminal(&row.terminal_id);
            let index = harbour.berths.len();
            harbour.by_id.insert(row.berth_id.clone(), index);
            let berth = berth(row, terminal, quay, gauge, rules);
            harbour.berths.push(berth);
            harbour.cranes.push(cranes_at(row, inputs, epoch_us, rules));
        }
        harbour.close(inputs, epoch_us);
        if let Some((station, reference_cm)) = gauge {
            harbour.water = water(inputs, station, reference_cm, epoch_us, rules);
        }
        harbour
    }

    /// The index of a berth.
    pub fn berth(&self, berth_id: &str) -> Option<usize> {
        self.by_id.get(berth_id).copied()
    }

    /// Minutes between any two terminals.
    pub fn travel_min(&self, rules: &BerthRules) -> Vec<Vec<i64>> {
        let count = self.terminals.len();
        let minutes = |from, to| {
            if from == to {
                0
            } else {
                rules.travel_min.max(0)
            }
        };
        (0..count)
            .map(|from| (0..count).map(|to| minutes(from, to)).collect())
            .collect()
    }

    /// Minutes for `moves` at a berth from `start_min` on: the fastest cranes that work then, as many as work one vessel;
    /// where all stand still, from the return of the first.
    pub fn moves_min(&self, berth: usize, moves: i64, start_min: i64, rules: &BerthRules) -> i64 {
        let cranes = &self.cranes[berth];
        let is_out = |crane: &&CraneAt| crane.out_until_min.is_some_and(|until| until > start_min);
        let mut rates: Vec<i64> = cranes
            .iter()
            .filter(|crane| !is_out(crane))
            .map(|crane| crane.centimoves_h)
            .collect();
        rates.sort_unstable_by(|a, b| b.cmp(a));
        let mut rate: i64 = rates.iter().take(rules.cranes_per_vessel.max(1)).sum();
        let mut wait_min = 0;
        if rate == 0 {
            let back = cranes.iter().filter_map(|crane| crane.out_until_min).min();
            wait_min = back.map_or(0, |until| (until - start_min).max(0));
            rate = cranes
                .iter()
                .map(|crane| crane.centimoves_h)
                .max()
                .unwrap_or(0);
        }
        if rate == 0 {
            rate = 100 * rules.moves_per_h_unknown.max(1);
        }
        wait_min + rules.setup_min.max(0) + (moves.max(0) * 6000 + rate - 1) / rate
    }

    /// True if a crane of the berth stands still at `start_min`.
    pub fn has_outage(&self, berth: usize, start_min: i64) -> bool {
        self.cranes[berth]
            .iter()
            .any(|crane| crane.out_until_min.is_some_and(|until| until > start_min))
    }

    fn terminal(&mut self, terminal_id: &str) -> usize {
        match self.terminals.iter().position(|known| known == terminal_id) {
            Some(known) => known,
            None => {
                self.terminals.push(terminal_id.to_owned());
                self.terminals.len() - 1
            }
        }
    }

    fn close(&mut self, inputs: &Inputs, epoch_us: i64) {
        for row in &inputs.closures {
            let Some(berth) = self.berth(&row.berth_id) else {
                continue;
            };
            let berth = &mut self.berths[berth];
            let limit_min = 1_000_000;
            let start_min = floor_min(row.from_us, epoch_us).clamp(-limit_min, limit_min - 1);
            let end_min = ceil_min(row.to_us, epoch_us).clamp(start_min + 1, limit_min);
            berth.closures.push(Closure {
                from_m: berth.from_m,
                to_m: berth.to_m,
                interval: Interval::new(start_min, end_min),
            });
        }
    }
}

fn fault(row: &BerthRow) -> Option<String> {
    let measures = [
        ("from_dm", row.from_dm),
        ("to_dm", row.to_dm),
        ("gap_dm", row.gap_dm),
        ("depth_cm", row.depth_cm),
        ("gauge_reference_cm", row.gauge_reference_cm.abs()),
        ("air_clearance_cm", row.air_clearance_cm.unwrap_or(0)),
    ];
    for (name, value) in measures {
        if !(0..=MEASURE_MAX).contains(&value) {
            return Some(format!(
                "{name} is {value}, correct the berth's master data"
            ));
        }
    }
    // Ends are rounded inwards, so that no vessel lies beyond them.
    let is_empty = row.to_dm / 10 <= (row.from_dm + 9) / 10;
    is_empty.then(|| "it is shorter than a metre, correct the berth's master data".to_owned())
}

/// The gauge that most berths refer to (the first by name of several), with the reference level of its first berth, cm.
fn gauge(berths: &[BerthRow]) -> Option<(&str, i64)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in berths.iter().filter(|row| !row.gauge_station.is_empty()) {
        *counts.entry(&row.gauge_station).or_default() += 1;
    }
    let most = counts.values().max()?;
    let (station, _) = counts.iter().find(|(_, count)| *count == most)?;
    let first = berths.iter().find(|row| row.gauge_station == *station)?;
    Some((station, first.gauge_reference_cm))
}

/// The problem knows one water level; depth and clearance are restated at its reference level. A berth at another gauge is
/// taken to follow it centimetre by centimetre.
fn berth(
    row: &BerthRow,
    terminal: usize,
    quay: usize,
    gauge: Option<(&str, i64)>,
    rules: &BerthRules,
) -> Berth {
    let shift_cm = gauge
        .filter(|(station, _)| *station == row.gauge_station)
        .map_or(0, |(_, reference_cm)| reference_cm - row.gauge_reference_cm);
    let layout = if row.is_single {
        Layout::Discrete
    } else {
        Layout::ByMetre {
            step_m: rules.mooring_step_m.max(1),
            gap_m: (row.gap_dm + 9) / 10,
        }
    };
    Berth {
        id: row.berth_id.clone(),
        terminal,
        quay,
        from_m: (row.from_dm + 9) / 10,
        to_m: row.to_dm / 10,
        layout,
        depth_cm: row.depth_cm + shift_cm,
        air_clearance_cm: row.air_clearance_cm.map(|cm| cm - shift_cm),
        cones_max: row.cones_max.clamp(0, 3) as u8,
        ..Berth::default()
    }
}

fn cranes_at(row: &BerthRow, inputs: &Inputs, epoch_us: i64, rules: &BerthRules) -> Vec<CraneAt> {
    let serves = |crane: &&CraneRow| {
        crane.terminal_id == row.terminal_id
            && crane.quay == row.quay
            && crane.from_dm < row.to_dm
            && row.from_dm < crane.to_dm
            && (1..=MOVES_PER_H_MAX).contains(&crane.moves_per_h)
    };
    let rate_of = |crane: &CraneRow| {
        let is_measured = |rate: &&RateRow| {
            rate.crane_id == crane.crane_id
                && rate.moves >= rules.rate_moves_min
                && (1..=100 * MOVES_PER_H_MAX).contains(&rate.centimoves_h)
        };
        let measured = inputs.rates.iter().find(is_measured);
        measured.map_or(100 * crane.moves_per_h, |rate| rate.centimoves_h)
    };
    let out_until = |crane: &CraneRow| {
        let outage = inputs
            .outages
            .iter()
            .find(|out| out.crane_id == crane.crane_id)?;
        let until_min = outage.to_us.map(|to_us| ceil_min(to_us, epoch_us));
        Some(
            until_min
                .unwrap_or(rules.outage_unknown_min)
                .min(rules.horizon_min),
        )
    };
    let cranes = inputs.cranes.iter().filter(serves);
    cranes
        .map(|crane| CraneAt {
            centimoves_h: rate_of(crane),
            out_until_min: out_until(crane),
        })
        .collect()
}

fn water(
    inputs: &Inputs,
    station: &str,
    reference_cm: i64,
    epoch_us: i64,
    rules: &BerthRules,
) -> Water {
    let mut levels: BTreeMap<i64, i64> = BTreeMap::new();
    for row in inputs.levels.iter().filter(|row| row.station == station) {
        let deviation_cm = (row.level_cm - reference_cm).clamp(-100_000, 100_000);
        levels.insert(floor_min(row.from_us, epoch_us), deviation_cm);
    }
    let stop_cm = rules.traffic_stops_cm.map(|stop_cm| stop_cm - reference_cm);
    // A stop of which the forecast does not know the end is taken to end with the horizon: what lies alongside must be
    // able to leave some time.
    let last_cm = levels.values().next_back().copied();
    if let Some(stop_cm) = stop_cm.filter(|stop_cm| last_cm.is_some_and(|last| last >= *stop_cm)) {
        levels.insert(horizon_end_min(rules), stop_cm - 1);
    }
    let level = |(from_min, deviation_cm)| Level {
        from_min,
        deviation_cm,
    };
    Water {
        levels: levels.into_iter().map(level).collect(),
        stop_cm,
    }
}

//! The lines of trains. Days and hours are plausible, not a timetable.

/// A line of trains from one of the port's terminals.
#[derive(Debug)]
pub(crate) struct Service {
    pub id: &'static str,
    pub corridor: &'static str,
    /// UN/LOCODE of the far end.
    pub destination: &'static str,
    pub operator: &'static str,
    /// Index of the terminal.
    pub terminal: usize,
    /// Departures, hours after midnight.
    pub departures_h: &'static [i64],
    /// Places on the way and at the end: UN/LOCODE and hours after departure.
    pub stops: &'static [(&'static str, i64)],
    /// Minutes from the closing of the loading list to departure.
    pub closing_before_min: i64,
    pub teu_max_quarters: u32,
    pub length_max_dm: u32,
    pub gross_max_kg: u32,
}

const DGT: usize = 0;
const LOG1: usize = 1;
const DIT: usize = 2;
const LOG3: usize = 5;
const RUH: usize = 7;

const fn service(
    id: &'static str,
    corridor: &'static str,
    terminal: usize,
    departures_h: &'static [i64],
    stops: &'static [(&'static str, i64)],
) -> Service {
    let destination = stops[stops.len() - 1].0;
    let is_far = stops[stops.len() - 1].1 > 100;
    Service {
        id,
        corridor,
        destination,
        operator: if is_far { "EURASIA" } else { "KOMBI" },
        terminal,
        departures_h,
        stops,
        closing_before_min: if is_far { 240 } else { 180 },
        teu_max_quarters: if is_far { 400 } else { 352 },
        length_max_dm: if is_far { 6_300 } else { 5_500 },
        gross_max_kg: if is_far { 1_500_000 } else { 1_350_000 },
    }
}

/// All lines. Trains to China change gauge at Malaszewicze and at Horgos.
pub(crate) const SERVICES: &[Service] = &[
    service(
        "DUI-HRS",
        "DUI-MAL",
        DGT,
        &[5, 15],
        &[("DEFFO", 9), ("PLPOZ", 13), ("PLMAA", 26), ("CNHRS", 210)],
    ),
    service(
        "DUI-CQI",
        "DUI-MAL",
        DIT,
        &[22],
        &[("DEFFO", 9), ("PLMAA", 26), ("CNHRS", 210), ("CNCQI", 290)],
    ),
    service(
        "DUI-CDU",
        "DUI-MAL",
        LOG1,
        &[19],
        &[("DEFFO", 9), ("PLMAA", 26), ("CNHRS", 210), ("CNCDU", 280)],
    ),
    service(
        "DUI-MAA",
        "DUI-MAL",
        DGT,
        &[8, 20],
        &[("DEFFO", 9), ("PLPOZ", 13), ("PLMAA", 26)],
    ),
    service(
        "DUI-POZ",
        "DUI-POZ",
        LOG3,
        &[2, 10, 18],
        &[("DEFFO", 9), ("PLPOZ", 13)],
    ),
    service(
        "DUI-KUT",
        "DUI-POZ",
        DIT,
        &[11],
        &[("DEFFO", 9), ("PLPOZ", 13), ("PLKUT", 18)],
    ),
    service(
        "DUI-VRN",
        "RALP",
        LOG1,
        &[6, 14],
        &[("CHBSL", 8), ("ITMIL", 15), ("ITVRN", 19)],
    ),
    service(
        "DUI-MIL",
        "RALP",
        LOG3,
        &[4, 12, 21],
        &[("CHBSL", 8), ("ITMIL", 15)],
    ),
    service("DUI-BSL", "RALP", DGT, &[1, 13], &[("CHBSL", 8)]),
    service("DUI-WSL", "RDAN", DIT, &[7, 17], &[("ATWSL", 14)]),
    service("DUI-LVC", "ORIENT", RUH, &[9, 23], &[("CZLVC", 13)]),
    service("DUI-VES", "NSMED", LOG3, &[16], &[("FRVES", 16)]),
];

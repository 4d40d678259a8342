//! Craft: barges of the usual classes, coasters, and those that only pass.

use crate::random::Random;
use domain::ids::ImoNumber;
use events::v1;

/// What is fixed about a craft.
#[derive(Debug, Clone)]
pub(crate) struct Hull {
    pub particulars: v1::VesselParticulars,
    /// At full load.
    pub draught_max_cm: u32,
    pub carrier: &'static str,
    pub ship_type: &'static str,
    /// Speed under way, metres an hour.
    pub speed_m_per_h: i64,
    /// The most containers that it brings to a terminal at one call.
    pub moves_max: i64,
}

/// Length, beam, greatest draught, air draught (centimetres), moves, share: Europe ship, large Rhine ship, lengthened
/// Rhine ship, push barge combination.
const BARGES: [(u32, u32, u32, u32, i64, u32); 4] = [
    (8_500, 950, 250, 640, 24, 24),
    (11_000, 1_145, 300, 780, 42, 44),
    (13_500, 1_145, 320, 850, 56, 22),
    (13_500, 1_700, 330, 900, 70, 10),
];

const FIRST: [&str; 24] = [
    "Anna",
    "Borussia",
    "Catharina",
    "Deo Gratias",
    "Emma",
    "Fiducia",
    "Gerda",
    "Hansa",
    "Isala",
    "Johanna",
    "Karin",
    "Lorelei",
    "Marianne",
    "Nautilus",
    "Orion",
    "Primavera",
    "Rhenus",
    "Somtrans",
    "Theodora",
    "Undine",
    "Vivaldi",
    "Wotan",
    "Yolanda",
    "Zuiderzee",
];
const SECOND: [&str; 12] = [
    "",
    " II",
    " III",
    " Maria",
    " van Dordrecht",
    " Express",
    " 1",
    " Nova",
    " von Ruhrort",
    " Pax",
    " Star",
    " 7",
];
const OPERATORS: [&str; 6] = ["CTL", "HGK", "DBR", "IMP", "RHN", "EUC"];

fn name(random: &mut Random) -> String {
    format!("{}{}", random.pick(&FIRST), random.pick(&SECOND))
}

/// Maritime identification digits of the Rhine's flags: Germany, Netherlands, Belgium, Switzerland, Luxembourg.
fn mmsi(random: &mut Random) -> String {
    let flag = random.pick(&[211, 244, 244, 205, 269, 253]);
    format!("{flag}{:06}", random.below(1_000_000))
}

/// An inland vessel. Its draught is what it needs at this voyage.
pub(crate) fn barge(random: &mut Random) -> Hull {
    let weights = BARGES.map(|class| class.5);
    let (length_cm, beam_cm, draught_max_cm, air_draught_cm, moves_max, _) =
        BARGES[random.weighted(&weights)];
    let draught_cm = random.between(
        i64::from(draught_max_cm) * 6 / 10,
        i64::from(draught_max_cm),
    ) as u32;
    Hull {
        particulars: v1::VesselParticulars {
            mmsi: mmsi(random),
            eni: format!(
                "{:03}{:05}",
                random.pick(&[20, 23, 43, 60, 70]),
                random.below(100_000)
            ),
            name: name(random),
            length_cm: Some(length_cm),
            beam_cm: Some(beam_cm),
            draught_cm: Some(draught_cm),
            air_draught_cm: Some(air_draught_cm),
            kind: v1::VesselKind::Barge.into(),
            ..Default::default()
        },
        draught_max_cm,
        carrier: random.pick(&OPERATORS),
        ship_type: "Cargo",
        speed_m_per_h: random.between(10_500, 16_000),
        moves_max,
    }
}

/// A river-sea vessel, which calls at one terminal only.
pub(crate) fn coaster(random: &mut Random) -> Hull {
    let imo = ImoNumber::with_check_digit(random.between(900_000, 985_000) as u32);
    Hull {
        particulars: v1::VesselParticulars {
            imo: imo.map(|imo| imo.to_string()).unwrap_or_default(),
            mmsi: mmsi(random),
            name: name(random),
            length_cm: Some(random.between(8_200, 9_400) as u32),
            beam_cm: Some(random.between(1_250, 1_400) as u32),
            draught_cm: Some(random.between(280, 365) as u32),
            air_draught_cm: Some(random.between(800, 980) as u32),
            kind: v1::VesselKind::Sea.into(),
            ..Default::default()
        },
        draught_max_cm: 390,
        carrier: random.pick(&OPERATORS),
        ship_type: "Cargo",
        speed_m_per_h: random.between(12_000, 17_000),
        moves_max: 120,
    }
}

/// A craft that passes: tankers and dry cargo too.
pub(crate) fn passer(random: &mut Random) -> Hull {
    let mut hull = barge(random);
    hull.ship_type = random.pick(&["Cargo", "Cargo", "Tanker", "Passenger", "Tug"]);
    hull
}

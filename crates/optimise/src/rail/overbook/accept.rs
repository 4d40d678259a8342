//! Which bookings a train takes, the risk of that, and who gives way.

use super::shows::{self, MEASURES, Shows};

/// A booking that asks for room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// The unit's reference.
    pub id: String,
    /// Quarters of a TEU.
    pub teu_quarters: i64,
    /// Length on the wagon, decimetres.
    pub length_dm: i64,
    /// Gross mass, kilograms.
    pub gross_kg: i64,
    /// How often such a booking shows up, thousandths. Where the rate was measured with an interval, its upper end.
    pub show_permille: i64,
    /// What it costs not to take it, money-like: the higher, the later it is bumped.
    pub roll_over_price: i64,
    /// 0 for normal; higher priorities are bumped after all lower ones.
    pub priority: i64,
    /// When the next train for it leaves, minutes since the epoch; among equals who waits least is bumped first.
    pub next_train_at_min: i64,
}

/// A train's room; [`UNLIMITED`](domain::rail::UNLIMITED) where there is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Quarters of a TEU.
    pub teu_quarters: i64,
    /// Decimetres.
    pub length_dm: i64,
    /// Kilograms.
    pub gross_kg: i64,
}

/// Why a booking is bumped before the next one in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum BumpReason {
    /// Its priority is lower.
    Priority,
    /// Its roll-over costs less.
    Price,
    /// Its next train leaves sooner.
    NextTrain,
    /// Nothing tells them apart but their references.
    Reference,
    /// It is the last in the order.
    Last,
}

/// A place in the bump order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bump {
    /// The unit.
    pub id: String,
    /// Why it stands before the next.
    pub reason: BumpReason,
}

/// What was decided, and the risk.
#[derive(Debug, Clone, PartialEq)]
pub struct Overbooking {
    /// Accepted, dearest first.
    pub accepted: Vec<String>,
    /// Refused: with them the risk would be too high.
    pub refused: Vec<String>,
    /// Who gives way, first to last, if too many show up.
    pub bump_order: Vec<Bump>,
    /// Chance that more TEU show up than there is room for.
    pub teu_risk: f64,
    /// Chance that more metres show up than there is room for.
    pub length_risk: f64,
    /// Chance that more tonnes show up than there is room for.
    pub gross_risk: f64,
    /// Quarters of a TEU expected to show up, thousandths.
    pub expected_teu_quarters_permille: i64,
    /// Quarters of a TEU that are bumped on average.
    pub expected_bumped_teu_quarters: f64,
}

impl Booking {
    pub(super) fn measures(&self) -> [i64; MEASURES] {
        shows::steps([self.teu_quarters, self.length_dm, self.gross_kg])
    }
}

impl Room {
    pub(super) fn shows(&self) -> [Option<Shows>; MEASURES] {
        shows::rooms([self.teu_quarters, self.length_dm, self.gross_kg])
    }
}

impl Overbooking {
    /// A bound on the chance that the train is overfull in any measure: the three risks added, whatever they have to do
    /// with each other.
    pub fn risk(&self) -> f64 {
        self.teu_risk + self.length_risk + self.gross_risk
    }
}

/// The risk that a confidence leaves.
pub(super) fn allowed(confidence_permille: i64) -> f64 {
    (1000 - confidence_permille).clamp(0, 1000) as f64 / 1000.0
}

/// Accepts bookings, dearest first, while the chance of an overfull train stays at most `1000 - confidence_permille`
/// thousandths in TEU, metres and tonnes together.
pub fn accept(room: Room, bookings: &[Booking], confidence_permille: i64) -> Overbooking {
    fill(room, bookings, allowed(confidence_permille))
}

/// The risk and the bump order of a train that has taken all of `bookings`.
pub fn assess(room: Room, bookings: &[Booking]) -> Overbooking {
    fill(room, bookings, f64::INFINITY)
}

fn fill(room: Room, bookings: &[Booking], allowed: f64) -> Overbooking {
    let mut order: Vec<&Booking> = bookings.iter().collect();
    order.sort_by(|a, b| key(b).cmp(&key(a)));
    let mut shows = room.shows();
    let mut taken: Vec<&Booking> = Vec::new();
    let mut refused = Vec::new();
    for booking in order {
        let next = shows::with(&shows, booking.measures(), booking.show_permille);
        if shows::risks(&next).iter().sum::<f64>() <= allowed {
            shows = next;
            taken.push(booking);
        } else {
            refused.push(booking.id.clone());
        }
    }
    let expected = taken
        .iter()
        .map(|booking| booking.teu_quarters * booking.show_permille)
        .sum();
    let [teu_risk, length_risk, gross_risk] = shows::risks(&shows);
    Overbooking {
        accepted: taken.iter().map(|booking| booking.id.clone()).collect(),
        refused,
        bump_order: bump_order(&taken),
        teu_risk,
        length_risk,
        gross_risk,
        expected_teu_quarters_permille: expected,
        expected_bumped_teu_quarters: shows[0].as_ref().map_or(0.0, |shows| shows.excess),
    }
}

/// What keeps a booking aboard, strongest first.
fn key(booking: &Booking) -> (i64, i64, i64, &str) {
    (
        booking.priority,
        booking.roll_over_price,
        booking.next_train_at_min,
        &booking.id,
    )
}

fn bump_order(taken: &[&Booking]) -> Vec<Bump> {
    let mut order = taken.to_vec();
    order.sort_by(|a, b| key(a).cmp(&key(b)));
    let reason = |nth: usize| match order.get(nth + 1) {
        None => BumpReason::Last,
        Some(next) if order[nth].priority < next.priority => BumpReason::Priority,
        Some(next) if order[nth].roll_over_price < next.roll_over_price => BumpReason::Price,
        Some(next) if order[nth].next_train_at_min < next.next_train_at_min => {
            BumpReason::NextTrain
        }
        Some(_) => BumpReason::Reference,
    };
    let bump = |nth: usize| Bump {
        id: order[nth].id.clone(),
        reason: reason(nth),
    };
    (0..order.len()).map(bump).collect()
}

impl BumpReason {
    /// Why a planner bumps it before the next.
    pub fn words(self) -> &'static str {
        match self {
            BumpReason::Priority => "lower priority than the next",
            BumpReason::Price => "rolling over costs less than for the next",
            BumpReason::NextTrain => "its next train leaves sooner than that of the next",
            BumpReason::Reference => "like the next one in all but its reference",
            BumpReason::Last => "the last to give way",
        }
    }

    /// A stable code for output.
    pub fn code(self) -> &'static str {
        match self {
            BumpReason::Priority => "PRIORITY",
            BumpReason::Price => "PRICE",
            BumpReason::NextTrain => "NEXT_TRAIN",
            BumpReason::Reference => "REFERENCE",
            BumpReason::Last => "LAST",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Booking, BumpReason, Room, accept};
    use domain::rail::UNLIMITED;

    fn booking(nth: i64, show_permille: i64) -> Booking {
        Booking {
            id: format!("B{nth:03}"),
            teu_quarters: 8,
            length_dm: 122,
            gross_kg: 10_000,
            show_permille,
            roll_over_price: 1_000 + nth % 3,
            priority: nth % 2,
            next_train_at_min: nth,
        }
    }

    const ROOM: Room = Room {
        teu_quarters: 80,
        length_dm: UNLIMITED,
        gross_kg: 1_000_000,
    };

    #[test]
    fn certain_bookings_fill_the_train_and_no_more() {
        let bookings: Vec<Booking> = (0..20).map(|nth| booking(nth, 1000)).collect();
        let answer = accept(ROOM, &bookings, 950);
        assert_eq!((answer.accepted.len(), answer.refused.len()), (10, 10));
        assert_eq!(answer.teu_risk, 0.0);
    }

    #[test]
    fn the_risk_is_the_binomial_tail() {
        // Eleven for ten places at nine in ten: overfull only if all show up, 0.9^11.
        let bookings: Vec<Booking> = (0..11).map(|nth| booking(nth, 900)).collect();
        let answer = accept(ROOM, &bookings, 600);
        assert_eq!(answer.accepted.len(), 11);
        assert!(
            (answer.teu_risk - 0.9_f64.powi(11)).abs() < 1e-12,
            "{}",
            answer.teu_risk
        );
        assert!((answer.expected_bumped_teu_quarters - 8.0 * 0.9_f64.powi(11)).abs() < 1e-9);
        let strict = accept(ROOM, &bookings, 990);
        assert_eq!(strict.accepted.len(), 10);
    }

    #[test]
    fn the_bump_order_runs_from_the_cheapest_with_reasons() {
        let bookings: Vec<Booking> = (0..4).map(|nth| booking(nth, 1000)).collect();
        let answer = accept(ROOM, &bookings, 950);
        let order: Vec<&str> = answer
            .bump_order
            .iter()
            .map(|bump| bump.id.as_str())
            .collect();
        assert_eq!(order, ["B000", "B002", "B003", "B001"]);
        let reasons: Vec<BumpReason> = answer.bump_order.iter().map(|bump| bump.reason).collect();
        assert_eq!(
            reasons,
            [
                BumpReason::Price,
                BumpReason::Priority,
                BumpReason::Price,
                BumpReason::Last
            ]
        );
    }

    #[test]
    fn mass_binds_too() {
        let room = Room {
            length_dm: UNLIMITED,
            teu_quarters: 80,
            gross_kg: 45_000,
        };
        let bookings: Vec<Booking> = (0..10).map(|nth| booking(nth, 1000)).collect();
        assert_eq!(accept(room, &bookings, 950).accepted.len(), 4);
    }
}

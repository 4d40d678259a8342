//! Level 3: how many bookings a train takes when not all of them show up, and who gives way if too many do.
//!
//! Bookings show up independently, each with its measured rate. The distribution of what shows up is exact (a convolution
//! in quarters of a TEU, another in steps of 100 kg); bookings are accepted while the chance that the train is overfull in
//! either measure stays within what the confidence leaves.

/// A booking that asks for room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// The unit's reference.
    pub id: String,
    /// Quarters of a TEU.
    pub teu_quarters: i64,
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

/// A train's room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Quarters of a TEU.
    pub teu_quarters: i64,
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
    /// Chance that more tonnes show up than there is room for.
    pub gross_risk: f64,
    /// Quarters of a TEU expected to show up, thousandths.
    pub expected_teu_quarters_permille: i64,
    /// Quarters of a TEU that are bumped on average.
    pub expected_bumped_teu_quarters: f64,
}

/// Kilograms of one step of the mass distribution; masses are rounded up.
const STEP_KG: i64 = 100;

/// The distribution of a sum of independent show-ups; everything above the room is one bucket with its mean.
#[derive(Debug, Clone)]
struct Shows {
    chance: Vec<f64>,
    over: f64,
    /// Sum of (amount - room) times chance, over the bucket.
    excess: f64,
}

impl Shows {
    fn new(room: i64) -> Self {
        let mut chance = vec![0.0; room.max(0) as usize + 1];
        chance[0] = 1.0;
        Shows {
            chance,
            over: 0.0,
            excess: 0.0,
        }
    }

    /// With one more that shows up with `permille` and then takes `amount`.
    fn with(&self, amount: i64, permille: i64) -> Self {
        let shows = permille.clamp(0, 1000) as f64 / 1000.0;
        let amount = amount.max(0) as usize;
        let mut next = vec![0.0; self.chance.len()];
        let mut over = self.over;
        let mut excess = self.excess + self.over * shows * amount as f64;
        for (at, &chance) in self.chance.iter().enumerate() {
            next[at] += chance * (1.0 - shows);
            match next.get_mut(at + amount) {
                Some(cell) => *cell += chance * shows,
                None => {
                    over += chance * shows;
                    excess += chance * shows * (at + amount + 1 - self.chance.len()) as f64;
                }
            }
        }
        Shows {
            chance: next,
            over,
            excess,
        }
    }
}

/// Accepts bookings, dearest first, while the chance of an overfull train stays at most `1000 - confidence_permille`
/// thousandths in TEU and tonnes together.
pub fn accept(room: Room, bookings: &[Booking], confidence_permille: i64) -> Overbooking {
    let mut order: Vec<&Booking> = bookings.iter().collect();
    order.sort_by(|a, b| key(b).cmp(&key(a)));
    let allowed = (1000 - confidence_permille).clamp(0, 1000) as f64 / 1000.0;
    let mut teu = Shows::new(room.teu_quarters);
    let mut gross = Shows::new(room.gross_kg / STEP_KG);
    let mut taken: Vec<&Booking> = Vec::new();
    let mut refused = Vec::new();
    for booking in order {
        let steps = (booking.gross_kg + STEP_KG - 1) / STEP_KG;
        let next_teu = teu.with(booking.teu_quarters, booking.show_permille);
        let next_gross = gross.with(steps, booking.show_permille);
        // The two chances added bound the chance of either, whatever they have to do with each other.
        if next_teu.over + next_gross.over <= allowed {
            (teu, gross) = (next_teu, next_gross);
            taken.push(booking);
        } else {
            refused.push(booking.id.clone());
        }
    }
    let expected = taken
        .iter()
        .map(|booking| booking.teu_quarters * booking.show_permille)
        .sum();
    Overbooking {
        accepted: taken.iter().map(|booking| booking.id.clone()).collect(),
        refused,
        bump_order: bump_order(&taken),
        teu_risk: teu.over,
        gross_risk: gross.over,
        expected_teu_quarters_permille: expected,
        expected_bumped_teu_quarters: teu.excess,
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

/// How large level 1 may take a train, quarters of a TEU: the room, stretched as far as bookings of the mean size and show
/// rate of `like` keep the confidence. Never less than the room.
pub fn stretched_teu_quarters(room: Room, like: &[Booking], confidence_permille: i64) -> i64 {
    if like.is_empty() {
        return room.teu_quarters;
    }
    let count = like.len() as i64;
    let mean = |of: fn(&Booking) -> i64| like.iter().map(of).sum::<i64>() / count;
    let (size, show) = (mean(|b| b.teu_quarters).max(1), mean(|b| b.show_permille));
    let allowed = (1000 - confidence_permille).clamp(0, 1000) as f64 / 1000.0;
    let mut shows = Shows::new(room.teu_quarters);
    let mut booked = 0;
    // Twice the room is enough of a good thing, however seldom they show up.
    while booked + size <= room.teu_quarters.saturating_mul(2) {
        let next = shows.with(size, show);
        if next.over > allowed {
            break;
        }
        shows = next;
        booked += size;
    }
    booked.max(room.teu_quarters)
}

#[cfg(test)]
mod tests {
    use super::{Booking, BumpReason, Room, accept, stretched_teu_quarters};

    fn booking(nth: i64, show_permille: i64) -> Booking {
        Booking {
            id: format!("B{nth:03}"),
            teu_quarters: 8,
            gross_kg: 10_000,
            show_permille,
            roll_over_price: 1_000 + nth % 3,
            priority: nth % 2,
            next_train_at_min: nth,
        }
    }

    const ROOM: Room = Room {
        teu_quarters: 80,
        gross_kg: 1_000_000,
    };

    #[test]
    fn certain_bookings_fill_the_train_and_no_more() {
        let bookings: Vec<Booking> = (0..20).map(|nth| booking(nth, 1000)).collect();
        let answer = accept(ROOM, &bookings, 950);
        assert_eq!((answer.accepted.len(), answer.refused.len()), (10, 10));
        assert_eq!(answer.teu_risk, 0.0);
        assert_eq!(stretched_teu_quarters(ROOM, &bookings, 950), 80);
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
            teu_quarters: 80,
            gross_kg: 45_000,
        };
        let bookings: Vec<Booking> = (0..10).map(|nth| booking(nth, 1000)).collect();
        assert_eq!(accept(room, &bookings, 950).accepted.len(), 4);
    }
}

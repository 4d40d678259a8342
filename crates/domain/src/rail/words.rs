//! Rules and reasons as a planner says them: the one place for what people read. Codes for machines are with the rules.

use super::cut_off::CutOffKind;
use super::plan::RolledOverReason;
use super::rules::{Breach, Rule};
use super::wagons::LoadRule;

impl CutOffKind {
    /// What must have happened.
    pub fn words(self) -> &'static str {
        match self {
            CutOffKind::Documentation => "shipping documents",
            CutOffKind::VerifiedGrossMass => "verified gross mass",
            CutOffKind::FullDelivery => "delivery of laden units",
            CutOffKind::Terminal => "delivery to the terminal",
            CutOffKind::EarliestDelivery => "earliest delivery",
            CutOffKind::Reefer => "delivery of reefers",
            CutOffKind::DangerousGoods => "declaration of dangerous goods",
            CutOffKind::OutOfGauge => "delivery of out-of-gauge cargo",
            CutOffKind::Customs => "customs release",
        }
    }
}

impl Rule {
    /// What the rule is about.
    pub fn words(self) -> String {
        let words = match self {
            Rule::Coverage => "planned once",
            Rule::Frozen => "trains closed or cancelled",
            Rule::Chain => "no connection",
            Rule::Legs => "too many trains in a row",
            Rule::Corridor => "corridor of the booking",
            Rule::Ready => "ready too late",
            Rule::Customs => "customs",
            Rule::CutOff(kind) => return format!("cut-off: {}", kind.words()),
            Rule::UnitGross => "too heavy for the wagons' axles",
            Rule::UnitLength => "too long for the wagons",
            Rule::Profile => "loading gauge",
            Rule::Pin => "pinned to another way",
            Rule::Bump => "bumped by the planner",
            Rule::Teu => "room in TEU",
            Rule::Length => "room in metres",
            Rule::Gross => "tonnes of the train",
            Rule::Dangerous => "units of dangerous goods",
            Rule::DangerousGross => "tonnes of dangerous goods",
            Rule::KeepTogether => "booking to be kept together",
            Rule::LoadCut => "places on the wagons",
        };
        words.to_owned()
    }

    /// What breaks the rule, with its measures where it has any.
    pub fn broken(self, needed: i64, allowed: i64) -> String {
        let late = || minutes(needed.saturating_sub(allowed));
        match self {
            Rule::Coverage if needed == 0 => {
                "not planned, or by a unit or train that the problem does not know".to_owned()
            }
            Rule::Coverage => format!("planned {needed} times"),
            Rule::Frozen => "the train is closed or cancelled".to_owned(),
            Rule::Chain if needed > allowed => {
                format!("the train leaves {} before it can be reached", late())
            }
            Rule::Chain if (needed, allowed) == (0, 0) => {
                "the trains do not lead from its origin to its destination".to_owned()
            }
            Rule::Chain => "the train leaves from another place, or too long after".to_owned(),
            Rule::Legs => format!("{needed} trains in a row, at most {allowed}"),
            Rule::Corridor => "the train runs on another corridor than booked".to_owned(),
            Rule::Ready => format!("ready {} after the train leaves", late()),
            Rule::Customs if needed == i64::MAX => "held by customs".to_owned(),
            Rule::Customs => format!("released by customs {} too late", late()),
            Rule::CutOff(kind) => {
                format!("{} {} after the cut-off", kind.words(), late())
            }
            Rule::UnitGross => {
                format!(
                    "it weighs {}, the axles bear {}",
                    tonnes(needed),
                    tonnes(allowed)
                )
            }
            Rule::UnitLength => {
                format!(
                    "it is {} long, the wagons take {}",
                    metres(needed),
                    metres(allowed)
                )
            }
            Rule::Profile => format!("it needs loading gauge {needed}, the line admits {allowed}"),
            Rule::Pin => "the planner pinned it to another way".to_owned(),
            Rule::Bump => "the planner bumped it off this train".to_owned(),
            Rule::Teu => format!("{} aboard, room for {}", teu(needed), teu(allowed)),
            Rule::Length => format!("{} aboard, room for {}", metres(needed), metres(allowed)),
            Rule::Gross => format!("{} aboard, at most {}", tonnes(needed), tonnes(allowed)),
            Rule::Dangerous => format!("{needed} units of dangerous goods, at most {allowed}"),
            Rule::DangerousGross => format!(
                "{} of dangerous goods, at most {}",
                tonnes(needed),
                tonnes(allowed)
            ),
            Rule::KeepTogether => {
                "it goes otherwise than the rest of its booking, which stays together".to_owned()
            }
            Rule::LoadCut => {
                format!("{needed} units of a kind of which its wagons take {allowed}")
            }
        }
    }

    /// An amount of what the rule counts, for the room that lacks.
    pub fn amount(self, amount: i64) -> String {
        match self {
            Rule::Teu => teu(amount),
            Rule::Length => metres(amount),
            Rule::Gross => tonnes(amount),
            Rule::Dangerous => format!("{} of dangerous goods", units(amount)),
            Rule::DangerousGross => format!("{} of dangerous goods", tonnes(amount)),
            Rule::LoadCut => format!("wagon places for {} like it", units(amount)),
            rule => rule.words(),
        }
    }
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.rule.broken(self.needed, self.allowed))
    }
}

impl RolledOverReason {
    /// The reason as a planner says it.
    pub fn words(self) -> String {
        let words = match self {
            RolledOverReason::NoTrain => "no train leads there",
            RolledOverReason::NoFeasibleTrain(rule) => return rule.words(),
            RolledOverReason::NoRoom => "no room",
            RolledOverReason::Dearer => "going costs more than staying",
            RolledOverReason::PinImpossible => "its pin cannot be kept",
            RolledOverReason::KeepTogether => "the rest of its booking cannot go",
        };
        words.to_owned()
    }
}

impl LoadRule {
    /// What is broken.
    pub fn words(self) -> &'static str {
        match self {
            LoadRule::Coverage => {
                "not aboard, not placed, placed twice, or in a place that does not exist"
            }
            LoadRule::OnePlace => "the place is taken, or the platform is used in another pattern",
            LoadRule::Defect => "the wagon is defective, or the spigots of the pattern are",
            LoadRule::Length => "the place is for another length",
            LoadRule::PlaceMass => "too heavy for the place",
            LoadRule::Profile => "too large for the wagon's loading gauge",
            LoadRule::Axle => "a bogie bears more than its axles may",
            LoadRule::Balance => "one end of a platform is too light for the other",
            LoadRule::TrainMass => "the train is too heavy",
            LoadRule::TrainLength => "the train is too long",
            LoadRule::Segregation => "too near to other dangerous goods",
        }
    }
}

/// Quarters of a TEU.
pub fn teu(quarters: i64) -> String {
    format!("{} TEU", fixed(quarters.saturating_mul(25), 2))
}

/// Decimetres.
pub fn metres(dm: i64) -> String {
    format!("{} m", fixed(dm, 1))
}

/// Kilograms.
pub fn tonnes(kg: i64) -> String {
    format!("{} t", fixed(kg, 3))
}

fn units(count: i64) -> String {
    match count {
        1 => "1 unit".to_owned(),
        count => format!("{count} units"),
    }
}

/// A span of time; from three hours on in hours.
pub fn minutes(min: i64) -> String {
    match (min / 60, min % 60) {
        (..=2, _) => format!("{min} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, min) => format!("{hours} h {min} min"),
    }
}

/// A number of so many decimals, without noughts at its end.
fn fixed(amount: i64, decimals: u32) -> String {
    let one = 10_i64.pow(decimals);
    let (whole, part) = (amount / one, (amount % one).abs());
    if part == 0 {
        return whole.to_string();
    }
    let sign = if amount < 0 && whole == 0 { "-" } else { "" };
    let part = format!("{part:0width$}", width = decimals as usize);
    format!("{sign}{whole}.{}", part.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::{Rule, fixed, metres, minutes, teu, tonnes};
    use crate::rail::CutOffKind;

    #[test]
    fn measures_read_as_a_planner_writes_them() {
        assert_eq!([teu(8), teu(9), teu(10)], ["2 TEU", "2.25 TEU", "2.5 TEU"]);
        assert_eq!([metres(122), metres(120)], ["12.2 m", "12 m"]);
        assert_eq!([tonnes(21_050), tonnes(7)], ["21.05 t", "0.007 t"]);
        assert_eq!(
            [minutes(179), minutes(180), minutes(181)],
            ["179 min", "3 h", "3 h 1 min"]
        );
        assert_eq!([fixed(-5, 1), fixed(-15, 1)], ["-0.5", "-1.5"]);
    }

    #[test]
    fn rules_without_a_measure_print_none() {
        for rule in [
            Rule::Frozen,
            Rule::Chain,
            Rule::Corridor,
            Rule::Pin,
            Rule::Bump,
            Rule::KeepTogether,
        ] {
            let said = rule.broken(0, 0);
            assert!(
                !said.contains(|letter: char| letter.is_ascii_digit()),
                "{said}"
            );
        }
        assert_eq!(Rule::Customs.broken(i64::MAX, 600), "held by customs");
    }

    #[test]
    fn rules_with_a_measure_print_it() {
        let vgm = Rule::CutOff(CutOffKind::VerifiedGrossMass);
        assert_eq!(
            vgm.broken(334, 300),
            "verified gross mass 34 min after the cut-off"
        );
        assert_eq!(
            Rule::Chain.broken(700, 600),
            "the train leaves 100 min before it can be reached"
        );
        assert_eq!(Rule::Teu.broken(16, 8), "4 TEU aboard, room for 2 TEU");
        assert_eq!(Rule::LoadCut.amount(1), "wagon places for 1 unit like it");
        assert_eq!(Rule::DangerousGross.amount(500), "0.5 t of dangerous goods");
    }
}

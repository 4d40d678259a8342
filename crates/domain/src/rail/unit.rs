//! A unit of load: a container, swap body or trailer that asks for a train.

use super::cut_off::CutOffKind;

/// When something that a cut-off asks for happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Milestone {
    /// It happened, or is forecast to happen, at this minute.
    At(i64),
    /// Nothing is known. Such a unit may be planned while the cut-off lies ahead, at a price
    /// ([`Weights::unknown_milestone`](super::Weights::unknown_milestone)), and no more once it has passed.
    #[default]
    Unknown,
}

/// Where customs stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Customs {
    /// Released, or no customs business.
    #[default]
    Released,
    /// A release is forecast at this minute; it must come before the CUA cut-off, or the departure if there is none.
    Expected(i64),
    /// Held, without a forecast: no train can be planned.
    Held,
}

/// What the unit carries, as far as it decides on rules.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Cargo {
    /// True if it runs empty.
    pub is_empty: bool,
    /// True if it is a reefer under power.
    pub is_reefer: bool,
    /// True if it is out of gauge.
    pub is_out_of_gauge: bool,
    /// The RID class ("3", "1.4", "6.1"), none if not dangerous.
    pub dangerous_class: Option<String>,
}

/// What a planner has decided about the unit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Lock {
    /// Nothing.
    #[default]
    Free,
    /// It goes by exactly these slots, or is rolled over at the extra price of a broken pin.
    Pinned(Vec<String>),
    /// It does not go by any of these slots.
    Bumped(Vec<String>),
}

/// One unit of load.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Unit {
    /// The unit's reference, opaque here.
    pub id: String,
    /// Where it starts (UN/LOCODE).
    pub origin: String,
    /// Where it must arrive (UN/LOCODE).
    pub destination: String,
    /// The corridor that the booking prescribes, if any; every leg must run on it.
    pub corridor: Option<String>,
    /// Quarters of a TEU: 20 ft 4, 40 ft 8, 45 ft 9.
    pub teu_quarters: i64,
    /// Length on the wagon, decimetres.
    pub length_dm: i64,
    /// Gross mass, kilograms.
    pub gross_kg: i64,
    /// The loading-gauge code it needs (a larger number is a larger profile), 0 if any will do.
    pub profile_code: i64,
    /// What it carries.
    pub cargo: Cargo,
    /// When it can be lifted: discharged or gated in, or the forecast of that, minutes since the epoch.
    pub ready_at_min: i64,
    /// How uncertain that is: one standard deviation, minutes; 0 for a fact.
    pub ready_spread_min: i64,
    /// Customs status.
    pub customs: Customs,
    /// When its gross mass is verified.
    pub vgm: Milestone,
    /// When its documents are in.
    pub documents: Milestone,
    /// When its dangerous goods are declared.
    pub declaration: Milestone,
    /// 0 for normal; each step adds the weights' priority prices.
    pub priority: i64,
    /// When it should arrive, minutes since the epoch.
    pub due_at_min: Option<i64>,
    /// The price of not going in this planning period.
    pub roll_over_price: i64,
    /// Units of one keep-together booking go alike, or not at all.
    pub keep_together: Option<String>,
    /// The planner's word.
    pub lock: Lock,
    /// The slots of the last published plan, empty if it had none.
    pub previous: Vec<String>,
}

impl Unit {
    /// When what `kind` asks for happens, or `None` if the cut-off does not concern this unit.
    pub fn milestone(&self, kind: CutOffKind) -> Option<Milestone> {
        let here = Milestone::At(self.ready_at_min);
        let cargo = &self.cargo;
        match kind {
            CutOffKind::Documentation => Some(self.documents),
            CutOffKind::VerifiedGrossMass => (!cargo.is_empty).then_some(self.vgm),
            CutOffKind::FullDelivery => (!cargo.is_empty).then_some(here),
            CutOffKind::Terminal => Some(here),
            CutOffKind::EarliestDelivery => None,
            CutOffKind::Reefer => cargo.is_reefer.then_some(here),
            CutOffKind::DangerousGoods => {
                cargo.dangerous_class.is_some().then_some(self.declaration)
            }
            CutOffKind::OutOfGauge => cargo.is_out_of_gauge.then_some(here),
            // The customs rule reads the status itself, with or without a cut-off.
            CutOffKind::Customs => None,
        }
    }
}

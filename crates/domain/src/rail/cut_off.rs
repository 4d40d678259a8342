//! Cut-offs by kind, in the codes of DCSA.

/// What must have happened before a cut-off passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CutOffKind {
    /// DCO: the shipping documents are in.
    Documentation,
    /// VCO: the verified gross mass is known. Empty units are exempt.
    VerifiedGrossMass,
    /// FCO: a laden unit stands in the terminal.
    FullDelivery,
    /// PCO: any unit stands in the terminal.
    Terminal,
    /// EFC: the earliest delivery of a laden unit; it binds the gate, not the train, and is carried for display alone.
    EarliestDelivery,
    /// RCO: a running reefer stands in the terminal.
    Reefer,
    /// DGC: dangerous goods are declared.
    DangerousGoods,
    /// OBC: out-of-gauge cargo stands in the terminal.
    OutOfGauge,
    /// CUA: customs has released the unit.
    Customs,
}

impl CutOffKind {
    /// Every kind, in the order of the codes above.
    pub const ALL: [CutOffKind; 9] = [
        CutOffKind::Documentation,
        CutOffKind::VerifiedGrossMass,
        CutOffKind::FullDelivery,
        CutOffKind::Terminal,
        CutOffKind::EarliestDelivery,
        CutOffKind::Reefer,
        CutOffKind::DangerousGoods,
        CutOffKind::OutOfGauge,
        CutOffKind::Customs,
    ];

    /// The DCSA code.
    pub fn code(self) -> &'static str {
        match self {
            CutOffKind::Documentation => "DCO",
            CutOffKind::VerifiedGrossMass => "VCO",
            CutOffKind::FullDelivery => "FCO",
            CutOffKind::Terminal => "PCO",
            CutOffKind::EarliestDelivery => "EFC",
            CutOffKind::Reefer => "RCO",
            CutOffKind::DangerousGoods => "DGC",
            CutOffKind::OutOfGauge => "OBC",
            CutOffKind::Customs => "CUA",
        }
    }

    /// The kind of a DCSA code.
    ///
    /// ```
    /// use domain::rail::CutOffKind;
    /// assert_eq!(CutOffKind::from_code("VCO"), Some(CutOffKind::VerifiedGrossMass));
    /// assert_eq!(CutOffKind::from_code("XXX"), None);
    /// ```
    pub fn from_code(code: &str) -> Option<Self> {
        CutOffKind::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// One cut-off of a train slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutOff {
    /// What must have happened.
    pub kind: CutOffKind,
    /// Until when, in minutes since the epoch.
    pub at_min: i64,
}

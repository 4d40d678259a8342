//! Fact or forecast.

code_list! {
    /// Whether an instant is a fact or a forecast, and whose (DCSA eventClassifierCode).
    Classifier, "event classifier";
    /// It happened.
    Act = "ACT", "ACTUAL";
    /// Estimated by whoever moves.
    Est = "EST", "ESTIMATED";
    /// Planned, agreed by both sides.
    Pln = "PLN", "PLANNED";
    /// Requested by the receiving side.
    Req = "REQ", "REQUESTED";
}

impl Classifier {
    /// True for a fact; everything else is about the future and may be revised.
    pub fn is_actual(self) -> bool {
        self == Classifier::Act
    }
}

//! The parts of a port call (DCSA Port Call 2.0, with the codes of 1.1 beside them).

code_list! {
    /// Which service of the port call is meant (portCallServiceTypeCode).
    PortCallService, "port call service type";
    /// Lying at berth.
    Berth = "BERTH", "BERTH";
    /// Discharging and loading.
    CargoOperations = "CARGO_OPERATIONS", "CARGO_OPERATIONS", "CRGO";
    /// A pilot on board.
    Pilotage = "PILOTAGE", "PILOTAGE", "PILO";
    /// Tugs alongside.
    Towage = "TOWAGE", "TOWAGE", "TOWG";
    /// Ropes.
    Mooring = "MOORING", "MOORING", "MOOR";
    /// Fuel.
    Bunkering = "BUNKERING", "BUNKERING", "BUNK";
    /// At the pilot boarding place.
    PilotBoardingPlace = "PILOT_BOARDING_PLACE", "PILOT_BOARDING_PLACE", "PBPL";
    /// At anchor.
    Anchorage = "ANCHORAGE", "ANCHORAGE", "ANCO";
    /// Under way at sea.
    SeaPassage = "SEA_PASSAGE", "SEA_PASSAGE";
    /// The last line is secured.
    AllFast = "ALL_FAST", "ALL_FAST", "FAST";
    /// Electricity from ashore.
    ShorePower = "SHORE_POWER", "SHORE_POWER", "SHPW";
    /// The forecast of container moves.
    Moves = "MOVES", "MOVES";
}

code_list! {
    /// Begin or end of a service (operationsEventTypeCode, transportEventTypeCode).
    OperationsEventType, "operations event type";
    /// Started.
    Strt = "STRT", "STARTED";
    /// Completed.
    Cmpl = "CMPL", "COMPLETED";
    /// Arrived.
    Arri = "ARRI", "ARRIVED";
    /// Departed.
    Depa = "DEPA", "DEPARTED";
    /// Will not take place; the list has `OMIT` for a whole call.
    Canc = "CANC", "CANCELLED", "OMIT", "OMITTED";
}

code_list! {
    /// Part of the stay in port (portCallPhaseTypeCode).
    PortCallPhase, "port call phase";
    /// From the approach to the berth.
    Inbd = "INBD", "INBOUND";
    /// First line secured to last line released.
    Algs = "ALGS", "ALONGSIDE";
    /// From one berth to another.
    Shif = "SHIF", "SHIFTING";
    /// From the berth outwards.
    Outb = "OUTB", "OUTBOUND";
}

//! Kinds of places, and who lists them.

code_list! {
    /// Kind of facility (DCSA facilityTypeCode).
    FacilityType, "facility type";
    /// Pilot boarding place.
    Pbpl = "PBPL", "PILOT_BOARDING_PLACE";
    /// Berth.
    Brth = "BRTH", "BERTH";
    /// Anchorage.
    Anch = "ANCH", "ANCHORAGE";
    /// Port terminal.
    Pote = "POTE", "PORT_TERMINAL";
    /// Container yard.
    Coya = "COYA", "CONTAINER_YARD";
    /// Depot for empties.
    Depo = "DEPO", "DEPOT";
    /// Inland terminal.
    Inte = "INTE", "INLAND_TERMINAL";
    /// Terminal connected directly to the rails.
    Ramp = "RAMP", "RAMP";
    /// Container freight station.
    Cofs = "COFS", "CONTAINER_FREIGHT_STATION";
    /// Off-dock storage.
    Offd = "OFFD", "OFF_DOCK_STORAGE";
    /// Border crossing.
    Bocr = "BOCR", "BORDER_CROSSING", "BORDER";
    /// Customer location.
    Cloc = "CLOC", "CUSTOMER_LOCATION";
}

code_list! {
    /// Who maintains the list that a facility code is from (DCSA facilityCodeListProvider and the lists of rail and rivers).
    CodeListProvider, "code list provider";
    /// Ship Message Design Group, terminal codes.
    Smdg = "SMDG", "SMDG";
    /// Bureau International des Containers, facility codes.
    Bic = "BIC", "BIC";
    /// International Union for Road-Rail Combined Transport.
    Uirr = "UIRR", "UIRR";
    /// Inland Ship Reporting Standard location code.
    Isrs = "ISRS", "ISRS";
    /// TAF TSI primary location code.
    TafPrimary = "TAF_PRIMARY", "TAF_PRIMARY";
    /// The port's own codes.
    Local = "LOCAL", "LOCAL";
}

//! What happens to containers, and what carries them.

code_list! {
    /// What happened to a container (DCSA equipmentEventTypeCode).
    EquipmentEventType, "equipment event type";
    /// Lifted onto the means of transport.
    Load = "LOAD", "LOADED";
    /// Lifted off the means of transport.
    Disc = "DISC", "DISCHARGED";
    /// Into the terminal.
    Gtin = "GTIN", "GATED_IN";
    /// Out of the terminal.
    Gtot = "GTOT", "GATED_OUT";
    /// Cargo put in.
    Stuf = "STUF", "STUFFED";
    /// Cargo taken out.
    Strp = "STRP", "STRIPPED";
    /// Collected from the customer.
    Pick = "PICK", "PICKED_UP";
    /// Delivered to the customer.
    Drop = "DROP", "DROPPED_OFF";
    /// Seal inspected.
    Insp = "INSP", "INSPECTED";
    /// Sealed again.
    Rsea = "RSEA", "RESEALED";
    /// Seal removed.
    Rmvd = "RMVD", "REMOVED";
    /// Ready to be fetched.
    Avpu = "AVPU", "AVAILABLE_FOR_PICKUP", "AVAILABLE_FOR_PICK_UP";
    /// Ready to be brought.
    Avdo = "AVDO", "AVAILABLE_FOR_DROP_OFF";
    /// Customs will scan it.
    Cuss = "CUSS", "CUSTOMS_SELECTED_FOR_SCAN";
    /// Customs will inspect it.
    Cusi = "CUSI", "CUSTOMS_SELECTED_FOR_INSPECTION";
    /// Customs let it go.
    Cusr = "CUSR", "CUSTOMS_RELEASED";
    /// A way point was passed.
    Wayp = "WAYP", "CROSSED";
}

code_list! {
    /// Whether a container carries cargo (DCSA emptyIndicatorCode; EDIFACT 8169 has 4 and 5).
    EmptyIndicator, "empty indicator";
    /// Nothing in it.
    Empty = "EMPTY", "EMPTY", "4";
    /// Cargo in it.
    Laden = "LADEN", "LADEN", "5";
}

code_list! {
    /// What carries a container (DCSA modeOfTransport; UN/ECE Recommendation 19 has digits).
    TransportMode, "mode of transport";
    /// Sea-going vessel.
    Vessel = "VESSEL", "VESSEL", "1", "MARITIME_TRANSPORT";
    /// Inland vessel.
    Barge = "BARGE", "BARGE", "8", "INLAND_WATER_TRANSPORT";
    /// Train.
    Rail = "RAIL", "RAIL", "2", "RAIL_TRANSPORT";
    /// Lorry.
    Truck = "TRUCK", "TRUCK", "3", "ROAD_TRANSPORT";
}

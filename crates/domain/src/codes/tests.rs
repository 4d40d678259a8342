use super::*;
use crate::units::{Decimetres, TeuQuarters};

#[test]
fn both_spellings_are_one_code() {
    assert_eq!(Classifier::parse("ACT"), Classifier::parse("ACTUAL"));
    assert_eq!(
        EquipmentEventType::parse("GTIN"),
        Ok(EquipmentEventType::Gtin)
    );
    assert_eq!(
        EquipmentEventType::parse("GATED_IN"),
        Ok(EquipmentEventType::Gtin)
    );
    assert_eq!(
        EquipmentEventType::parse(" gated_out "),
        Ok(EquipmentEventType::Gtot)
    );
    assert_eq!(
        PortCallService::parse("CRGO"),
        Ok(PortCallService::CargoOperations)
    );
    assert_eq!(
        FacilityType::parse("INLAND_TERMINAL"),
        Ok(FacilityType::Inte)
    );
    assert_eq!(
        OperationsEventType::parse("ARRIVED"),
        Ok(OperationsEventType::Arri)
    );
    assert_eq!(EmptyIndicator::parse("5"), Ok(EmptyIndicator::Laden));
    assert_eq!(TransportMode::parse("8"), Ok(TransportMode::Barge));
}

/// Every code and long name reads back as itself, and no spelling stands for two codes.
#[test]
fn spellings_read_back_and_are_unique() {
    macro_rules! check {
        ($($list:ident)*) => { $(
            for value in $list::ALL {
                assert_eq!($list::parse(value.code()), Ok(*value));
                assert_eq!($list::parse(value.long_name()), Ok(*value));
                assert_eq!(value.to_string(), value.code());
            }
        )* };
    }
    check!(Classifier EquipmentEventType EmptyIndicator TransportMode FacilityType CodeListProvider);
    check!(PortCallService OperationsEventType PortCallPhase);
}

#[test]
fn an_unknown_code_lists_the_known_ones() {
    let text = Classifier::parse("MAYBE").unwrap_err().to_string();
    assert_eq!(
        text,
        "event classifier \"MAYBE\" is unknown: use one of ACT, EST, PLN, REQ"
    );
}

#[test]
fn sizes_give_teu_and_length() {
    for (code, quarters, length_dm, is_reefer) in [
        ("22G1", 4, 61, false),
        ("22GP", 4, 61, false),
        ("42G1", 8, 122, false),
        ("45R1", 8, 122, true),
        ("L5G1", 9, 138, false),
        ("25G1", 4, 61, false),
        ("32T6", 6, 92, false),
        ("12G0", 2, 30, false),
        ("C2G1", 5, 75, false),
    ] {
        let size = SizeType::parse(code).unwrap();
        assert_eq!(size.teu_quarters(), TeuQuarters(quarters), "{code}");
        assert_eq!(size.length(), Decimetres(length_dm), "{code}");
        assert_eq!(size.is_reefer(), is_reefer, "{code}");
    }
    assert!(SizeType::parse("45G1").unwrap().is_high_cube());
    assert!(!SizeType::parse("42G1").unwrap().is_high_cube());
    for wrong in ["", "22", "22G", "X2G1", "22Q1", "22G1X", "2§G1"] {
        assert!(SizeType::parse(wrong).is_err(), "{wrong}");
    }
}

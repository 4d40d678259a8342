use super::*;

#[test]
fn known_vectors_are_valid() {
    for id in ["CSQU3054383", "APZU4812090", "CSQU 305438-3"] {
        assert_eq!(ContainerId::check(id), Verdict::Valid, "{id}");
    }
    assert!(ImoNumber::parse("9321483").is_ok());
    assert!(ImoNumber::parse("IMO 9074729").is_ok());
    assert!(WagonNumber::parse("218124712173").is_ok());
    assert_eq!(
        WagonNumber::parse("21 81 2471 217-3").map(|n| n.to_string()),
        Ok("218124712173".to_owned())
    );
    assert!(Eni::parse("02312345").is_ok());
    assert!(Mmsi::parse("211234560").is_ok());
    assert_eq!(
        UnLocode::parse("DE DUI").map(|c| c.to_string()),
        Ok("DEDUI".to_owned())
    );
}

#[test]
fn public_samples_with_wrong_check_digits_are_flagged() {
    // Both stand in public EDIFACT samples.
    assert_eq!(
        ContainerId::check("TRHU4561222"),
        Verdict::WrongCheckDigit {
            expected: expected_of("TRHU456122")
        }
    );
    assert!(!ContainerId::check("MSTI6415664").is_valid());
    assert_eq!(
        ImoNumber::check("7654321"),
        Verdict::WrongCheckDigit { expected: 9 }
    );
}

/// ISO 6346 written out the long way, as the standard's own table has it.
fn expected_of(stem: &str) -> u8 {
    let table: Vec<u32> = (10..=38).filter(|n| n % 11 != 0).collect();
    let sum: u32 = stem
        .bytes()
        .enumerate()
        .map(|(i, b)| {
            let value = if b.is_ascii_digit() {
                u32::from(b - b'0')
            } else {
                table[usize::from(b - b'A')]
            };
            value * 2u32.pow(i as u32)
        })
        .sum();
    (sum % 11 % 10) as u8
}

#[test]
fn check_digits_agree_with_the_standards_table_for_every_letter() {
    for letter in b'A'..=b'Z' {
        let owner = format!("{0}{0}{0}U", letter as char);
        for serial in [0, 1, 305_438, 999_999] {
            let id = ContainerId::with_check_digit(&owner, serial).unwrap();
            let text = id.to_string();
            assert_eq!(
                text.as_bytes()[10] - b'0',
                expected_of(&text[..10]),
                "{text}"
            );
            assert_eq!(ContainerId::parse(&text), Ok(id));
        }
    }
}

#[test]
fn every_single_wrong_last_digit_names_the_right_one() {
    for digit in 0..10u8 {
        let text = format!("932148{digit}");
        match ImoNumber::check(&text) {
            Verdict::Valid => assert_eq!(digit, 3),
            verdict => assert_eq!(verdict, Verdict::WrongCheckDigit { expected: 3 }),
        }
        let text = format!("21812471217{digit}");
        match WagonNumber::check(&text) {
            Verdict::Valid => assert_eq!(digit, 3),
            verdict => assert_eq!(verdict, Verdict::WrongCheckDigit { expected: 3 }),
        }
    }
}

#[test]
fn errors_name_the_digit_and_the_mend() {
    let text = ContainerId::parse("CSQU3054384").unwrap_err().to_string();
    assert!(text.contains("has check digit 4, expected 3"), "{text}");
    let text = UnLocode::parse("duisburg").unwrap_err().to_string();
    assert!(text.contains("such as DEDUI"), "{text}");
    let long = "x".repeat(10_000);
    assert!(ContainerId::parse(&long).unwrap_err().to_string().len() < 300);
}

#[test]
fn malformed_texts_are_malformed() {
    for text in [
        "",
        " ",
        "CSQU305438",
        "CSQU30543833",
        "CSQX3054383",
        "csqu3054383",
        "CSQUÄ054383",
        "3054383CSQU",
    ] {
        assert_eq!(ContainerId::check(text), Verdict::Malformed, "{text}");
        assert!(ContainerId::parse(text).is_err());
    }
    for text in ["", "932148", "93214833", "IMO", "0000000", "93 x1483"] {
        assert_eq!(ImoNumber::check(text), Verdict::Malformed, "{text}");
    }
    for text in ["", "DEDU", "DEDUIS", "D1DUI", "DEDU0", "DEDU1"] {
        assert_eq!(UnLocode::check(text), Verdict::Malformed, "{text}");
    }
    assert_eq!(Eni::check("0231234"), Verdict::Malformed);
    assert_eq!(Mmsi::check("0"), Verdict::Malformed);
    assert_eq!(WagonNumber::check("21812471217"), Verdict::Malformed);
}

#[test]
fn generated_numbers_are_valid() {
    for stem in (100_000..1_000_000).step_by(7919) {
        let imo = ImoNumber::with_check_digit(stem).unwrap();
        assert_eq!(ImoNumber::parse(&imo.to_string()), Ok(imo));
        let wagon = WagonNumber::with_check_digit(u64::from(stem) * 90_001).unwrap();
        assert_eq!(WagonNumber::parse(&wagon.to_string()), Ok(wagon));
    }
    assert_eq!(ImoNumber::with_check_digit(12), None);
    assert_eq!(ContainerId::with_check_digit("ABCX", 1), None);
    assert_eq!(WagonNumber::with_check_digit(100_000_000_000), None);
}

#[test]
fn stations_are_told_apart() {
    let kind = |n| Mmsi::from_number(n).map(Mmsi::kind);
    assert_eq!(kind(211_234_560), Some(MmsiKind::Vessel));
    assert_eq!(kind(2_190_064), Some(MmsiKind::Coast));
    assert_eq!(kind(992_651_019), Some(MmsiKind::AidToNavigation));
    assert_eq!(kind(111_219_001), Some(MmsiKind::Aircraft));
    assert_eq!(kind(970_123_456), Some(MmsiKind::Distress));
    assert_eq!(kind(0), None);
    assert_eq!(
        Mmsi::from_number(2_190_064).map(|m| m.to_string()),
        Some("002190064".to_owned())
    );
}

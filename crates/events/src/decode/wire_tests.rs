//! Examples of the wire.
use super::*;

#[test]
fn varints_of_every_length_agree_with_prost() {
    let mut values: Vec<u64> = (0..64)
        .flat_map(|bit| [1u64 << bit, (1u64 << bit) - 1, u64::MAX >> bit])
        .collect();
    values.push(0);
    for value in values {
        let mut bytes = Vec::new();
        prost::encoding::encode_varint(value, &mut bytes);
        let length = bytes.len();
        for padding in [0, 1, 16] {
            bytes.truncate(length);
            bytes.extend(std::iter::repeat_n(0xff, padding));
            let mut pos = 0;
            assert_eq!(varint(&bytes, &mut pos), Ok(value));
            assert_eq!(pos, length);
        }
    }
}

#[test]
fn a_varint_that_does_not_end_is_truncated_and_one_of_65_bits_is_wrong() {
    for length in 0..10 {
        assert_eq!(varint(&vec![0x80; length], &mut 0), Err(Wrong::Truncated));
    }
    let mut long = [0x80u8; 10];
    long[9] = 2;
    assert_eq!(varint(&long, &mut 0), Err(Wrong::Varint));
    long[9] = 1;
    assert_eq!(varint(&long, &mut 0), Ok(1 << 63));
}

#[test]
fn utf8_is_seen_wherever_the_letter_stands() {
    for length in 0..70 {
        let ascii = vec![b'a'; length];
        assert!(is_utf8(&ascii));
        let mut followed = ascii.clone();
        followed.splice(0..0, [0xff, length as u8]);
        followed.extend([0xff; SHORT_TEXT]);
        let is_short = |bytes: &[u8]| {
            let found = short_text(bytes.first_chunk().unwrap());
            assert!(found.is_none_or(|found| found == length));
            found.is_some()
        };
        assert_eq!(is_short(&followed), length <= SHORT_TEXT, "length {length}");
        for at in 0..length {
            let mut bad = ascii.clone();
            bad[at] = 0xff;
            assert!(!is_utf8(&bad), "length {length}, bad byte at {at}");
            followed[at + 2] = 0xff;
            assert!(!is_short(&followed), "length {length}, bad byte at {at}");
            followed[at + 2] = b'a';
            if at + 1 < length {
                bad[at..at + 2].copy_from_slice("ö".as_bytes());
                assert!(is_utf8(&bad), "length {length}, letter at {at}");
            }
        }
    }
}

#[test]
fn groups_are_skipped_with_all_that_is_in_them() {
    // Group 20 holds a varint field 1, a group 21 with text, and ends.
    let bytes = [
        0x08, 0x05, 0xab, 0x01, 0x12, 0x02, b'h', b'i', 0xac, 0x01, 0xa4, 0x01, 0x08,
    ];
    let mut pos = 0;
    assert_eq!(skip_group(&bytes, &mut pos, 20, 0), Ok(()));
    assert_eq!(pos, bytes.len() - 1);
    assert_eq!(skip_group(&bytes, &mut 0, 22, 0), Err(Wrong::EndGroup));
    assert_eq!(
        skip_group(&bytes[..6], &mut 0, 20, 0),
        Err(Wrong::Truncated)
    );
    let deep: Vec<u8> = std::iter::repeat_n(0x0b, 200).collect();
    assert_eq!(skip_group(&deep, &mut 0, 1, 0), Err(Wrong::GroupDepth));
}

//! Reading numbers that people also write with spaces, dots or hyphens.

/// Exactly `N` digits, as values 0 to 9; spaces, dots and hyphens between them are passed over.
pub(super) fn read<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut digits = [0; N];
    let mut count = 0;
    for byte in text.trim().bytes() {
        match byte {
            b'0'..=b'9' if count < N => {
                digits[count] = byte - b'0';
                count += 1;
            }
            b' ' | b'-' | b'.' if count > 0 => {}
            _ => return None,
        }
    }
    (count == N).then_some(digits)
}

/// The number that the digits make.
pub(super) fn value(digits: &[u8]) -> u64 {
    digits
        .iter()
        .fold(0, |sum, digit| sum * 10 + u64::from(*digit))
}

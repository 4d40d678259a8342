//! Container numbers.

use super::error::{IdError, Verdict};
use std::fmt;

const WHAT: &str = "container number";
const FORM: &str = "three owner letters, a category letter (U, J, Z, or A to E, K for swap bodies and trailers), \
                    six digits and a check digit, such as CSQU3054383";

/// The number painted on a container (ISO 6346), swap body or trailer (EN 13044, the same form): `CSQU3054383`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerId([u8; 11]);

impl ContainerId {
    /// Reads a container number. Spaces and hyphens, as on the box itself, are passed over.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let Some(id) = read(text) else {
            return Err(IdError::malformed(WHAT, text, FORM));
        };
        let (found, expected) = (id[10] - b'0', check_digit(&id));
        if found != expected {
            return Err(IdError::WrongCheckDigit {
                what: WHAT,
                text: text.to_owned(),
                found,
                expected,
            });
        }
        Ok(ContainerId(id))
    }

    /// What [`ContainerId::parse`] would say, without allocating.
    pub fn check(text: &str) -> Verdict {
        match read(text) {
            None => Verdict::Malformed,
            Some(id) if id[10] - b'0' == check_digit(&id) => Verdict::Valid,
            Some(id) => Verdict::WrongCheckDigit {
                expected: check_digit(&id),
            },
        }
    }

    /// The container of this owner (four letters, category included) and serial number, with its check digit. None if
    /// the letters or the number do not fit the form.
    pub fn with_check_digit(owner: &str, serial: u32) -> Option<Self> {
        if serial > 999_999 || owner.len() != 4 {
            return None;
        }
        let mut id = *b"AAAU0000000";
        id[..4].copy_from_slice(owner.as_bytes());
        let mut rest = serial;
        for place in id[4..10].iter_mut().rev() {
            *place = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        if !has_prefix(&id) {
            return None;
        }
        id[10] = b'0' + check_digit(&id);
        Some(ContainerId(id))
    }

    /// The eleven characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The owner's four letters, category included.
    pub fn owner(&self) -> &str {
        &self.as_str()[..4]
    }
}

impl fmt::Display for ContainerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn read(text: &str) -> Option<[u8; 11]> {
    let mut id = [0; 11];
    let mut count = 0;
    for byte in text.trim().bytes() {
        match byte {
            b' ' | b'-' if count > 0 => continue,
            _ if count == 11 => return None,
            b'A'..=b'Z' if count < 4 => id[count] = byte,
            b'0'..=b'9' if count >= 4 => id[count] = byte,
            _ => return None,
        }
        count += 1;
    }
    (count == 11 && has_prefix(&id)).then_some(id)
}

fn has_prefix(id: &[u8; 11]) -> bool {
    id[..3].iter().all(u8::is_ascii_uppercase)
        && matches!(id[3], b'U' | b'J' | b'Z' | b'A'..=b'E' | b'K')
}

/// Letters count from A = 10, leaving out 11, 22 and 33; the character at place i weighs 2^i; mod 11, and 10 becomes 0.
fn check_digit(id: &[u8; 11]) -> u8 {
    let mut sum = 0;
    for (place, byte) in id[..10].iter().enumerate() {
        let value = match byte {
            b'0'..=b'9' => u32::from(byte - b'0'),
            letter => {
                let plain = u32::from(letter - b'A') + 10;
                // One step for each multiple of 11 passed: B, L and V would be 11, 22 and 33.
                plain
                    + u32::from(*letter >= b'B')
                    + u32::from(*letter >= b'L')
                    + u32::from(*letter >= b'V')
            }
        };
        sum += value << place;
    }
    (sum % 11 % 10) as u8
}

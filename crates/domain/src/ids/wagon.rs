//! Wagon numbers.

use super::digits;
use super::error::{IdError, Verdict};
use std::fmt;

const WHAT: &str = "wagon number";
const FORM: &str = "twelve digits, the last a check digit, such as 21 81 2471 217-3";

/// A freight wagon (UIC 438-2): interchange, country, type, serial, check digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WagonNumber(u64);

impl WagonNumber {
    /// Reads a wagon number. Spaces and hyphens, as on the wagon itself, are passed over.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let Some(digits) = digits::read::<12>(text) else {
            return Err(IdError::malformed(WHAT, text, FORM));
        };
        let (found, expected) = (digits[11], luhn(&digits));
        if found != expected {
            return Err(IdError::WrongCheckDigit {
                what: WHAT,
                text: text.to_owned(),
                found,
                expected,
            });
        }
        Ok(WagonNumber(digits::value(&digits)))
    }

    /// What [`WagonNumber::parse`] would say, without allocating.
    pub fn check(text: &str) -> Verdict {
        match digits::read::<12>(text) {
            None => Verdict::Malformed,
            Some(digits) if digits[11] == luhn(&digits) => Verdict::Valid,
            Some(digits) => Verdict::WrongCheckDigit {
                expected: luhn(&digits),
            },
        }
    }

    /// The number whose first eleven digits are `stem`; None if that has more.
    pub fn with_check_digit(stem: u64) -> Option<Self> {
        if stem > 99_999_999_999 {
            return None;
        }
        let mut digits = [0; 12];
        let mut rest = stem;
        for digit in digits[..11].iter_mut().rev() {
            *digit = (rest % 10) as u8;
            rest /= 10;
        }
        Some(WagonNumber(stem * 10 + u64::from(luhn(&digits))))
    }

    /// As a number; printed with leading zeros.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for WagonNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

/// Luhn over the first eleven: every second digit from the left doubled, its digits added; up to the next ten.
fn luhn(digits: &[u8; 12]) -> u8 {
    let mut sum = 0;
    for (place, digit) in digits[..11].iter().enumerate() {
        let doubled = if place % 2 == 0 { digit * 2 } else { *digit };
        sum += u32::from(doubled / 10 + doubled % 10);
    }
    ((10 - sum % 10) % 10) as u8
}

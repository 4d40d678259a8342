//! Numbers of vessels: IMO for sea-going ones, ENI for inland ones.

use super::digits;
use super::error::{IdError, Verdict};
use std::fmt;

const IMO: &str = "IMO number";
const IMO_FORM: &str = "seven digits, the last a check digit, such as 9321483";
const ENI: &str = "ENI number";
const ENI_FORM: &str = "eight digits, such as 02312345";

/// A sea-going vessel for its whole life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImoNumber(u32);

impl ImoNumber {
    /// Reads an IMO number, with or without the letters `IMO` before it.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let Some(digits) = read_imo(text) else {
            return Err(IdError::malformed(IMO, text, IMO_FORM));
        };
        let (found, expected) = (digits[6], imo_check_digit(&digits));
        if found != expected {
            return Err(IdError::WrongCheckDigit {
                what: IMO,
                text: text.to_owned(),
                found,
                expected,
            });
        }
        Ok(ImoNumber(digits::value(&digits) as u32))
    }

    /// What [`ImoNumber::parse`] would say, without allocating.
    pub fn check(text: &str) -> Verdict {
        match read_imo(text) {
            None => Verdict::Malformed,
            Some(digits) if digits[6] == imo_check_digit(&digits) => Verdict::Valid,
            Some(digits) => Verdict::WrongCheckDigit {
                expected: imo_check_digit(&digits),
            },
        }
    }

    /// The number whose first six digits are `stem`; None if that has more or begins with zero.
    pub fn with_check_digit(stem: u32) -> Option<Self> {
        if !(100_000..=999_999).contains(&stem) {
            return None;
        }
        let digits: [u8; 7] = digits_of(stem * 10);
        Some(ImoNumber(stem * 10 + u32::from(imo_check_digit(&digits))))
    }

    /// As a number.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for ImoNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:07}", self.0)
    }
}

fn digits_of(number: u32) -> [u8; 7] {
    let mut rest = number;
    let mut digits = [0; 7];
    for digit in digits.iter_mut().rev() {
        *digit = (rest % 10) as u8;
        rest /= 10;
    }
    digits
}

fn read_imo(text: &str) -> Option<[u8; 7]> {
    let text = text.trim();
    let bare = text.strip_prefix("IMO").unwrap_or(text);
    digits::read(bare).filter(|digits| digits[0] != 0)
}

/// Weights 7 to 2 from the left, mod 10.
fn imo_check_digit(digits: &[u8; 7]) -> u8 {
    let sum: u32 = (0..6).map(|i| u32::from(digits[i]) * (7 - i as u32)).sum();
    (sum % 10) as u8
}

/// A European inland vessel for its whole life. The first three digits name the authority that gave the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Eni(u32);

impl Eni {
    /// Reads an ENI number. There is no check digit, so that a mistyped number passes.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        match digits::read::<8>(text) {
            Some(digits) if digits != [0; 8] => Ok(Eni(digits::value(&digits) as u32)),
            _ => Err(IdError::malformed(ENI, text, ENI_FORM)),
        }
    }

    /// What [`Eni::parse`] would say, without allocating.
    pub fn check(text: &str) -> Verdict {
        match digits::read::<8>(text) {
            Some(digits) if digits != [0; 8] => Verdict::Valid,
            _ => Verdict::Malformed,
        }
    }

    /// As a number; printed with leading zeros.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Eni {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}", self.0)
    }
}

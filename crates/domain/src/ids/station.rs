//! Numbers of radio stations.

use super::digits;
use super::error::{IdError, Verdict};
use std::fmt;

const WHAT: &str = "MMSI";
const FORM: &str = "nine digits, such as 211234560";

/// A maritime radio station: on a vessel, ashore, on a buoy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mmsi(u32);

/// What kind of station an [`Mmsi`] is, by its first digits (ITU-R M.585).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MmsiKind {
    /// A vessel: the first three digits are a country's.
    Vessel,
    /// A group of vessels (0 and a country).
    Group,
    /// A coast or base station (00 and a country).
    Coast,
    /// A search-and-rescue aircraft (111).
    Aircraft,
    /// An aid to navigation, such as a buoy (99).
    AidToNavigation,
    /// A craft that belongs to a mother ship (98).
    Auxiliary,
    /// A search-and-rescue transmitter, man overboard or emergency beacon (970, 972, 974).
    Distress,
    /// None of these.
    Other,
}

impl Mmsi {
    /// Reads an MMSI. There is no check digit.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        match digits::read::<9>(text) {
            Some(digits) if digits != [0; 9] => Ok(Mmsi(digits::value(&digits) as u32)),
            _ => Err(IdError::malformed(WHAT, text, FORM)),
        }
    }

    /// What [`Mmsi::parse`] would say, without allocating.
    pub fn check(text: &str) -> Verdict {
        match digits::read::<9>(text) {
            Some(digits) if digits != [0; 9] => Verdict::Valid,
            _ => Verdict::Malformed,
        }
    }

    /// From a number, as feeds write it that drop leading zeros; None at zero or above nine digits.
    pub fn from_number(number: u64) -> Option<Self> {
        (1..=999_999_999)
            .contains(&number)
            .then_some(Mmsi(number as u32))
    }

    /// What kind of station it is.
    pub fn kind(self) -> MmsiKind {
        match self.0 {
            970_000_000..=970_999_999 | 972_000_000..=972_999_999 | 974_000_000..=974_999_999 => {
                MmsiKind::Distress
            }
            980_000_000..=989_999_999 => MmsiKind::Auxiliary,
            990_000_000..=999_999_999 => MmsiKind::AidToNavigation,
            111_000_000..=111_999_999 => MmsiKind::Aircraft,
            200_000_000..=799_999_999 => MmsiKind::Vessel,
            10_000_000..=99_999_999 => MmsiKind::Group,
            1..=9_999_999 => MmsiKind::Coast,
            _ => MmsiKind::Other,
        }
    }

    /// As a number; printed with leading zeros.
    pub fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for Mmsi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:09}", self.0)
    }
}

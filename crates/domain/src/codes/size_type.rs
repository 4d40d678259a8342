//! Container sizes and types (ISO 6346, second part).

use crate::units::{Decimetres, TeuQuarters};
use std::fmt;

/// What a size and type code says: `22G1` is 20 ft general purpose, `45R1` a 40 ft high-cube reefer.
///
/// Both the exact type (`22G1`) and the type group (`22GP`) are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SizeType {
    length_mm: u32,
    height: u8,
    cargo: CargoKind,
}

/// What a container is made for, by the third character of its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CargoKind {
    /// General purpose (G), ventilated (V).
    General,
    /// Refrigerated or heated (R), insulated (H).
    Reefer,
    /// Open top (U).
    OpenTop,
    /// Platform, flat rack (P).
    Platform,
    /// Tank (T, K).
    Tank,
    /// Dry bulk (B).
    Bulk,
    /// Named cargo (S) or air (A).
    Special,
}

impl SizeType {
    /// Reads the four characters.
    pub fn parse(text: &str) -> Result<Self, SizeTypeError> {
        let fault = || SizeTypeError(text.chars().take(40).collect());
        let [length, height, kind, last] = *text.trim().as_bytes() else {
            return Err(fault());
        };
        if !last.is_ascii_alphanumeric() {
            return Err(fault());
        }
        Ok(SizeType {
            length_mm: length_mm(length).ok_or_else(fault)?,
            height: Some(height)
                .filter(|h| matches!(h, b'0' | b'2' | b'4'..=b'6' | b'8' | b'9' | b'C'..=b'F' | b'L'..=b'P'))
                .ok_or_else(fault)?,
            cargo: cargo_kind(kind).ok_or_else(fault)?,
        })
    }

    /// Outside length, rounded up.
    pub fn length(self) -> Decimetres {
        Decimetres(self.length_mm.div_ceil(100))
    }

    /// Space that it takes in a yard or on a train: 4 for 20 ft, 8 for 40 ft, 9 for 45 ft; others rounded up.
    pub fn teu_quarters(self) -> TeuQuarters {
        // A 20 ft container is 6058 mm long, half a 40 ft one is 6096 mm with the gap.
        TeuQuarters((self.length_mm * 4).div_ceil(6096))
    }

    /// 9 ft 6 in or higher.
    pub fn is_high_cube(self) -> bool {
        matches!(self.height, b'5' | b'6' | b'E' | b'F' | b'N' | b'P')
    }

    /// What it is made for.
    pub fn cargo(self) -> CargoKind {
        self.cargo
    }

    /// Needs power.
    pub fn is_reefer(self) -> bool {
        self.cargo == CargoKind::Reefer
    }
}

fn length_mm(code: u8) -> Option<u32> {
    Some(match code {
        b'1' => 2_991,
        b'2' => 6_058,
        b'3' => 9_125,
        b'4' => 12_192,
        b'A' => 7_150,
        b'B' => 7_315,
        b'C' => 7_430,
        b'D' => 7_450,
        b'E' => 7_820,
        b'F' => 8_100,
        b'G' => 12_500,
        b'H' => 13_106,
        b'K' => 13_600,
        b'L' => 13_716,
        b'M' => 14_630,
        b'N' => 14_935,
        b'P' => 16_154,
        _ => return None,
    })
}

fn cargo_kind(code: u8) -> Option<CargoKind> {
    Some(match code {
        b'G' | b'V' => CargoKind::General,
        b'R' | b'H' => CargoKind::Reefer,
        b'U' => CargoKind::OpenTop,
        b'P' => CargoKind::Platform,
        b'T' | b'K' => CargoKind::Tank,
        b'B' => CargoKind::Bulk,
        b'S' | b'A' => CargoKind::Special,
        _ => return None,
    })
}

/// A text that is no size and type code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeTypeError(String);

impl fmt::Display for SizeTypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "size and type {:?} is not of ISO 6346: expected four characters such as 22G1, 45R1 or L5G1",
            self.0
        )
    }
}

impl std::error::Error for SizeTypeError {}

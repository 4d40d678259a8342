//! Codes of places.

use super::error::{IdError, Verdict};
use std::fmt;

const WHAT: &str = "UN/LOCODE";
const FORM: &str =
    "two letters of the country and three characters A to Z or 2 to 9, such as DEDUI";

/// A place of trade and transport: `DEDUI` is Duisburg.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnLocode([u8; 5]);

impl UnLocode {
    /// Reads a UN/LOCODE, with or without the space after the country. Only the form is checked, not the list.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        read(text)
            .map(UnLocode)
            .ok_or_else(|| IdError::malformed(WHAT, text, FORM))
    }

    /// What [`UnLocode::parse`] would say, without allocating.
    pub fn check(text: &str) -> Verdict {
        match read(text) {
            Some(_) => Verdict::Valid,
            None => Verdict::Malformed,
        }
    }

    /// The five characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// ISO 3166-1 code of the country.
    pub fn country(&self) -> &str {
        &self.as_str()[..2]
    }
}

impl fmt::Display for UnLocode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn read(text: &str) -> Option<[u8; 5]> {
    let mut code = [0; 5];
    let mut count = 0;
    for byte in text.trim().bytes() {
        match byte {
            b' ' if count == 2 => continue,
            b'A'..=b'Z' if count < 5 => code[count] = byte,
            b'2'..=b'9' if (2..5).contains(&count) => code[count] = byte,
            _ => return None,
        }
        count += 1;
    }
    (count == 5).then_some(code)
}

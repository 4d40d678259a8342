//! What can be wrong with an identifier.

use std::fmt;

/// The outcome of a check that costs nothing but the look at each character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The form is right and so is the check digit, where there is one.
    Valid,
    /// The form is right, the check digit is not.
    WrongCheckDigit {
        /// The digit that would be right, 0 to 9.
        expected: u8,
    },
    /// Not of the identifier's form at all.
    Malformed,
}

impl Verdict {
    /// True for [`Verdict::Valid`].
    pub fn is_valid(self) -> bool {
        self == Verdict::Valid
    }
}

/// Why a text is not the identifier that it should be, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdError {
    /// Wrong length or wrong characters.
    Malformed {
        /// The identifier in words, such as "container number".
        what: &'static str,
        /// The text as it came, cut after 40 characters.
        text: String,
        /// The form that is expected.
        form: &'static str,
    },
    /// The last digit does not follow from the others.
    WrongCheckDigit {
        /// The identifier in words, such as "container number".
        what: &'static str,
        /// The text as it came.
        text: String,
        /// The digit found, 0 to 9.
        found: u8,
        /// The digit that follows from the other characters, 0 to 9.
        expected: u8,
    },
}

impl IdError {
    pub(super) fn malformed(what: &'static str, text: &str, form: &'static str) -> Self {
        let text = text.chars().take(40).collect();
        IdError::Malformed { what, text, form }
    }
}

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IdError::Malformed { what, text, form } => {
                write!(f, "{what} {text:?} is malformed: expected {form}")
            }
            IdError::WrongCheckDigit {
                what,
                text,
                found,
                expected,
            } => write!(
                f,
                "{what} {text:?} has check digit {found}, expected {expected}: \
                 correct the last digit, or look for a mistyped character before it"
            ),
        }
    }
}

impl std::error::Error for IdError {}

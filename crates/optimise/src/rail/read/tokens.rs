//! Whole numbers with their lines.

use super::{MAX_NUMBER, ReadError};

/// The numbers of a text, one after the other.
pub struct Tokens<'t> {
    lines: std::iter::Enumerate<std::str::Lines<'t>>,
    words: std::str::SplitAsciiWhitespace<'t>,
    line: usize,
}

impl<'t> Tokens<'t> {
    pub fn new(text: &'t str) -> Self {
        Tokens {
            lines: text.lines().enumerate(),
            words: "".split_ascii_whitespace(),
            line: 1,
        }
    }

    fn word(&mut self) -> Option<&'t str> {
        loop {
            if let Some(word) = self.words.next() {
                return Some(word);
            }
            let (at, line) = self.lines.next()?;
            self.line = at + 1;
            self.words = line.split_ascii_whitespace();
        }
    }

    /// A fault at the present line.
    pub fn fault<T>(
        &self,
        field: impl Into<String>,
        reason: impl Into<String>,
    ) -> Result<T, ReadError> {
        Err(ReadError {
            line: self.line,
            field: field.into(),
            reason: reason.into(),
        })
    }

    /// The next number, between `low` and `high`; `field` is made only for a fault.
    pub fn number(
        &mut self,
        field: impl Fn() -> String,
        low: i64,
        high: i64,
    ) -> Result<i64, ReadError> {
        let Some(word) = self.word() else {
            return self.fault(field(), "the text ends here");
        };
        match word.parse::<i64>() {
            Ok(number) if (low..=high).contains(&number) => Ok(number),
            Ok(number) => self.fault(field(), format!("{number} is not between {low} and {high}")),
            Err(_) => self.fault(field(), format!("{word:?} is not a whole number")),
        }
    }

    /// The next number, at least 0.
    pub fn amount(&mut self, field: impl Fn() -> String) -> Result<i64, ReadError> {
        self.number(field, 0, MAX_NUMBER)
    }

    /// The next number as a count between 1 and `high`.
    pub fn count(&mut self, field: impl Fn() -> String, high: usize) -> Result<usize, ReadError> {
        self.number(field, 1, high as i64)
            .map(|number| number as usize)
    }

    /// A fault if anything is left.
    pub fn end(&mut self) -> Result<(), ReadError> {
        match self.word() {
            Some(word) => self.fault("end", format!("{word:?} follows the last number")),
            None => Ok(()),
        }
    }
}

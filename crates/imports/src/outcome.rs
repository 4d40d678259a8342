//! What an import gives.

use events::Event;
use std::fmt;

/// One thing out of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Understood.
    Event(Box<Event>),
    /// Not understood, or not wholly.
    Problem(Problem),
}

/// All that came out of a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Import {
    /// What was understood, in the order of the file.
    pub events: Vec<Event>,
    /// What was not, in the order of the file.
    pub problems: Vec<Problem>,
}

/// Something that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands.
    pub place: Place,
    /// What became of it.
    pub fate: Fate,
    /// What is wrong, and the mend where there is one.
    pub reason: String,
    /// The text at that place, cut after 160 characters.
    pub excerpt: String,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Line of a text file, counted from 1.
    Line(u64),
    /// JSON pointer (RFC 6901), such as `/events/0/timestamp`.
    Pointer(String),
}

/// What became of the thing with the problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fate {
    /// It gave no event.
    Skipped,
    /// It gave its event; the field with the problem is empty, or stands there as it came.
    Kept,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(line) => write!(f, "line {line}"),
            Place::Pointer(pointer) => write!(f, "{pointer}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fate = match self.fate {
            Fate::Skipped => "skipped",
            Fate::Kept => "kept",
        };
        write!(
            f,
            "{}: {fate}: {} in {}",
            self.place, self.reason, self.excerpt
        )
    }
}

/// Where the formats put what they find.
pub(crate) struct Desk<'a> {
    each: &'a mut dyn FnMut(Outcome),
}

impl<'a> Desk<'a> {
    pub(crate) fn new(each: &'a mut dyn FnMut(Outcome)) -> Self {
        Desk { each }
    }

    pub(crate) fn event(&mut self, event: impl Into<Event>) {
        (self.each)(Outcome::Event(Box::new(event.into())));
    }

    pub(crate) fn problem(
        &mut self,
        place: Place,
        fate: Fate,
        reason: impl Into<String>,
        text: &str,
    ) {
        let mut excerpt: String = text.chars().take(160).collect();
        if excerpt.len() < text.len() {
            excerpt.push('…');
        }
        let reason = reason.into();
        (self.each)(Outcome::Problem(Problem {
            place,
            fate,
            reason,
            excerpt,
        }));
    }
}

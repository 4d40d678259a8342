//! Reads sections of a TOML file over those of the shipped one, and goes on after a fault to find the next.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};
use windows::error::Fault;

/// Span of values that come from the shipped file.
const SHIPPED: Range<usize> = usize::MAX..usize::MAX;

/// Faults listed for one file before the reader gives up.
const FAULTS_MAX: usize = 100;

/// A file in the course of being read.
pub struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    user: DeTable<'a>,
    shipped: DeTable<'a>,
    /// What was wrong so far.
    pub faults: Vec<Fault>,
}

impl<'a> Reader<'a> {
    /// Parses `text`; options that it does not set are taken from `shipped`.
    pub fn new(file: &'a str, text: &'a str, shipped: &'a str) -> Self {
        let (user, errors) = DeTable::parse_recoverable(text);
        // The shipped file is tested.
        let (base, _) = DeTable::parse_recoverable(shipped);
        let mut reader = Reader {
            file,
            text,
            user: user.into_inner(),
            shipped: without_places(base.into_inner()),
            faults: Vec::new(),
        };
        for error in errors {
            reader.fault(
                error.span(),
                error.message(),
                "see https://toml.io for the syntax",
            );
        }
        reader
    }

    /// Notes a fault at a place in the file.
    pub fn fault(
        &mut self,
        span: Option<Range<usize>>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let at = span
            .filter(|span| span.start <= self.text.len())
            .map(|span| place(self.text, span.start));
        self.faults.push(Fault {
            at,
            ..Fault::new(self.file, message, hint)
        });
    }

    /// Notes a fault unless `holds`.
    pub fn want<T>(
        &mut self,
        holds: bool,
        at: &Spanned<T>,
        message: impl Into<String>,
        hint: &str,
    ) {
        if !holds {
            self.fault(Some(at.span()), message, hint);
        }
    }

    /// Names of the tables in a section, of both files.
    pub fn names(&self, section: &str) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for table in [&self.user, &self.shipped] {
            if let Some(DeValue::Table(inner)) = table.get(section).map(Spanned::get_ref) {
                names.extend(inner.keys().map(|key| key.get_ref().to_string()));
            }
        }
        names.sort();
        names.dedup();
        names
    }

    /// A section, its missing options taken from the shipped file. None if it cannot be read at all. Sections within it
    /// that have been read before are no part of it.
    pub fn section<T: DeserializeOwned>(&mut self, path: &[&str]) -> Option<T> {
        let shipped = take(&mut self.shipped, path);
        let user = take(&mut self.user, path);
        let mut tables = [user, shipped].map(|value| {
            match value.map(|value| (value.span(), value.into_inner())) {
                None => Ok(DeTable::new()),
                Some((_, DeValue::Table(table))) => Ok(table),
                Some((span, _)) => Err(span),
            }
        });
        if let Err(span) = &tables[0] {
            let span = span.clone();
            self.fault(
                Some(span),
                format!("{} is no section", path.join(".")),
                format!("write [{}]", path.join(".")),
            );
            tables[0] = Ok(DeTable::new());
        }
        let [Ok(user), Ok(shipped)] = tables else {
            return None;
        };
        self.read(user, &shipped, path)
    }

    fn read<T: DeserializeOwned>(
        &mut self,
        mut user: DeTable<'a>,
        shipped: &DeTable<'a>,
        path: &[&str],
    ) -> Option<T> {
        loop {
            let mut merged = shipped.clone();
            for (key, value) in user.clone() {
                merged.remove(key.get_ref().as_ref());
                merged.insert(key, value);
            }
            let value = Spanned::new(SHIPPED, DeValue::Table(merged));
            let error = match T::deserialize(ValueDeserializer::from(value)) {
                Ok(section) => return Some(section),
                Err(error) => error,
            };
            let message = format!("[{}] {}", path.join("."), error.message());
            self.fault(error.span(), message, hint(error.message()));
            let guilty = error.span().and_then(|span| covering(&user, &span));
            match guilty {
                Some(key) if self.faults.len() < FAULTS_MAX => user.remove(key.as_str()),
                _ => return None,
            };
        }
    }

    /// The tables of an array: those of this file, or the shipped ones where it has none.
    pub fn list<T: DeserializeOwned>(&mut self, name: &str) -> Vec<T> {
        let value = self
            .user
            .remove(name)
            .or_else(|| self.shipped.get(name).cloned());
        let Some(value) = value else {
            return Vec::new();
        };
        let span = value.span();
        let DeValue::Array(items) = value.into_inner() else {
            self.fault(
                Some(span),
                format!("{name} is no list"),
                format!("write [[{name}]]"),
            );
            return Vec::new();
        };
        let mut list = Vec::new();
        for item in items {
            let span = item.span();
            match item.into_inner() {
                DeValue::Table(table) => list.extend(self.read(table, &DeTable::new(), &[name])),
                _ => self.fault(
                    Some(span),
                    format!("an entry of {name} is no table"),
                    format!("write [[{name}]]"),
                ),
            }
        }
        list
    }

    /// All faults; what no section has asked for is one.
    pub fn finish(mut self) -> Vec<Fault> {
        let mut left = Vec::new();
        for (key, value) in &self.user {
            match value.get_ref() {
                DeValue::Table(table) if table.is_empty() => {}
                // A section whose known parts were taken out: what is left is unknown.
                DeValue::Table(table) if self.shipped.contains_key(key.get_ref().as_ref()) => {
                    left.extend(table.keys().map(|inner| {
                        (
                            inner.span(),
                            format!("{}.{}", key.get_ref(), inner.get_ref()),
                        )
                    }));
                }
                _ => left.push((key.span(), key.get_ref().to_string())),
            }
        }
        for (span, name) in left {
            self.fault(
                Some(span),
                format!("there is no section or option {name}"),
                "docs/CONFIGURATION.md lists all",
            );
        }
        self.faults.sort_by_key(|fault| fault.at);
        self.faults
    }
}

fn hint(message: &str) -> &'static str {
    if message.starts_with("unknown field") {
        "mend the name; docs/CONFIGURATION.md lists all options"
    } else if message.starts_with("missing field") {
        "add it; deploy/quaystream.toml shows one"
    } else {
        "deploy/quaystream.toml shows a value of the right type"
    }
}

fn take<'a>(table: &mut DeTable<'a>, path: &[&str]) -> Option<Spanned<DeValue<'a>>> {
    let (first, rest) = path.split_first()?;
    match rest {
        [] => table.remove(*first),
        _ => match table.get_mut(*first)?.get_mut() {
            DeValue::Table(inner) => take(inner, rest),
            _ => None,
        },
    }
}

/// The key whose key or value holds the place.
fn covering(table: &DeTable<'_>, span: &Range<usize>) -> Option<String> {
    let holds = |outer: Range<usize>| {
        outer.start <= span.start && span.start < outer.end.max(outer.start + 1)
    };
    let mut entries = table.iter();
    let found = entries.find(|(key, value)| holds(key.span()) || holds(value.span()));
    found.map(|(key, _)| key.get_ref().to_string())
}

fn without_places(table: DeTable<'_>) -> DeTable<'_> {
    let entries = table.into_iter();
    let entries = entries.map(|(key, value)| {
        (
            Spanned::new(SHIPPED, key.into_inner()),
            without_place(value),
        )
    });
    entries.collect()
}

fn without_place(value: Spanned<DeValue<'_>>) -> Spanned<DeValue<'_>> {
    let value = match value.into_inner() {
        DeValue::Table(table) => DeValue::Table(without_places(table)),
        DeValue::Array(items) => {
            let mut array = toml::de::DeArray::new();
            for item in items {
                array.push(without_place(item));
            }
            DeValue::Array(array)
        }
        other => other,
    };
    Spanned::new(SHIPPED, value)
}

/// Line and column, from 1, of a byte in a text.
pub fn place(text: &str, byte: usize) -> (u64, u64) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.matches('\n').count() as u64 + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count() as u64
        + 1;
    (line, column)
}

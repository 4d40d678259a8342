//! Which object of a JSON file has the wrong form: an error names it with its line and field.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::RailError;

/// A list of objects in a file, or lists by name, or one object.
#[derive(Debug, Clone, Copy)]
pub struct List {
    /// Where it stands ("/units").
    pointer: &'static str,
    /// What its objects are ("unit").
    word: &'static str,
    /// The field that names an object; "" for one object.
    name: &'static str,
    /// What is wrong with one.
    fault: fn(&Value) -> Option<String>,
}

impl List {
    /// A list of objects of type `T`.
    pub const fn of<T: DeserializeOwned>(
        pointer: &'static str,
        word: &'static str,
        name: &'static str,
    ) -> Self {
        List {
            pointer,
            word,
            name,
            fault: |value| T::deserialize(value).err().map(|fault| fault.to_string()),
        }
    }

    /// Its first faulty object, with the field and what is wrong with it.
    fn faulty(&self, file: &Value) -> Option<(String, String)> {
        match file.pointer(self.pointer)? {
            object if self.name.is_empty() => {
                let fault = (self.fault)(object)?;
                Some((self.at(self.word.to_owned(), object, &fault), fault))
            }
            Value::Array(objects) => self.faulty_in(objects),
            Value::Object(lists) => lists.iter().find_map(|(name, objects)| {
                let (at, fault) = self.faulty_in(objects.as_array()?)?;
                Some((format!("train {name}, {at}"), fault))
            }),
            _ => None,
        }
    }

    fn faulty_in(&self, objects: &[Value]) -> Option<(String, String)> {
        let mut faults = objects.iter().enumerate();
        let (nth, object, fault) =
            faults.find_map(|(nth, object)| Some((nth, object, (self.fault)(object)?)))?;
        let named = match object.get(self.name).and_then(Value::as_str) {
            Some(name) => format!("{} {name}", self.word),
            None => format!("{} number {} of its list", self.word, nth + 1),
        };
        Some((self.at(named, object, &fault), fault))
    }

    /// An object with its faulty field.
    fn at(&self, named: String, object: &Value, fault: &str) -> String {
        match self.field(object, fault) {
            Some(field) => format!("{named}, {field}"),
            None => named,
        }
    }

    /// The field whose value is wrong: without it the object has another fault, or none. Fields that are missing or
    /// unknown are named by the fault.
    fn field<'o>(&self, object: &'o Value, fault: &str) -> Option<&'o str> {
        if fault.contains(" field ") {
            return None;
        }
        let fields = object.as_object()?;
        let is_cause = |field: &&String| {
            let mut others = fields.clone();
            others.remove(*field);
            (self.fault)(&Value::Object(others)).as_deref() != Some(fault)
        };
        fields.keys().find(is_cause).map(String::as_str)
    }
}

/// The error of a file that is no JSON, or has an object of the wrong form in one of `lists`.
pub fn error(file: &Path, text: &str, source: &serde_json::Error, lists: &[List]) -> RailError {
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let found = lists.iter().find_map(|list| list.faulty(&value));
    let (object, reason) = match found {
        Some((object, reason)) => (format!(", {object}"), reason),
        None => (String::new(), without_place(source)),
    };
    RailError::Json {
        file: file.to_owned(),
        line: source.line(),
        column: source.column(),
        object,
        reason,
    }
}

/// What serde says, without the place, which we say ourselves.
fn without_place(source: &serde_json::Error) -> String {
    let text = source.to_string();
    let place = format!(" at line {} column {}", source.line(), source.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

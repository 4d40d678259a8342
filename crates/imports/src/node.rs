//! Walking through a JSON document with the place in mind, so that each problem can name its own.

use crate::outcome::{Desk, Fate, Place};
use crate::scan;
use domain::codes::UnknownCode;
use domain::ids::{ContainerId, ImoNumber, Mmsi, UnLocode, Verdict};
use serde_json::Value;

/// A value and its JSON pointer.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    value: &'a Value,
    pointer: String,
}

/// An event cannot be made; the problem is on the desk already.
#[derive(Debug)]
pub(crate) struct Skipped;

impl<'a> Node<'a> {
    pub(crate) fn root(value: &'a Value) -> Self {
        Node {
            value,
            pointer: String::new(),
        }
    }

    /// A member of an object; None if it is absent or null.
    pub(crate) fn get(&self, key: &str) -> Option<Node<'a>> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        let pointer = format!(
            "{}/{}",
            self.pointer,
            key.replace('~', "~0").replace('/', "~1")
        );
        Some(Node { value, pointer })
    }

    /// The first member of these names that is there.
    pub(crate) fn any(&self, keys: &[&str]) -> Option<Node<'a>> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// The elements of a list; none if it is no list.
    pub(crate) fn elements(&self) -> Vec<Node<'a>> {
        let list = self.value.as_array().map(Vec::as_slice).unwrap_or_default();
        let element = |(place, value)| Node {
            value,
            pointer: format!("{}/{place}", self.pointer),
        };
        list.iter().enumerate().map(element).collect()
    }

    pub(crate) fn is_list(&self) -> bool {
        self.value.is_array()
    }

    /// A text, trimmed. A number gives its digits, since formats disagree on which of both an identifier is.
    pub(crate) fn text(&self) -> Option<String> {
        match self.value {
            Value::String(text) => Some(text.trim().to_owned()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A text only, no number.
    pub(crate) fn string(&self) -> Option<String> {
        self.value.as_str().map(|text| text.trim().to_owned())
    }

    pub(crate) fn flag(&self) -> bool {
        self.value.as_bool().unwrap_or(false)
    }

    pub(crate) fn problem(&self, desk: &mut Desk<'_>, fate: Fate, reason: impl Into<String>) {
        let pointer = match self.pointer.as_str() {
            "" => "/".to_owned(),
            pointer => pointer.to_owned(),
        };
        desk.problem(
            Place::Pointer(pointer),
            fate,
            reason,
            &self.value.to_string(),
        );
    }

    /// No event comes of this: says why.
    pub(crate) fn skip(&self, desk: &mut Desk<'_>, reason: impl Into<String>) -> Skipped {
        self.problem(desk, Fate::Skipped, reason);
        Skipped
    }

    /// A member's text, or empty.
    pub(crate) fn text_of(&self, key: &str) -> String {
        self.get(key)
            .and_then(|node| node.text())
            .unwrap_or_default()
    }

    /// An instant that must be there under one of these names.
    pub(crate) fn instant(&self, desk: &mut Desk<'_>, keys: &[&str]) -> Result<i64, Skipped> {
        let Some(node) = self.any(keys) else {
            return Err(self.skip(desk, format!("{} is missing", keys.join(" or "))));
        };
        let parsed = node.string().and_then(|text| scan::instant_us(&text));
        parsed.ok_or_else(|| {
            node.skip(
                desk,
                "no instant: expected RFC 3339 with an offset, such as 2021-01-09T14:12:56+01:00",
            )
        })
    }

    /// A code that must be there under one of these names.
    pub(crate) fn code<T>(
        &self,
        desk: &mut Desk<'_>,
        keys: &[&str],
        parse: fn(&str) -> Result<T, UnknownCode>,
    ) -> Result<T, Skipped> {
        let Some(node) = self.any(keys) else {
            return Err(self.skip(desk, format!("{} is missing", keys.join(" or "))));
        };
        let text = node.string().unwrap_or_default();
        parse(&text).map_err(|fault| node.skip(desk, fault.to_string()))
    }

    /// A code that may be absent; an unknown one is a problem, and then absent.
    pub(crate) fn code_if_any<T>(
        &self,
        desk: &mut Desk<'_>,
        keys: &[&str],
        parse: fn(&str) -> Result<T, UnknownCode>,
    ) -> Option<T> {
        let node = self.any(keys)?;
        let text = node.text().filter(|text| !text.is_empty())?;
        match parse(&text) {
            Ok(code) => Some(code),
            Err(fault) => {
                node.problem(desk, Fate::Kept, fault.to_string());
                None
            }
        }
    }

    /// A decimal number times ten to the power of `places`, not below zero.
    pub(crate) fn amount(&self, places: u32) -> Option<u32> {
        scan::amount(&self.text()?, places)
    }

    /// An IMO number under a name, as it came; empty if absent or zero. A wrong one is a problem.
    pub(crate) fn imo(&self, desk: &mut Desk<'_>, key: &str) -> String {
        self.identifier(desk, key, ImoNumber::check, |text| {
            ImoNumber::parse(text).err().map(|e| e.to_string())
        })
    }

    /// A container number under a name, as it came. A wrong one is a problem.
    pub(crate) fn container(&self, desk: &mut Desk<'_>, key: &str) -> String {
        self.identifier(desk, key, ContainerId::check, |text| {
            ContainerId::parse(text).err().map(|e| e.to_string())
        })
    }

    /// An MMSI under a name, nine digits; empty if absent or zero.
    pub(crate) fn mmsi(&self, desk: &mut Desk<'_>, key: &str) -> String {
        self.identifier(desk, key, Mmsi::check, |text| {
            Mmsi::parse(text).err().map(|e| e.to_string())
        })
    }

    /// A UN/LOCODE under a name; empty, with a problem, if it is none.
    pub(crate) fn place(&self, desk: &mut Desk<'_>, key: &str) -> String {
        let code = self.identifier(desk, key, UnLocode::check, |text| {
            UnLocode::parse(text).err().map(|e| e.to_string())
        });
        match UnLocode::parse(&code) {
            Ok(code) => code.as_str().to_owned(),
            Err(_) => String::new(),
        }
    }

    fn identifier(
        &self,
        desk: &mut Desk<'_>,
        key: &str,
        check: fn(&str) -> Verdict,
        fault: fn(&str) -> Option<String>,
    ) -> String {
        let Some(node) = self.get(key) else {
            return String::new();
        };
        let text = node.text().unwrap_or_default();
        if text.is_empty() || text.bytes().all(|byte| byte == b'0') {
            return String::new();
        }
        if !check(&text).is_valid() {
            node.problem(desk, Fate::Kept, fault(&text).unwrap_or_default());
        }
        text
    }
}

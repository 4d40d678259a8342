//! Plan files to check: our own output, or its `plan` alone.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::RailError;
use super::faulty::{self, List};
use super::output::{Going, OnWagon, Staying};

/// A plan, and the loadings of its trains.
#[derive(Debug, Deserialize)]
pub struct Given<P> {
    /// The plan.
    pub plan: P,
    /// Loadings by slot.
    #[serde(default)]
    pub loads: GivenLoads,
}

/// Units on wagons.
#[derive(Debug, Default, Deserialize)]
pub struct GivenLoads {
    /// By slot.
    #[serde(default)]
    pub loadings: BTreeMap<String, Vec<OnWagon>>,
}

/// Where objects stand in a plan file, for errors that name them.
const LISTS: [List; 5] = [
    List::of::<Going>("/plan/assignments", "assignment of unit", "unit"),
    List::of::<Staying>("/plan/rolled_over", "rolled over unit", "unit"),
    List::of::<OnWagon>("/loads/loadings", "loading of unit", "unit"),
    List::of::<Going>("/assignments", "assignment of unit", "unit"),
    List::of::<Staying>("/rolled_over", "rolled over unit", "unit"),
];

/// Reads a plan file.
pub fn read<P: DeserializeOwned>(file: &Path, text: &str) -> Result<Given<P>, RailError> {
    let fault = |source: serde_json::Error| match faulty::error(file, text, &source, &LISTS) {
        RailError::Json {
            file,
            line,
            column,
            object,
            reason,
        } if object.is_empty() => RailError::Json {
            file,
            line,
            column,
            object: ", plan".to_owned(),
            reason: format!("{reason}; give what --out json prints, or its \"plan\" alone"),
        },
        fault => fault,
    };
    let value: Value = serde_json::from_str(text).map_err(fault)?;
    if value.get("plan").is_some() {
        serde_json::from_str(text).map_err(fault)
    } else {
        let plan = serde_json::from_str(text).map_err(fault)?;
        let loads = GivenLoads::default();
        Ok(Given { plan, loads })
    }
}

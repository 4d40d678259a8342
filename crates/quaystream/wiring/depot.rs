//! The object store that the configuration names.

use std::sync::Arc;

use pipeline::depot::{Depot, Store};
use store::OpenError;

use crate::config::{Config, SnapshotPlace};

/// Of the environment, what clients of clouds are set up with.
const CLOUDS: [&str; 3] = ["AWS_", "GOOGLE_", "AZURE_"];

/// Opens the store at a URL, with what the environment says of clouds.
pub fn open(url: &str) -> Result<Arc<dyn Store>, OpenError> {
    let is_of_cloud = |name: &str| CLOUDS.iter().any(|cloud| name.starts_with(cloud));
    let options = std::env::vars_os().filter_map(|(name, value)| {
        let option = (name.into_string().ok()?, value.into_string().ok()?);
        is_of_cloud(&option.0).then_some(option)
    });
    store::open(url, options)
}

/// Where this process keeps snapshots, if not in the topic. `process` is unique to this start of this process.
pub fn depot(config: &Config, process: &str) -> Result<Option<Depot>, OpenError> {
    match &config.snapshots {
        SnapshotPlace::Topic => Ok(None),
        SnapshotPlace::Store(url) => Ok(Some(Depot::new(open(url)?, process, true))),
    }
}

//! The depot's [`Store`] on an object store: a folder of this machine, or, with the features `s3`, `gcs` and `azure`, a
//! bucket. The only crate that knows `object_store`.
//!
//! [`open`] takes a URL: `file:///var/lib/quaystream/snapshots`, `s3://bucket/prefix`, `gs://bucket/prefix`,
//! `az://container/prefix`. Calls block; a runtime of two threads does the work. Buckets are asked again, with growing
//! waits, by the client itself; what it gives up on is told as an error.

use std::fmt::Display;
use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, ObjectStoreScheme};
use pipeline::depot::{Store, StoreError};
use tokio::runtime::{Builder, Runtime};
use url::Url;

/// Threads that talk to the store.
const THREADS: usize = 2;

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not a URL.
    #[error(
        "{0:?} is no URL ({1}): write one such as file:///var/lib/quaystream/snapshots or s3://bucket/prefix"
    )]
    Url(String, url::ParseError),
    /// Of no kind that this build knows.
    #[error(
        "{0} cannot be opened ({1}): folders are written file:///PATH; s3://, gs:// and az:// need a build with the feature s3, gcs or azure"
    )]
    Unknown(String, String),
    /// The system gives no threads.
    #[error("no threads for the object store: {0}")]
    Threads(std::io::Error),
}

/// Opens the store at a URL. `options` are those of the cloud's client, by their names in its environment variables
/// (`AWS_REGION`, ...); unknown ones are passed over. Nothing is asked of the store yet.
///
/// # Errors
/// If the URL is not one of a store that this build knows.
pub fn open(
    url: &str,
    options: impl IntoIterator<Item = (String, String)>,
) -> Result<Arc<dyn Store>, OpenError> {
    let parsed = Url::parse(url).map_err(|error| OpenError::Url(url.to_owned(), error))?;
    let unknown = |error: &dyn Display| OpenError::Unknown(url.to_owned(), error.to_string());
    let (scheme, path) = ObjectStoreScheme::parse(&parsed).map_err(|error| unknown(&error))?;
    let (store, folder): (Box<dyn ObjectStore>, Path) = match scheme {
        ObjectStoreScheme::Local => (
            // A folder goes with its last object.
            Box::new(LocalFileSystem::new().with_automatic_cleanup(true)),
            path,
        ),
        ObjectStoreScheme::Memory => return Err(unknown(&"it would be lost with the process")),
        _ => {
            let options = options.into_iter();
            let options = options.map(|(name, value)| (name.to_ascii_lowercase(), value));
            object_store::parse_url_opts(&parsed, options).map_err(|error| unknown(&error))?
        }
    };
    let runtime = Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("store")
        .enable_all()
        .build()
        .map_err(OpenError::Threads)?;
    Ok(Arc::new(Opened {
        // Without what may be secret.
        place: format!(
            "{}://{}",
            parsed.scheme(),
            &parsed[url::Position::BeforeHost..url::Position::AfterPath]
        ),
        store,
        folder,
        runtime,
    }))
}

struct Opened {
    place: String,
    store: Box<dyn ObjectStore>,
    folder: Path,
    runtime: Runtime,
}

impl Opened {
    fn path(&self, name: &str) -> Path {
        // The parts of the folder stay as they are: made anew they would be encoded.
        let folder = self.folder.clone();
        name.split('/').fold(folder, |path, part| path.join(part))
    }
}

fn failed(error: &object_store::Error) -> StoreError {
    StoreError(error.to_string())
}

impl Store for Opened {
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let payload = Bytes::copy_from_slice(bytes).into();
        self.runtime
            .block_on(self.store.put(&self.path(name), payload))
            .map(drop)
            .map_err(|error| failed(&error))
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.path(name);
        let read = self.runtime.block_on(async {
            let found = self.store.get(&path).await?;
            found.bytes().await
        });
        match read {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let base = self.folder.as_ref();
        let name = |path: &Path| {
            let path = path.as_ref().strip_prefix(base).unwrap_or(path.as_ref());
            path.trim_start_matches('/').to_owned()
        };
        let path = self.path(folder);
        let listed = self
            .store
            .list(Some(&path))
            .map_ok(|found| name(&found.location));
        self.runtime
            .block_on(listed.try_collect())
            .map_err(|error| failed(&error))
    }

    fn delete(&self, name: &str) -> Result<(), StoreError> {
        match self.runtime.block_on(self.store.delete(&self.path(name))) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed(&error)),
        }
    }

    fn place(&self) -> String {
        self.place.clone()
    }
}

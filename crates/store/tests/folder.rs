//! A folder of this machine as a store.

#![allow(clippy::expect_used)]

use std::path::{Path, PathBuf};

use store::open;

/// A folder that goes at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("quaystream-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        Folder(folder)
    }

    fn url(&self) -> String {
        format!("file://{}/in%20here/~[1]", self.0.display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn files(under: &Path) -> usize {
    let entries = std::fs::read_dir(under).expect("readable");
    entries
        .map(|entry| entry.expect("readable").path())
        .map(|path| if path.is_dir() { files(&path) } else { 1 })
        .sum()
}

#[test]
fn objects_are_written_read_listed_and_deleted() {
    let folder = Folder::new("objects");
    let store = open(&folder.url(), []).expect("a folder can be opened");
    assert_eq!(
        store.list("snapshots/0").expect("no folder yet"),
        Vec::<String>::new()
    );
    let large = vec![7_u8; 3 << 20];
    for (name, bytes) in [
        ("snapshots/0/1-host-1-2/0", large.as_slice()),
        ("snapshots/0/1-host-1-2/1", &[1]),
        ("snapshots/0/1-host-1-2/1", &[1, 2]),
        ("snapshots/1/1-host-1-2/0", &[]),
    ] {
        store.put(name, bytes).expect("written");
    }
    assert_eq!(
        store.get("snapshots/0/1-host-1-2/0").expect("read"),
        Some(large)
    );
    assert_eq!(
        store.get("snapshots/0/1-host-1-2/1").expect("read"),
        Some(vec![1, 2])
    );
    assert_eq!(store.get("snapshots/0/1-host-1-2/2").expect("asked"), None);
    let mut names = store.list("snapshots/0").expect("listed");
    names.sort();
    assert_eq!(
        names,
        ["snapshots/0/1-host-1-2/0", "snapshots/0/1-host-1-2/1"]
    );
    let there = folder.0.join("in here/~[1]/snapshots/0/1-host-1-2/0");
    assert!(
        there.is_file(),
        "objects are files under the folder of the URL"
    );
    for name in names.iter().chain(&names) {
        store.delete(name).expect("one that is gone is no error");
    }
    assert_eq!(files(&folder.0), 1);
    assert!(
        !there.parent().expect("a parent").exists(),
        "empty folders go"
    );
}

#[test]
fn a_url_that_cannot_be_used_says_how_it_is_written() {
    for (url, hint) in [
        ("snapshots", "write one such as file:///"),
        ("ftp://host/path", "folders are written file:///PATH"),
        ("memory:///", "lost with the process"),
    ] {
        let error = open(url, [])
            .err()
            .expect("it cannot be opened")
            .to_string();
        assert!(error.contains(hint), "{error}");
    }
    #[cfg(not(feature = "s3"))]
    {
        let error = open("s3://bucket/prefix", [])
            .err()
            .expect("no S3 here")
            .to_string();
        assert!(error.contains("feature s3"), "{error}");
    }
}

#[cfg(feature = "s3")]
#[test]
fn a_bucket_is_opened_with_the_options_of_the_environment() {
    let options = [("AWS_REGION".to_owned(), "eu-central-1".to_owned())];
    let store = open("s3://bucket/prefix", options).expect("it can be opened");
    assert_eq!(store.place(), "s3://bucket/prefix");
}

#[test]
fn a_store_that_cannot_be_written_says_so() {
    let folder = Folder::new("refused");
    std::fs::write(folder.0.join("in here"), b"a file").expect("written");
    let store = open(&folder.url(), []).expect("nothing is asked yet");
    assert!(store.put("snapshots/0/1-a-0/0", &[1]).is_err());
}

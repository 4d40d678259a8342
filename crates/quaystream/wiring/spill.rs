//! A folder for the rows that memory has no room for. Each process has a sub-folder, which goes when it ends; of one that
//! was killed the next start finds it unlocked and removes it.

use std::fs::{self, File as OsFile, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pipeline::spill::{File, Files};

/// Locked by the process whose sub-folder it lies in, and in the folder itself by who makes or removes sub-folders.
const LOCK: &str = "lock";

/// The sub-folder of this process.
#[derive(Debug)]
pub struct SpillFolder {
    own: Arc<Own>,
    next: AtomicU64,
}

#[derive(Debug)]
struct Own {
    path: PathBuf,
    _lock: OsFile,
}

impl Drop for Own {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        let _ = fs::remove_dir_all(&self.path);
    }
}

impl SpillFolder {
    /// Removes what dead processes have left in `folder`, and makes a sub-folder of this one's own.
    pub fn open(folder: &Path) -> io::Result<Self> {
        make(folder)?;
        let gate = OsFile::create(folder.join(LOCK))?;
        gate.lock()?;
        sweep(folder)?;
        let process = std::process::id();
        for number in 0_u64.. {
            let path = folder.join(format!("{process}-{number}"));
            if path.exists() {
                continue;
            }
            make(&path)?;
            let lock = OsFile::create(path.join(LOCK))?;
            lock.lock()?;
            return Ok(SpillFolder {
                own: Arc::new(Own { path, _lock: lock }),
                next: AtomicU64::new(0),
            });
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

/// Rows are nobody else's to read.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Removes the sub-folders that no living process has locked.
fn sweep(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let Ok(lock) = OsFile::open(path.join(LOCK)) else {
            continue;
        };
        match lock.try_lock() {
            Ok(()) => fs::remove_dir_all(&path)?,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(())
}

impl Files for SpillFolder {
    fn write(&self, bytes: &[u8]) -> io::Result<Box<dyn File>> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let file = SpillFile {
            path: self.own.path.join(format!("{number}.arrows")),
            _folder: Arc::clone(&self.own),
        };
        // A file that was written in part goes with `file`.
        fs::write(&file.path, bytes)?;
        Ok(Box::new(file))
    }
}

#[derive(Debug)]
struct SpillFile {
    path: PathBuf,
    _folder: Arc<Own>,
}

impl File for SpillFile {
    fn read(&self, from: usize, bytes: usize) -> io::Result<Vec<u8>> {
        let mut file = OsFile::open(&self.path)?;
        file.seek(SeekFrom::Start(from as u64))?;
        let mut found = vec![0; bytes];
        file.read_exact(&mut found)?;
        Ok(found)
    }
}

impl Drop for SpillFile {
    fn drop(&mut self) {
        // What cannot be removed goes with the folder.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).expect("it is there");
        let names = entries.map(|entry| entry.expect("readable").file_name());
        let mut names: Vec<String> = names
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn files_go_with_their_rows_and_folders_with_their_process_or_at_the_next_start() {
        let base = std::env::temp_dir().join(format!("quaystream-spill-{}", std::process::id()));
        let dead = base.join("1-0");
        fs::create_dir_all(&dead).expect("made");
        fs::write(dead.join(LOCK), b"").expect("written");
        fs::write(dead.join("7.arrows"), b"old").expect("written");
        let first = SpillFolder::open(&base).expect("opened");
        let second = SpillFolder::open(&base).expect("opened");
        let process = std::process::id();
        let own = [format!("{process}-0"), format!("{process}-1")];
        let lock = LOCK.to_owned();
        assert_eq!(names(&base), [&own[0], &own[1], &lock].map(String::as_str));
        let file = first.write(b"0123456789").expect("written");
        let other = first.write(b"abc").expect("written");
        assert_eq!(file.read(3, 4).expect("read"), b"3456");
        assert_eq!(
            file.read(8, 4).expect_err("too far").kind(),
            io::ErrorKind::UnexpectedEof
        );
        drop(file);
        assert_eq!(names(&base.join(&own[0])), ["1.arrows", "lock"]);
        drop((first, second));
        assert_eq!(
            names(&base),
            [own[0].as_str(), "lock"],
            "rows are still there"
        );
        drop(other);
        assert_eq!(names(&base), ["lock"]);
        fs::remove_dir_all(&base).expect("removed");
    }
}

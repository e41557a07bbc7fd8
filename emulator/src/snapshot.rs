//! The account on disk: `state.json`, and the bytes of modules and assets beside it by their hash.
//!
//! The snapshot holds secret values, because Workers must run again after a restart. So it is readable by its owner only, and
//! belongs into a directory that is never committed.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::world::World;

/// A directory that holds one account.
#[derive(Debug)]
pub(crate) struct Store {
    directory: PathBuf,
    /// Blobs that are known to be on disk.
    stored: Mutex<BTreeSet<String>>,
}

#[derive(Serialize)]
struct Written<'a> {
    world: &'a World,
    runtime: Value,
}

#[derive(Deserialize)]
struct Read {
    world: World,
    runtime: Value,
}

impl Store {
    /// The directory, made if need be.
    pub(crate) fn new(directory: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory.join("blobs"))?;
        Ok(Self { directory: directory.to_owned(), stored: Mutex::default() })
    }

    /// What was last saved; `None` in a new directory. Blobs that nothing refers to any more are removed.
    pub(crate) fn load(&self) -> io::Result<Option<(World, Value)>> {
        let text = match fs::read(self.directory.join("state.json")) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let Read { mut world, runtime } = serde_json::from_slice(&text)?;
        let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        for blob in world.blobs_mut() {
            blob.bytes = Bytes::from(fs::read(self.blob(&blob.sha256))?);
            stored.insert(blob.sha256.clone());
        }
        for entry in fs::read_dir(self.directory.join("blobs"))? {
            let entry = entry?;
            if !entry.file_name().to_str().is_some_and(|name| stored.contains(name)) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(Some((world, runtime)))
    }

    /// Write everything. Atomic: after a crash there is the old snapshot or the new one.
    pub(crate) fn save(&self, world: &World, runtime: Value) -> io::Result<()> {
        let mut stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        for blob in world.blobs() {
            if !stored.contains(&blob.sha256) {
                write_private(&self.blob(&blob.sha256), &blob.bytes)?;
                stored.insert(blob.sha256.clone());
            }
        }
        let text = serde_json::to_vec(&Written { world, runtime })?;
        write_private(&self.directory.join("state.json"), &text)
    }

    fn blob(&self, sha256: &str) -> PathBuf {
        self.directory.join("blobs").join(sha256)
    }
}

/// A file for its owner alone, complete or absent.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    fs::rename(draft, path)
}

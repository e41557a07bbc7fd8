//! Where objects are kept and tenants run: behind a trait, because the in-process emulator needs neither a process nor a disk.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::future::{BoxFuture, ready};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::worker::Worker;
use crate::world::hex_sha256;

/// Why the runtime did not do it.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The Worker does not start; the upload is refused with the text (10021).
    #[error("{0}")]
    Startup(String),
    /// The runtime itself failed or cannot be reached; the call is answered with 500.
    #[error("the runtime failed: {0}")]
    Unavailable(String),
}

/// An object without its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectInfo {
    /// The whole key, `/` included.
    pub key: String,
    /// Length in bytes.
    pub size: u64,
    /// Changes with the content. Not an MD5, unlike R2's.
    pub etag: String,
    /// When it was written, in milliseconds since the epoch.
    pub uploaded: i64,
    /// As given by the writer.
    #[serde(default)]
    pub content_type: Option<String>,
}

/// Which objects to list.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Only keys that start with this; empty for all.
    pub prefix: String,
    /// Where the page before ended; opaque.
    pub cursor: Option<String>,
    /// Only keys after this one.
    pub start_after: Option<String>,
    /// Most objects to answer with.
    pub limit: usize,
}

/// A page of a listing, ordered by key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ObjectPage {
    /// The objects.
    pub objects: Vec<ObjectInfo>,
    /// `None` on the last page.
    pub cursor: Option<String>,
}

/// Answer of a runtime, some time later.
pub type Later<'a, T> = BoxFuture<'a, Result<T, RuntimeError>>;

/// Object storage, and the running of scripts.
///
/// The emulator calls it one call at a time, after it has checked that the bucket or script exists.
pub trait Runtime: Send + Sync {
    /// Make a bucket's storage, or leave it as it is.
    fn put_bucket<'a>(&'a self, bucket: &'a str) -> Later<'a, ()>;
    /// Drop a bucket with all its objects; nothing if it is not there.
    fn delete_bucket<'a>(&'a self, bucket: &'a str) -> Later<'a, ()>;
    /// A page of objects, ordered by key.
    fn list<'a>(&'a self, bucket: &'a str, listing: Listing) -> Later<'a, ObjectPage>;
    /// An object with its bytes; `None` if there is none.
    fn get<'a>(&'a self, bucket: &'a str, key: &'a str) -> Later<'a, Option<(ObjectInfo, Bytes)>>;
    /// Write an object, over an older one if there is one.
    fn put<'a>(&'a self, bucket: &'a str, object: NewObject) -> Later<'a, ObjectInfo>;
    /// Delete an object; nothing if it is not there.
    fn delete<'a>(&'a self, bucket: &'a str, key: &'a str) -> Later<'a, ()>;
    /// Run this from now on, in place of what ran under the name before.
    fn put_worker(&self, worker: Worker) -> Later<'_, ()>;
    /// Stop the script and drop its Durable Objects' data; nothing if it does not run.
    fn delete_worker<'a>(&'a self, script: &'a str) -> Later<'a, ()>;
    /// Run the script's scheduled handler once.
    fn run_cron<'a>(&'a self, script: &'a str, cron: &'a str) -> Later<'a, ()>;
    /// What the snapshot should hold for this runtime; `Null` if it keeps its data itself.
    fn dump(&self) -> Value {
        Value::Null
    }
    /// Take back what [`Runtime::dump`] gave.
    fn load(&self, _dump: Value) {}
}

/// An object to write.
#[derive(Debug, Clone)]
pub struct NewObject {
    /// The whole key.
    pub key: String,
    /// MIME type, if the writer gave one.
    pub content_type: Option<String>,
    /// The content.
    pub bytes: Bytes,
    /// Milliseconds since the epoch.
    pub now: i64,
}

/// Bucket → key → object.
type Objects = BTreeMap<String, BTreeMap<String, (ObjectInfo, Bytes)>>;

/// Objects in memory; scripts are not run.
#[derive(Debug, Default)]
pub struct InMemory {
    buckets: Mutex<Objects>,
}

impl InMemory {
    fn buckets(&self) -> MutexGuard<'_, Objects> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn done<'a, T: Send + 'a>(value: T) -> Later<'a, T> {
    Box::pin(ready(Ok(value)))
}

impl Runtime for InMemory {
    fn put_bucket<'a>(&'a self, bucket: &'a str) -> Later<'a, ()> {
        self.buckets().entry(bucket.to_owned()).or_default();
        done(())
    }

    fn delete_bucket<'a>(&'a self, bucket: &'a str) -> Later<'a, ()> {
        self.buckets().remove(bucket);
        done(())
    }

    fn list<'a>(&'a self, bucket: &'a str, listing: Listing) -> Later<'a, ObjectPage> {
        let after = listing.cursor.max(listing.start_after);
        let buckets = self.buckets();
        let mut found = buckets
            .get(bucket)
            .into_iter()
            .flat_map(BTreeMap::values)
            .map(|(info, _)| info)
            .filter(|info| info.key.starts_with(&listing.prefix))
            .filter(|info| after.as_ref().is_none_or(|after| info.key > *after));
        let objects: Vec<ObjectInfo> = found.by_ref().take(listing.limit).cloned().collect();
        let cursor = found.next().and_then(|_| objects.last()).map(|last| last.key.clone());
        done(ObjectPage { objects, cursor })
    }

    fn get<'a>(&'a self, bucket: &'a str, key: &'a str) -> Later<'a, Option<(ObjectInfo, Bytes)>> {
        done(self.buckets().get(bucket).and_then(|objects| objects.get(key)).cloned())
    }

    fn put<'a>(&'a self, bucket: &'a str, object: NewObject) -> Later<'a, ObjectInfo> {
        let mut etag = hex_sha256(&object.bytes);
        etag.truncate(32);
        let info = ObjectInfo {
            key: object.key.clone(),
            size: object.bytes.len() as u64,
            etag,
            uploaded: object.now,
            content_type: object.content_type,
        };
        self.buckets().entry(bucket.to_owned()).or_default().insert(object.key, (info.clone(), object.bytes));
        done(info)
    }

    fn delete<'a>(&'a self, bucket: &'a str, key: &'a str) -> Later<'a, ()> {
        if let Some(objects) = self.buckets().get_mut(bucket) {
            objects.remove(key);
        }
        done(())
    }

    fn put_worker(&self, _worker: Worker) -> Later<'_, ()> {
        done(())
    }

    fn delete_worker<'a>(&'a self, _script: &'a str) -> Later<'a, ()> {
        done(())
    }

    fn run_cron<'a>(&'a self, _script: &'a str, _cron: &'a str) -> Later<'a, ()> {
        done(())
    }

    fn dump(&self) -> Value {
        let buckets = self.buckets();
        let dump: BTreeMap<&String, Vec<(&ObjectInfo, String)>> = buckets
            .iter()
            .map(|(name, objects)| {
                (name, objects.values().map(|(info, bytes)| (info, BASE64_STANDARD.encode(bytes))).collect())
            })
            .collect();
        serde_json::to_value(dump).unwrap_or_default()
    }

    fn load(&self, dump: Value) {
        let dump: BTreeMap<String, Vec<(ObjectInfo, String)>> = serde_json::from_value(dump).unwrap_or_default();
        let mut buckets = self.buckets();
        for (name, objects) in dump {
            let bucket = buckets.entry(name).or_default();
            for (info, text) in objects {
                let bytes = BASE64_STANDARD.decode(text).unwrap_or_default();
                bucket.insert(info.key.clone(), (info, Bytes::from(bytes)));
            }
        }
    }
}

//! Where the files of a release rest: content-addressed, immutable.

use bytes::Bytes;
use futures_util::future::BoxFuture;

/// Reads the files of releases. Behind it lies the R2 bucket bound as `RELEASES`.
pub trait ReleaseStore: Send + Sync {
    /// The bytes stored under `key` (`blobs/<sha256>`); `None` when there is no such file.
    fn get(&self, key: &str) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>>;

    /// Whether there is such a file, without reading it where the store can tell.
    fn has(&self, key: &str) -> BoxFuture<'_, Result<bool, StoreError>> {
        let found = self.get(key);
        Box::pin(async move { Ok(found.await?.is_some()) })
    }
}

/// The store gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("release store: {0}")]
pub struct StoreError(pub String);

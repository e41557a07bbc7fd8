//! Files of releases on R2.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use worker::Bucket;
use worker::send::{SendFuture, SendWrapper};

use super::error_text;
use crate::release::store::{ReleaseStore, StoreError};

/// The bucket of releases.
pub struct R2ReleaseStore(SendWrapper<Bucket>);

impl R2ReleaseStore {
    /// Reads from `bucket`.
    pub fn new(bucket: Bucket) -> Self {
        Self(SendWrapper::new(bucket))
    }

    async fn read(&self, key: String) -> worker::Result<Option<Bytes>> {
        let Some(object) = self.0.get(key).execute().await? else { return Ok(None) };
        match object.body() {
            Some(body) => Ok(Some(body.bytes().await?.into())),
            None => Ok(None),
        }
    }
}

impl ReleaseStore for R2ReleaseStore {
    fn get(&self, key: &str) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        let key = key.to_owned();
        Box::pin(SendFuture::new(async move { self.read(key).await.map_err(|error| StoreError(error_text(&error))) }))
    }

    fn has(&self, key: &str) -> BoxFuture<'_, Result<bool, StoreError>> {
        let key = key.to_owned();
        Box::pin(SendFuture::new(async move {
            let found = self.0.head(key).await.map_err(|error| StoreError(error_text(&error)))?;
            Ok(found.is_some())
        }))
    }
}

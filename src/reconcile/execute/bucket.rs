//! The steps of the bucket.
//!
//! A bucket goes only when it is empty, of unfinished multipart uploads too. Over the S3 API, which Cloudflare does not
//! count as calls, both are deleted a page at a time. Where the plane's token may not use that, REST deletes objects page
//! by page, and a lifecycle rule sees to the uploads, for which REST has no route, and to whatever is too much.

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Executor, News, StepDone, StepError, gone_or};
use crate::cloudflare::{Error, ErrorKind, S3, Verdict};
use crate::tenant::{Applied, ResourceKind};

/// Pages of objects that one step deletes over S3: with two calls each, a step ends well within its lease.
const S3_PAGES: usize = 4;

/// Uploads aborted at once; a Worker has six connections.
const ABORTS_AT_ONCE: usize = 4;

/// The rule that lets everything expire: id, and the age in seconds. Cloudflare acts within a day after that
/// (developers.cloudflare.com/r2/buckets/object-lifecycles).
const EXPIRY_RULE: (&str, u32) = ("paramita-deletion", 1);

/// What a page or several left.
struct Emptied {
    deleted: usize,
    is_more_left: bool,
}

impl Executor<'_> {
    pub(super) async fn create_bucket(&self) -> Result<StepDone, StepError> {
        let name = &self.ledger.bucket.name;
        self.cloudflare.create_bucket(name).await?;
        let done = StepDone::there(ResourceKind::Bucket, None, None);
        Ok(done.with_event("BucketCreated", format!("bucket {name} created")))
    }

    pub(super) async fn empty_bucket(&self) -> Result<StepDone, StepError> {
        match self.empty_some().await {
            // Somebody else deleted it. It was to go, and it was ours, so what is left to do is to see that it is gone.
            Err(StepError::Call(error)) if error.verdict() == Verdict::Missing => {
                Ok(StepDone::of(ResourceKind::Bucket, News::Removed))
            }
            other => other,
        }
    }

    async fn empty_some(&self) -> Result<StepDone, StepError> {
        let name = &self.ledger.bucket.name;
        let (emptied, is_expiring) = match self.empty_over_s3(name).await {
            Some(emptied) => (emptied?, false),
            None => {
                self.let_expire(name).await?;
                (self.empty_over_rest(name).await?, true)
            }
        };
        let done = bucket_that(emptied.is_more_left, is_expiring);
        match emptied {
            Emptied { deleted: 0, is_more_left: true } => Ok(done.and_pause(format!(
                "Cloudflare deletes nothing of what bucket {name} holds; is there a lock rule on it?"
            ))),
            Emptied { deleted: 0, .. } => Ok(done),
            Emptied { deleted, .. } => {
                Ok(done
                    .with_event("ObjectsDeleted", format!("{deleted} objects and uploads deleted from bucket {name}")))
            }
        }
    }

    /// `None`: the plane's token may not use the S3 API, or it cannot reach all that the bucket holds: an upload whose key
    /// no address can carry. That was found now or before.
    async fn empty_over_s3(&self, name: &str) -> Option<Result<Emptied, StepError>> {
        if self.is_expiring() {
            return None;
        }
        let result = async {
            let s3 = self.cloudflare.s3(self.s3_url, &self.cloudflare.verify_token().await?);
            self.empty_pages(&s3, name).await
        };
        match result.await {
            Err(StepError::Call(Error { kind: ErrorKind::Unsendable(_), .. })) => None,
            Err(StepError::Call(error)) if error.verdict() == Verdict::S3Unusable => None,
            other => Some(other),
        }
    }

    async fn empty_pages(&self, s3: &S3, name: &str) -> Result<Emptied, StepError> {
        let mut deleted = 0;
        for _ in 0..S3_PAGES {
            let page = s3.list_objects(name, None, self.now).await?;
            let keys: Vec<String> = page.items.into_iter().map(|object| object.key).collect();
            let left = s3.delete_objects(name, &keys, self.now).await?;
            deleted += keys.len() - left.len();
            if !left.is_empty() {
                // Keys that XML cannot carry, JSON can.
                deleted += self.cloudflare.delete_objects(name, &left).await?.unwrap_or(left.len());
                return Ok(Emptied { deleted, is_more_left: true });
            }
            if page.cursor.is_none() {
                let uploads = s3.list_multipart_uploads(name, None, self.now).await?;
                let aborts = uploads
                    .items
                    .iter()
                    .map(|upload| async move { gone_or(s3.abort_multipart_upload(name, upload, self.now).await) });
                stream::iter(aborts).buffer_unordered(ABORTS_AT_ONCE).try_collect::<()>().await?;
                deleted += uploads.items.len();
                return Ok(Emptied { deleted, is_more_left: uploads.next.is_some() });
            }
        }
        Ok(Emptied { deleted, is_more_left: true })
    }

    /// Once a bucket; the flag in the ledger says that it is done.
    async fn let_expire(&self, name: &str) -> Result<(), StepError> {
        if self.is_expiring() {
            return Ok(());
        }
        let (id, max_age_s) = EXPIRY_RULE;
        Ok(self.cloudflare.let_bucket_expire(name, id, max_age_s).await?)
    }

    async fn empty_over_rest(&self, name: &str) -> Result<Emptied, StepError> {
        let page = self.cloudflare.list_objects(name, None).await?;
        let keys: Vec<String> = page.items.into_iter().map(|object| object.key).collect();
        let deleted = self.cloudflare.delete_objects(name, &keys).await?.unwrap_or(keys.len());
        Ok(Emptied { deleted, is_more_left: page.cursor.is_some() || deleted < keys.len() })
    }

    pub(super) async fn delete_bucket(&self) -> Result<StepDone, StepError> {
        let bucket = &self.ledger.bucket;
        let name = &bucket.name;
        match gone_or(self.cloudflare.delete_bucket(name).await) {
            Err(StepError::Call(error)) if error.verdict() == Verdict::NotEmpty => {
                let was_just_emptied = matches!(bucket.applied, Some(Applied::Bucket { holds_objects: false, .. }));
                let done = bucket_that(true, self.is_expiring());
                if !was_just_emptied {
                    return Ok(done);
                }
                // Emptying it again at once would find the same.
                let why = if self.is_expiring() {
                    "what is left, unfinished uploads perhaps, expires by a lifecycle rule within about a day"
                } else {
                    "a container that is stopping may still write to it"
                };
                Ok(done.and_pause(format!("bucket {name} was emptied and is not empty: {why}; tried again later")))
            }
            Err(error) => Err(error),
            Ok(()) => {
                let done = StepDone::of(ResourceKind::Bucket, News::Removed);
                Ok(done.with_event("BucketDeleted", format!("bucket {name} deleted")))
            }
        }
    }

    fn is_expiring(&self) -> bool {
        matches!(self.ledger.bucket.applied, Some(Applied::Bucket { is_expiring: true, .. }))
    }
}

fn bucket_that(holds_objects: bool, is_expiring: bool) -> StepDone {
    StepDone::there(ResourceKind::Bucket, None, Some(Applied::Bucket { holds_objects, is_expiring }))
}

//! The steps of the bucket.

use super::{Executor, News, StepDone, StepError, gone_or};
use crate::cloudflare::{Optional, Verdict};
use crate::tenant::{Applied, ResourceKind};

impl Executor<'_> {
    pub(super) async fn create_bucket(&self) -> Result<StepDone, StepError> {
        let name = &self.ledger.bucket.name;
        self.cloudflare.create_bucket(name).await?;
        let done = StepDone::there(ResourceKind::Bucket, None, None);
        Ok(done.with_event("BucketCreated", format!("bucket {name} created")))
    }

    pub(super) async fn empty_bucket(&self) -> Result<StepDone, StepError> {
        let name = &self.ledger.bucket.name;
        let Some(page) = self.cloudflare.list_objects(name, None).await.optional()? else {
            // Somebody else deleted it. It was to go, and it was ours, so what is left to do is to see that it is gone.
            return Ok(StepDone::of(ResourceKind::Bucket, News::Removed));
        };
        let keys: Vec<String> = page.items.into_iter().map(|object| object.key).collect();
        let done = |holds_objects| bucket_that(holds_objects, false);
        if keys.is_empty() {
            return Ok(done(false));
        }
        let deleted = self.cloudflare.delete_objects(name, &keys).await?.unwrap_or(keys.len());
        if deleted == 0 {
            let pause = format!("Cloudflare deletes none of the objects of bucket {name}; is there a lock rule?");
            return Ok(done(true).and_pause(pause));
        }
        let message = format!("{} objects deleted from bucket {name}", deleted);
        Ok(done(page.cursor.is_some() || deleted < keys.len()).with_event("ObjectsDeleted", message))
    }

    pub(super) async fn delete_bucket(&self) -> Result<StepDone, StepError> {
        let bucket = &self.ledger.bucket;
        let name = &bucket.name;
        match gone_or(self.cloudflare.delete_bucket(name).await) {
            Err(StepError::Call(error)) if error.verdict() == Verdict::NotEmpty => {
                let was_just_emptied = matches!(bucket.applied, Some(Applied::Bucket { holds_objects: false, .. }));
                let done = bucket_that(true, false);
                if !was_just_emptied {
                    return Ok(done);
                }
                // Something still writes, or what is left is no object: emptying it again at once would find the same.
                Ok(done.and_pause(format!("bucket {name} was emptied and is not empty: {error}")))
            }
            Err(error) => Err(error),
            Ok(()) => {
                let done = StepDone::of(ResourceKind::Bucket, News::Removed);
                Ok(done.with_event("BucketDeleted", format!("bucket {name} deleted")))
            }
        }
    }
}

fn bucket_that(holds_objects: bool, is_expiring: bool) -> StepDone {
    StepDone::there(ResourceKind::Bucket, None, Some(Applied::Bucket { holds_objects, is_expiring }))
}

//! The steps of the bucket.

use super::{Executor, StepDone, StepError, ended, gone_or, there};
use crate::cloudflare::Verdict;
use crate::tenant::{Applied, ResourceKind};

impl Executor<'_> {
    pub(super) async fn create_bucket(&self) -> Result<StepDone, StepError> {
        let name = &self.ledger.bucket.name;
        self.cloudflare.create_bucket(name).await?;
        Ok(there(ResourceKind::Bucket, None, None).with_event("BucketCreated", format!("bucket {name} created")))
    }

    pub(super) async fn empty_bucket(&self) -> Result<StepDone, StepError> {
        let name = &self.ledger.bucket.name;
        let page = self.cloudflare.list_objects(name, None).await?;
        let keys: Vec<String> = page.items.into_iter().map(|object| object.key).collect();
        let done = |holds_objects| there(ResourceKind::Bucket, None, Some(Applied::Bucket { holds_objects }));
        if keys.is_empty() {
            return Ok(done(false));
        }
        let deleted = self.cloudflare.delete_objects(name, &keys).await?.unwrap_or(keys.len());
        if deleted == 0 {
            let pause = Some(format!("Cloudflare deletes none of the objects of bucket {name}; is there a lock rule?"));
            return Ok(StepDone { pause, ..done(true) });
        }
        let message = format!("{} objects deleted from bucket {name}", deleted);
        Ok(done(page.cursor.is_some() || deleted < keys.len()).with_event("ObjectsDeleted", message))
    }

    pub(super) async fn delete_bucket(&self) -> Result<StepDone, StepError> {
        let name = &self.ledger.bucket.name;
        match gone_or(self.cloudflare.delete_bucket(name).await) {
            Err(StepError::Call(error)) if error.verdict() == Verdict::NotEmpty => {
                let was_just_emptied = self.ledger.bucket.applied == Some(Applied::Bucket { holds_objects: false });
                let done = there(ResourceKind::Bucket, None, Some(Applied::Bucket { holds_objects: true }));
                // Something still writes, or what is left is no object: emptying it again at once would find the same.
                let pause = was_just_emptied.then(|| format!("bucket {name} was emptied and is not empty: {error}"));
                Ok(StepDone { pause, ..done })
            }
            Err(error) => Err(error),
            Ok(()) => {
                let message = format!("bucket {name} deleted");
                Ok(ended(&[ResourceKind::Bucket]).with_event("BucketDeleted", message))
            }
        }
    }
}

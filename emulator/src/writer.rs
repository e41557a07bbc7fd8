//! Containers that write on for a while after their end: a bucket that was just emptied is not empty when next looked at.

use bytes::Bytes;

use crate::emulator::Emulator;
use crate::runtime::{Listing, NewObject, RuntimeError};

/// Calls before which a writer has had time to write.
const BEFORE: [&str; 3] = ["r2.object.list", "r2.bucket.delete", "s3.object.list"];

/// Put one more object into the bucket if it is empty and somebody still writes to it.
pub(crate) async fn write(emulator: &Emulator, bucket: &str, kind: &str, now: i64) -> Result<(), RuntimeError> {
    let writes = emulator.world().writers.get(bucket).is_some_and(|writer| now < writer.until);
    if !writes || !BEFORE.contains(&kind) {
        return Ok(());
    }
    let page = emulator.runtime().list(bucket, Listing { limit: 1, ..Listing::default() }).await?;
    if !page.objects.is_empty() {
        return Ok(());
    }
    let nth = emulator.world().writers.get_mut(bucket).map_or(0, |writer| {
        writer.written += 1;
        writer.written
    });
    let bytes = Bytes::from_static(b"written after the end");
    let object = NewObject { key: format!("late/{nth}"), content_type: None, bytes, now };
    emulator.runtime().put(bucket, object).await.map(drop)
}

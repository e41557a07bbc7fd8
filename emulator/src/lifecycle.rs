//! What R2's lifecycle rules do by themselves, a day after the age that they name: R2 "typically" gets to it within 24 hours
//! (R2 docs, object lifecycles), and who relies on less would wait in vain.
//!
//! Rules act when somebody next looks at the bucket, so that the same calls at the same times always find the same.

use serde_json::Value;

use crate::emulator::Emulator;
use crate::limits;
use crate::runtime::{Listing, RuntimeError};

/// How long after the age of a rule R2 acts, in milliseconds.
const DELAY_MS: i64 = 24 * 3_600_000;

/// When unfinished uploads end where no rule was put, in seconds: the rule that each bucket is made with (R2 docs, object lifecycles).
const DEFAULT_UPLOAD_AGE_S: i64 = 7 * 24 * 3600;

/// One thing that a rule does: to what starts with the prefix, from this age on, in seconds.
struct Due {
    prefix: String,
    age_s: i64,
}

impl Due {
    fn hits(&self, key: &str, since: i64, now: i64) -> bool {
        let at = since.saturating_add(self.age_s.saturating_mul(1000)).saturating_add(DELAY_MS);
        key.starts_with(&self.prefix) && at <= now
    }
}

/// What the enabled rules of the bucket do under the name of `transition`, by age. Those by date are kept and not carried out.
fn dues(rules: &Value, transition: &str) -> Vec<Due> {
    let rules = rules.as_array().map(Vec::as_slice).unwrap_or_default();
    let enabled = rules.iter().filter(|rule| rule["enabled"] == Value::Bool(true));
    let due = |rule: &Value| {
        let age_s = rule.get(transition)?.pointer("/condition/maxAge")?.as_i64()?;
        let prefix = rule.pointer("/conditions/prefix").and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Due { prefix, age_s })
    };
    enabled.filter_map(due).collect()
}

/// Carry out what is due in the bucket.
pub(crate) async fn run(emulator: &Emulator, bucket: &str, now: i64) -> Result<(), RuntimeError> {
    let objects = {
        let mut world = emulator.world();
        let Some(rules) = world.buckets.get(bucket).map(|bucket| bucket.lifecycle.clone()) else { return Ok(()) };
        let mut uploads = dues(&rules, "abortMultipartUploadsTransition");
        if rules.as_array().is_none_or(Vec::is_empty) {
            uploads.push(Due { prefix: String::new(), age_s: DEFAULT_UPLOAD_AGE_S });
        }
        let ended = |key: &str, since| uploads.iter().any(|due| due.hits(key, since, now));
        world.uploads.retain(|upload| upload.bucket != bucket || !ended(&upload.key, upload.started_at));
        dues(&rules, "deleteObjectsTransition")
    };
    if objects.is_empty() {
        return Ok(());
    }
    let mut cursor = None;
    loop {
        let page =
            emulator.runtime().list(bucket, Listing { cursor, limit: limits::PAGE_MAX, ..Listing::default() }).await?;
        for object in &page.objects {
            if objects.iter().any(|due| due.hits(&object.key, object.uploaded, now)) {
                emulator.runtime().delete(bucket, &object.key).await?;
            }
        }
        cursor = page.cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

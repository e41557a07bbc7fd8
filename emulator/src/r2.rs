//! R2 buckets and their lifecycle rules. Objects are in `objects`.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::call::Call;
use crate::envelope::Reply;
use crate::error::ApiError;
use crate::limits;
use crate::runtime::Listing;
use crate::world::{Bucket, bucket_key, rfc3339};

/// The jurisdictions of the SDK's types.
const JURISDICTIONS: [&str; 5] = ["default", "eu", "us", "fedramp", "fedramp-high"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Create {
    name: String,
    #[serde(default)]
    location_hint: Option<String>,
    #[serde(default)]
    storage_class: Option<String>,
}

fn public(bucket: &Bucket) -> Value {
    json!({
        "name": bucket.name,
        "creation_date": rfc3339(bucket.created_at),
        "location": bucket.location,
        "storage_class": bucket.storage_class,
        "jurisdiction": bucket.jurisdiction,
    })
}

/// `POST r2/buckets`. A name that is taken is an error even for its owner (10004).
pub(crate) async fn create(call: Call) -> Result<Reply, ApiError> {
    let body: Create = call.json(ApiError::bad_json)?;
    limits::bucket_name(&body.name)?;
    let jurisdiction = call.jurisdiction().to_owned();
    if !JURISDICTIONS.contains(&jurisdiction.as_str()) {
        return Err(ApiError::bad_json(&format!("unknown jurisdiction {jurisdiction:?}")));
    }
    let storage_class = body.storage_class.unwrap_or_else(|| "Standard".to_owned());
    if !matches!(storage_class.as_str(), "Standard" | "InfrequentAccess") {
        return Err(ApiError::bad_json(&format!("unknown storage class {storage_class:?}")));
    }
    let location = body.location_hint.unwrap_or_else(|| "weur".to_owned());
    if !matches!(location.as_str(), "apac" | "eeur" | "enam" | "weur" | "wnam" | "oc") {
        return Err(ApiError::bad_json(&format!("unknown location {location:?}")));
    }
    let key = bucket_key(&body.name, &jurisdiction);
    {
        let world = call.world();
        if world.buckets.contains_key(&key) {
            return Err(ApiError::bucket_exists());
        }
        if world.buckets.len() >= call.emulator.options().limits.buckets {
            return Err(ApiError::too_many_buckets());
        }
    }
    call.emulator.runtime().put_bucket(&key).await?;
    let lifecycle = json!([]);
    let bucket = Bucket { name: body.name, created_at: call.now, location, storage_class, jurisdiction, lifecycle };
    let reply = Reply::ok(public(&bucket));
    call.world().buckets.insert(key, bucket);
    Ok(reply)
}

/// `GET r2/buckets`: of one jurisdiction, by name, paged by cursor; 20 on a page unless told otherwise.
pub(crate) async fn list(call: Call) -> Result<Reply, ApiError> {
    let per_page = call.size("per_page", limits::PAGE_DEFAULT, limits::PAGE_MAX);
    let after = call.query("cursor").or(call.query("start_after")).unwrap_or("");
    let contains = call.query("name_contains").unwrap_or("");
    let descending = call.query("direction") == Some("desc");
    let world = call.world();
    let mut found: Vec<&Bucket> = world
        .buckets
        .values()
        .filter(|bucket| bucket.jurisdiction == call.jurisdiction() && bucket.name.contains(contains))
        .filter(|bucket| {
            let name = bucket.name.as_str();
            after.is_empty() || if descending { name < after } else { name > after }
        })
        .collect();
    if descending {
        found.reverse();
    }
    let more = found.len() > per_page;
    found.truncate(per_page);
    let cursor = if more { found.last().map_or("", |bucket| bucket.name.as_str()) } else { "" };
    let info = json!({"cursor": cursor, "per_page": per_page});
    let buckets: Vec<Value> = found.iter().map(|bucket| public(bucket)).collect();
    Ok(Reply::page(json!({"buckets": buckets}), info))
}

/// `GET r2/buckets/{bucket}`.
pub(crate) async fn get(call: Call) -> Result<Reply, ApiError> {
    let world = call.world();
    world.buckets.get(&call.bucket()).map(|bucket| Reply::ok(public(bucket))).ok_or_else(ApiError::no_such_bucket)
}

/// `DELETE r2/buckets/{bucket}`. Refused while it holds objects or unfinished multipart uploads (10008).
pub(crate) async fn delete(call: Call) -> Result<Reply, ApiError> {
    let key = call.bucket();
    exists(&call)?;
    let runtime = call.emulator.runtime();
    let page = runtime.list(&key, Listing { limit: 1, ..Listing::default() }).await?;
    let unfinished = call.world().uploads.iter().any(|upload| upload.bucket == key);
    if !page.objects.is_empty() || unfinished {
        return Err(ApiError::bucket_not_empty());
    }
    runtime.delete_bucket(&key).await?;
    let mut world = call.world();
    world.buckets.remove(&key);
    world.jobs.retain(|job| job.bucket != key);
    world.writers.remove(&key);
    Ok(Reply::ok(json!({})))
}

/// `GET r2/buckets/{bucket}/lifecycle`.
pub(crate) async fn lifecycle(call: Call) -> Result<Reply, ApiError> {
    let world = call.world();
    let bucket = world.buckets.get(&call.bucket()).ok_or_else(ApiError::no_such_bucket)?;
    Ok(Reply::ok(json!({"rules": bucket.lifecycle})))
}

#[derive(Deserialize)]
struct Lifecycle {
    #[serde(default)]
    rules: Vec<Rule>,
}

/// Only what makes a rule a rule; the transitions are kept as they are.
#[derive(Deserialize, serde::Serialize)]
struct Rule {
    id: String,
    enabled: bool,
    conditions: Value,
    #[serde(flatten)]
    transitions: serde_json::Map<String, Value>,
}

/// `PUT r2/buckets/{bucket}/lifecycle`: replaces all rules.
pub(crate) async fn put_lifecycle(call: Call) -> Result<Reply, ApiError> {
    exists(&call)?;
    let body: Lifecycle = call.json(ApiError::bad_json)?;
    let rules = json!(body.rules);
    if let Some(bucket) = call.world().buckets.get_mut(&call.bucket()) {
        bucket.lifecycle = rules;
    }
    Ok(Reply::ok(json!({})))
}

/// The bucket that the path names is there.
pub(crate) fn exists(call: &Call) -> Result<(), ApiError> {
    if call.world().buckets.contains_key(&call.bucket()) { Ok(()) } else { Err(ApiError::no_such_bucket()) }
}

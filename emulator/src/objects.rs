//! R2 objects over REST: read, write, delete one, delete by list, delete by prefix as a job.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::call::{Call, Payload};
use crate::emulator::Emulator;
use crate::envelope::Reply;
use crate::error::ApiError;
use crate::limits;
use crate::r2::exists;
use crate::runtime::{Listing, NewObject, ObjectInfo, RuntimeError};
use crate::world::{Job, rfc3339};

/// `GET r2/buckets/{bucket}/objects`: 20 on a page unless told otherwise.
pub(crate) async fn list(call: Call) -> Result<Reply, ApiError> {
    exists(&call)?;
    let limit = call.size("per_page", limits::PAGE_DEFAULT, limits::PAGE_MAX);
    let listing = Listing {
        prefix: call.query("prefix").unwrap_or("").to_owned(),
        cursor: call.query("cursor").filter(|cursor| !cursor.is_empty()).map(str::to_owned),
        start_after: call.query("start_after").map(str::to_owned),
        limit,
    };
    let page = call.emulator.runtime().list(&call.bucket(), listing).await?;
    let objects: Vec<Value> = page.objects.iter().map(listed).collect();
    let cursor = page.cursor.unwrap_or_default();
    let info = json!({"cursor": cursor, "is_truncated": !cursor.is_empty(), "per_page": limit, "delimited": []});
    Ok(Reply::page(Value::Array(objects), info))
}

fn listed(info: &ObjectInfo) -> Value {
    let mut http_metadata = json!({});
    if let (Some(content_type), Some(fields)) = (&info.content_type, http_metadata.as_object_mut()) {
        fields.insert("contentType".to_owned(), json!(content_type));
    }
    json!({
        "key": info.key,
        "size": info.size,
        "etag": info.etag,
        "last_modified": rfc3339(info.uploaded),
        "http_metadata": http_metadata,
        "custom_metadata": {},
        "storage_class": "Standard",
    })
}

/// `PUT r2/buckets/{bucket}/objects/{key}`: the body is the object.
pub(crate) async fn put(call: Call) -> Result<Reply, ApiError> {
    exists(&call)?;
    let key = call.param("key").to_owned();
    let Payload::Bytes(bytes) = call.payload.clone() else {
        return Err(ApiError::bad_json(&"an object's body is taken as it is"));
    };
    if bytes.len() > limits::OBJECT_BYTES || key.len() > limits::OBJECT_KEY_BYTES {
        return Err(ApiError::bad_json(&"the object or its key is too large"));
    }
    let content_type = call.header("content-type").map(str::to_owned);
    let object = NewObject { key, content_type, bytes, now: call.now };
    let info = call.emulator.runtime().put(&call.bucket(), object).await?;
    let version = call.world().ids.uuid();
    Ok(Reply::ok(json!({
        "key": info.key,
        "etag": info.etag,
        // Text, not a number: the SDK's type of this reply says so.
        "size": info.size.to_string(),
        "version": version,
        "uploaded": rfc3339(info.uploaded),
        "storage_class": "Standard",
    })))
}

/// `GET r2/buckets/{bucket}/objects/{key}`: the object itself, outside the envelope.
pub(crate) async fn get(call: Call) -> Result<Reply, ApiError> {
    exists(&call)?;
    let found = call.emulator.runtime().get(&call.bucket(), call.param("key")).await?;
    let (info, body) = found.ok_or_else(ApiError::no_such_object)?;
    let mut headers = HeaderMap::new();
    let content_type = info.content_type.as_deref().unwrap_or("application/octet-stream");
    if let Ok(value) = HeaderValue::from_str(content_type) {
        headers.insert(header::CONTENT_TYPE, value);
    }
    if let Ok(value) = HeaderValue::from_str(&format!("\"{}\"", info.etag)) {
        headers.insert(header::ETAG, value);
    }
    Ok(Reply::Raw { status: StatusCode::OK, headers, body })
}

/// `DELETE r2/buckets/{bucket}/objects/{key}`. Succeeds for a key that is not there, as S3 does.
pub(crate) async fn delete(call: Call) -> Result<Reply, ApiError> {
    exists(&call)?;
    let key = call.param("key");
    call.emulator.runtime().delete(&call.bucket(), key).await?;
    Ok(Reply::ok(json!({"key": key})))
}

/// `DELETE r2/buckets/{bucket}/objects`: the keys in the body, or with `prefix=` in the query a job for all that start so.
pub(crate) async fn delete_many(call: Call) -> Result<Reply, ApiError> {
    exists(&call)?;
    let Some(prefix) = call.query("prefix") else {
        let keys: Vec<String> = call.json(ApiError::bad_json)?;
        let runtime = call.emulator.runtime();
        for key in &keys {
            runtime.delete(&call.bucket(), key).await?;
        }
        let deleted: Vec<Value> = keys.iter().map(|key| json!({"key": key})).collect();
        return Ok(Reply::ok(Value::Array(deleted)));
    };
    let mut world = call.world();
    let job = Job {
        id: world.ids.uuid(),
        bucket: call.bucket(),
        prefix: prefix.to_owned(),
        started_at: call.now,
        due_at: call.now.saturating_add(call.emulator.options().job_ms),
        deleted: None,
        clear: false,
    };
    let reply = Reply::ok(public(&job, "ENQUEUED"));
    world.jobs.push(job);
    Ok(reply)
}

fn public(job: &Job, status: &str) -> Value {
    json!({
        "id": job.id,
        "jobType": "prefixDelete",
        "status": status,
        "startTime": rfc3339(job.started_at),
        "endTime": job.deleted.map(|_| rfc3339(job.due_at)),
        "prefixDelete": {
            "prefix": job.prefix,
            "deletedObjects": job.deleted.unwrap_or(0),
            "isBucketClear": job.clear,
        },
    })
}

fn shown(job: &Job) -> Value {
    public(job, if job.deleted.is_some() { "COMPLETED" } else { "RUNNING" })
}

/// `GET r2/buckets/{bucket}/jobs`.
pub(crate) async fn jobs(call: Call) -> Result<Reply, ApiError> {
    exists(&call)?;
    let bucket = call.bucket();
    let world = call.world();
    Ok(Reply::ok(world.jobs.iter().filter(|job| job.bucket == bucket).map(shown).collect()))
}

/// `GET r2/buckets/{bucket}/jobs/{job}`. Which code a missing job has is not known; 10007 as for a missing key.
pub(crate) async fn job(call: Call) -> Result<Reply, ApiError> {
    exists(&call)?;
    let bucket = call.bucket();
    let world = call.world();
    let found = world.jobs.iter().find(|job| job.bucket == bucket && job.id == call.param("job"));
    found.map(|job| Reply::ok(shown(job))).ok_or_else(ApiError::no_such_object)
}

/// Carry out the jobs that are due. Called before each call, so that a job is never seen done too early or too late.
pub(crate) async fn run_jobs(emulator: &Emulator, now: i64) -> Result<(), RuntimeError> {
    loop {
        let due = {
            let world = emulator.world();
            world.jobs.iter().find(|job| job.deleted.is_none() && job.due_at <= now).cloned()
        };
        let Some(job) = due else { return Ok(()) };
        let runtime = emulator.runtime();
        let mut deleted = 0;
        loop {
            let listing = Listing { prefix: job.prefix.clone(), limit: limits::PAGE_MAX, ..Listing::default() };
            let page = runtime.list(&job.bucket, listing).await?;
            if page.objects.is_empty() {
                break;
            }
            for object in &page.objects {
                runtime.delete(&job.bucket, &object.key).await?;
                deleted += 1;
            }
        }
        let rest = runtime.list(&job.bucket, Listing { limit: 1, ..Listing::default() }).await?;
        let mut world = emulator.world();
        if let Some(stored) = world.jobs.iter_mut().find(|stored| stored.id == job.id) {
            stored.deleted = Some(deleted);
            stored.clear = rest.objects.is_empty();
        }
    }
}

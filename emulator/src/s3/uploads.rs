//! Unfinished multipart uploads: begun, listed, aborted. Their parts are nobody's business here.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::xml::{self, Xml};
use crate::call::Call;
use crate::envelope::Reply;
use crate::error::ApiError;
use crate::limits;
use crate::r2::exists;
use crate::world::{Upload, World, rfc3339};

/// Begin one; its id, which has characters that a URL must escape.
pub(crate) fn start(world: &mut World, bucket: &str, key: &str, now: i64) -> String {
    let id = BASE64_STANDARD.encode(format!("{}?>", world.ids.hex()));
    let upload = Upload { bucket: bucket.to_owned(), key: key.to_owned(), id: id.clone(), started_at: now };
    world.uploads.push(upload);
    id
}

/// `CreateMultipartUpload`: `POST /{bucket}/{key}?uploads`.
pub(crate) async fn create(call: Call) -> Result<Reply, ApiError> {
    exists(&call)?;
    let id = start(&mut call.world(), &call.bucket(), call.param("key"), call.now);
    let answer = Xml::default().text("Bucket", call.param("bucket")).text("Key", call.param("key"));
    Ok(answer.text("UploadId", &id).reply("InitiateMultipartUploadResult"))
}

/// `ListMultipartUploads`: `GET /{bucket}?uploads`, by key and id; 1,000 on a page, which is also the most.
pub(crate) async fn list(call: Call) -> Result<Reply, ApiError> {
    exists(&call)?;
    let encode = call.query("encoding-type") == Some("url");
    let limit = call.size("max-uploads", limits::PAGE_MAX, limits::PAGE_MAX);
    let prefix = call.query("prefix").unwrap_or("");
    let (key_marker, id_marker) = (call.query("key-marker"), call.query("upload-id-marker"));
    let after = |upload: &Upload| match (key_marker, id_marker) {
        (None, _) => true,
        (Some(key), None) => upload.key.as_str() > key,
        (Some(key), Some(id)) => (upload.key.as_str(), upload.id.as_str()) > (key, id),
    };
    let mut found: Vec<Upload> = call.world().uploads.clone();
    let bucket = call.bucket();
    found.retain(|upload| upload.bucket == bucket && upload.key.starts_with(prefix) && after(upload));
    found.sort_by(|a, b| (&a.key, &a.id).cmp(&(&b.key, &b.id)));
    let is_truncated = found.len() > limit;
    found.truncate(limit);
    let last = found.last().filter(|_| is_truncated);
    let mut answer = Xml::default()
        .text("Bucket", call.param("bucket"))
        .text("KeyMarker", &xml::key(key_marker.unwrap_or(""), encode))
        .text("UploadIdMarker", id_marker.unwrap_or(""))
        .text_if("NextKeyMarker", last.map(|upload| xml::key(&upload.key, encode)).as_deref())
        .text_if("NextUploadIdMarker", last.map(|upload| upload.id.as_str()))
        .text_if("EncodingType", encode.then_some("url"))
        .text("MaxUploads", &limit.to_string())
        .text("IsTruncated", if is_truncated { "true" } else { "false" });
    for upload in &found {
        let inner = Xml::default()
            .text("Key", &xml::key(&upload.key, encode))
            .text("UploadId", &upload.id)
            .text("StorageClass", "STANDARD")
            .text("Initiated", &rfc3339(upload.started_at));
        answer = answer.element("Upload", &inner);
    }
    Ok(answer.reply("ListMultipartUploadsResult"))
}

/// `AbortMultipartUpload`: `DELETE /{bucket}/{key}?uploadId=`. Nothing comes back.
pub(crate) async fn abort(call: Call) -> Result<Reply, ApiError> {
    exists(&call)?;
    let (bucket, key, id) = (call.bucket(), call.param("key"), call.query("uploadId").unwrap_or(""));
    let mut world = call.world();
    let before = world.uploads.len();
    world.uploads.retain(|upload| !(upload.bucket == bucket && upload.key == key && upload.id == id));
    if world.uploads.len() == before {
        return Err(ApiError::s3_no_such_upload());
    }
    Ok(Reply::Raw { status: StatusCode::NO_CONTENT, headers: HeaderMap::new(), body: Bytes::new() })
}

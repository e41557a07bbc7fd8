//! Listing objects, and deleting a thousand at once.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest as _, Sha256};

use super::xml::{self, Xml};
use crate::call::{Call, Payload};
use crate::envelope::Reply;
use crate::error::ApiError;
use crate::limits;
use crate::r2::exists;
use crate::runtime::Listing;
use crate::world::rfc3339;

/// `ListObjectsV2`: `GET /{bucket}?list-type=2`; 1,000 on a page, which is also the most.
pub(crate) async fn list(call: Call) -> Result<Reply, ApiError> {
    exists(&call)?;
    let encode = call.query("encoding-type") == Some("url");
    let token = call.query("continuation-token");
    let cursor = match token {
        Some(token) => {
            let bytes = BASE64_STANDARD.decode(token).map_err(|_| ApiError::s3_argument("continuation-token"))?;
            Some(String::from_utf8(bytes).map_err(|_| ApiError::s3_argument("continuation-token"))?)
        }
        None => None,
    };
    let limit = call.size("max-keys", limits::PAGE_MAX, limits::PAGE_MAX);
    let prefix = call.query("prefix").unwrap_or("").to_owned();
    let start_after = call.query("start-after").map(str::to_owned);
    let listing = Listing { prefix: prefix.clone(), cursor, start_after, limit };
    let page = call.emulator.runtime().list(&call.bucket(), listing).await?;
    let next = page.cursor.map(|cursor| BASE64_STANDARD.encode(cursor));
    let mut answer = Xml::default()
        .text("Name", call.param("bucket"))
        .text("Prefix", &xml::key(&prefix, encode))
        .text("KeyCount", &page.objects.len().to_string())
        .text("MaxKeys", &limit.to_string())
        .text_if("EncodingType", encode.then_some("url"))
        .text("IsTruncated", if next.is_some() { "true" } else { "false" })
        .text_if("ContinuationToken", token)
        .text_if("NextContinuationToken", next.as_deref());
    for object in &page.objects {
        let inner = Xml::default()
            .text("Key", &xml::key(&object.key, encode))
            .text("LastModified", &rfc3339(object.uploaded))
            .text("ETag", &format!("\"{}\"", object.etag))
            .text("Size", &object.size.to_string())
            .text("StorageClass", "STANDARD");
        answer = answer.element("Contents", &inner);
    }
    Ok(answer.reply("ListBucketResult"))
}

/// `DeleteObjects`: `POST /{bucket}?delete`, 1,000 keys at most. Keys that are not there count as deleted.
pub(crate) async fn delete_many(call: Call) -> Result<Reply, ApiError> {
    exists(&call)?;
    let Payload::Bytes(bytes) = &call.payload else { return Err(ApiError::s3_malformed("no body")) };
    check_digest(&call, bytes)?;
    let text = std::str::from_utf8(bytes).map_err(|error| ApiError::s3_malformed(&error.to_string()))?;
    let (keys, quiet) = read(text)?;
    let mut answer = Xml::default();
    for key in &keys {
        call.emulator.runtime().delete(&call.bucket(), key).await?;
        if !quiet {
            answer = answer.element("Deleted", &Xml::default().text("Key", key));
        }
    }
    Ok(answer.reply("DeleteResult"))
}

/// S3 wants `Content-MD5` or a checksum header with this call (Amazon's reference, DeleteObjects). R2's page is silent on it, so a
/// request without is refused as S3 would. Only SHA-256 is compared with the body.
fn check_digest(call: &Call, body: &[u8]) -> Result<(), ApiError> {
    const SHA256: &str = "x-amz-checksum-sha256";
    let is_digest = |name: &http::HeaderName| {
        name.as_str() == "content-md5"
            || name.as_str().starts_with("x-amz-checksum-")
            || name.as_str() == "x-amz-trailer"
    };
    if !call.headers.keys().any(is_digest) {
        return Err(ApiError::s3_argument("Missing required header for this request: Content-MD5 OR x-amz-checksum-*"));
    }
    match call.header(SHA256) {
        Some(given) if given != BASE64_STANDARD.encode(Sha256::digest(body)) => Err(ApiError::s3_digest(SHA256)),
        _ => Ok(()),
    }
}

/// The keys, and whether those that were deleted are not to be named.
fn read(text: &str) -> Result<(Vec<String>, bool), ApiError> {
    let document = roxmltree::Document::parse(text).map_err(|error| ApiError::s3_malformed(&error.to_string()))?;
    let root = document.root_element();
    if root.tag_name().name() != "Delete" {
        return Err(ApiError::s3_malformed("the root is not <Delete>"));
    }
    let inner = |node: roxmltree::Node<'_, '_>, name: &str| {
        let found = node.children().find(|child| child.tag_name().name() == name)?;
        Some(found.text().unwrap_or_default().to_owned())
    };
    let objects = root.children().filter(|child| child.tag_name().name() == "Object");
    let keys: Option<Vec<String>> = objects.map(|object| inner(object, "Key").filter(|key| !key.is_empty())).collect();
    let keys = keys.ok_or_else(|| ApiError::s3_malformed("an <Object> without a <Key>"))?;
    if keys.is_empty() || keys.len() > limits::PAGE_MAX {
        return Err(ApiError::s3_malformed("not 1 to 1,000 keys"));
    }
    Ok((keys, inner(root, "Quiet").as_deref() == Some("true")))
}

//! What answers are made of.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use super::error::ApiError;

/// An answer, whole.
pub type Response = http::Response<Bytes>;

/// The media type of data.
pub const JSON: &str = "application/json";
/// The media type of pages.
pub const HTML: &str = "text/html; charset=utf-8";
/// The media type of a configuration with comments.
pub const JSONC: &str = "application/jsonc; charset=utf-8";

/// The media type of data that goes on and on, a line each (jsonlines.org).
pub const JSON_LINES: &str = "application/jsonl; charset=utf-8";

/// What is left of a limit (draft-ietf-httpapi-ratelimit-headers-11).
pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// What the limits are.
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// 200 with `value` as JSON.
pub fn json(value: &impl Serialize) -> Result<Response, ApiError> {
    match serde_json::to_vec(value) {
        Ok(body) => Ok(with_body(StatusCode::OK, JSON, body)),
        Err(error) => Err(ApiError::Internal(error.to_string())),
    }
}

/// 202 with `value` as JSON: it is written down, and will be done.
pub fn accepted(value: &impl Serialize) -> Result<Response, ApiError> {
    let mut response = json(value)?;
    *response.status_mut() = StatusCode::ACCEPTED;
    Ok(response)
}

/// An answer of this media type.
pub fn with_body(status: StatusCode, media_type: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

//! The wrapping that every v4 route answers in: `{success, errors, messages, result, result_info?}`.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::error::ApiError;

/// What a handler answers with when it does not refuse.
#[derive(Debug)]
pub(crate) enum Reply {
    /// A result for the envelope.
    Json { status: StatusCode, result: Value, info: Option<Value> },
    /// Outside the envelope: an object's own bytes, or what the S3 face says.
    Raw { status: StatusCode, headers: HeaderMap, body: Bytes },
}

impl Reply {
    pub(crate) fn ok(result: Value) -> Self {
        Self::Json { status: StatusCode::OK, result, info: None }
    }

    pub(crate) fn created(result: Value) -> Self {
        Self::Json { status: StatusCode::CREATED, result, info: None }
    }

    /// A page of a list together with what tells the caller about the next page.
    pub(crate) fn page(result: Value, info: Value) -> Self {
        Self::Json { status: StatusCode::OK, result, info: Some(info) }
    }

    pub(crate) fn into_response(self) -> Response<Bytes> {
        match self {
            Self::Json { status, result, info } => {
                let mut body = json!({"success": true, "errors": [], "messages": [], "result": result});
                if let (Some(info), Some(fields)) = (info, body.as_object_mut()) {
                    fields.insert("result_info".to_owned(), info);
                }
                json_response(status, &body)
            }
            Self::Raw { status, headers, body } => {
                let mut response = Response::new(body);
                *response.status_mut() = status;
                *response.headers_mut() = headers;
                response
            }
        }
    }
}

impl ApiError {
    /// The refusal in its envelope.
    pub(crate) fn into_response(self) -> Response<Bytes> {
        let errors = json!([{"code": self.code, "message": self.message}]);
        let body = json!({"success": false, "errors": errors, "messages": [], "result": null});
        json_response(self.status, &body)
    }
}

pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Text outside the envelope: what the edge in front of the API answers, or the emulator itself.
pub(crate) fn text_response(status: StatusCode, content_type: &'static str, body: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// 429 with `retry-after`. Which code the body has is in no source that could be found, so it has none: look at the status.
pub(crate) fn too_many_requests(retry_after: i64) -> Response<Bytes> {
    let body = json!({"success": false, "errors": [], "messages": [], "result": null});
    let mut response = json_response(StatusCode::TOO_MANY_REQUESTS, &body);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
    response
}

//! One call on its way to a handler: parameters of its path, query, headers, parsed body.

use std::sync::MutexGuard;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Method, Uri, header};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::emulator::Emulator;
use crate::error::ApiError;
use crate::world::{World, bucket_key};

/// A request body, parsed once for both the journal and the handler.
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    Empty,
    /// Anything that is JSON, whatever its content type: wrangler sends some of it as `text/plain`.
    Json(Value),
    Multipart(Vec<Part>),
    Bytes(Bytes),
    /// Says that it is multipart and is not.
    Malformed {
        bytes: Bytes,
        why: String,
    },
}

/// One part of a multipart body.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub name: String,
    pub filename: Option<String>,
    pub content_type: String,
    pub bytes: Bytes,
}

impl Payload {
    /// Parse by content type; raw bytes stay raw where the route takes an object.
    pub(crate) async fn parse(headers: &HeaderMap, bytes: Bytes, raw: bool) -> Self {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        if bytes.is_empty() && !raw {
            return Self::Empty;
        }
        if raw {
            return Self::Bytes(bytes);
        }
        if content_type.starts_with("multipart/form-data") {
            return match parts(content_type, bytes.clone()).await {
                Ok(parts) => Self::Multipart(parts),
                Err(error) => Self::Malformed { bytes, why: error.to_string() },
            };
        }
        match serde_json::from_slice(&bytes) {
            Ok(value) => Self::Json(value),
            Err(_) => Self::Bytes(bytes),
        }
    }
}

async fn parts(content_type: &str, bytes: Bytes) -> Result<Vec<Part>, multer::Error> {
    let boundary = multer::parse_boundary(content_type)?;
    let body = stream::once(std::future::ready(Ok::<_, std::convert::Infallible>(bytes)));
    let mut form = multer::Multipart::new(body, boundary);
    let mut parts = Vec::new();
    while let Some(field) = form.next_field().await? {
        let name = field.name().unwrap_or_default().to_owned();
        let filename = field.file_name().map(str::to_owned);
        // Not `field.content_type()`: that parses and would lose `application/javascript+module`'s exact form.
        let content_type = field
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("application/octet-stream")
            .to_owned();
        let bytes = field.bytes().await?;
        parts.push(Part { name, filename, content_type, bytes });
    }
    Ok(parts)
}

/// What a handler gets.
#[derive(Clone)]
pub(crate) struct Call {
    /// The emulator, over an older world in a stale read.
    pub emulator: Emulator,
    pub method: Method,
    /// As it came, still percent-encoded.
    pub uri: Uri,
    /// As the route's pattern names them, percent-decoded.
    pub params: Vec<(String, String)>,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub payload: Payload,
    /// Milliseconds since the epoch; one and the same through the whole call.
    pub now: i64,
}

impl Call {
    /// A parameter of the path; empty if the route has none of that name.
    pub(crate) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.query(name) == Some("true")
    }

    /// A number in the query, kept between 1 and `max`.
    pub(crate) fn size(&self, name: &str, default: usize, max: usize) -> usize {
        self.query(name).and_then(|text| text.parse().ok()).unwrap_or(default).clamp(1, max)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.emulator.world()
    }

    /// The body as JSON of this type; what `refuse` makes of the reason otherwise.
    pub(crate) fn json<T: DeserializeOwned>(
        &self,
        refuse: impl Fn(&dyn std::fmt::Display) -> ApiError,
    ) -> Result<T, ApiError> {
        match &self.payload {
            Payload::Json(value) => T::deserialize(value).map_err(|error| refuse(&error)),
            Payload::Empty => Err(refuse(&"the body is empty")),
            _ => Err(refuse(&"the body is not JSON")),
        }
    }

    /// Key of the bucket that the path and the jurisdiction header name.
    pub(crate) fn bucket(&self) -> String {
        bucket_key(self.param("bucket"), self.jurisdiction())
    }

    pub(crate) fn jurisdiction(&self) -> &str {
        self.header("cf-r2-jurisdiction").unwrap_or("default")
    }

    /// `wrangler` or `api`: what Cloudflare shows as the origin of a deployment.
    pub(crate) fn source(&self) -> &'static str {
        if self.header("user-agent").is_some_and(|agent| agent.starts_with("wrangler/")) { "wrangler" } else { "api" }
    }
}

/// Percent-decode one segment of a path.
pub(crate) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Percent-decode an object's key, in which an escaped `/` stays escaped: R2 wants slashes literal (API page of the route), so
/// a client that escapes them must not find its object.
pub(crate) fn decode_key(text: &str) -> String {
    let pieces: Vec<String> = text.replace("%2f", "%2F").split("%2F").map(decode).collect();
    pieces.join("%2F")
}

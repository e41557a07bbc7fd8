//! A request as a handler gets it: found its route, and not read further.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST, HeaderName};
use http::{HeaderMap, HeaderValue, Method};
use matchit::Params;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value as Json};

use super::MAX_BODY_BYTES;
use super::address::CF_CONNECTING_IP;
use super::body::Fields;
use super::error::ApiError;
use super::idempotency::{Kept, Key};
use super::query::Query;
use super::reply::{JSON, Response};
use crate::app::App;

/// The media types of a body that are read.
pub(super) const MEDIA_TYPES_READ: [&str; 2] = ["application/json", "application/merge-patch+json"];

/// A request, and the plane that it is asked of.
pub struct Call {
    /// The plane.
    pub app: App,
    /// The request's id, `req_` and 16 hexadecimal digits.
    pub request_id: String,
    /// The query's parameters. Whoever reads them ends with [`Query::finish`].
    pub query: Query,
    /// The key of a request that may be sent again; of a handler's answer that is not 200 it sees to it that the answer is
    /// kept with what it does.
    pub key: Option<Key>,
    pub(super) method: Method,
    pub(super) address: String,
    pub(super) params: Vec<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Call {
    /// What the address has at its `at`th `{…}`, counted from 0; empty where the address has none.
    pub fn param(&self, at: usize) -> &str {
        self.params.get(at).map_or("", String::as_str)
    }

    /// The address that was asked, without its query.
    pub fn path(&self) -> &str {
        self.address.split('?').next().unwrap_or_default()
    }

    /// This call with `body` as its JSON and `query` behind its address, and without whatever else it came with.
    pub(super) fn with_json(&self, query: &str, body: String) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
        for name in [CF_CONNECTING_IP, HOST] {
            headers.extend(self.headers.get(&name).map(|value| (name, value.clone())));
        }
        Self {
            app: self.app.clone(),
            request_id: self.request_id.clone(),
            query: Query::parse(query),
            key: None,
            method: self.method.clone(),
            address: self.address.clone(),
            params: self.params.clone(),
            headers,
            body: body.into(),
        }
    }

    /// `answer` as it is to be kept for the request's key, if it has one.
    pub fn keep(&self, answer: &Response) -> Result<Option<Kept<'_>>, ApiError> {
        self.key.as_ref().map(|key| key.keep(&self.app, answer)).transpose()
    }

    /// A header that is text.
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The host that the caller asked, with its port if it has one of its own.
    pub fn host(&self) -> &str {
        self.header(HOST).unwrap_or_default()
    }

    /// The name of that host.
    pub fn hostname(&self) -> &str {
        let host = self.host();
        host.rsplit_once(':').map_or(host, |(name, _)| name)
    }

    /// A header that must be there, and be text.
    pub(super) fn header_or(&self, name: HeaderName, missing: ApiError, malformed: ApiError) -> Result<&str, ApiError> {
        self.headers.get(name).ok_or(missing)?.to_str().map_err(|_| malformed)
    }

    /// The body, which is to be a JSON object.
    pub fn json(&self) -> Result<Map<String, Json>, ApiError> {
        let media_type = self.header(CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !MEDIA_TYPES_READ.iter().any(|known| media_type.eq_ignore_ascii_case(known)) {
            return Err(ApiError::UnsupportedMediaType);
        }
        if self.body.len() > MAX_BODY_BYTES {
            return Err(ApiError::TooLarge);
        }
        match serde_json::from_slice(&self.body) {
            Ok(Json::Object(fields)) => Ok(fields),
            Ok(_) => Err(ApiError::invalid("", "must be a JSON object")),
            Err(error) => Err(ApiError::NotJson(error.to_string())),
        }
    }

    /// For what takes no body, or an empty object: a body that says more is refused, or its sender would think it heard.
    pub fn refuse_body(&self) -> Result<(), ApiError> {
        if self.body.is_empty() {
            return Ok(());
        }
        let mut complaints = Vec::new();
        Fields::new("", self.json()?, &mut complaints).finish();
        if complaints.is_empty() { Ok(()) } else { Err(ApiError::Invalid(complaints)) }
    }

    /// Whether the caller takes an answer of this media type (RFC 9110 § 12.5.1).
    pub(super) fn accepts(&self, produces: &'static str) -> Result<(), ApiError> {
        match self.header(ACCEPT) {
            Some(ranges) if !ranges.trim().is_empty() && !is_accepted(ranges, produces) => {
                Err(ApiError::NotAcceptable(produces))
            }
            _ => Ok(()),
        }
    }
}

/// What varies in an address, percent-decoded.
pub(super) fn decode(params: Params<'_, '_>) -> Result<Vec<String>, ApiError> {
    let decode = |text| percent_decode_str(text).decode_utf8().map(String::from);
    params
        .iter()
        .map(|(_, text)| decode(text))
        .collect::<Result<_, _>>()
        .map_err(|_| ApiError::Malformed("the address"))
}

/// Whether `media_type` is in one of the `ranges` of an `accept` header. The most specific range that it is in decides;
/// `q=0` excludes. A parameter such as `charset` is left aside.
fn is_accepted(ranges: &str, media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or_default();
    let (kind, _) = essence.split_once('/').unwrap_or_default();
    let mut best = (0, false);
    for range in ranges.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let is_excluded = parts.filter_map(|part| part.split_once('=')).any(|(parameter, value)| {
            parameter.trim().eq_ignore_ascii_case("q")
                && value.trim().trim_end_matches('0').trim_end_matches('.').trim_end_matches('0').is_empty()
        });
        let specific = match name.split_once('/') {
            _ if name.eq_ignore_ascii_case(essence) => 3,
            Some((range_kind, "*")) if range_kind.eq_ignore_ascii_case(kind) => 2,
            Some(("*", "*")) => 1,
            _ => 0,
        };
        if specific > best.0 {
            best = (specific, !is_excluded);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_range_says_whether_an_answer_is_taken() {
        let cases = [
            ("*/*", true),
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/*", true),
            ("text/html, */*;q=0.1", true),
            ("text/html", false),
            ("application/json;q=0", false),
            ("application/json; q=0.000, */*", false),
            ("application/json;q=0.001", true),
            ("*/*;q=0", false),
            ("*/*;q=0, application/json", true),
            ("text/*, image/png", false),
            ("json", false),
            (",,;;", false),
        ];
        for (ranges, expected) in cases {
            assert_eq!(is_accepted(ranges, "application/json"), expected, "{ranges}");
        }
    }
}

//! Entity tags (RFC 9110 § 8.8.3) and the requests that depend on them (§ 13.1).

use bytes::Bytes;
use http::header::{ETAG, IF_MATCH};
use http::{HeaderValue, StatusCode};
use sha2::{Digest, Sha256};

use super::call::Call;
use super::error::ApiError;
use super::reply::Response;
use crate::tenant::id::hex;

/// The tag of an answer: of its bytes, so that whatever is another answer has another tag.
fn tag(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    format!("\"{}\"", hex(digest.get(..12).unwrap_or(&digest)))
}

/// Whether a header's `list` has `tag`, or is `*`. A weak tag is as good as a strong one only where `is_weak_enough`.
fn lists(list: &str, tag: &str, is_weak_enough: bool) -> bool {
    let listed = |one: &str| one == "*" || one == tag || (is_weak_enough && one.strip_prefix("W/") == Some(tag));
    list.split(',').map(str::trim).any(listed)
}

/// Gives a good answer to a read its tag, or makes it a 304 when the caller has it already.
pub(super) fn answer_read(if_none_match: Option<&str>, mut response: Response) -> Response {
    if response.status() != StatusCode::OK {
        return response;
    }
    let tag = tag(response.body());
    if if_none_match.is_some_and(|list| lists(list, &tag, true)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Bytes::new();
    }
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

impl Call {
    /// Refuses a change of something that is not any more as its caller has seen it. `now` makes what a read of it would be
    /// answered now.
    pub fn refuse_if_changed(&self, now: impl FnOnce() -> Result<Response, ApiError>) -> Result<(), ApiError> {
        match self.header(IF_MATCH) {
            Some(list) if !lists(list, &tag(now()?.body()), false) => Err(ApiError::PreconditionFailed),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_a_list_and_a_weak_one_only_where_that_will_do() {
        let tag = tag(b"x");
        for (list, strong, weak) in [
            (tag.clone(), true, true),
            (format!("\"other\", {tag}"), true, true),
            (format!("W/{tag}"), false, true),
            ("*".to_owned(), true, true),
            (tag.trim_matches('"').to_owned(), false, false),
            (String::new(), false, false),
        ] {
            assert_eq!(lists(&list, &tag, false), strong, "{list}");
            assert_eq!(lists(&list, &tag, true), weak, "{list}");
        }
    }
}

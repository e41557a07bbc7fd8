//! Makes an outcome into what is sent: the body of a problem, the headers that every answer has, the line in the log.

use http::header::{ALLOW, CACHE_CONTROL, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use super::access_log::Entry;
use super::error::{ApiError, Problem};
use super::reply::{Response, with_body};

/// The header that carries a request's id.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_CONTENT_TYPE_OPTIONS: HeaderName = HeaderName::from_static("x-content-type-options");

/// The id that stands for none, of requests to a plane that is not configured.
const NO_REQUEST_ID: &str = "req_none";

/// The answer, and the line about it.
pub(super) fn complete(outcome: Result<Response, ApiError>, entry: Option<Entry<'_>>) -> Response {
    let id = entry.as_ref().map_or(NO_REQUEST_ID, |entry| &entry.request_id).to_owned();
    let mut response = match outcome {
        Ok(response) => {
            if let Some(entry) = entry {
                entry.write(response.status(), None);
            }
            response
        }
        Err(error) => {
            let problem = Problem::of(&error, &id);
            if let Some(entry) = entry {
                entry.write(problem.status(), Some(&problem));
            }
            refusal(&error, &problem)
        }
    };
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(X_REQUEST_ID, value);
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn refusal(error: &ApiError, problem: &Problem) -> Response {
    let body = serde_json::to_vec(problem).unwrap_or_default();
    let mut response = with_body(problem.status(), "application/problem+json", body);
    let header = match error {
        // RFC 6750 § 3.
        ApiError::TokenMissing => Some((WWW_AUTHENTICATE, "Bearer".to_owned())),
        ApiError::TokenMalformed | ApiError::TokenExpired | ApiError::TokenRevoked => {
            Some((WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"".to_owned()))
        }
        ApiError::ScopeMissing(scope) => {
            Some((WWW_AUTHENTICATE, format!("Bearer error=\"insufficient_scope\", scope=\"{}\"", scope.as_str())))
        }
        ApiError::MethodNotAllowed(allow) => Some((ALLOW, allow.clone())),
        ApiError::Unavailable(_) => Some((RETRY_AFTER, "5".to_owned())),
        _ => None,
    };
    if let Some((name, value)) = header
        && let Ok(value) = HeaderValue::try_from(value)
    {
        response.headers_mut().insert(name, value);
    }
    response
}

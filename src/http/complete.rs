//! Makes an outcome into what is sent: the body of a problem, the headers that every answer has, the line in the log.

use http::header::{ALLOW, CACHE_CONTROL, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};

use super::access_log::Entry;
use super::error::{ApiError, Problem};
use super::reply::{RATE_LIMIT, RATE_LIMIT_POLICY, Response, with_body};
use super::site;
use crate::access;
use crate::rate_limit::Refusal;
use crate::turnstile::Refusal as Challenge;

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
            let is_page = entry.as_ref().is_some_and(|entry| entry.is_page);
            if let Some(entry) = entry {
                entry.write(problem.status(), Some(&problem));
            }
            let mut response = refusal(&error, &problem);
            if is_page {
                let page = site::problem(&problem, &id);
                *response.body_mut() = page.body().clone();
                response.headers_mut().extend(page.headers().clone());
            }
            response
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
    let header = |name, value: String| vec![(name, value)];
    let headers = match error {
        // RFC 6750 § 3.
        ApiError::TokenMissing => header(WWW_AUTHENTICATE, "Bearer".to_owned()),
        ApiError::TokenMalformed | ApiError::TokenExpired | ApiError::TokenRevoked => {
            header(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"".to_owned())
        }
        ApiError::ScopeMissing(scope) => {
            header(WWW_AUTHENTICATE, format!("Bearer error=\"insufficient_scope\", scope=\"{}\"", scope.as_str()))
        }
        ApiError::NotOperator(access::Refusal::KeysUnavailable) => header(RETRY_AFTER, "5".to_owned()),
        ApiError::MethodNotAllowed(allow) => header(ALLOW, allow.clone()),
        ApiError::Unavailable(_) => header(RETRY_AFTER, "5".to_owned()),
        ApiError::RateLimited(Refusal::TooMany(policy)) => vec![
            (RATE_LIMIT, policy.header_when_used_up()),
            (RATE_LIMIT_POLICY, policy.header()),
            (RETRY_AFTER, policy.window_seconds.to_string()),
        ],
        ApiError::RateLimited(Refusal::Uncounted(_)) | ApiError::Challenge(Challenge::Unavailable) => {
            header(RETRY_AFTER, "60".to_owned())
        }
        ApiError::TooManySignUps { retry_after_s } => header(RETRY_AFTER, retry_after_s.to_string()),
        _ => Vec::new(),
    };
    for (name, value) in headers {
        response.headers_mut().extend(HeaderValue::try_from(value).map(|value| (name, value)));
    }
    response
}

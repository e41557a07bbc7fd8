//! Makes an outcome into what is sent: the body of a problem, the headers that every answer has, the line in the log.

use http::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, RETRY_AFTER,
    STRICT_TRANSPORT_SECURITY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};

use super::access_log::Entry;
use super::call::MEDIA_TYPES_READ;
use super::error::{ApiError, Problem};
use super::reply::{RATE_LIMIT, RATE_LIMIT_POLICY, Response, with_body};
use super::site;
use crate::access;
use crate::rate_limit::Refusal;
use crate::turnstile::Refusal as Challenge;

/// The header that carries a request's id.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What every answer has that does not say something else of the same. It is data: no page may show it, no script read it
/// from elsewhere, and nothing in it is to be run.
const ALWAYS: [(HeaderName, &str); 7] = [
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    // The limit of every request; a test sees to it that the numbers are the policy's.
    (RATE_LIMIT_POLICY, "\"requests\";q=300;w=60"),
    (REFERRER_POLICY, "no-referrer"),
    (STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

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
    for (name, value) in ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn refusal(error: &ApiError, problem: &Problem) -> Response {
    let body = serde_json::to_vec(problem).unwrap_or_default();
    let mut response = with_body(problem.status(), "application/problem+json", body);
    let header = |name, value: String| vec![(name, value)];
    let headers = match error {
        // RFC 6750 § 3: at least one parameter, and no error where no token was shown.
        ApiError::TokenMissing => header(WWW_AUTHENTICATE, "Bearer realm=\"tenant\"".to_owned()),
        ApiError::TokenMalformed | ApiError::TokenExpired | ApiError::TokenRevoked => {
            header(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"".to_owned())
        }
        ApiError::ScopeMissing(scope) => {
            header(WWW_AUTHENTICATE, format!("Bearer error=\"insufficient_scope\", scope=\"{}\"", scope.as_str()))
        }
        ApiError::NotOperator(access::Refusal::KeysUnavailable) => header(RETRY_AFTER, "5".to_owned()),
        // RFC 9110 § 15.5.2: a 401 without a challenge is none.
        ApiError::NotOperator(access::Refusal::NoToken | access::Refusal::Invalid(_)) => {
            header(WWW_AUTHENTICATE, "Cloudflare-Access".to_owned())
        }
        // No browser knows this scheme, so none asks for a password; a session begins with a form.
        ApiError::SignedOut => header(WWW_AUTHENTICATE, "Session realm=\"tenant\"".to_owned()),
        // RFC 9110 § 15.5.16.
        ApiError::UnsupportedMediaType => header(ACCEPT, MEDIA_TYPES_READ.join(", ")),
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

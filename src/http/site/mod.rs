//! The pages for people: forms in, pages out. What a form asks for is asked of the API's own handlers, in process, so that
//! both faces check the same, write the same, and refuse in the same words.

pub mod acts;
pub mod form;
pub mod home;
pub mod session;
pub mod sign_in;
pub mod signup;
pub mod tenant;

use http::header::{CONTENT_SECURITY_POLICY, HeaderName, LOCATION, REFERRER_POLICY};
use http::{HeaderValue, StatusCode};
use maud::Markup;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::call::Call;
use super::error::{ApiError, Problem};
use super::reply::{HTML, Response, with_body};
use crate::app::App;
use crate::pages::{Frame, error};

/// What a page may load and do; see [`crate::pages::layout`].
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// The same with Turnstile on it.
const POLICY_WITH_TURNSTILE: &str = "default-src 'none'; script-src 'self' https://challenges.cloudflare.com; \
     frame-src https://challenges.cloudflare.com; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// A page.
pub(super) fn page(status: StatusCode, markup: Markup) -> Response {
    with_policy(status, markup, POLICY)
}

fn with_policy(status: StatusCode, markup: Markup, policy: &'static str) -> Response {
    let mut response = with_body(status, HTML, markup.into_string());
    let headers: [(HeaderName, &'static str); 2] =
        [(CONTENT_SECURITY_POLICY, policy), (REFERRER_POLICY, "same-origin")];
    response.headers_mut().extend(headers.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}

/// Sends the browser on with a `GET` (RFC 9110 § 15.4.4), so that to load the page again repeats nothing.
pub(super) fn see_other(path: &str) -> Response {
    let mut response = with_body(StatusCode::SEE_OTHER, HTML, "");
    response.headers_mut().extend(HeaderValue::try_from(path).map(|path| (LOCATION, path)));
    response
}

/// Asks whoever has not come in for the tenant's token.
pub(super) fn sign_in(call: &Call) -> Response {
    see_other(&format!("/?name={}#open", utf8_percent_encode(call.param(0), NON_ALPHANUMERIC)))
}

/// What is around the page of somebody who has not come in. There is no session to act on, so nothing is proved by its
/// `csrf`; that a form comes from a page of this site the browser says ([`super::origin`]).
fn stranger() -> Frame<'static> {
    Frame { csrf: "", session: None }
}

/// The page of what went wrong.
pub(super) fn problem(problem: &Problem, request_id: &str) -> Response {
    let errors: Vec<&str> = problem.errors.iter().map(|error| error.detail.as_str()).collect();
    let is_signed_out = matches!(problem.status().as_u16(), 401 | 404);
    let next: &[(&str, &str)] = if is_signed_out { &[("Open your tenant", "/#open")] } else { &[] };
    let markup = error::problem(&error::Problem {
        frame: stranger(),
        status: problem.status().as_u16(),
        title: problem.title,
        detail: &problem.detail,
        errors: &errors,
        next,
        request_id,
    });
    page(problem.status(), markup)
}

impl Call {
    /// This call as the API would have it: with `body` as its JSON and `query` behind its address.
    pub(super) fn to_api(&self, query: &str, body: &Value) -> Self {
        self.with_json(query, body.to_string())
    }
}

/// What the API answered, to be shown.
pub(super) fn json_of(response: &Response) -> Result<Value, ApiError> {
    serde_json::from_slice(response.body()).map_err(|error| ApiError::Internal(error.to_string()))
}

/// Where the plane itself is: what a caller of the API writes before `/v1`.
pub(super) fn origin_of(call: &Call) -> String {
    let host = call.host();
    let scheme = if call.hostname() == "localhost" || call.hostname() == "127.0.0.1" { "http" } else { "https" };
    format!("{scheme}://{host}")
}

/// The address of a tenant that is called `name`.
fn address_of(app: &App, name: &str) -> String {
    app.config.url_of(&format!("{}{name}", app.config.prefixes.script))
}

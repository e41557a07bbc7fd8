//! The one call of Turnstile's server side, and what its answers mean.

use bytes::Bytes;
use form_urlencoded::Serializer;
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use serde_json::Value;

use super::{Keys, Refusal};
use crate::log::Level;

/// What siteverify says of a token.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// A person solved the challenge, there.
    Passed(Place),
    /// Nobody did; with Turnstile's code for why.
    Refused(Refusal, &'static str),
    /// Nobody knows.
    Unknown(Cause),
}

/// Where a challenge was solved.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    hostname: String,
    action: String,
}

/// Why nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No answer came.
    NoReply,
    /// An answer that is none: another status than 200, no JSON, no verdict.
    Unreadable,
    /// Turnstile has a fault, or a code that nobody knows.
    InternalError,
    /// Turnstile does not take the secret key, or the request.
    Misconfigured,
}

impl Place {
    /// Whether it is that one. A place that Turnstile does not name is no place.
    pub fn is(&self, hostname: &str, action: &str) -> bool {
        !hostname.is_empty() && self.hostname.eq_ignore_ascii_case(hostname) && self.action == action
    }
}

impl Cause {
    /// As it stands in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoReply => "no_reply",
            Self::Unreadable => "unreadable",
            Self::InternalError => "internal_error",
            Self::Misconfigured => "misconfigured",
        }
    }

    /// Whether another try may help.
    pub fn may_pass(self) -> bool {
        self != Self::Misconfigured
    }

    /// How much it matters: what does not pass by itself, a person has to put right.
    pub fn level(self) -> Level {
        if self.may_pass() { Level::Warn } else { Level::Error }
    }
}

/// The request. `key` makes a second one for the same token answer as the first; a UUID. `None` if there is no such URL.
pub fn request(keys: &Keys, token: &str, key: &str, address: Option<&str>) -> Option<Request<Bytes>> {
    let mut form = Serializer::new(String::new());
    form.append_pair("secret", keys.secret_key.expose());
    form.append_pair("response", token);
    form.append_pair("idempotency_key", key);
    if let Some(address) = address {
        form.append_pair("remoteip", address);
    }
    let request = Request::post(&keys.verify_url).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    request.body(form.finish().into()).ok()
}

/// What `response` means.
pub fn read(response: &Response<Bytes>) -> Answer {
    // Refusals come with 200, too. Anything else is from in front of siteverify, whatever its body says.
    let body = match response.status() {
        StatusCode::OK => serde_json::from_slice::<Value>(response.body()).ok(),
        _ => None,
    };
    let Some(body) = body else { return Answer::Unknown(Cause::Unreadable) };
    let text = |field| body.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    match body.get("success") {
        Some(Value::Bool(true)) => Answer::Passed(Place { hostname: text("hostname"), action: text("action") }),
        Some(Value::Bool(false)) => refused(body.get("error-codes").and_then(Value::as_array)),
        _ => Answer::Unknown(Cause::Unreadable),
    }
}

/// What the codes of a failure mean. One that is not about the token outweighs the others.
fn refused(codes: Option<&Vec<Value>>) -> Answer {
    let mut answer = Answer::Unknown(Cause::InternalError);
    for code in codes.into_iter().flatten() {
        answer = match code.as_str() {
            Some("invalid-input-response") => Answer::Refused(Refusal::Failed, "invalid-input-response"),
            Some("missing-input-response") => Answer::Refused(Refusal::Failed, "missing-input-response"),
            Some("timeout-or-duplicate") => Answer::Refused(Refusal::Spent, "timeout-or-duplicate"),
            Some("missing-input-secret" | "invalid-input-secret" | "bad-request") => {
                return Answer::Unknown(Cause::Misconfigured);
            }
            _ => return Answer::Unknown(Cause::InternalError),
        };
    }
    answer
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
        read(&Response::builder().status(status).body(body.into()).unwrap())
    }

    fn failure(codes: &[&str]) -> Answer {
        answer(200, json!({"success": false, "error-codes": codes}).to_string())
    }

    #[test]
    fn every_documented_code_has_its_meaning() {
        for (code, expected) in [
            ("missing-input-secret", Answer::Unknown(Cause::Misconfigured)),
            ("invalid-input-secret", Answer::Unknown(Cause::Misconfigured)),
            ("bad-request", Answer::Unknown(Cause::Misconfigured)),
            ("missing-input-response", Answer::Refused(Refusal::Failed, "missing-input-response")),
            ("invalid-input-response", Answer::Refused(Refusal::Failed, "invalid-input-response")),
            ("timeout-or-duplicate", Answer::Refused(Refusal::Spent, "timeout-or-duplicate")),
            ("internal-error", Answer::Unknown(Cause::InternalError)),
            ("something-new", Answer::Unknown(Cause::InternalError)),
        ] {
            assert_eq!(failure(&[code]), expected, "{code}");
        }
        assert_eq!(failure(&[]), Answer::Unknown(Cause::InternalError));
        assert_eq!(failure(&["timeout-or-duplicate", "internal-error"]), Answer::Unknown(Cause::InternalError));
    }

    #[test]
    fn only_a_plain_yes_with_200_is_a_yes() {
        let yes = json!({"success": true, "hostname": "a.example", "action": "sign-up"}).to_string();
        let place = Place { hostname: "a.example".to_owned(), action: "sign-up".to_owned() };
        assert_eq!(answer(200, yes.clone()), Answer::Passed(place));
        for status in [201, 204, 302, 400, 403, 429, 500, 503] {
            assert_eq!(answer(status, yes.clone()), Answer::Unknown(Cause::Unreadable), "{status}");
        }
        for body in
            ["", "true", "[true]", "{}", r#"{"success":"true"}"#, r#"{"success":1}"#, "<html>", r#"{"success":true"#]
        {
            assert_eq!(answer(200, body), Answer::Unknown(Cause::Unreadable), "{body}");
        }
    }

    #[test]
    fn a_place_has_to_be_named_whole() {
        let place = |hostname: &str, action: &str| Place { hostname: hostname.into(), action: action.into() };
        assert!(place("Plane.example", "sign-up").is("plane.EXAMPLE", "sign-up"));
        assert!(!place("plane.example", "sign-in").is("plane.example", "sign-up"));
        assert!(!place("plane.example.org", "sign-up").is("plane.example", "sign-up"));
        assert!(!place("", "sign-up").is("", "sign-up"));
    }

    proptest! {
        #[test]
        fn nothing_but_a_yes_passes(body in "\\PC{0,60}", status in 100u16..600) {
            prop_assert!(!matches!(answer(status, body), Answer::Passed(_)));
        }
    }
}

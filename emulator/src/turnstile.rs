//! Turnstile's siteverify: `POST https://challenges.cloudflare.com/turnstile/v0/siteverify`, whose host is not looked at here.
//!
//! Fields, error codes, lifetime and single use: developers.cloudflare.com/turnstile/get-started/server-side-validation. Dummy
//! keys and what they answer: developers.cloudflare.com/turnstile/troubleshooting/testing.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::call::{Call, Payload};
use crate::emulator::Emulator;
use crate::envelope::{Reply, json_response};
use crate::error::ApiError;
use crate::routes::{Found, Route, routes};
use crate::world::rfc3339;

/// Where its paths begin.
pub(crate) const PREFIX: &str = "/turnstile/";

const ROUTES: &[Route] = routes! {
    POST   "/turnstile/v0/siteverify" "turnstile.siteverify" siteverify;
};

/// Secret keys of Cloudflare's for tests: one that lets pass, one that does not, one to which each token is spent.
const ALWAYS_PASSES: &str = "1x0000000000000000000000000000000AA";
const ALWAYS_FAILS: &str = "2x0000000000000000000000000000000AA";
const ALWAYS_SPENT: &str = "3x0000000000000000000000000000000AA";
/// What the test site keys put into a form; the only token that the test secret keys take.
const DUMMY_TOKEN: &str = "XXXX.DUMMY.TOKEN.XXXX";

/// How long a token is good for.
const LIFETIME_MS: i64 = 300_000;
/// The longest token.
const MAX_TOKEN: usize = 2_048;

/// A challenge that somebody solved. The world keeps them by their token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Challenge {
    /// Of the widget that it was solved in.
    secret: String,
    hostname: String,
    action: String,
    solved_at: i64,
    /// The first check: with which idempotency key, if with any.
    redeemed: Option<Option<String>>,
}

/// Look a call up.
pub(crate) fn find(method: &Method, path: &str) -> Found {
    match ROUTES.iter().find(|route| route.path == path) {
        Some(route) if route.method == *method => Found::Route { route, params: Vec::new() },
        Some(_) => Found::OtherMethod,
        None => Found::Nothing,
    }
}

/// A refusal that no state leads to, with the error's message as Turnstile's code.
pub(crate) fn refusal(error: &ApiError) -> Response<Bytes> {
    json_response(error.status, &failure(&error.message))
}

fn failure(code: &str) -> Value {
    json!({"success": false, "error-codes": [code], "messages": []})
}

async fn siteverify(call: Call) -> Result<Reply, ApiError> {
    let answer = check(&call).unwrap_or_else(failure);
    let content_type = HeaderValue::from_static("application/json");
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]);
    Ok(Reply::Raw { status: StatusCode::OK, headers, body: Bytes::from(answer.to_string()) })
}

/// What a success answers, or the code of the failure.
fn check(call: &Call) -> Result<Value, &'static str> {
    let field = fields(call)?;
    let secret = field("secret").ok_or("missing-input-secret")?;
    let is_dummy = [ALWAYS_PASSES, ALWAYS_FAILS, ALWAYS_SPENT].contains(&secret.as_str());
    let mut world = call.world();
    if !is_dummy && !world.challenges.values().any(|challenge| challenge.secret == secret) {
        return Err("invalid-input-secret");
    }
    let token = field("response").ok_or("missing-input-response")?;
    if token.len() > MAX_TOKEN {
        return Err("invalid-input-response");
    }
    if is_dummy {
        return match secret.as_str() {
            _ if token != DUMMY_TOKEN => Err("invalid-input-response"),
            ALWAYS_PASSES => Ok(success(call.now, "localhost", "test")),
            ALWAYS_SPENT => Err("timeout-or-duplicate"),
            _ => Err("invalid-input-response"),
        };
    }
    let challenge = world.challenges.get_mut(&token).filter(|challenge| challenge.secret == secret);
    let challenge = challenge.ok_or("invalid-input-response")?;
    let key = field("idempotency_key");
    match &challenge.redeemed {
        Some(first) if key.is_none() || *first != key => return Err("timeout-or-duplicate"),
        _ if call.now - challenge.solved_at >= LIFETIME_MS => return Err("timeout-or-duplicate"),
        _ => challenge.redeemed = Some(key),
    }
    Ok(success(challenge.solved_at, &challenge.hostname, &challenge.action))
}

fn success(solved_at: i64, hostname: &str, action: &str) -> Value {
    json!({
        "success": true,
        "error-codes": [],
        "challenge_ts": rfc3339(solved_at),
        "hostname": hostname,
        "action": action,
        "cdata": "",
    })
}

/// The fields of a form or of a JSON object; an empty one counts as absent.
fn fields(call: &Call) -> Result<impl Fn(&str) -> Option<String>, &'static str> {
    let fields: Vec<(String, String)> = match &call.payload {
        Payload::Empty => Vec::new(),
        Payload::Bytes(form) if call.header("content-type") == Some("application/x-www-form-urlencoded") => {
            form_urlencoded::parse(form).into_owned().collect()
        }
        Payload::Json(Value::Object(object)) => {
            let text = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
            object.iter().filter_map(text).collect()
        }
        _ => return Err("bad-request"),
    };
    Ok(move |name: &str| {
        let found = fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    })
}

impl Emulator {
    /// A challenge that somebody solved on a page, in the widget of this secret key; its token. There is no widget without one.
    pub fn seed_challenge(&self, secret: &str, hostname: &str, action: &str) -> String {
        let solved_at = self.now();
        let mut world = self.world();
        let token = format!("0.{}", world.ids.uuid());
        let [secret, hostname, action] = [secret, hostname, action].map(str::to_owned);
        world.challenges.insert(token.clone(), Challenge { secret, hostname, action, solved_at, redeemed: None });
        token
    }
}

//! Cloudflare Access, as far as an application behind it needs it: the team's keys, tokens, and a page to sign in.
//!
//! The team has two keys, the one that signs and the one before it. Form of keys and claims:
//! <https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/>,
//! <https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/application-token/>.
//! There are no applications and policies: whoever asks for a token gets it.

pub(crate) mod key;
pub(crate) mod sign_in;

use std::sync::Arc;

use http::{Method, header};
use serde_json::{Value, json};

use crate::call::Call;
use crate::emulator::Emulator;
use crate::envelope::Reply;
use crate::error::ApiError;
use crate::routes::{Found, Route, routes};
use crate::world::hex_sha256;
use key::SigningKey;

/// Where it lies, at the team's address.
pub(crate) const PREFIX: &str = "/cdn-cgi/access/";

/// How long a token is good for, in seconds: Cloudflare's default for an application's session, 24 hours
/// (<https://developers.cloudflare.com/cloudflare-one/access-controls/access-settings/session-management/>).
const SESSION_SECONDS: i64 = 24 * 60 * 60;

/// What a call, rather than a person's browser, is answered.
const ROUTES: &[Route] = routes! {
    GET "/cdn-cgi/access/certs" "access.certs" certs;
};

/// Look a call up. `path` is the whole one.
pub(crate) fn find(method: &Method, path: &str) -> Found {
    match ROUTES.iter().find(|route| route.path == path) {
        Some(route) if route.method == *method => Found::Route { route, params: Vec::new() },
        Some(_) => Found::OtherMethod,
        None => Found::Nothing,
    }
}

/// Both keys as JSON Web Keys and as certificates, the former one first, as in the documentation's example.
async fn certs(call: Call) -> Result<Reply, ApiError> {
    let (former, current) = call.emulator.access_keys();
    let cert = |key: &SigningKey| json!({"kid": key.kid, "cert": key.certificate});
    let body = json!({
        "keys": [former.jwk(), current.jwk()],
        "public_cert": cert(&current),
        "public_certs": [cert(&former), cert(&current)],
    });
    let mut headers = http::HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    Ok(Reply::Raw { status: http::StatusCode::OK, headers, body: body.to_string().into() })
}

/// Whom a token is for.
#[derive(Debug, Clone, Copy)]
pub enum AccessIdentity<'a> {
    /// A person, by e-mail address.
    Person(&'a str),
    /// A script, by the client id of its service token.
    Service(&'a str),
}

impl Emulator {
    /// The claims of a token that is made now, for the application of this audience, by the team at this address.
    pub fn access_claims(&self, team_url: &str, audience: &str, identity: AccessIdentity<'_>) -> Value {
        let now = self.now().div_euclid(1_000);
        let mut claims = json!({
            "type": "app", "aud": [audience], "iss": team_url, "iat": now, "exp": now + SESSION_SECONDS,
        });
        let own = match identity {
            AccessIdentity::Person(email) => {
                let id = hex_sha256(email.as_bytes());
                json!({"email": email, "nbf": now, "sub": uuid(&id), "identity_nonce": &id[..16], "country": "US"})
            }
            AccessIdentity::Service(client_id) => json!({"common_name": client_id, "sub": ""}),
        };
        if let (Some(claims), Value::Object(own)) = (claims.as_object_mut(), own) {
            claims.extend(own);
        }
        claims
    }

    /// A token that says this, signed with the present key.
    pub fn access_token(&self, claims: &Value) -> String {
        let header = json!({"alg": "RS256", "kid": self.access_keys().1.kid, "typ": "JWT"});
        self.access_signed(&header.to_string(), &claims.to_string())
    }

    /// Whatever text, signed with the present key: for tokens that Access would never make.
    pub fn access_signed(&self, header: &str, payload: &str) -> String {
        self.access_keys().1.token(header, payload)
    }

    /// A new key takes the place of the present one, which stays as the former one; the one before goes.
    pub fn rotate_access_keys(&self) {
        self.world().access_rotations += 1;
    }

    /// The former key and the present one.
    pub(crate) fn access_keys(&self) -> (Arc<SigningKey>, Arc<SigningKey>) {
        let (seed, rotations) = (self.options().seed, self.world().access_rotations);
        (SigningKey::of(seed, rotations), SigningKey::of(seed, rotations + 1))
    }
}

fn uuid(hex: &str) -> String {
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32]].join("-")
}

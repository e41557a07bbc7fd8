//! Routes of the server for looking and poking inside, under `/__emulator/`: a path that Cloudflare does not use.
//!
//! What they do is what the methods of [`Emulator`] do. They need no token: the server listens on loopback only, and a page of
//! another origin, such as a tenant's, is turned away.

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::access::AccessIdentity;
use crate::call::decode;
use crate::emulator::Emulator;
use crate::envelope::json_response;
use crate::fault::Fault;
use crate::lacks::Lacks;

/// Where they are.
pub(crate) const PREFIX: &str = "/__emulator/";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    #[serde(default)]
    buckets: Vec<String>,
    #[serde(default)]
    objects: Vec<SeedObject>,
    #[serde(default)]
    scripts: Vec<SeedScript>,
    #[serde(default)]
    applications: Vec<SeedApplication>,
}

#[derive(Deserialize)]
struct SeedObject {
    bucket: String,
    key: String,
    text: String,
}

#[derive(Deserialize)]
struct SeedScript {
    name: String,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Deserialize)]
struct SeedApplication {
    name: String,
    image: String,
}

/// Whom a token is for: exactly one of the two. `claims` come over those of a usual token; null takes one away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccessToken {
    audience: String,
    email: Option<String>,
    service_token: Option<String>,
    #[serde(default)]
    claims: Map<String, Value>,
}

impl AccessToken {
    fn make(self, emulator: &Emulator, team_url: &str) -> Result<String, Refusal> {
        let identity = match (&self.email, &self.service_token) {
            (Some(email), None) => AccessIdentity::Person(email),
            (None, Some(client_id)) => AccessIdentity::Service(client_id),
            _ => return Err(bad(&"say email or service_token")),
        };
        let mut claims = emulator.access_claims(team_url, &self.audience, identity);
        if let Some(claims) = claims.as_object_mut() {
            claims.extend(self.claims);
            claims.retain(|_, value| !value.is_null());
        }
        Ok(emulator.access_token(&claims))
    }
}

/// A refusal of these routes: status and why.
type Refusal = (StatusCode, String);

fn bad(error: &dyn std::fmt::Display) -> Refusal {
    (StatusCode::BAD_REQUEST, error.to_string())
}

fn broken(error: &dyn std::fmt::Display) -> Refusal {
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}

/// Answer a call whose path starts with [`PREFIX`].
pub(crate) async fn handle(
    emulator: &Emulator,
    method: &Method,
    path: &str,
    query: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Response<Bytes> {
    let result = if from_elsewhere(headers) {
        Err((StatusCode::FORBIDDEN, "not for pages of another origin".to_owned()))
    } else {
        answer(emulator, method, path, query, headers, body).await
    };
    match result {
        Ok(value) => json_response(StatusCode::OK, &value),
        Err((status, error)) => json_response(status, &json!({"error": error})),
    }
}

/// Whether a browser sent this for a page that is not the server's own.
pub(crate) fn from_elsewhere(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    text(header::ORIGIN).is_some_and(|origin| {
        let host = origin.split_once("://").map_or("", |(_, host)| host);
        Some(host) != text(header::HOST)
    })
}

async fn answer(
    emulator: &Emulator,
    method: &Method,
    path: &str,
    query: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Value, Refusal> {
    let segments: Vec<&str> = path.strip_prefix(PREFIX).unwrap_or("").split('/').collect();
    match (method.as_str(), segments.as_slice()) {
        ("GET", ["health"]) => Ok(json!({"status": "ok"})),
        ("GET", ["journal"]) => serde_json::to_value(emulator.journal()).map_err(|error| broken(&error)),
        ("DELETE", ["journal"]) => {
            emulator.clear_journal();
            Ok(json!({}))
        }
        ("GET", ["faults"]) => serde_json::to_value(emulator.faults()).map_err(|error| broken(&error)),
        ("POST", ["faults"]) => {
            let fault: Fault = serde_json::from_slice(body).map_err(|error| bad(&error))?;
            Ok(json!({"id": emulator.fault(fault)}))
        }
        ("DELETE", ["faults"]) => {
            emulator.clear_faults();
            Ok(json!({}))
        }
        ("GET", ["lacks"]) => {
            serde_json::to_value(emulator.with_lacks(|lacks| lacks.clone())).map_err(|error| broken(&error))
        }
        ("PUT", ["lacks"]) => {
            let lacks: Lacks = serde_json::from_slice(body).map_err(|error| bad(&error))?;
            emulator.lack(lacks);
            Ok(json!({}))
        }
        ("GET", ["state"]) => {
            let state = emulator.state().await.map_err(|error| broken(&error))?;
            serde_json::to_value(state).map_err(|error| broken(&error))
        }
        ("POST", ["reset"]) => {
            emulator.reset().await.map_err(|error| broken(&error))?;
            Ok(json!({}))
        }
        ("POST", ["seed"]) => {
            seed(emulator, serde_json::from_slice(body).map_err(|error| bad(&error))?).await?;
            Ok(json!({}))
        }
        ("POST", ["scripts", script, "scheduled"]) => {
            let script = decode(script);
            if emulator.route_enabled(&script).is_none() {
                return Err((StatusCode::NOT_FOUND, format!("no Worker {script}")));
            }
            let cron = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "cron");
            let cron = cron.map(|(_, cron)| cron.into_owned()).unwrap_or_default();
            emulator.run_cron(&script, &cron).await.map_err(|error| broken(&error))?;
            Ok(json!({}))
        }
        ("POST", ["access", "rotate"]) => {
            emulator.rotate_access_keys();
            emulator.save().map_err(|error| broken(&error))?;
            Ok(json!({"kid": emulator.access_keys().1.kid}))
        }
        ("POST", ["access", "token"]) => {
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
            let asked: AccessToken = serde_json::from_slice(body).map_err(|error| bad(&error))?;
            Ok(json!({"token": asked.make(emulator, &format!("http://{host}"))?}))
        }
        _ => Err((StatusCode::NOT_FOUND, format!("no route {method} {path}"))),
    }
}

async fn seed(emulator: &Emulator, seed: Seed) -> Result<(), Refusal> {
    for bucket in seed.buckets {
        emulator.seed_bucket(&bucket).await.map_err(|error| broken(&error))?;
    }
    for SeedObject { bucket, key, text } in seed.objects {
        emulator.seed_object(&bucket, &key, text).await.map_err(|error| broken(&error))?;
    }
    for SeedScript { name, tags } in seed.scripts {
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        emulator.seed_script(&name, &tags);
    }
    for SeedApplication { name, image } in seed.applications {
        emulator.seed_application(&name, &image);
    }
    emulator.save().map_err(|error| broken(&error))
}

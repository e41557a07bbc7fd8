//! The whole plane in memory, with one tenant, alice: real routes, real SQL. From outside it gets the keys of Access and
//! nothing else, for no request calls Cloudflare.

use std::cell::RefCell;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::task::noop_waker;
use http::{Request, Response};
use paramita::access::native::Native;
use paramita::app::{App, Ports};
use paramita::clock::{Clock, ManualClock, Timestamp};
use paramita::cloudflare::{Transport, TransportError};
use paramita::entropy::SeededEntropy;
use paramita::log::MemoryLog;
use paramita::rate_limit::MemoryRateLimiter;
use paramita::registry::db::{Db, Statement};
use paramita::registry::sqlite::Sqlite;
use paramita::wake::{Nudge, WakeUp};
use serde_json::Value;

use crate::fixtures::{Blobs, Published, settings};
use crate::operator;

/// 2026-11-01, noon.
const START: Timestamp = Timestamp(1_793_534_400_000);

/// What the body of a form is.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// A value that one of alice's secrets has.
pub const PLANTED: &str = "planted-7f3a91c2e8";

/// A database with alice in it, as every input finds it.
#[derive(Clone)]
struct Registry {
    database: Arc<Sqlite>,
    written: String,
    words: Words,
}

/// What a seed cannot know.
#[derive(Clone, Default)]
pub struct Words {
    /// Alice's token.
    pub token: String,
    /// The cookie of a session that began with it.
    pub session: String,
    /// What goes with the forms of that session.
    pub csrf: String,
    /// What goes with the forms of the operator's pages.
    pub desk: String,
}

thread_local! {
    static REGISTRY: RefCell<Option<Registry>> = const { RefCell::new(None) };
}

/// The plane as one input finds it: the same for each.
pub struct Plane {
    app: App,
    log: Arc<MemoryLog>,
    registry: Registry,
}

/// Nobody.
struct NoReply;

impl Transport for NoReply {
    fn send(&self, _request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(std::future::ready(Err(TransportError::TimedOut)))
    }
}

/// The team of Access, which has one key.
struct Team;

impl Transport for Team {
    fn send(&self, _request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(std::future::ready(Ok(Response::new(operator::keys().into()))))
    }
}

/// Rounds are no part of a request.
struct NoWake;

impl WakeUp for NoWake {
    fn nudge(&self, _nudge: Nudge, _delay_seconds: u32) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

impl Plane {
    /// A plane over the database of the input before, if that left it as it was.
    pub fn new() -> Self {
        let registry = REGISTRY.take().unwrap_or_else(registry);
        let (app, log) = app(Arc::clone(&registry.database), 2);
        Self { app, log, registry }
    }

    /// What stands in an input for what no input can know.
    pub fn words(&self) -> &Words {
        &self.registry.words
    }

    /// Answers a request.
    pub fn answer(&self, request: Request<Bytes>) -> Response<Bytes> {
        finish(paramita::http::handle(&self.app, request))
    }

    /// The lines of the log so far.
    pub fn lines(&self) -> Vec<String> {
        self.log.lines().iter().map(ToString::to_string).collect()
    }

    /// Ends with it. Whether anything was written.
    pub fn ends_changed(self) -> bool {
        let is_changed = dump(&self.registry.database) != self.registry.written;
        if !is_changed {
            REGISTRY.set(Some(self.registry));
        }
        is_changed
    }
}

fn app(database: Arc<Sqlite>, seed: u64) -> (App, Arc<MemoryLog>) {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(START));
    let log = Arc::new(MemoryLog::default());
    let ports = Ports {
        db: database,
        transport: Arc::new(NoReply),
        keys: Arc::new(Team),
        verifier: Arc::new(Native),
        clock: Arc::clone(&clock),
        entropy: Arc::new(SeededEntropy::new(seed)),
        wake: Arc::new(NoWake),
        releases: Arc::new(Blobs(Published::guide().blobs)),
        rate_limiter: Arc::new(MemoryRateLimiter::new(clock)),
        log: log.clone(),
    };
    (App::new(settings(&operator::SETTINGS), ports), log)
}

fn registry() -> Registry {
    let Ok(database) = Sqlite::in_memory().map(Arc::new) else { panic!("no database") };
    let release = Published::guide();
    let args = vec![release.id.as_str().into(), release.manifest.to_string().into(), START.0.into()];
    let sql = "INSERT INTO release (id, manifest, created_at_ms, default_since_ms) VALUES (?1, ?2, ?3, ?3)";
    assert!(finish(database.batch(vec![Statement { sql, args }])).is_ok());

    let (app, _) = app(Arc::clone(&database), 1);
    let body = serde_json::json!({"name": "alice", "secrets": {"ANTHROPIC_API_KEY": PLANTED}}).to_string();
    let signed_up = finish(paramita::http::handle(&app, request("POST", "/v1/tenants", &[], body)));
    let answer: Value = serde_json::from_slice(signed_up.body()).unwrap_or_default();
    let Some(token) = answer["token"].as_str().map(str::to_owned) else { panic!("{answer}") };
    // The first use of a token is noted; the next of the same minute are not.
    let headers = [("authorization", format!("Bearer {token}"))];
    finish(paramita::http::handle(&app, request("GET", "/v1/tenants/alice", &headers, String::new())));
    let words = begin_session(&app, token);
    let written = dump(&database);
    Registry { database, written, words }
}

fn begin_session(app: &App, token: String) -> Words {
    let form = [("content-type", FORM.to_owned()), ("sec-fetch-site", "same-origin".to_owned())];
    let body = format!("name=alice&token={token}");
    let begun = finish(paramita::http::handle(app, request("POST", "/session", &form, body)));
    let cookie = begun.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok()).unwrap_or_default();
    let session = cookie.split(';').next().unwrap_or_default().to_owned();
    let headers = [("cookie", session.clone())];
    let csrf = proof(app, "/tenants/alice", &headers);
    let desk = proof(app, "/admin/invites", &[("cf-access-jwt-assertion", operator::TOKEN.to_owned())]);
    Words { token, session, csrf, desk }
}

/// What the forms of a page carry.
fn proof(app: &App, address: &str, headers: &[(&str, String)]) -> String {
    let page = finish(paramita::http::handle(app, request("GET", address, headers, String::new())));
    let page = String::from_utf8_lossy(page.body());
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap_or_else(|| panic!("{page}"));
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// Every row, but for the calls that are booked: a look at the deployment costs some.
fn dump(database: &Sqlite) -> String {
    let all = database.dump().unwrap_or_else(|error| panic!("{error}"));
    all.lines().filter(|line| !line.starts_with("api_budget:")).flat_map(|line| [line, "\n"]).collect()
}

/// A request of these headers; without those that no request can have.
pub fn request(method: &str, address: &str, headers: &[(&str, String)], body: String) -> Request<Bytes> {
    let mut request = Request::new(Bytes::from(body));
    *request.method_mut() = method.parse().unwrap_or_default();
    *request.uri_mut() = address.parse().unwrap_or_default();
    let all = headers.iter().map(|(name, value)| (*name, value.as_str()));
    for (name, value) in [("content-type", "application/json")].into_iter().chain(all) {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), http::HeaderValue::try_from(value)) {
            request.headers_mut().insert(name, value);
        }
    }
    request
}

/// What comes of something that waits for nothing but the clock, which moves by itself.
pub fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    for _ in 0..1_000 {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(&noop_waker())) {
            return result;
        }
    }
    panic!("it does not end");
}

//! The whole plane in one process: the real router, rounds, SQL and client, against the emulator's router. Time stands
//! still until a test moves it, chance comes from a seed, and nudges wait until a test delivers them.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use cloudflare_emulator::{Dropped, Emulator, Options};
use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use paramita::app::{App, Ports};
use paramita::clock::{Clock, ManualClock, Timestamp};
use paramita::cloudflare::{Transport, TransportError};
use paramita::config::Config;
use paramita::entropy::SeededEntropy;
use paramita::jobs::TickReport;
use paramita::reconcile::Report;
use paramita::registry::db::{Db, DbError, Outcome, Statement};
use paramita::registry::sqlite::Sqlite;
use paramita::release::store::{ReleaseStore, StoreError};
use paramita::wake::{Nudge, WakeUp};
use serde_json::Value as Json;
use tower::ServiceExt;

use crate::fixtures::Published;

/// Rounds after which a plane that is still not quiet is taken to run for ever.
const MOST_ROUNDS: usize = 60;

/// What a call takes, in the time of tokio's paused clock: so that elapsed seconds count calls in sequence.
pub const CALL_SECONDS: u64 = 1;

/// 2026-11-01, noon.
const START: Timestamp = Timestamp(1_793_534_400_000);

/// A plane and its far side.
pub struct TestPlane {
    pub app: App,
    pub emulator: Emulator,
    pub database: Arc<Sqlite>,
    pub clock: Arc<ManualClock>,
    until_lost: Arc<AtomicU32>,
    until_hung: Arc<AtomicU32>,
    nudges: Arc<Nudges>,
    router: Router,
}

/// An answer, read.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: http::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.text))
    }

    /// The answer's JSON, after checking its status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Json {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.json()
    }

    /// The code of a problem, after checking that it is a whole one.
    #[track_caller]
    pub fn problem(&self, status: u16) -> String {
        let problem = self.expect(status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(problem["status"], status);
        for field in ["type", "title", "detail", "code", "request_id"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field} in {problem}");
        }
        problem["code"].as_str().unwrap().to_owned()
    }
}

/// The database behind a connection that can break.
struct Connection {
    database: Arc<Sqlite>,
    /// Batches still to be answered before one's answer is lost; 0: none is.
    until_lost: Arc<AtomicU32>,
    /// Batches still to be answered before one is never answered, nor carried out; 0: none is.
    until_hung: Arc<AtomicU32>,
}

impl Db for Connection {
    fn batch(&self, statements: Vec<Statement>) -> BoxFuture<'_, Result<Vec<Outcome>, DbError>> {
        Box::pin(async move {
            if self.until_hung.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) == Ok(1) {
                return std::future::pending().await;
            }
            let answer = self.database.batch(statements).await;
            let before = self.until_lost.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).unwrap_or(0);
            if before == 1 { Err(DbError::Other("the connection broke".into())) } else { answer }
        })
    }
}

struct InProcess(Emulator);

impl Transport for InProcess {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(CALL_SECONDS)).await;
            let answer = self.0.handle(request).await;
            answer.map_err(|dropped: Dropped| TransportError::Connection(dropped.to_string()))
        })
    }
}

#[derive(Default)]
struct Nudges(Mutex<VecDeque<(Nudge, u32)>>);

impl WakeUp for Nudges {
    fn nudge(&self, nudge: Nudge, delay_seconds: u32) -> BoxFuture<'_, ()> {
        self.0.lock().unwrap().push_back((nudge, delay_seconds));
        Box::pin(std::future::ready(()))
    }
}

struct Blobs(HashMap<String, Bytes>);

impl ReleaseStore for Blobs {
    fn get(&self, key: &str) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        Box::pin(std::future::ready(Ok(self.0.get(key).cloned())))
    }
}

/// The settings of a plane in which anyone may sign up.
pub fn settings(changes: &[(&str, &str)]) -> Config {
    let mut all = HashMap::from([
        ("CLOUDFLARE_ACCOUNT_ID", "0123456789abcdef0123456789abcdef"),
        ("CLOUDFLARE_API_TOKEN", "dev"),
        ("SEALING_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
        ("TENANT_URL", "https://{script}.example-account.workers.dev/"),
        ("SIGNUP_MODE", "open"),
    ]);
    all.extend(changes.iter().copied());
    Config::read(&|name| all.get(name).map(|value| (*value).to_owned())).unwrap()
}

impl TestPlane {
    /// A plane with a release of the guide's shape.
    pub async fn new() -> Self {
        Self::with(settings(&[]), Some(Published::guide())).await
    }

    pub async fn with(config: Config, release: Option<Published>) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let time = Arc::clone(&clock);
        let emulator = Emulator::new(Options { clock: Arc::new(move || time.now().0), ..Options::default() });
        let database = Arc::new(Sqlite::in_memory().unwrap());
        let until_lost = Arc::new(AtomicU32::new(0));
        let until_hung = Arc::new(AtomicU32::new(0));
        let nudges = Arc::new(Nudges::default());
        let blobs = release.as_ref().map(|release| release.blobs.clone()).unwrap_or_default();
        let ports = Ports {
            db: Arc::new(Connection {
                database: Arc::clone(&database),
                until_lost: Arc::clone(&until_lost),
                until_hung: Arc::clone(&until_hung),
            }),
            transport: Arc::new(InProcess(emulator.clone())),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy: Arc::new(SeededEntropy::new(1)),
            wake: Arc::clone(&nudges) as Arc<dyn WakeUp>,
            releases: Arc::new(Blobs(blobs)),
        };
        let app = App::new(config, ports);
        let router = paramita::http::router(app.clone());
        let plane = Self { app, emulator, database, clock, until_lost, until_hung, nudges, router };
        if let Some(release) = release {
            plane.publish(&release).await;
        }
        plane
    }

    /// Writes the release's row, as the publishing tool does.
    async fn publish(&self, release: &Published) {
        let args = vec![release.id.as_str().into(), release.manifest.to_string().into(), START.0.into()];
        let sql = "INSERT INTO release (id, manifest, created_at_ms, default_since_ms) VALUES (?1, ?2, ?3, ?3)";
        self.database.batch(vec![Statement { sql, args }]).await.unwrap();
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// A request with a body as it stands.
    pub async fn raw(&self, method: &str, path: &str, token: Option<&str>, body: impl Into<Body>) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    pub async fn post(&self, path: &str, body: &Json) -> Answer {
        self.raw("POST", path, None, body.to_string()).await
    }

    pub async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        self.raw("GET", path, token, Body::empty()).await
    }

    /// Signs a tenant up; returns its tokens' answer.
    pub async fn sign_up(&self, body: &Json) -> Json {
        self.post("/v1/tenants", body).await.expect(202)
    }

    /// Delivers nudges, moving the clock by their delays, until there are none. Returns the rounds that ran.
    pub async fn until_quiet(&self) -> Vec<Report> {
        let mut reports = Vec::new();
        for _ in 0..MOST_ROUNDS {
            let Some((nudge, delay_seconds)) = self.nudges.0.lock().unwrap().pop_front() else { return reports };
            self.clock.advance_ms(i64::from(delay_seconds) * 1_000);
            reports.extend(paramita::jobs::on_nudge(&self.app, nudge).await.unwrap());
        }
        panic!("not quiet after {MOST_ROUNDS} rounds; the last ended {:?}", reports.last());
    }

    /// The database does what it is asked, but the answer to the `nth` batch from now on is lost.
    pub fn lose_database_answer(&self, nth: u32) {
        self.until_lost.store(nth, SeqCst);
    }

    /// The `nth` batch from now on is never answered, nor carried out.
    pub fn hang_database(&self, nth: u32) {
        self.until_hung.store(nth, SeqCst);
    }

    /// A cron tick.
    pub async fn tick(&self) -> TickReport {
        paramita::jobs::on_tick(&self.app, "req_test").await
    }

    /// Runs SQL that the plane has no statement for.
    pub async fn sql(&self, sql: &'static str) -> Vec<Json> {
        self.database.batch(vec![Statement { sql, args: Vec::new() }]).await.unwrap().pop().unwrap().rows
    }

    /// Loses every nudge that waits.
    pub fn lose_nudges(&self) {
        self.nudges.0.lock().unwrap().clear();
    }

    /// Every operation that the emulator was asked for since the journal was cleared.
    pub fn calls(&self) -> Vec<String> {
        self.emulator.journal().into_iter().map(|entry| entry.kind).collect()
    }

    /// The tenant, as its owner sees it.
    pub async fn tenant(&self, name: &str, token: &str) -> Json {
        self.get(&format!("/v1/tenants/{name}"), Some(token)).await.expect(200)["tenant"].clone()
    }
}

/// A condition of a tenant.
#[track_caller]
pub fn condition(tenant: &Json, kind: &str) -> (String, String, String) {
    let conditions = tenant["conditions"].as_array().unwrap();
    let found = conditions.iter().find(|condition| condition["type"] == kind);
    let found = found.unwrap_or_else(|| panic!("no condition {kind} in {tenant}"));
    let text = |field: &str| found[field].as_str().unwrap().to_owned();
    (text("status"), text("reason"), text("message"))
}

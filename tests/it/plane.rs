//! The whole plane in one process: the real router, rounds, SQL and client, against the emulator's router. Time stands
//! still until a test moves it, chance comes from a seed, and nudges wait until a test delivers them.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use cloudflare_emulator::{Dropped, Emulator, Options, RateLimit};
use futures_util::future::BoxFuture;
use http::{HeaderValue, Request, Response, StatusCode};
use paramita::access::native::Native;
use paramita::app::{App, Ports};
use paramita::clock::{Clock, ManualClock, Timestamp};
use paramita::cloudflare::transport::TimeLimit;
use paramita::cloudflare::{Transport, TransportError};
use paramita::config::Config;
use paramita::entropy::SeededEntropy;
use paramita::jobs::TickReport;
use paramita::log::{Log, MemoryLog};
use paramita::rate_limit::{MemoryRateLimiter, RateLimiter};
use paramita::reconcile::Report;
use paramita::registry::db::{Db, DbError, Outcome, Statement};
use paramita::registry::sqlite::Sqlite;
use paramita::wake::{Nudge, WakeUp};
use serde_json::Value as Json;
use tokio::time::Instant;

pub use crate::fixtures::{API_TOKEN, settings};
use crate::fixtures::{Blobs, Published};

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
    call_ms: Arc<AtomicU64>,
    log: Arc<MemoryLog>,
    until_lost: Arc<AtomicU32>,
    until_hung: Arc<AtomicU32>,
    nudges: Arc<Nudges>,
    pub rate_limiter: Arc<MemoryRateLimiter>,
    /// How many were sent.
    requests: AtomicU32,
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

/// The database behind a connection that can break. Whoever asks it lets everybody else go on first, as over a network: so
/// requests that are sent at once are all under way at once.
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
            tokio::task::yield_now().await;
            let answer = self.database.batch(statements).await;
            tokio::task::yield_now().await;
            let before = self.until_lost.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).unwrap_or(0);
            if before == 1 { Err(DbError::Other("the connection broke".into())) } else { answer }
        })
    }
}

struct InProcess {
    emulator: Emulator,
    call_ms: Arc<AtomicU64>,
}

impl Transport for InProcess {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let takes = Duration::from_millis(self.call_ms.load(SeqCst));
            if let Some(TimeLimit(limit)) = request.extensions().get().filter(|TimeLimit(limit)| *limit < takes) {
                tokio::time::sleep(*limit).await;
                return Err(TransportError::TimedOut);
            }
            tokio::time::sleep(takes).await;
            let answer = self.emulator.handle(request).await;
            answer.map_err(|dropped: Dropped| TransportError::Connection(dropped.to_string()))
        })
    }
}

/// Nudges with their delays, and when they were sent.
#[derive(Default)]
struct Nudges(Mutex<VecDeque<(Nudge, u32, Instant)>>);

impl WakeUp for Nudges {
    fn nudge(&self, nudge: Nudge, delay_seconds: u32) -> BoxFuture<'_, ()> {
        self.0.lock().unwrap().push_back((nudge, delay_seconds, Instant::now()));
        Box::pin(std::future::ready(()))
    }
}

impl TestPlane {
    /// A plane with a release of the guide's shape.
    pub async fn new() -> Self {
        Self::with(settings(&[]), Some(Published::guide())).await
    }

    pub async fn with(config: Config, release: Option<Published>) -> Self {
        Self::over(config, release, None, |ports| ports).await
    }

    /// With Cloudflare's limit on calls, on ports that a test has put something in front of.
    pub async fn over(
        config: Config,
        release: Option<Published>,
        rate_limit: Option<RateLimit>,
        change: impl FnOnce(Ports) -> Ports,
    ) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let time = Arc::clone(&clock);
        let options = Options {
            clock: Arc::new(move || time.now().0),
            token: API_TOKEN.to_owned(),
            rate_limit,
            ..Options::default()
        };
        let emulator = Emulator::new(options);
        let call_ms = Arc::new(AtomicU64::new(CALL_SECONDS * 1_000));
        let database = Arc::new(Sqlite::in_memory().unwrap());
        let until_lost = Arc::new(AtomicU32::new(0));
        let until_hung = Arc::new(AtomicU32::new(0));
        let nudges = Arc::new(Nudges::default());
        let log = Arc::new(MemoryLog::default());
        let rate_limiter = Arc::new(MemoryRateLimiter::new(Arc::clone(&clock) as Arc<dyn Clock>));
        let blobs = release.as_ref().map(|release| release.blobs.clone()).unwrap_or_default();
        let wire: Arc<dyn Transport> =
            Arc::new(InProcess { emulator: emulator.clone(), call_ms: Arc::clone(&call_ms) });
        let ports = Ports {
            db: Arc::new(Connection {
                database: Arc::clone(&database),
                until_lost: Arc::clone(&until_lost),
                until_hung: Arc::clone(&until_hung),
            }),
            transport: Arc::clone(&wire),
            keys: wire,
            verifier: Arc::new(Native),
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            entropy: Arc::new(SeededEntropy::new(1)),
            wake: Arc::clone(&nudges) as Arc<dyn WakeUp>,
            releases: Arc::new(Blobs(blobs)),
            rate_limiter: Arc::clone(&rate_limiter) as Arc<dyn RateLimiter>,
            log: Arc::clone(&log) as Arc<dyn Log>,
        };
        let app = App::new(config, change(ports));
        let plane = Self {
            app,
            emulator,
            database,
            clock,
            call_ms,
            log,
            until_lost,
            until_hung,
            nudges,
            rate_limiter,
            requests: AtomicU32::new(0),
        };
        if let Some(release) = release {
            plane.publish(&release).await;
        }
        plane
    }

    /// Writes the release's row, as the publishing tool does.
    pub async fn publish(&self, release: &Published) {
        let args = vec![release.id.as_str().into(), release.manifest.to_string().into(), START.0.into()];
        let sql = "INSERT INTO release (id, manifest, created_at_ms, default_since_ms) VALUES (?1, ?2, ?3, ?3)";
        self.database.batch(vec![Statement { sql, args }]).await.unwrap();
    }

    /// Sends a request. One that does not say whose address it comes from comes from one of its own, so that nobody is
    /// counted with others unless a test is about that.
    pub async fn send(&self, mut request: Request<Bytes>) -> Answer {
        let [a, b, c, d] = self.requests.fetch_add(1, SeqCst).to_be_bytes();
        let address = HeaderValue::try_from(format!("2001:db8:{a:x}{b:02x}:{c:x}{d:02x}::1")).unwrap();
        request.headers_mut().entry("cf-connecting-ip").or_insert(address);
        let (parts, body) = paramita::http::handle(&self.app, request).await.into_parts();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// A request with a body as it stands.
    pub async fn raw(&self, method: &str, path: &str, token: Option<&str>, body: impl Into<Bytes>) -> Answer {
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
        self.raw("GET", path, token, Bytes::new()).await
    }

    /// Signs a tenant up; returns its tokens' answer.
    pub async fn sign_up(&self, body: &Json) -> Json {
        self.post("/v1/tenants", body).await.expect(202)
    }

    /// Delivers nudges, moving the clock by their delays, until there are none. Returns the rounds that ran.
    pub async fn until_quiet(&self) -> Vec<Report> {
        let mut reports = Vec::new();
        for _ in 0..MOST_ROUNDS {
            let Some((nudge, delay_seconds)) = self.next_nudge() else { return reports };
            self.clock.advance_ms(i64::from(delay_seconds) * 1_000);
            reports.extend(paramita::jobs::on_nudge(&self.app, nudge).await.unwrap());
        }
        panic!("not quiet after {MOST_ROUNDS} rounds; the last ended {:?}", reports.last());
    }

    /// Delivers the nudges that wait now, at once; what they ask for later is left for later.
    pub async fn round(&self) {
        let waiting: Vec<(Nudge, u32, Instant)> = self.nudges.0.lock().unwrap().drain(..).collect();
        for (nudge, _, _) in waiting {
            paramita::jobs::on_nudge(&self.app, nudge).await.unwrap();
        }
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What a call to Cloudflare takes from now on.
    pub fn calls_take(&self, time: Duration) {
        self.call_ms.store(u64::try_from(time.as_millis()).unwrap(), SeqCst);
    }

    /// A nudge whose delay is over at `now`.
    pub fn due_nudge(&self, now: Instant) -> Option<Nudge> {
        let mut waiting = self.nudges.0.lock().unwrap();
        let is_due = |(_, delay, sent): &(Nudge, u32, Instant)| *sent + Duration::from_secs((*delay).into()) <= now;
        let at = waiting.iter().position(is_due)?;
        waiting.remove(at).map(|(nudge, _, _)| nudge)
    }

    /// Delivers the first nudge that waits.
    pub async fn deliver_one(&self) -> Result<Option<Report>, paramita::registry::Error> {
        let (nudge, _, _) = self.nudges.0.lock().unwrap().pop_front().expect("a nudge waits");
        paramita::jobs::on_nudge(&self.app, nudge).await
    }

    /// The database does what it is asked, but the answer to the `nth` batch from now on is lost.
    pub fn lose_database_answer(&self, nth: u32) {
        self.until_lost.store(nth, SeqCst);
    }

    /// The nudge that has waited longest, and its delay in seconds.
    pub fn next_nudge(&self) -> Option<(Nudge, u32)> {
        self.nudges.0.lock().unwrap().pop_front().map(|(nudge, delay_seconds, _)| (nudge, delay_seconds))
    }

    /// The `nth` batch from now on is never answered, nor carried out.
    pub fn hang_database(&self, nth: u32) {
        self.until_hung.store(nth, SeqCst);
    }

    /// A cron tick.
    pub async fn tick(&self) -> TickReport {
        paramita::jobs::on_tick(&self.app).await
    }

    /// Runs SQL that the plane has no statement for.
    pub async fn sql(&self, sql: &'static str) -> Vec<Json> {
        self.database.batch(vec![Statement { sql, args: Vec::new() }]).await.unwrap().pop().unwrap().rows
    }

    /// Everything in the database, but for when tokens were last used and calls booked: even a look at something may be a
    /// use, or cost a call.
    pub fn written(&self) -> String {
        let dump = self.database.dump().unwrap();
        let without_use = |line: &str| match line.split_once("\"last_used_at_ms\":") {
            Some((before, after)) => format!("{before}{}\n", after.trim_start_matches(|c: char| c != ',')),
            None => format!("{line}\n"),
        };
        dump.lines().filter(|line| !line.starts_with("api_budget:")).map(without_use).collect()
    }

    /// Loses every nudge that waits.
    pub fn lose_nudges(&self) {
        self.nudges.0.lock().unwrap().clear();
    }

    /// Every operation that the emulator was asked for since the journal was cleared.
    pub fn calls(&self) -> Vec<String> {
        self.emulator.journal().into_iter().map(|entry| entry.kind).collect()
    }

    /// The lines of the log so far, each read as the JSON object that it must be.
    pub fn lines(&self) -> Vec<Json> {
        self.log.lines().iter().map(|line| serde_json::from_str(&line.to_string()).unwrap()).collect()
    }

    /// The lines of one event.
    pub fn lines_of(&self, event: &str) -> Vec<Json> {
        self.lines().into_iter().filter(|line| line["event"] == event).collect()
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

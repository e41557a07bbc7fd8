//! The emulator itself, and the way of a call through it.
//!
//! In this order: journal, latency, rate limit, fault, authentication, route, handler, snapshot. Calls take turns: a handler never
//! sees another one's half-done work.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures_util::future::{BoxFuture, ready};
use http::{HeaderValue, Request, Response, header};
use serde_json::Value;

use crate::call::{Call, Payload};
use crate::envelope::Reply;
use crate::error::ApiError;
use crate::face::Face;
use crate::fault::{Effect, Fault, FaultStatus, Faults};
use crate::journal::{Entry, Journal, summary};
use crate::lacks::Lacks;
use crate::limits::Limits;
use crate::routes::Found;
use crate::runtime::{InMemory, Listing, Runtime, RuntimeError};
use crate::snapshot::Store;
use crate::state::{self, State};
use crate::throttle::{RateLimit, Throttle, Verdict};
use crate::worker::Worker;
use crate::world::{World, http_date};
use crate::{lifecycle, limits, objects, writer};

/// Milliseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Told how many milliseconds a call takes; may wait, or move a manual clock, or do nothing.
pub type Delay = Arc<dyn Fn(u64) -> BoxFuture<'static, ()> + Send + Sync>;

/// Most earlier worlds kept for stale reads.
const HISTORY: usize = 16;

/// How to set an emulator up.
#[derive(Clone)]
pub struct Options {
    /// Account id, 32 hex digits.
    pub account: String,
    /// The only token that is let in.
    pub token: String,
    /// The account's workers.dev subdomain; `None` for an account that has not claimed one.
    pub subdomain: Option<String>,
    /// Where all times come from. By default time stands still at 2026-01-01.
    pub clock: Clock,
    /// Ids are derived from it, so that two emulators can be told apart.
    pub seed: u64,
    /// What each call takes, in milliseconds; handed to `on_delay`.
    pub latency_ms: u64,
    /// What a delay does. By default nothing; the journal has the number anyhow.
    pub on_delay: Delay,
    /// Off by default.
    pub rate_limit: Option<RateLimit>,
    /// What the account may hold.
    pub limits: Limits,
    /// How long a delete-by-prefix job takes, in milliseconds of the clock. With 0 it is done before the next call.
    pub job_ms: i64,
    /// How long a rollout takes, in milliseconds of the clock. With 0 it is done when next looked at.
    pub rollout_ms: i64,
    /// Where objects are and scripts run.
    pub runtime: Arc<dyn Runtime>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            account: "0123456789abcdef0123456789abcdef".to_owned(),
            token: "dev".to_owned(),
            subdomain: Some("example-account".to_owned()),
            clock: Arc::new(|| 1_767_225_600_000),
            seed: 0,
            latency_ms: 0,
            on_delay: Arc::new(|_| Box::pin(ready(()))),
            rate_limit: None,
            limits: Limits::default(),
            job_ms: 0,
            rollout_ms: 0,
            runtime: Arc::new(InMemory::default()),
        }
    }
}

/// Everything but the token and what cannot be shown.
impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("account", &self.account).field("seed", &self.seed).finish_non_exhaustive()
    }
}

/// The connection broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Dropped {
    /// Before the call acted: nothing has changed.
    #[error("the connection broke before the request was read")]
    Request,
    /// After the call acted: what it was to do is done.
    #[error("the connection broke before the reply was sent")]
    Reply,
}

/// The emulated account. Clones share everything.
#[derive(Clone)]
pub struct Emulator {
    inner: Arc<Inner>,
    /// The present world; an earlier one in the copy that answers a stale read.
    world: Arc<Mutex<World>>,
}

struct Inner {
    options: Options,
    turn: tokio::sync::Mutex<()>,
    journal: Mutex<Journal>,
    faults: Mutex<Faults>,
    throttle: Mutex<Throttle>,
    /// Worlds before the last writes, oldest first; kept only while a fault wants them.
    history: Mutex<VecDeque<World>>,
    /// Where the account is kept; `None` in memory only.
    store: Option<Store>,
    /// Whether the token has an R2 permission.
    token_has_r2: AtomicBool,
    lacks: Mutex<Lacks>,
}

/// Why an account on disk cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or the snapshot in it.
    #[error("the state cannot be read or written")]
    Store(#[from] std::io::Error),
    /// A Worker or bucket of the snapshot could not be brought back.
    #[error("the state cannot be brought back")]
    Runtime(#[from] RuntimeError),
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic in a test's own thread must not hide behind a second one here.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Emulator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emulator").field("options", &self.inner.options).finish_non_exhaustive()
    }
}

impl Emulator {
    /// An empty account, in memory only.
    pub fn new(options: Options) -> Self {
        let world = World::new(options.seed, options.subdomain.clone());
        Self::over(options, world, None)
    }

    /// The account that is kept in this directory, its Workers running again; an empty one in a new directory. Every change is
    /// saved before it is answered.
    pub async fn open(options: Options, directory: &Path) -> Result<Self, OpenError> {
        let store = Store::new(directory)?;
        let world = match store.load()? {
            None => World::new(options.seed, options.subdomain.clone()),
            Some((world, dump)) => {
                options.runtime.load(dump);
                for bucket in world.buckets.keys() {
                    options.runtime.put_bucket(bucket).await?;
                }
                for script in world.scripts.keys() {
                    if let Some(worker) = Worker::of(&world, script) {
                        options.runtime.put_worker(worker).await?;
                    }
                }
                world
            }
        };
        Ok(Self::over(options, world, Some(store)))
    }

    fn over(options: Options, world: World, store: Option<Store>) -> Self {
        let inner = Inner {
            options,
            turn: tokio::sync::Mutex::new(()),
            journal: Mutex::default(),
            faults: Mutex::default(),
            throttle: Mutex::default(),
            history: Mutex::default(),
            store,
            token_has_r2: AtomicBool::new(true),
            lacks: Mutex::default(),
        };
        Self { inner: Arc::new(inner), world: Arc::new(Mutex::new(world)) }
    }

    /// Answer one call, or break the connection. The path starts with `/client/v4`, with `/s3/ACCOUNT` for R2's S3 API, or with
    /// `/turnstile`, `/cdn-cgi/access` for a team of Access; host and scheme matter only in an S3 call, which signs its host.
    ///
    /// Never waits by itself: what takes time goes through `Options::on_delay`.
    pub async fn handle(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Dropped> {
        let now = self.now();
        let (head, body) = request.into_parts();
        let full_path = head.uri.path().to_owned();
        let face = Face::of(&full_path);
        let path = face.path(&full_path).to_owned();
        let query = head.uri.query().unwrap_or("").to_owned();
        let found = face.find(&head.method, &path, &query);
        let kind = match &found {
            Found::Route { route, .. } => route.kind,
            Found::OtherMethod | Found::Nothing => "unknown",
        };
        let raw = face == Face::S3 || matches!(kind, "r2.object.put" | "unknown");
        let payload = Payload::parse(&head.headers, body, raw).await;
        let n = lock(&self.inner.journal).begin(Entry {
            n: 0,
            at_ms: now,
            delayed_ms: 0,
            method: head.method.to_string(),
            path: if path.is_empty() { full_path.clone() } else { path.clone() },
            query: query.clone(),
            user_agent: text(head.headers.get(header::USER_AGENT)),
            kind: kind.to_owned(),
            status: None,
            code: None,
            fault: None,
            body: summary(kind, &payload),
        });

        self.delay(n, self.inner.options.latency_ms).await;
        let mut rate_headers = None;
        if let Some(limit) = self.inner.options.rate_limit.filter(|_| face.is_counted()) {
            let verdict = lock(&self.inner.throttle).take(limit, self.now());
            match verdict {
                Verdict::Refuse { retry_after } => return Ok(self.note(n, face.too_many_requests(retry_after))),
                Verdict::Pass { left, reset } => rate_headers = Some((limit, left, reset)),
            }
        }
        let struck = lock(&self.inner.faults).strike(head.method.as_str(), &path, kind);
        if let Some((id, effect)) = &struck {
            if *effect != Effect::StaleRead {
                lock(&self.inner.journal).amend(n, |entry| entry.fault = Some(*id));
            }
            match effect {
                Effect::RequestLost => return Err(Dropped::Request),
                Effect::Slow { ms } => self.delay(n, *ms).await,
                Effect::ReplyLost | Effect::StaleRead => {}
                other => {
                    if let Some(response) = other.instead(face) {
                        return Ok(self.note(n, response));
                    }
                }
            }
        }

        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let params = match &found {
            Found::Route { params, .. } => params.clone(),
            Found::OtherMethod | Found::Nothing => Vec::new(),
        };
        let (method, uri, headers) = (head.method, head.uri, head.headers);
        // Read again: a delay may have moved the clock.
        let call = Call { emulator: self.clone(), method, uri, params, query, headers, payload, now: self.now() };
        let _turn = self.inner.turn.lock().await;
        // Here and not in `answer`, which a stale read asks again over an older world: what is done must not be done twice.
        if let Err(error) = self.pass_time(&call, kind).await {
            return Ok(self.note(n, face.refusal(error.into())));
        }
        let mut response = self.answer(&call, &found, &full_path).await;
        match struck {
            Some((_, Effect::ReplyLost)) => {
                self.note(n, response);
                return Err(Dropped::Reply);
            }
            Some((id, Effect::StaleRead)) => {
                if let Some(stale) = self.stale(&call, &found, &full_path, &response).await {
                    lock(&self.inner.faults).confirm(id);
                    lock(&self.inner.journal).amend(n, |entry| entry.fault = Some(id));
                    response = stale;
                }
            }
            _ => {}
        }
        if let Some((limit, left, reset)) = rate_headers {
            let policy = format!("\"default\";q={};w={}", limit.calls, limit.window_ms / 1000);
            for (name, value) in
                [("ratelimit", format!("\"default\";r={left};t={reset}")), ("ratelimit-policy", policy)]
            {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    response.headers_mut().insert(name, value);
                }
            }
        }
        Ok(self.note(n, response))
    }

    async fn delay(&self, n: u64, ms: u64) {
        if ms > 0 {
            lock(&self.inner.journal).amend(n, |entry| entry.delayed_ms += ms);
            (self.inner.options.on_delay)(ms).await;
        }
    }

    /// Date and journal what was answered.
    fn note(&self, n: u64, mut response: Response<Bytes>) -> Response<Bytes> {
        let date = HeaderValue::from_str(&http_date(self.now()));
        response.headers_mut().extend(date.map(|date| (header::DATE, date)));
        let status = response.status();
        let code = (!status.is_success())
            .then(|| serde_json::from_slice::<Value>(response.body()).ok())
            .flatten()
            .and_then(|body| body.pointer("/errors/0/code")?.as_u64())
            .and_then(|code| u32::try_from(code).ok());
        lock(&self.inner.journal).amend(n, |entry| {
            entry.status = Some(status.as_u16());
            entry.code = code;
        });
        response
    }

    /// What happens by itself until the call acts: jobs, lifecycle rules, writers.
    async fn pass_time(&self, call: &Call, kind: &str) -> Result<(), RuntimeError> {
        objects::run_jobs(self, call.now).await?;
        let bucket = call.bucket();
        if self.world().buckets.contains_key(&bucket) {
            lifecycle::run(self, &bucket, call.now).await?;
            writer::write(self, &bucket, kind, call.now).await?;
        }
        Ok(())
    }

    async fn answer(&self, call: &Call, found: &Found, full_path: &str) -> Response<Bytes> {
        let face = Face::of(full_path);
        self.serve(face, call, found, full_path).await.map_or_else(|error| face.refusal(error), Reply::into_response)
    }

    async fn serve(&self, face: Face, call: &Call, found: &Found, full_path: &str) -> Result<Reply, ApiError> {
        face.authenticate(call, found)?;
        let handler = match found {
            Found::Route { route, .. } => route.handler,
            Found::OtherMethod => return Err(ApiError::no_method(&call.method)),
            Found::Nothing => return Err(ApiError::no_route(full_path)),
        };
        let before =
            (call.method != http::Method::GET && lock(&self.inner.faults).want_history()).then(|| self.world().clone());
        let result = handler(call.clone()).await;
        if let Some(before) = before {
            let mut history = lock(&self.inner.history);
            history.push_back(before);
            let surplus = history.len().saturating_sub(HISTORY);
            history.drain(..surplus);
        }
        if call.method != http::Method::GET
            && let Err(error) = self.save()
        {
            return Err(RuntimeError::Unavailable(error.to_string()).into());
        }
        result
    }

    /// Keep the account as it is now. Nothing for one in memory only.
    pub(crate) fn save(&self) -> std::io::Result<()> {
        match &self.inner.store {
            Some(store) => store.save(&self.world(), self.runtime().dump()),
            None => Ok(()),
        }
    }

    /// Whether requests from outside may reach the script: `None` if there is no such script.
    pub fn route_enabled(&self, script: &str) -> Option<bool> {
        self.world().scripts.get(script).map(|script| script.route_enabled)
    }

    /// Run a script's scheduled handler once, as its cron trigger would.
    pub async fn run_cron(&self, script: &str, cron: &str) -> Result<(), RuntimeError> {
        self.runtime().run_cron(script, cron).await
    }

    /// The newest earlier answer that differs from the present one.
    async fn stale(
        &self,
        call: &Call,
        found: &Found,
        full_path: &str,
        present: &Response<Bytes>,
    ) -> Option<Response<Bytes>> {
        let history: Vec<World> = lock(&self.inner.history).iter().rev().cloned().collect();
        for world in history {
            let emulator = Self { inner: Arc::clone(&self.inner), world: Arc::new(Mutex::new(world)) };
            let then = Call { emulator: emulator.clone(), ..call.clone() };
            let response = emulator.answer(&then, found, full_path).await;
            if response.status() != present.status() || response.body() != present.body() {
                return Some(response);
            }
        }
        None
    }

    /// Run what `world` has under this name: in place of what ran before, or nothing for a script without a live version.
    pub(crate) async fn run(&self, world: &World, script: &str) -> Result<(), RuntimeError> {
        match Worker::of(world, script) {
            Some(worker) => self.runtime().put_worker(worker).await,
            None => Ok(()),
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    pub(crate) fn options(&self) -> &Options {
        &self.inner.options
    }

    pub(crate) fn runtime(&self) -> &dyn Runtime {
        self.inner.options.runtime.as_ref()
    }

    pub(crate) fn now(&self) -> i64 {
        (self.inner.options.clock)()
    }

    /// Everything that exists.
    pub async fn state(&self) -> Result<State, RuntimeError> {
        let _turn = self.inner.turn.lock().await;
        objects::run_jobs(self, self.now()).await?;
        let mut state = state::of(&self.world());
        for (name, objects) in &mut state.buckets {
            lifecycle::run(self, name, self.now()).await?;
            let mut cursor = None;
            loop {
                let listing = Listing { cursor, limit: limits::PAGE_MAX, ..Listing::default() };
                let page = self.runtime().list(name, listing).await?;
                *objects += page.objects.len();
                cursor = page.cursor;
                if cursor.is_none() {
                    break;
                }
            }
        }
        Ok(state)
    }

    /// Number of unfinished multipart uploads in a bucket.
    pub async fn unfinished_uploads(&self, bucket: &str) -> Result<usize, RuntimeError> {
        let _turn = self.inner.turn.lock().await;
        lifecycle::run(self, bucket, self.now()).await?;
        Ok(self.world().uploads.iter().filter(|upload| upload.bucket == bucket).count())
    }

    /// Whether the S3 face lets the token in: whether it has an R2 permission. It has, unless told otherwise.
    pub fn token_has_r2(&self, has: bool) {
        self.inner.token_has_r2.store(has, Ordering::Relaxed);
    }

    pub(crate) fn has_r2(&self) -> bool {
        self.inner.token_has_r2.load(Ordering::Relaxed) && self.with_lacks(|lacks| lacks.s3())
    }

    /// What `look` sees of, or does to, what is lacking.
    pub(crate) fn with_lacks<T>(&self, look: impl FnOnce(&mut Lacks) -> T) -> T {
        look(&mut lock(&self.inner.lacks))
    }

    /// All calls since the start or since the journal was cleared, in the order of their arrival.
    pub fn journal(&self) -> Vec<Entry> {
        lock(&self.inner.journal).list()
    }

    /// Forget the calls so far; numbers go on counting.
    pub fn clear_journal(&self) {
        lock(&self.inner.journal).clear();
    }

    /// Set a rule; its id. Rules are asked in the order of their setting, and the first that strikes decides.
    pub fn fault(&self, fault: Fault) -> u64 {
        lock(&self.inner.faults).add(fault)
    }

    /// All rules with their counts, used-up ones included.
    pub fn faults(&self) -> Vec<FaultStatus> {
        lock(&self.inner.faults).list()
    }

    /// How often a rule has struck; 0 for an id that is not set.
    pub fn struck(&self, id: u64) -> u32 {
        self.faults().iter().find(|rule| rule.id == id).map_or(0, |rule| rule.struck)
    }

    /// Take all rules away.
    pub fn clear_faults(&self) {
        lock(&self.inner.faults).clear();
        lock(&self.inner.history).clear();
    }

    /// Back to an empty account: scripts, buckets with their objects, applications, journal, faults, rate limit.
    pub async fn reset(&self) -> Result<(), RuntimeError> {
        let _turn = self.inner.turn.lock().await;
        let (scripts, buckets): (Vec<String>, Vec<String>) = {
            let world = self.world();
            (world.scripts.keys().cloned().collect(), world.buckets.keys().cloned().collect())
        };
        for script in scripts {
            self.runtime().delete_worker(&script).await?;
        }
        for bucket in buckets {
            self.runtime().delete_bucket(&bucket).await?;
        }
        *self.world() = World::new(self.inner.options.seed, self.inner.options.subdomain.clone());
        self.clear_faults();
        self.clear_journal();
        *lock(&self.inner.throttle) = Throttle::default();
        self.lack(Lacks::default());
        self.save().map_err(|error| RuntimeError::Unavailable(error.to_string()))
    }
}

fn text(value: Option<&HeaderValue>) -> String {
    value.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

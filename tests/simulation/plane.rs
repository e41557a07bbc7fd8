//! The plane under simulation: the real router, rounds, SQL and client, between ports that the simulation holds. Nothing
//! waits for real time: whatever would wait gives way for some polls instead, and who is polled next is up to the run.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicI64, AtomicU32};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use cloudflare_emulator::{Effect, Emulator, Fault, Options, State};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use paramita::access::native::Native;
use paramita::app::{App, Ports};
use paramita::clock::{Clock, Timestamp};
use paramita::cloudflare::{Transport, TransportError};
use paramita::entropy::SeededEntropy;
use paramita::log::{Log, MemoryLog};
use paramita::rate_limit::MemoryRateLimiter;
use paramita::registry::db::{Db, DbError, Outcome, Statement, Value};
use paramita::registry::sqlite::Sqlite;
use paramita::wake::{Nudge, WakeUp};
use serde_json::Value as Json;

use crate::fixtures::{API_TOKEN, Blobs, Published, settings};
use crate::op::{Shape, Trouble};
use crate::watch::Watch;

/// 2026-11-01, noon.
const START_MS: i64 = 1_793_534_400_000;

/// After so long without an answer the plane gives a call up, and nothing comes of it any more.
const CALL_LIMIT_MS: i64 = 60_000;

/// After so long the database does not do any more what waits for it.
const BATCH_LIMIT_MS: i64 = 30_000;

/// How far a read may be behind. The plane allows for five minutes; a call may act three minutes after it was sent.
const MOST_STALE_MS: i64 = 60_000;

/// Most polls that a call or a batch gives way for, on either side of what it does.
const MOST_POLLS: u8 = 2;

/// The true time, which Cloudflare goes by, and how far the plane's clock is off.
#[derive(Debug)]
pub struct Time {
    true_ms: AtomicI64,
    skew_ms: AtomicI64,
}

impl Time {
    pub fn true_ms(&self) -> i64 {
        self.true_ms.load(SeqCst)
    }

    pub fn advance_ms(&self, ms: i64) {
        self.true_ms.fetch_add(ms, SeqCst);
    }

    pub fn skew(&self, ms: i64) {
        self.skew_ms.store(ms, SeqCst);
    }
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        Timestamp(self.true_ms() + self.skew_ms.load(SeqCst))
    }

    fn sleep(&self, ms: i64) -> BoxFuture<'_, ()> {
        self.advance_ms(ms);
        Box::pin(std::future::ready(()))
    }
}

/// Everything that a release consists of, worked out once.
pub struct Releases {
    guide: Published,
    moltworker: Published,
    store: Arc<Blobs>,
}

impl Releases {
    pub fn new() -> Self {
        let (guide, moltworker) = (Published::guide(), Published::moltworker());
        let mut blobs = guide.blobs.clone();
        blobs.extend(moltworker.blobs.clone());
        Self { guide, moltworker, store: Arc::new(Blobs(blobs)) }
    }

    pub fn of(&self, shape: Shape) -> &Published {
        match shape {
            Shape::Guide => &self.guide,
            Shape::Moltworker => &self.moltworker,
        }
    }
}

/// A plane and its far side.
pub struct Plane {
    pub app: App,
    callers: AtomicU32,
    pub emulator: Emulator,
    pub time: Arc<Time>,
    pub nudges: Arc<Nudges>,
    pub watch: Arc<Watch>,
    pub log: Arc<MemoryLog>,
    database: Arc<Sqlite>,
}

impl Plane {
    /// The address of one more caller, who is nobody that called before.
    pub fn next_address(&self) -> String {
        let [a, b, c, d] = self.callers.fetch_add(1, SeqCst).to_be_bytes();
        format!("2001:db8:{a:x}{b:02x}:{c:x}{d:02x}::1")
    }

    /// A plane on an empty database.
    pub fn new(seed: u64, database: Arc<Sqlite>, releases: &Releases) -> Self {
        let time = Arc::new(Time { true_ms: AtomicI64::new(START_MS), skew_ms: AtomicI64::new(0) });
        let (clock, delayed) = (Arc::clone(&time), Arc::clone(&time));
        let emulator = Emulator::new(Options {
            clock: Arc::new(move || clock.true_ms()),
            token: API_TOKEN.to_owned(),
            on_delay: Arc::new(move |ms| {
                delayed.advance_ms(i64::try_from(ms).unwrap());
                Box::pin(std::future::ready(()))
            }),
            ..Options::default()
        });
        let watch = Arc::new(Watch::new(seed, Arc::clone(&database)));
        let nudges = Arc::new(Nudges { time: Arc::clone(&time), waiting: Mutex::default() });
        let log = Arc::new(MemoryLog::default());
        let wire: Arc<dyn Transport> = Arc::new(Wire {
            emulator: emulator.clone(),
            stale_since_ms: AtomicI64::new(START_MS),
            time: Arc::clone(&time),
            watch: Arc::clone(&watch),
        });
        let ports = Ports {
            db: Arc::new(Connection {
                database: Arc::clone(&database),
                time: Arc::clone(&time),
                watch: Arc::clone(&watch),
            }),
            transport: Arc::clone(&wire),
            keys: wire,
            verifier: Arc::new(Native),
            clock: Arc::clone(&time) as Arc<dyn Clock>,
            entropy: Arc::new(SeededEntropy::new(seed)),
            wake: Arc::clone(&nudges) as Arc<dyn WakeUp>,
            releases: Arc::clone(&releases.store) as _,
            rate_limiter: Arc::new(MemoryRateLimiter::new(Arc::clone(&time) as Arc<dyn Clock>)),
            log: Arc::clone(&log) as Arc<dyn Log>,
        };
        let app = App::new(settings(&[]), ports);
        Self { app, callers: AtomicU32::new(0), emulator, time, nudges, watch, log, database }
    }

    /// Asks the database past the plane.
    pub fn rows<const N: usize>(&self, sql: &'static str, args: [Value; N]) -> Vec<Json> {
        ask(&self.database, sql, args)
    }

    pub fn dump(&self) -> String {
        self.database.dump().unwrap()
    }

    /// What exists in Cloudflare.
    pub fn state(&self) -> State {
        at_once(self.emulator.state()).unwrap()
    }

    /// Writes a release's row, as the publishing tool does.
    pub fn publish(&self, release: &Published) {
        let sql = "INSERT INTO release (id, manifest, created_at_ms, default_since_ms) VALUES (?1, ?2, ?3, ?3) \
                   ON CONFLICT (id) DO UPDATE SET default_since_ms = ?3";
        let now = self.time.true_ms();
        self.rows(sql, [release.id.as_str().into(), release.manifest.to_string().into(), now.into()]);
    }
}

/// Runs one statement.
pub fn ask<const N: usize>(database: &Sqlite, sql: &'static str, args: [Value; N]) -> Vec<Json> {
    let outcome = at_once(database.batch(vec![Statement { sql, args: args.into() }])).unwrap();
    outcome.into_iter().next().unwrap().rows
}

/// The outcome of what never waits.
pub fn at_once<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("it waits for something")
}

/// The queue: nudges with the true time at which they are to arrive.
pub struct Nudges {
    time: Arc<Time>,
    waiting: Mutex<VecDeque<(i64, Nudge)>>,
}

impl Nudges {
    /// The oldest whose time has come.
    pub fn next(&self) -> Option<Nudge> {
        let now = self.time.true_ms();
        let mut waiting = self.waiting.lock().unwrap();
        let at = waiting.iter().position(|(arrives, _)| *arrives <= now)?;
        waiting.remove(at).map(|(_, nudge)| nudge)
    }

    pub fn lose(&self) {
        self.waiting.lock().unwrap().clear();
    }
}

impl WakeUp for Nudges {
    fn nudge(&self, nudge: Nudge, delay_seconds: u32) -> BoxFuture<'_, ()> {
        let arrives = self.time.true_ms() + i64::from(delay_seconds) * 1_000;
        self.waiting.lock().unwrap().push_back((arrives, nudge));
        Box::pin(std::future::ready(()))
    }
}

/// The database behind a connection that can break.
struct Connection {
    database: Arc<Sqlite>,
    time: Arc<Time>,
    watch: Arc<Watch>,
}

impl Db for Connection {
    fn batch(&self, statements: Vec<Statement>) -> BoxFuture<'_, Result<Vec<Outcome>, DbError>> {
        Box::pin(async move {
            let sent_ms = self.time.true_ms();
            Pause(self.watch.polls(MOST_POLLS)).await;
            if self.time.true_ms() - sent_ms >= BATCH_LIMIT_MS {
                self.watch.tally(|tally| tally.count("faults", Trouble::BatchRefused.kind()));
                return Err(DbError::Other("no answer in time".into()));
            }
            // Nothing gives way between a batch and what follows its answer: a plane that is held up right there for longer
            // than its lease would call without one, and no database can keep it from that.
            let trouble = self.watch.trouble_with_batch();
            if trouble == Some(Trouble::BatchRefused) {
                return Err(DbError::Other("the database is away".into()));
            }
            let expected = self.watch.before_batch(&statements);
            let answer = self.database.batch(statements).await;
            self.watch.after_batch(expected, &answer);
            if trouble == Some(Trouble::AnswerLost) {
                return Err(DbError::Other("the connection broke".into()));
            }
            answer
        })
    }
}

/// The way to Cloudflare.
struct Wire {
    emulator: Emulator,
    /// Reads are behind of nothing that is older than this.
    stale_since_ms: AtomicI64,
    time: Arc<Time>,
    watch: Arc<Watch>,
}

impl Transport for Wire {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let sent_ms = self.time.true_ms();
            let is_given_up = || self.time.true_ms() - sent_ms >= CALL_LIMIT_MS;
            Pause(self.watch.polls(MOST_POLLS)).await;
            if is_given_up() {
                return Err(TransportError::TimedOut);
            }
            self.catch_up();
            if let Some(effect) = self.watch.trouble_with_call().and_then(effect) {
                self.emulator.fault(Fault::new(effect));
            }
            let answer = self.emulator.handle(request).await;
            // As early as it can, so with the oldest secrets that it can have.
            self.emulator.wake_containers();
            self.watch.called(self.emulator.journal());
            self.emulator.clear_journal();
            self.time.advance_ms(i64::from(self.watch.polls(200)));
            Pause(self.watch.polls(MOST_POLLS)).await;
            if is_given_up() {
                return Err(TransportError::TimedOut);
            }
            answer.map_err(|dropped| TransportError::Connection(dropped.to_string()))
        })
    }
}

impl Wire {
    /// Has the emulator forget how things were too long ago. What is still to strike stays.
    fn catch_up(&self) {
        let now_ms = self.time.true_ms();
        if now_ms - self.stale_since_ms.load(SeqCst) < MOST_STALE_MS {
            return;
        }
        self.stale_since_ms.store(now_ms, SeqCst);
        for rule in end_stale(&self.emulator, &self.watch) {
            self.emulator.fault(rule);
        }
    }
}

/// Takes all rules away, counts those that made reads stale, and says which of them have not struck yet.
pub fn end_stale(emulator: &Emulator, watch: &Watch) -> Vec<Fault> {
    let (struck, left): (Vec<_>, Vec<_>) = emulator
        .faults()
        .into_iter()
        .filter(|rule| rule.fault.effect == Effect::StaleRead)
        .partition(|rule| rule.struck > 0);
    if !struck.is_empty() {
        watch.tally(|tally| tally.add("faults", Trouble::Stale.kind(), struck.len() as u64));
    }
    emulator.clear_faults();
    left.into_iter().map(|rule| Fault { skip: rule.fault.skip.saturating_sub(rule.seen), ..rule.fault }).collect()
}

/// The emulator's word for what strikes the call that comes now.
fn effect(trouble: Trouble) -> Option<Effect> {
    match trouble {
        Trouble::RequestLost => Some(Effect::RequestLost),
        Trouble::ReplyLost => Some(Effect::ReplyLost),
        Trouble::TooManyRequests(retry_after) => Some(Effect::TooManyRequests { retry_after }),
        Trouble::ServerError => Some(Effect::Status { status: 500 }),
        Trouble::Blocked => Some(Effect::Html403),
        Trouble::Slow(seconds) => Some(Effect::Slow { ms: seconds * 1_000 }),
        Trouble::Stale | Trouble::AnswerLost | Trouble::BatchRefused => None,
    }
}

/// Gives way for so many polls.
struct Pause(u8);

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some(left) = self.0.checked_sub(1) else { return Poll::Ready(()) };
        self.0 = left;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

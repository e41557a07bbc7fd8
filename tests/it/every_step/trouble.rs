//! What goes wrong, and the way of calls and batches on which it does.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use bytes::Bytes;
use cloudflare_emulator::{Effect, Emulator, Fault};
use futures_util::future::{BoxFuture, pending};
use http::{Method, Request, Response};
use paramita::app::Ports;
use paramita::clock::{Clock, ManualClock, Timestamp};
use paramita::cloudflare::{Transport, TransportError};
use paramita::registry::db::{Db, DbError, Outcome, Statement};
use tokio::sync::Notify;

use crate::plane::CALL_SECONDS;

/// What goes wrong at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The connection breaks before the call acts.
    RequestLost,
    /// The call acts, and its answer is lost.
    ReplyLost,
    /// Cloudflare asks for a pause of all calls.
    TooMany,
    /// 500 from in front of the API.
    ServerError,
    /// A firewall's block page.
    Firewall,
    /// The round gives up on the call, and it acts all the same: just before the next round writes, or after a minute.
    ActsLate,
    /// The call acts when its lease is over and another round has done everything.
    SlowToAct,
    /// It acts at once, and its answer comes when the lease is over and another round has done everything.
    SlowToAnswer,
    /// A read answers as before the last write; after a write its answer is lost, and the next two reads are behind.
    Stale,
    /// The process vanishes before the call is sent.
    GoneBefore,
    /// The process vanishes when the call has acted.
    GoneAfter,
    /// The batch before the call is not carried out.
    WriteBeforeRefused,
    /// The batch before the call is carried out, and its answer is lost.
    WriteBeforeUnheard,
    /// The batch before the call arrives when the lease is over and another round has done everything.
    WriteBeforeSlow,
    /// The batch after the call is not carried out.
    WriteAfterRefused,
    /// The batch after the call is carried out, and its answer is lost.
    WriteAfterUnheard,
}

impl Trouble {
    /// All of it, with a word for each.
    pub const ALL: [(Self, &str); 16] = [
        (Self::RequestLost, "request-lost"),
        (Self::ReplyLost, "reply-lost"),
        (Self::TooMany, "429"),
        (Self::ServerError, "500"),
        (Self::Firewall, "403-html"),
        (Self::ActsLate, "acts-late"),
        (Self::SlowToAct, "slow-to-act"),
        (Self::SlowToAnswer, "slow-to-answer"),
        (Self::Stale, "stale-read"),
        (Self::GoneBefore, "gone-before"),
        (Self::GoneAfter, "gone-after"),
        (Self::WriteBeforeRefused, "write-before-refused"),
        (Self::WriteBeforeUnheard, "write-before-unheard"),
        (Self::WriteBeforeSlow, "write-before-slow"),
        (Self::WriteAfterRefused, "write-after-refused"),
        (Self::WriteAfterUnheard, "write-after-unheard"),
    ];

    /// Whether it is the database that fails, so that rounds end with its error.
    pub fn is_of_database(self) -> bool {
        use Trouble::{WriteAfterRefused, WriteAfterUnheard};
        self.is_before() || matches!(self, WriteAfterRefused | WriteAfterUnheard)
    }

    /// Whether it strikes the batch before the call.
    pub fn is_before(self) -> bool {
        matches!(self, Self::WriteBeforeRefused | Self::WriteBeforeUnheard | Self::WriteBeforeSlow)
    }

    /// As the emulator knows it.
    fn effect(self) -> Option<Effect> {
        Some(match self {
            Self::RequestLost => Effect::RequestLost,
            Self::ReplyLost => Effect::ReplyLost,
            Self::TooMany => Effect::TooManyRequests { retry_after: 30 },
            Self::ServerError => Effect::Status { status: 500 },
            Self::Firewall => Effect::Html403,
            _ => return None,
        })
    }
}

/// One call of a calm run.
#[derive(Clone, Debug)]
pub struct Call {
    /// The emulator's name for what was asked.
    pub kind: String,
    method: Method,
    path: String,
    /// Batches that were sent before it.
    batches_before: u32,
}

impl Call {
    /// The place of a batch that stands by itself.
    fn of_batch(batch: u32) -> Self {
        let kind = format!("(batch {batch})");
        Self { kind, method: Method::GET, path: String::new(), batches_before: batch }
    }

    /// Whether there is a call, and not just a batch.
    pub fn is_call(&self) -> bool {
        !self.path.is_empty()
    }

    /// Whether it only reads.
    pub fn is_read(&self) -> bool {
        self.method == Method::GET
    }

    /// Whether the plane reads nothing of what it writes, nor writes anything that it reads when this must be repeated.
    pub fn is_never_read(&self) -> bool {
        let kinds = ["assets.session", "assets.upload", "subdomain.put", "schedule.put", "secret.bulk"];
        kinds.contains(&self.kind.as_str())
    }

    /// Whether this read shows what that call wrote. Objects are no part of the emulator's history.
    pub fn shows(&self, write: &Self) -> bool {
        let writes: &[&str] = match self.kind.as_str() {
            "r2.bucket.get" => &["r2.bucket.create", "r2.bucket.delete"],
            "script.service.get" | "namespace.list" => &["script.upload", "script.delete"],
            "container.get" | "container.list" => &["container.create", "container.delete"],
            _ => &[],
        };
        writes.contains(&write.kind.as_str())
    }
}

/// How long after the round gave up on it a call acts at the latest. Cloudflare documents no limit; the plane takes five
/// minutes for enough.
const LATEST_MS: i64 = 60_000;

/// The way of every call and batch of a plane. Clones share everything.
#[derive(Clone, Default)]
pub struct Way {
    seen: Arc<Mutex<Seen>>,
    far: Arc<OnceLock<(Emulator, Arc<ManualClock>)>>,
    /// Told when the process is gone.
    pub gone: Arc<Notify>,
    /// Told when a call does not come back.
    pub stuck: Arc<Notify>,
    /// Lets it come back.
    pub release: Arc<Notify>,
}

#[derive(Default)]
struct Seen {
    is_watching: bool,
    calls: Vec<Call>,
    batches: u32,
    armed: Option<(Trouble, usize, u32)>,
    rule: Option<u64>,
    struck: u32,
    /// A call that was given up and will act.
    late: Option<(Request<Bytes>, Timestamp)>,
    is_round_over: bool,
}

struct Calls(Way, Arc<dyn Transport>);
struct Batches(Way, Arc<dyn Db>);

impl Way {
    /// Puts itself in front of the ports.
    pub fn in_front_of(&self, ports: Ports) -> Ports {
        Ports {
            transport: Arc::new(Calls(self.clone(), ports.transport)),
            db: Arc::new(Batches(self.clone(), ports.db)),
            ..ports
        }
    }

    /// What is at its far end.
    pub fn leads_to(&self, emulator: Emulator, clock: Arc<ManualClock>) {
        assert!(self.far.set((emulator, clock)).is_ok());
    }

    /// Counts calls and batches from here on. With `trouble` the nth of `calls`, counted from 0, is struck.
    pub fn watch(&self, trouble: Option<(Trouble, usize, &[Call])>) {
        let (emulator, _) = self.far();
        let mut seen = self.seen();
        seen.is_watching = true;
        let Some((trouble, nth, calls)) = trouble else { return };
        let call = &calls[nth];
        let batch = if trouble.is_before() { call.batches_before } else { call.batches_before + 1 };
        seen.armed = Some((trouble, nth, batch));
        let skip = u32::try_from(nth).unwrap();
        seen.rule = match trouble.effect() {
            Some(effect) => Some(emulator.fault(Fault::new(effect).nth(skip + 1))),
            // Set now, since worlds to fall back to are kept from now on.
            None if trouble == Trouble::Stale && call.is_read() => {
                let same = calls[..nth].iter().filter(|earlier| earlier.is_read() && earlier.path == call.path);
                let nth = u32::try_from(same.count()).unwrap() + 1;
                Some(emulator.fault(Fault::new(Effect::StaleRead).method("GET").path(&call.path).nth(nth)))
            }
            None => None,
        };
    }

    /// How often it struck.
    pub fn struck(&self) -> u32 {
        let seen = self.seen();
        seen.struck + seen.rule.map_or(0, |rule| self.far().0.struck(rule))
    }

    /// Whether what was to go wrong did. A read that is behind may come later or, with another wish, not at all.
    pub fn is_past(&self) -> bool {
        let armed = self.seen().armed;
        match armed {
            Some((Trouble::Stale, nth, _)) => self.seen().calls.len() > nth,
            _ => self.struck() > 0,
        }
    }

    /// The calls so far, and after them the batches that do not stand right before or after one: taking the lease, booking
    /// calls, the end of a round.
    pub fn calls(&self) -> Vec<Call> {
        let (mut calls, batches) = {
            let seen = self.seen();
            (seen.calls.clone(), seen.batches)
        };
        let journal = self.far().0.journal();
        for (call, entry) in calls.iter_mut().zip(&journal) {
            assert_eq!((call.method.as_str(), call.path.as_str()), (entry.method.as_str(), entry.path.as_str()));
            call.kind.clone_from(&entry.kind);
        }
        let beside = |batch| calls.iter().any(|call| [call.batches_before, call.batches_before + 1].contains(&batch));
        let alone: Vec<Call> = (1..=batches).filter(|batch| !beside(*batch)).map(Call::of_batch).collect();
        calls.extend(alone);
        calls
    }

    /// A round is over, or gone.
    pub fn round_is_over(&self) {
        self.seen().is_round_over = true;
    }

    /// Has a call act that was given up, if it has not; says whether.
    pub async fn act_at_last(&self) -> bool {
        let late = self.seen().late.take();
        match late {
            Some((request, _)) => self.far().0.handle(request).await.is_ok(),
            None => false,
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }

    fn far(&self) -> &(Emulator, Arc<ManualClock>) {
        self.far.get().unwrap()
    }

    /// The trouble that strikes this call.
    fn note_call(&self, request: &Request<Bytes>) -> Option<Trouble> {
        let mut seen = self.seen();
        if !seen.is_watching {
            return None;
        }
        let nth = seen.calls.len();
        let path = request.uri().path();
        let path = path.strip_prefix("/client/v4").unwrap_or(path).to_owned();
        let batches_before = seen.batches;
        seen.calls.push(Call { kind: String::new(), method: request.method().clone(), path, batches_before });
        let (trouble, _, _) = seen.armed.filter(|(trouble, at, _)| *at == nth && !trouble.is_of_database())?;
        let is_ours = trouble.effect().is_none() && (trouble != Trouble::Stale || seen.rule.is_none());
        is_ours.then_some(trouble)
    }

    /// The trouble that strikes this batch.
    fn note_batch(&self) -> Option<Trouble> {
        let mut seen = self.seen();
        if !seen.is_watching {
            return None;
        }
        seen.batches += 1;
        let batches = seen.batches;
        let (trouble, _, _) = seen.armed.filter(|(trouble, _, at)| *at == batches && trouble.is_of_database())?;
        seen.struck += 1;
        Some(trouble)
    }

    fn strikes(&self) {
        self.seen().struck += 1;
    }

    /// A call that was given up and whose time to act has come.
    fn take_late(&self, next: &Method) -> Option<Request<Bytes>> {
        let now = self.far().1.now();
        let mut seen = self.seen();
        let is_time = seen
            .late
            .as_ref()
            .is_some_and(|(_, since)| seen.is_round_over && (*next != Method::GET || since.plus_ms(LATEST_MS) <= now));
        if is_time { seen.late.take().map(|(request, _)| request) } else { None }
    }
}

impl Transport for Calls {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let Self(way, onward) = self;
        Box::pin(async move {
            let trouble = way.note_call(&request);
            if let Some(late) = way.take_late(request.method()) {
                drop(onward.send(late).await);
            }
            match trouble {
                None => {}
                Some(Trouble::GoneBefore) => {
                    way.strikes();
                    way.gone.notify_one();
                    return pending().await;
                }
                Some(Trouble::ActsLate) => {
                    way.strikes();
                    way.seen().late = Some((request, way.far().1.now()));
                    return Err(TransportError::TimedOut);
                }
                Some(Trouble::SlowToAct) => {
                    way.strikes();
                    way.stuck.notify_one();
                    way.release.notified().await;
                }
                // The rule first, so that the world before this write is kept.
                Some(Trouble::Stale) => {
                    let rule = way.far().0.fault(Fault::new(Effect::StaleRead).times(2));
                    way.seen().rule = Some(rule);
                }
                Some(_) => {}
            }
            let answer = onward.send(request).await;
            way.far().1.advance_ms(i64::try_from(CALL_SECONDS).unwrap() * 1_000);
            match trouble {
                Some(Trouble::GoneAfter) => {
                    way.strikes();
                    way.gone.notify_one();
                    pending().await
                }
                Some(Trouble::SlowToAnswer) => {
                    way.strikes();
                    way.stuck.notify_one();
                    way.release.notified().await;
                    answer
                }
                Some(Trouble::Stale) => Err(TransportError::TimedOut),
                _ => answer,
            }
        })
    }
}

impl Db for Batches {
    fn batch(&self, statements: Vec<Statement>) -> BoxFuture<'_, Result<Vec<Outcome>, DbError>> {
        let Self(way, onward) = self;
        Box::pin(async move {
            let broken = Err(DbError::Other("the connection broke".into()));
            match way.note_batch() {
                Some(Trouble::WriteBeforeSlow) => {
                    way.stuck.notify_one();
                    way.release.notified().await;
                    onward.batch(statements).await
                }
                Some(Trouble::WriteBeforeRefused | Trouble::WriteAfterRefused) => broken,
                Some(_) => {
                    onward.batch(statements).await?;
                    broken
                }
                None => onward.batch(statements).await,
            }
        })
    }
}

//! One run of one job: claimed, done piece by piece, recorded.
//!
//! The row of the job in the database says where it is. A run is claimed by one statement, so of two ticks at once one has
//! it. Between pieces it saves its cursor, which fails once somebody has taken it over: a run that vanished is taken over
//! after the job's patience, and goes on from the last cursor that was saved.

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use serde::Serialize;

use crate::app::App;
use crate::clock::Timestamp;
use crate::cloudflare;
use crate::reconcile::budget::BLOCK_S;
use crate::registry::{self, Claim};

/// Why a job ended before its time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The registry did not do it; or the run was taken over.
    #[error(transparent)]
    Registry(#[from] registry::Error),
    /// Cloudflare refused, or gave no answer. Boxed, since every piece of a job hands it on.
    #[error(transparent)]
    Cloudflare(Box<cloudflare::Error>),
}

impl From<cloudflare::Error> for Error {
    fn from(error: cloudflare::Error) -> Self {
        Self::Cloudflare(Box::new(error))
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All of it is done.
    Done,
    /// The next tick goes on.
    Unfinished,
    /// Something went wrong; [`End::error`] says what. What was done before stays done.
    Failed,
}

/// One run, as it is recorded in the job's row.
#[derive(Clone, Debug, Serialize)]
pub struct Run<T> {
    /// How it ended.
    pub end: End,
    /// What it did and found, also before something went wrong.
    pub found: T,
}

/// The end of a run.
#[derive(Clone, Debug, Serialize)]
pub struct End {
    /// When it began.
    pub started_at_ms: Timestamp,
    /// When it ended.
    pub finished_at_ms: Timestamp,
    /// How.
    pub outcome: Outcome,
    /// What went wrong; never a secret value.
    pub error: Option<String>,
}

impl End {
    fn of(result: Result<(), Error>, started_at_ms: Timestamp, is_all_done: bool, finished_at_ms: Timestamp) -> Self {
        let (outcome, error) = match result {
            Ok(()) if is_all_done => (Outcome::Done, None),
            Ok(()) => (Outcome::Unfinished, None),
            Err(error) => (Outcome::Failed, Some(error.to_string())),
        };
        Self { started_at_ms, finished_at_ms, outcome, error }
    }
}

/// Something that runs by itself.
pub(super) trait Job {
    /// What a run says of itself.
    type Found: Default + Serialize + Sync;
    /// Its name, in the database and in the log.
    const NAME: &'static str;
    /// Least milliseconds from the begin of one run to that of the next, unless there is more to do; 0: every tick.
    const EVERY_MS: i64;
    /// After how many milliseconds a run that has not ended counts as vanished; one that is only slow ends when it saves its
    /// cursor next. 0 where runs at once need not even be avoided.
    const PATIENCE_MS: i64;

    /// Does a bounded piece, and leaves a cursor if there is more.
    async fn run(&self, shift: &mut Shift<'_>, found: &mut Self::Found) -> Result<(), Error>;
}

/// What a run works with.
pub struct Shift<'a> {
    /// The plane.
    pub app: &'a App,
    /// For the log lines and nudges of whatever the run sets off.
    pub request_id: &'a str,
    claim: Claim,
}

impl Shift<'_> {
    /// When the run began.
    pub fn started_at(&self) -> Timestamp {
        self.claim.started_at
    }

    /// Where the run is; `None`: at the beginning, or at the end.
    pub fn cursor(&self) -> Option<&str> {
        self.claim.cursor.as_deref()
    }

    /// Notes where the run is. Fails if it has been taken over.
    pub async fn save(&mut self, cursor: Option<String>) -> Result<(), Error> {
        self.claim.cursor = cursor;
        Ok(self.app.registry.save_job(&self.claim).await?)
    }

    /// Books `calls` calls as background work; `false`: not now, end and go on later.
    pub async fn may_call(&self, calls: u32) -> Result<bool, Error> {
        let budget = self.app.config.budget;
        let (cost_ms, burst_ms) = (budget.cost_ms(calls), budget.background_burst_ms());
        Ok(self.app.registry.take_calls(cost_ms, burst_ms, self.app.clock.now()).await?)
    }

    /// When Cloudflare refuses every call for a while, everybody keeps still. Errors that a job hands on are heeded anyway.
    pub async fn heed(&self, error: &cloudflare::Error) -> Result<(), Error> {
        if let Some(wait_s) = error.block_s(BLOCK_S) {
            self.app.registry.block_calls(self.app.clock.now().plus_ms(i64::from(wait_s) * 1_000)).await?;
        }
        Ok(())
    }

    /// Ends the run, and records it.
    async fn end(&self, result: Result<(), Error>, task: &dyn Task) -> End {
        let now = self.app.clock.now();
        let mut also_wrong = None;
        if let Err(Error::Cloudflare(error)) = &result {
            also_wrong = self.heed(error).await.err().map(|error| error.to_string());
        }
        let mut end = End::of(result, self.claim.started_at, self.claim.cursor.is_none(), now);
        match task.report(&end) {
            Ok(report) => {
                let finished = self.app.registry.finish_job(&self.claim, report, now).await;
                also_wrong = finished.err().map(|error| error.to_string()).or(also_wrong);
            }
            Err(error) => also_wrong = Some(error.to_string()),
        }
        if also_wrong.is_some() {
            (end.outcome, end.error) = (Outcome::Failed, end.error.or(also_wrong));
        }
        end
    }
}

/// A job under way with what it has found, whichever it is: so that what is common to all is compiled once.
trait Task {
    fn run<'a>(&'a mut self, shift: &'a mut Shift<'_>) -> LocalBoxFuture<'a, Result<(), Error>>;
    fn report(&self, end: &End) -> Result<String, serde_json::Error>;
}

struct TaskOf<'a, J: Job> {
    job: &'a J,
    found: J::Found,
}

impl<J: Job> Task for TaskOf<'_, J> {
    fn run<'a>(&'a mut self, shift: &'a mut Shift<'_>) -> LocalBoxFuture<'a, Result<(), Error>> {
        self.job.run(shift, &mut self.found).boxed_local()
    }

    fn report(&self, end: &End) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Run { end: end.clone(), found: &self.found })
    }
}

/// Runs `job` if its time has come and nobody else has it under way. Its failure is in what is returned.
pub(super) async fn run<J: Job>(app: &App, job: &J, request_id: &str) -> Option<Run<J::Found>> {
    let mut task = TaskOf { job, found: J::Found::default() };
    let claimed = app.registry.claim_job(J::NAME, J::EVERY_MS, J::PATIENCE_MS, app.clock.now()).boxed_local();
    let end = run_claimed(app, claimed, request_id, &mut task).boxed_local().await?;
    Some(Run { end, found: task.found })
}

async fn run_claimed(
    app: &App,
    claimed: LocalBoxFuture<'_, Result<Option<Claim>, registry::Error>>,
    request_id: &str,
    task: &mut dyn Task,
) -> Option<End> {
    let started_at = app.clock.now();
    match claimed.await {
        Ok(claim) => {
            let mut shift = Shift { app, request_id, claim: claim? };
            let result = task.run(&mut shift).await;
            Some(shift.end(result, task).await)
        }
        Err(error) => Some(End::of(Err(error.into()), started_at, false, started_at)),
    }
}

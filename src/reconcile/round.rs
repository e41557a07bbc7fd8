//! One round for one tenant.

use futures_util::future::join_all;

use super::backoff;
use super::desired::{Deployment, Desired, desired};
use super::execute::{Executor, StepDone, StepError};
use super::plan::{Observed, Plan, Planned, plan};
use super::step::Step;
use super::verdict::{Obstacle, Setback, judge, unknown_after};
use crate::app::App;
use crate::clock::Timestamp;
use crate::cloudflare::{Client, SecretText, Verdict};
use crate::entropy;
use crate::log::{Level, Line, Logger};
use crate::registry::{self, Leased, ResourceChange, RoundEnd, StageEnd};
use crate::release::manifest::Profile;
use crate::tenant::event::Event;
use crate::tenant::id::hex;
use crate::tenant::{
    Condition, Ledger, Phase, Resource, ResourceKind, ResourceState, Status, Tenant, TenantId, condition,
};
use crate::vault::Secret;
use crate::vault::secret::Wanted;
use crate::wake::Nudge;

/// How long a round may go on without a word to the registry: two calls one after the other that run into their time
/// limit of a minute, and some.
const LEASE_MS: i64 = 150_000;

/// Calls to Cloudflare after which a round stops and asks for another one, and how long it waits for that: so that one
/// tenant with much to do takes at most a quarter of the 1,200 calls in 5 minutes that the account has
/// (developers.cloudflare.com/fundamentals/api/reference/limits).
const CALLS_PER_ROUND: u32 = 60;
const PAUSE_MS: i64 = 60_000;

/// How long a tenant waits that stands still because of the plane's own token.
const UNAUTHORIZED_WAIT_MS: i64 = 15 * 60 * 1_000;

/// How a round ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is as wanted.
    Converged,
    /// There is more to do, and nothing in the way.
    Unfinished,
    /// Something is in the way that may pass.
    Waiting,
    /// Something is in the way that a person has to remove.
    Stopped,
}

/// What a round did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose it was.
    pub tenant: TenantId,
    /// The request that asked for it.
    pub request_id: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Rounds in a row that did not get there, this one included; 1 for the first.
    pub attempts: u32,
    /// The steps that it ran, those that failed included.
    pub steps: Vec<&'static str>,
    /// Requests to Cloudflare that it sent.
    pub calls: u32,
    /// When the tenant wants the next one.
    pub due_at: Option<Timestamp>,
}

impl Outcome {
    /// As it stands in the log.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::Unfinished => "unfinished",
            Self::Waiting => "waiting",
            Self::Stopped => "stopped",
        }
    }
}

impl Report {
    /// A line for the log: names of steps, numbers and a time, no values. Whose round it was is left to the logger.
    pub fn line(&self, log: &Logger) -> Line {
        let level = match self.outcome {
            Outcome::Converged | Outcome::Unfinished => Level::Info,
            Outcome::Waiting | Outcome::Stopped => Level::Warn,
        };
        log.line(level, "round")
            .with("outcome", self.outcome.as_str())
            .with("attempts", self.attempts)
            .with("steps", self.steps.clone())
            .with("calls", self.calls)
            .with("due_at", self.due_at.map(|due| due.to_string()))
    }
}

/// Runs a round for a tenant, if it is due and nobody else runs one. `None`: it was not, or the lease was lost on the
/// way; whoever has it goes on. Lines about its calls go to `log`; the line about the round is left to the caller.
pub async fn run_round(
    app: &App,
    id: &TenantId,
    request_id: &str,
    log: &Logger,
) -> Result<Option<Report>, registry::Error> {
    let now = app.clock.now();
    let token = hex(&entropy::bytes::<16>(app.entropy.as_ref()));
    let Some(leased) = app.registry.lease(id, token, now.plus_ms(LEASE_MS), now).await? else { return Ok(None) };
    let ledger = Ledger::from_rows(leased.resources.clone()).map_err(|kind| registry::Error::Inconsistent {
        table: "resource",
        detail: format!("tenant {id} has no row for its {}", kind.as_str()),
    })?;
    let wanted = desired(&leased.tenant, &ledger, &leased.release, now);
    let round = Round {
        app,
        cloudflare: app.cloudflare.logging_to(log.clone()),
        leased: &leased,
        wanted,
        observed: Observed::at_start(ledger),
        secrets: leased.secrets.clone(),
        assets: None,
        steps: Vec::new(),
    };
    match round.run(request_id).await {
        Err(registry::Error::Conflict) => {
            log.write(&log.line(Level::Warn, "round").with("outcome", "lease_lost"));
            Ok(None)
        }
        other => other.map(Some),
    }
}

struct Round<'a> {
    app: &'a App,
    cloudflare: Client,
    leased: &'a Leased,
    wanted: Desired,
    observed: Observed,
    secrets: Vec<Secret>,
    assets: Option<SecretText>,
    steps: Vec<&'static str>,
}

/// Why a round stopped planning.
enum Stop {
    Converged,
    BudgetUsedUp,
    Obstacle(Obstacle),
}

impl Round<'_> {
    async fn run(mut self, request_id: &str) -> Result<Report, registry::Error> {
        let stop = self.converge().await?;
        let outcome = match &stop {
            Stop::Converged => Outcome::Converged,
            Stop::BudgetUsedUp => Outcome::Unfinished,
            Stop::Obstacle(Obstacle::Lasting { .. }) => Outcome::Stopped,
            Stop::Obstacle(_) => Outcome::Waiting,
        };
        let now = self.app.clock.now();
        let end = self.end(&stop, now);
        let due_at = self.app.registry.finish_round(self.leased, &end, now).await?;
        if let Some(due) = due_at {
            let nudge = Nudge { tenant: self.leased.tenant.id.0.clone(), request_id: request_id.to_owned() };
            self.app.wake.nudge(nudge, seconds_until(due, now)).await;
        }
        let Tenant { id, attempts, .. } = &self.leased.tenant;
        Ok(Report {
            tenant: id.clone(),
            request_id: request_id.to_owned(),
            outcome,
            attempts: *attempts,
            steps: self.steps,
            calls: self.cloudflare.calls_sent(),
            due_at,
        })
    }

    /// Plans and runs stages until there is nothing to do or something is in the way.
    async fn converge(&mut self) -> Result<Stop, registry::Error> {
        let mut calls = 0;
        let mut has_met_taken = false;
        loop {
            let Plan { stages } = plan(&self.wanted, &self.observed, &self.secrets);
            let Some(stage) = stages.into_iter().next() else { return Ok(Stop::Converged) };
            calls += stage.iter().map(|planned| planned.step.max_calls()).sum::<u32>();
            if calls > CALLS_PER_ROUND {
                return Ok(Stop::BudgetUsedUp);
            }
            match self.run_stage(&stage).await? {
                None => {}
                // Whose it is, the look that is planned next will tell; but a list that is behind must not keep a
                // round going round.
                Some(Setback::Taken { .. }) if !has_met_taken => has_met_taken = true,
                Some(Setback::Taken { otherwise: obstacle } | Setback::Blocked(obstacle)) => {
                    return Ok(Stop::Obstacle(obstacle));
                }
            }
        }
    }

    /// Notes, calls, notes. Returns the weightiest setback that the stage met.
    async fn run_stage(&mut self, stage: &[Planned]) -> Result<Option<Setback>, registry::Error> {
        let now = self.app.clock.now();
        let touched: Vec<ResourceKind> = stage.iter().flat_map(|planned| planned.step.touches()).copied().collect();
        self.app.registry.begin_stage(self.leased, &touched, now.plus_ms(LEASE_MS), now).await?;
        let before = self.observed.ledger.clone();
        for kind in touched {
            // The time of asking is what tells ours from another's in this very round, too.
            let resource = self.observed.ledger.get_mut(kind);
            resource.asked_at = resource.asked_at.or(Some(now));
        }

        let results = {
            let executor = self.executor(now);
            join_all(stage.iter().map(|planned| executor.run(&planned.step))).await
        };
        let mut end = StageEnd::default();
        let mut setbacks = Vec::new();
        for (Planned { step, .. }, result) in stage.iter().zip(results) {
            self.steps.push(step.kind());
            match result {
                Ok(done) => {
                    setbacks.extend(self.take(done, &mut end));
                }
                Err(error) => {
                    let error = if_never_asked_for(error, step, &before);
                    end.resources.extend(self.after_failure(step, &error, &before));
                    setbacks.push(judge(step, &error));
                }
            }
        }
        self.app.registry.end_stage(self.leased, &end, self.app.clock.now()).await?;
        self.apply(end);
        Ok(setbacks.into_iter().max_by_key(Setback::weight))
    }

    fn executor(&self, now: Timestamp) -> Executor<'_> {
        Executor {
            cloudflare: &self.cloudflare,
            releases: self.app.releases.as_ref(),
            sealing_key: &self.app.config.sealing_key,
            leased: self.leased,
            deployment: self.deployment(),
            ledger: &self.observed.ledger,
            secrets: &self.secrets,
            assets: self.assets.as_ref(),
            now,
        }
    }

    fn deployment(&self) -> Option<&Deployment> {
        match &self.wanted {
            Desired::Running(deployment) => Some(deployment),
            Desired::DataOnly | Desired::Nothing => None,
        }
    }

    fn take(&mut self, done: StepDone, end: &mut StageEnd) -> Option<Setback> {
        self.observed.is_script_name_free |= done.script_name_is_free;
        if let Some(receipt) = done.assets {
            self.assets = Some(receipt);
            self.observed.are_assets_staged = true;
        }
        end.resources.extend(done.end.resources);
        end.is_new_script |= done.end.is_new_script;
        end.pushed.extend(done.end.pushed);
        end.removed.extend(done.end.removed);
        end.events.extend(done.end.events);
        done.pause.map(|message| Setback::Blocked(Obstacle::Passing { message, retry_after_s: None }))
    }

    /// What the ledger says after a failure. Unknown where that is so. Where Cloudflare said no before acting, what it said
    /// `before` the stage: also that nothing was asked for, if this stage was the first to ask. What turned out to be
    /// another's is not there as ours, and none of our asking.
    fn after_failure(&self, step: &Step, error: &StepError, before: &Ledger) -> Vec<ResourceChange> {
        if let StepError::NameTaken { kind, .. } = error {
            return vec![ResourceChange { is_end_of_life: true, ..change(before.get(*kind), ResourceState::Absent) }];
        }
        let unknown = unknown_after(step, error);
        let as_before = step.touches().iter().filter(|kind| !unknown.contains(kind)).map(|kind| {
            let line = before.get(*kind);
            ResourceChange { is_end_of_life: line.asked_at.is_none(), ..change(line, line.state) }
        });
        as_before.chain(unknown.iter().map(|kind| change(before.get(*kind), ResourceState::Unknown))).collect()
    }

    /// Takes what was recorded into this round's own picture.
    fn apply(&mut self, end: StageEnd) {
        for change in end.resources {
            let resource = self.observed.ledger.get_mut(change.kind);
            resource.state = change.state;
            resource.external_id = change.external_id;
            resource.applied = change.applied;
            if change.is_end_of_life {
                resource.asked_at = None;
            }
        }
        if end.is_new_script {
            self.secrets.iter_mut().for_each(|secret| secret.pushed_version = 0);
        }
        for (name, version) in end.pushed {
            if let Some(secret) = self.secrets.iter_mut().find(|secret| secret.name == name) {
                secret.pushed_version = version;
            }
        }
        self.secrets.retain(|secret| !end.removed.iter().any(|(name, _)| *name == secret.name));
    }

    /// What the registry is told at the end.
    fn end(&self, stop: &Stop, now: Timestamp) -> RoundEnd {
        let tenant = &self.leased.tenant;
        let mut conditions = tenant.conditions.clone();
        if self.deployment().is_some() {
            let profile = &self.leased.release.manifest.profile;
            set_secrets_ready(&mut conditions, tenant, profile, &self.secrets, now);
        } else {
            conditions.retain(|condition| condition.kind != "SecretsReady");
        }
        let mut ready = |status, reason: &str, message: &str| {
            condition::set(&mut conditions, now, "Ready", status, reason, message);
        };
        let [chance] = entropy::bytes::<1>(self.app.entropy.as_ref());
        let backed_off =
            |retry_after_s| Some(now.plus_ms(backoff::wait_ms(tenant.attempts, tenant.phase, retry_after_s, chance)));
        let still = |due_at, events| RoundEnd {
            phase: tenant.phase,
            conditions: Vec::new(),
            attempts: tenant.attempts,
            due_at,
            converged: false,
            events,
        };
        let end = match stop {
            Stop::Converged => {
                let (phase, status, reason, message, due_at) = match (&self.wanted, tenant.deletion) {
                    (Desired::Running(_), _) => {
                        (Phase::Ready, Status::True, "Converged", "everything is as asked for", None)
                    }
                    (Desired::DataOnly, Some(deletion)) => (
                        Phase::Deleting,
                        Status::False,
                        "DataKept",
                        "Worker, container and route are deleted; the bucket is kept until the grace period ends",
                        Some(deletion.keep_data_until),
                    ),
                    _ => (Phase::Deleted, Status::False, "Deleted", "nothing is left", None),
                };
                ready(status, reason, message);
                let is_news = phase != tenant.phase;
                let events = is_news.then(|| Event::new(reason, message)).into_iter().collect();
                RoundEnd { phase, attempts: 0, converged: true, ..still(due_at, events) }
            }
            Stop::BudgetUsedUp => {
                ready(
                    Status::False,
                    "InProgress",
                    "more is to be done than fits into one round; it goes on in a minute",
                );
                RoundEnd { attempts: 0, ..still(Some(now.plus_ms(PAUSE_MS)), Vec::new()) }
            }
            Stop::Obstacle(Obstacle::Passing { message, retry_after_s }) => {
                let retry_after_s = *retry_after_s;
                ready(Status::False, "Retrying", message);
                still(backed_off(retry_after_s), vec![Event::new("Retrying", message.clone())])
            }
            Stop::Obstacle(Obstacle::Unauthorized { message }) => {
                ready(Status::False, "PlaneUnauthorized", message);
                let events = vec![Event::new("PlaneUnauthorized", message.clone())];
                RoundEnd { phase: stopped(tenant.phase), ..still(Some(now.plus_ms(UNAUTHORIZED_WAIT_MS)), events) }
            }
            Stop::Obstacle(Obstacle::Lasting { reason, message }) => {
                let again = format!("Then try again: PATCH /v1/tenants/{} with {{\"spec\": {{}}}}.", tenant.name);
                ready(Status::False, reason, &format!("{message} {again}"));
                // A deletion never gives up; it slows down.
                let due_at = if tenant.phase == Phase::Deleting { backed_off(None) } else { None };
                let events = vec![Event::new(reason, message.clone())];
                RoundEnd { phase: stopped(tenant.phase), ..still(due_at, events) }
            }
        };
        RoundEnd { conditions, ..end }
    }
}

/// A bucket that is there though it was never asked for before this stage is surely another's: no look at its creation
/// time can tell as much. Of an application the look is still needed, since a deleted one of ours may still show.
fn if_never_asked_for(error: StepError, step: &Step, before: &Ledger) -> StepError {
    let bucket = &before.bucket;
    match &error {
        StepError::Call(call)
            if *step == Step::CreateBucket && call.verdict() == Verdict::Taken && bucket.asked_at.is_none() =>
        {
            StepError::NameTaken { kind: bucket.kind, name: bucket.name.clone() }
        }
        _ => error,
    }
}

fn change(line: &Resource, state: ResourceState) -> ResourceChange {
    ResourceChange {
        kind: line.kind,
        state,
        external_id: line.external_id.clone(),
        applied: line.applied.clone(),
        is_end_of_life: false,
    }
}

/// A deletion stays one, whatever is in its way.
fn stopped(phase: Phase) -> Phase {
    if phase == Phase::Deleting { phase } else { Phase::Failed }
}

fn set_secrets_ready(
    conditions: &mut Vec<Condition>,
    tenant: &Tenant,
    profile: &Profile,
    secrets: &[Secret],
    now: Timestamp,
) {
    let is_set = |name: &String| {
        secrets.iter().any(|secret| secret.name.as_str() == name && secret.wanted == Wanted::Set && !secret.is_lost())
    };
    let names_of = |which: fn(&Secret) -> bool| -> Vec<&str> {
        secrets.iter().filter(|secret| which(secret)).map(|secret| secret.name.as_str()).collect()
    };
    let missing: Vec<&str> = profile.required.iter().filter(|name| !is_set(name)).map(String::as_str).collect();
    let (lost, pending) = (names_of(Secret::is_lost), names_of(Secret::is_pending));
    let set_them = format!("set them with PATCH /v1/tenants/{}/secrets", tenant.name);
    let (status, reason, message) = if !lost.is_empty() {
        let names = lost.join(", ");
        (Status::False, "Lost", format!("lost with the Worker that had them, and not known here: {names}; {set_them}"))
    } else if !missing.is_empty() {
        (Status::False, "Missing", format!("required and not set: {}; {set_them}", missing.join(", ")))
    } else if !pending.is_empty() {
        (Status::False, "Pending", format!("not yet on the Worker: {}", pending.join(", ")))
    } else {
        (Status::True, "Pushed", "every secret is on the Worker".to_owned())
    };
    condition::set(conditions, now, "SecretsReady", status, reason, message);
}

/// Whole seconds, rounded up so that the nudge does not come too early; at most what Queues takes.
fn seconds_until(due: Timestamp, now: Timestamp) -> u32 {
    const MOST: i64 = 43_200;
    let seconds = (due.0 - now.0).max(0).saturating_add(999) / 1_000;
    u32::try_from(seconds.min(MOST)).unwrap_or(0)
}

//! One round for one tenant.

use futures_util::future::join_all;

use super::budget::{BLOCK_S, BOOKING_HOLDS_MS};
use super::conclusion::{Conclusion, Stop};
use super::desired::{Deployment, Desired, desired};
use super::execute::{Executor, StepDone, StepError};
use super::plan::{Observed, Plan, Planned, plan};
use super::report::Report;
use super::step::Step;
use super::verdict::{Obstacle, Setback, judge, unknown_after};
use crate::app::App;
use crate::clock::Timestamp;
use crate::cloudflare::{Client, SecretText, Verdict};
use crate::entropy;
use crate::log::{Level, Logger};
use crate::registry::{self, Leased, StageEnd, StageStart};
use crate::tenant::id::hex;
use crate::tenant::{Ledger, Resource, ResourceKind, ResourceState, Tenant, TenantId};
use crate::vault::Secret;
use crate::wake::Nudge;

/// How long a round may go on without a word to the registry: two calls one after the other that run into their time
/// limit of a minute, and some.
pub const LEASE_MS: i64 = 150_000;

/// Stages after which a round ends though there is more to do, so that each invocation has an end: enough to empty a
/// bucket of a hundred thousand objects.
const MAX_STAGES: u32 = 120;

/// Rounds in which a class may be missing before somebody is taken to have deleted the script that has it: more than a
/// minute of waits. Others poll for that long.
const PATIENCE: u32 = 5;

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
    let booked_since = now.plus_ms(-BOOKING_HOLDS_MS);
    let leased = app.registry.lease(id, token, now.plus_ms(LEASE_MS), booked_since, now).await?;
    let Some(leased) = leased else { return Ok(None) };
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
        calls: Calls { booked: leased.tenant.booked_calls, made: 0 },
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
    calls: Calls,
}

/// Calls of this round.
struct Calls {
    /// Paid for.
    booked: u32,
    /// Made, as far as steps say beforehand.
    made: u32,
}

impl Round<'_> {
    async fn run(mut self, request_id: &str) -> Result<Report, registry::Error> {
        let stop = self.converge().await?;
        let now = self.app.clock.now();
        let [chance] = entropy::bytes::<1>(self.app.entropy.as_ref());
        let conclusion = Conclusion {
            tenant: &self.leased.tenant,
            profile: &self.leased.release.manifest.profile,
            wanted: &self.wanted,
            application: &self.observed.ledger.application,
            secrets: &self.secrets,
            chance,
            now,
        };
        let mut end = conclusion.draw(&stop);
        let budget = self.app.config.budget;
        match &stop {
            // What is booked is for the next round.
            Stop::Booked { .. } => end.booked_calls = self.calls.booked - self.calls.made,
            _ => end.settle_ms = budget.cost_ms(self.cloudflare.calls_sent()) - budget.cost_ms(self.calls.booked),
        }
        let due_at = self.app.registry.finish_round(self.leased, &end, now).await?;
        if let Some(due) = due_at {
            let nudge = Nudge { tenant: self.leased.tenant.id.0.clone(), request_id: request_id.to_owned() };
            self.app.wake.nudge(nudge, seconds_until(due, now)).await;
        }
        let Tenant { id, attempts, .. } = &self.leased.tenant;
        Ok(Report {
            tenant: id.clone(),
            request_id: request_id.to_owned(),
            outcome: stop.outcome(),
            attempts: *attempts,
            steps: self.steps,
            calls: self.cloudflare.calls_sent(),
            due_at,
        })
    }

    /// Plans and runs stages until there is nothing to do or something is in the way.
    async fn converge(&mut self) -> Result<Stop, registry::Error> {
        let mut has_met_taken = false;
        for _ in 0..MAX_STAGES {
            let plan = plan(&self.wanted, &self.observed, &self.secrets);
            let Some(stage) = plan.stages.first() else { return Ok(Stop::Converged) };
            if let Some(at) = self.book(&plan, stage).await? {
                return Ok(Stop::Booked { at });
            }
            match self.run_stage(stage).await? {
                None => {}
                // Whose it is, the look that is planned next will tell; but a list that is behind must not keep a
                // round going round.
                Some(Setback::Taken { .. }) if !has_met_taken => has_met_taken = true,
                Some(Setback::Taken { otherwise: obstacle } | Setback::Blocked(obstacle)) => {
                    return Ok(Stop::Obstacle(obstacle));
                }
            }
        }
        Ok(Stop::Unfinished)
    }

    /// Sees to it that the calls of `stage` are paid for, and with them as many of the rest of `plan` as may be booked at
    /// a time. `Some`: it is not yet this tenant's turn.
    async fn book(&mut self, plan: &Plan, stage: &[Planned]) -> Result<Option<Timestamp>, registry::Error> {
        let count = |planned: &Planned| planned.step.calls();
        let needed: u32 = self.calls.made + stage.iter().map(count).sum::<u32>();
        if needed > self.calls.booked {
            let wished =
                self.calls.made + plan.steps().map(count).sum::<u32>().min(self.app.config.budget.calls_at_a_time());
            let missing = wished.max(needed) - self.calls.booked;
            let (budget, now) = (&self.app.config.budget, self.app.clock.now());
            let at = self.app.registry.book_calls(budget.cost_ms(missing), budget.burst_ms(), now).await?;
            self.calls.booked += missing;
            if at > now {
                return Ok(Some(at));
            }
        }
        self.calls.made = needed;
        Ok(None)
    }

    /// Notes, calls, notes. Returns the weightiest setback that the stage met.
    async fn run_stage(&mut self, stage: &[Planned]) -> Result<Option<Setback>, registry::Error> {
        let now = self.app.clock.now();
        let mut touched = Vec::new();
        // Part of what is known before, so that it outlives whatever becomes of the calls.
        let application = &mut self.observed.ledger.application;
        if stage.iter().any(|planned| planned.step.changes_secrets()) && application.owing_restart(now) {
            touched.push(application.clone());
        }
        let before = self.observed.ledger.clone();
        for Planned { step, .. } in stage {
            for kind in step.touches() {
                let line = self.observed.ledger.get_mut(*kind);
                let known = line.state;
                if step.removes() {
                    line.removing(now);
                } else {
                    line.making(now);
                }
                touched.push(line.clone());
                // On record it is unknown from here on; the step itself goes by what was known.
                line.state = known;
            }
        }
        if stage.iter().any(|planned| matches!(planned.step, Step::PushSecrets { .. })) {
            // A lost reply must not leave the former time to sleep on record: it may be wanted again by then.
            let script = &mut self.observed.ledger.script;
            script.pushing_sleep();
            touched.push(script.clone());
        }
        let uploads = |planned: &Planned| matches!(planned.step, Step::DeployScript { .. });
        let is_new_script = before.script.state == ResourceState::Absent && stage.iter().any(uploads);
        let start = StageStart { touched: &touched, is_new_script };
        if let Err(error) = self.app.registry.begin_stage(self.leased, &start, now.plus_ms(LEASE_MS), now).await {
            self.observed.ledger = before;
            return self.blocked_or(error, now).await;
        }
        if is_new_script {
            self.secrets.iter_mut().for_each(|secret| secret.pushed_version = 0);
        }

        let results = {
            let executor = self.executor(now);
            join_all(stage.iter().map(|planned| executor.run(&planned.step))).await
        };
        let now = self.app.clock.now();
        let mut end = StageEnd::default();
        let mut setbacks = Vec::new();
        for (Planned { step, .. }, result) in stage.iter().zip(results) {
            self.steps.push(step.kind());
            match result {
                Ok(done) => setbacks.extend(self.take(done, &mut end, now)),
                Err(error) => {
                    self.keep_all_still(&error, now).await?;
                    let error = if_never_asked_for(error, step, &before);
                    self.note_failure(step, &error, &before, &mut end);
                    setbacks.push(judge(step, &error));
                }
            }
        }
        self.app.registry.end_stage(self.leased, &end, now).await?;
        self.apply(end);
        Ok(setbacks.into_iter().max_by_key(Setback::weight))
    }

    /// The lease is lost, unless it was only that Cloudflare asked for a pause.
    async fn blocked_or(&self, error: registry::Error, now: Timestamp) -> Result<Option<Setback>, registry::Error> {
        if error != registry::Error::Conflict {
            return Err(error);
        }
        let pause_ms = self.app.registry.api_budget().await?.blocked_until.0 - now.0;
        if pause_ms <= 0 {
            return Err(error);
        }
        let message = "Cloudflare asked for a pause of all calls; it goes on by itself".to_owned();
        let retry_after_s = u32::try_from(pause_ms / 1_000 + 1).ok();
        Ok(Some(Setback::Blocked(Obstacle::Passing { message, retry_after_s })))
    }

    /// Cloudflare refuses every call of the account for a while: no round of any tenant makes one before that is over.
    async fn keep_all_still(&self, error: &StepError, now: Timestamp) -> Result<(), registry::Error> {
        let StepError::Call(call) = error else { return Ok(()) };
        let Some(wait_s) = call.block_s(BLOCK_S) else { return Ok(()) };
        self.app.registry.block_calls(now.plus_ms(i64::from(wait_s) * 1_000)).await
    }

    fn executor(&self, now: Timestamp) -> Executor<'_> {
        Executor {
            cloudflare: &self.cloudflare,
            s3_url: &self.app.config.r2_s3_url,
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
            Desired::Deployed(deployment) => Some(deployment),
            Desired::DataOnly | Desired::Nothing => None,
        }
    }

    fn take(&mut self, done: StepDone, end: &mut StageEnd, now: Timestamp) -> Option<Setback> {
        self.observed.is_script_name_free |= done.script_name_is_free;
        if let Some(receipt) = done.assets {
            self.assets = Some(receipt);
            self.observed.are_assets_staged = true;
        }
        for (kind, news) in done.news {
            let line = self.observed.ledger.get_mut(kind);
            news.tell(line, now);
            end.resources.push(line.clone());
        }
        end.pushed.extend(done.pushed);
        end.removed.extend(done.removed);
        end.events.extend(done.events);
        done.pause.map(|message| Setback::Blocked(Obstacle::Passing { message, retry_after_s: None }))
    }

    /// What the ledger says after a failure. Unknown where that is so. Where Cloudflare said no before acting, what it said
    /// `before` the stage: also that nothing was asked for, if this stage was the first to ask.
    fn note_failure(&mut self, step: &Step, error: &StepError, before: &Ledger, end: &mut StageEnd) {
        let mut note = |kind: ResourceKind, change: &dyn Fn(&mut Resource)| {
            let line = self.observed.ledger.get_mut(kind);
            change(line);
            end.resources.push(line.clone());
        };
        if let StepError::NameTaken { kind, .. } = error {
            return note(*kind, &Resource::never_was);
        }
        let mut unknown = unknown_after(step, error);
        if is_class_amiss(step, error) && self.leased.tenant.attempts > PATIENCE {
            unknown.push(ResourceKind::Script);
        }
        for kind in step.touches().iter().filter(|kind| !unknown.contains(kind)) {
            note(*kind, &|line| line.clone_from(before.get(*kind)));
        }
        for kind in unknown {
            note(kind, &|line| line.state = ResourceState::Unknown);
        }
    }

    /// Takes what was recorded of secrets into this round's own picture.
    fn apply(&mut self, end: StageEnd) {
        for (name, version) in end.pushed {
            if let Some(secret) = self.secrets.iter_mut().find(|secret| secret.name == name) {
                secret.pushed_version = version;
            }
        }
        self.secrets.retain(|secret| !end.removed.iter().any(|(name, _)| *name == secret.name));
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

/// The container API says that the script's class is not there. Right after an upload that passes.
fn is_class_amiss(step: &Step, error: &StepError) -> bool {
    match error {
        StepError::Call(call) if *step == Step::CreateApplication => {
            matches!(call.verdict(), Verdict::Later { .. }) && !call.may_have_acted() && call.block_s(BLOCK_S).is_none()
        }
        _ => false,
    }
}

/// Whole seconds, rounded up so that the nudge does not come too early; at most what Queues takes.
fn seconds_until(due: Timestamp, now: Timestamp) -> u32 {
    const MOST: i64 = 43_200;
    let seconds = (due.0 - now.0).max(0).saturating_add(999) / 1_000;
    u32::try_from(seconds.min(MOST)).unwrap_or(0)
}

//! What runs without a caller: rounds that a nudge asks for, and the jobs of each cron tick.
//!
//! | job | every | does |
//! |---|---|---|
//! | [`trials`] | tick | suspends tenants whose trial has ended, and deletes them after the grace period |
//! | [`rounds`] | tick | runs rounds for tenants that are due: what nudges left behind, and buckets after their grace period |
//! | [`retention`] | hour | deletes rows that nobody needs any more |
//! | [`orphans`] | 30 minutes | compares lists of what is in the account with all ledgers, both ways |
//! | [`drift`] | tick | compares two tenants with what Cloudflare has |
//!
//! What must hold of each: a tick does a bounded piece of it, and the next goes on where it ended ([`run`]); it may run
//! twice, at once too; what fails is in its report and stops no other job.

pub mod drift;
pub mod orphans;
pub mod retention;
pub mod rounds;
pub mod run;
pub mod trials;

use futures_util::FutureExt;
use serde::Serialize;

use self::run::Run;
use crate::app::App;
use crate::entropy;
use crate::log::{Level, Line, Logger};
use crate::reconcile::{Report, run_round};
use crate::registry;
use crate::tenant::TenantId;
use crate::tenant::id::hex;
use crate::wake::Nudge;

/// What one tick did: of each job how it ended and what it found; `None` for one whose time had not come, or that another
/// tick has under way.
#[derive(Debug, Serialize)]
pub struct TickReport {
    /// Trials that ended.
    pub trials: Option<Run<trials::Found>>,
    /// Rounds of tenants that were due.
    pub rounds: Option<Run<rounds::Found>>,
    /// Rows that were kept for long enough.
    pub retention: Option<Run<retention::Found>>,
    /// What is in the account, and what is on a ledger.
    pub orphans: Option<Run<orphans::Found>>,
    /// Tenants that were compared.
    pub drift: Option<Run<drift::Found>>,
}

impl TickReport {
    /// A line for the log: which jobs ran, how many rounds, and what went wrong first. All else is in the registry.
    fn line(&self, log: &Logger) -> Line {
        let runs = [
            ("trials", self.trials.as_ref().map(|run| &run.end)),
            ("rounds", self.rounds.as_ref().map(|run| &run.end)),
            ("retention", self.retention.as_ref().map(|run| &run.end)),
            ("orphans", self.orphans.as_ref().map(|run| &run.end)),
            ("drift", self.drift.as_ref().map(|run| &run.end)),
        ];
        let ran: Vec<&'static str> = runs.iter().filter(|(_, end)| end.is_some()).map(|(name, _)| *name).collect();
        let cause = runs.iter().find_map(|(name, end)| Some(format!("{name}: {}", end.as_ref()?.error.as_ref()?)));
        let (due, rounds, failed) = self.rounds.as_ref().map_or((0, 0, 0), |run| {
            let found = &run.found;
            (found.due, found.converged + found.unfinished + found.waiting + found.stopped, found.failed)
        });
        let level = if failed == 0 && cause.is_none() { Level::Info } else { Level::Error };
        let line = log.line(level, "cron").with("jobs", ran).with("due", due).with("rounds", rounds);
        line.with("failed", failed).with("cause", cause)
    }
}

/// Runs a round for the tenant that a nudge names, if it wants one. What goes wrong is left to the sweep: the tenant is
/// still due.
pub async fn on_nudge(app: &App, nudge: Nudge) -> Result<Option<Report>, registry::Error> {
    let log = app.log.with("request_id", nudge.request_id.as_str());
    round(app, &TenantId(nudge.tenant), &nudge.request_id, &log).await
}

/// Runs every job whose time has come, one after the other: what needs no call to Cloudflare and what tenants wait for
/// first. Leaves a line in the log; what each job found is in its row of the registry.
pub async fn on_tick(app: &App) -> TickReport {
    let request_id = &format!("cron-{}", hex(&entropy::bytes::<8>(app.entropy.as_ref())));
    let log = app.log.with("request_id", request_id.as_str());
    let stopwatch = log.start();
    let app = &App { cloudflare: app.cloudflare.logging_to(log.clone()), log: log.clone(), ..app.clone() };
    let tick = TickReport {
        trials: run::run(app, &trials::Trials, request_id).boxed_local().await,
        rounds: run::run(app, &rounds::Rounds, request_id).boxed_local().await,
        retention: run::run(app, &retention::Retention, request_id).boxed_local().await,
        orphans: run::run(app, &orphans::Orphans, request_id).boxed_local().await,
        drift: run::run(app, &drift::Drift, request_id).boxed_local().await,
    };
    log.write(&tick.line(&log).with("ms", stopwatch.ms()));
    tick
}

/// Runs a round, and writes one line about it; none if there was nothing to run.
async fn round(
    app: &App,
    tenant: &TenantId,
    request_id: &str,
    log: &Logger,
) -> Result<Option<Report>, registry::Error> {
    let log = log.with("tenant", tenant.0.as_str());
    let stopwatch = log.start();
    let result = run_round(app, tenant, request_id, &log).await;
    let line = match &result {
        Ok(Some(report)) => report.line(&log),
        Ok(None) => return result,
        Err(error) => log.line(Level::Error, "round").with("outcome", "failed").with("cause", error.to_string()),
    };
    log.write(&line.with("ms", stopwatch.ms()));
    result
}

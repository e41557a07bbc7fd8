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
use crate::reconcile::{Report, run_round};
use crate::registry;
use crate::tenant::TenantId;
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

/// Runs a round for the tenant that a nudge names, if it wants one. What goes wrong is left to the sweep: the tenant is
/// still due.
pub async fn on_nudge(app: &App, nudge: Nudge) -> Result<Option<Report>, registry::Error> {
    run_round(app, &TenantId(nudge.tenant), &nudge.request_id).await
}

/// Runs every job whose time has come, one after the other: what needs no call to Cloudflare and what tenants wait for
/// first.
pub async fn on_tick(app: &App, request_id: &str) -> TickReport {
    TickReport {
        trials: run::run(app, &trials::Trials, request_id).boxed_local().await,
        rounds: run::run(app, &rounds::Rounds, request_id).boxed_local().await,
        retention: run::run(app, &retention::Retention, request_id).boxed_local().await,
        orphans: run::run(app, &orphans::Orphans, request_id).boxed_local().await,
        drift: run::run(app, &drift::Drift, request_id).boxed_local().await,
    }
}

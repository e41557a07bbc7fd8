//! What runs without a caller: rounds that a nudge asks for, and the cron sweep that finds what nudges left behind.

use futures_util::StreamExt;
use futures_util::stream;

use crate::app::App;
use crate::entropy;
use crate::log::Level;
use crate::reconcile::{Report, run_round};
use crate::registry;
use crate::tenant::TenantId;
use crate::tenant::id::hex;
use crate::wake::Nudge;

/// Tenants that one sweep runs rounds for. More wait for the next one, a minute later; each round makes at most some
/// tens of calls, and Cloudflare takes 1,200 in five minutes.
const SWEEP_LIMIT: i64 = 20;

/// Rounds at once in one sweep: each has up to four calls open, and what is beyond a Worker's six connections waits.
const SWEEP_AT_ONCE: usize = 2;

/// Runs a round for the tenant that a nudge names, if it wants one. What goes wrong is left to the sweep: the tenant is
/// still due.
pub async fn on_nudge(app: &App, nudge: Nudge) -> Result<Option<Report>, registry::Error> {
    round(app, &TenantId(nudge.tenant), &nudge.request_id).await
}

/// Runs rounds for tenants that are due and have none running. Returns how each ended.
pub async fn on_tick(app: &App) -> Result<Vec<Result<Option<Report>, registry::Error>>, registry::Error> {
    let request_id = format!("cron-{}", hex(&entropy::bytes::<8>(app.entropy.as_ref())));
    let log = app.log.with("request_id", request_id.as_str());
    let stopwatch = log.start();
    let result = sweep(app, &request_id).await;
    let line = match &result {
        Ok(rounds) => {
            let failed = rounds.iter().filter(|round| round.is_err()).count();
            let ran = rounds.iter().filter(|round| matches!(round, Ok(Some(_)))).count();
            let level = if failed == 0 { Level::Info } else { Level::Error };
            log.line(level, "cron").with("due", rounds.len()).with("rounds", ran).with("failed", failed)
        }
        Err(error) => log.line(Level::Error, "cron").with("cause", error.to_string()),
    };
    log.write(&line.with("ms", stopwatch.ms()));
    result
}

async fn sweep(app: &App, request_id: &str) -> Result<Vec<Result<Option<Report>, registry::Error>>, registry::Error> {
    let due = app.registry.due(app.clock.now(), SWEEP_LIMIT).await?;
    let rounds = due.iter().map(|id| round(app, id, request_id));
    Ok(stream::iter(rounds).buffer_unordered(SWEEP_AT_ONCE).collect().await)
}

/// Runs a round, and writes one line about it; none if there was nothing to run.
async fn round(app: &App, tenant: &TenantId, request_id: &str) -> Result<Option<Report>, registry::Error> {
    let log = app.log.with("request_id", request_id).with("tenant", tenant.0.as_str());
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

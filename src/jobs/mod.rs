//! What runs without a caller: rounds that a nudge asks for, and the cron sweep that finds what nudges left behind.

use futures_util::StreamExt;
use futures_util::stream;

use crate::app::App;
use crate::reconcile::{Report, run_round};
use crate::registry;
use crate::tenant::TenantId;
use crate::wake::Nudge;

/// Tenants that one sweep runs rounds for. More wait for the next one, a minute later; each round makes at most some
/// tens of calls, and Cloudflare takes 1,200 in five minutes.
const SWEEP_LIMIT: i64 = 20;

/// Rounds at once in one sweep: each has up to four calls open, and what is beyond a Worker's six connections waits.
const SWEEP_AT_ONCE: usize = 2;

/// Runs a round for the tenant that a nudge names, if it wants one. What goes wrong is left to the sweep: the tenant is
/// still due.
pub async fn on_nudge(app: &App, nudge: Nudge) -> Result<Option<Report>, registry::Error> {
    run_round(app, &TenantId(nudge.tenant), &nudge.request_id).await
}

/// Runs rounds for tenants that are due and have none running. Returns how each ended.
pub async fn on_tick(
    app: &App,
    request_id: &str,
) -> Result<Vec<Result<Option<Report>, registry::Error>>, registry::Error> {
    let due = app.registry.due(app.clock.now(), SWEEP_LIMIT).await?;
    let rounds = due.iter().map(|id| run_round(app, id, request_id));
    Ok(stream::iter(rounds).buffer_unordered(SWEEP_AT_ONCE).collect().await)
}

//! Rounds for tenants that are due: what a lost nudge left behind, and what becomes due by itself, such as a bucket at the
//! end of its grace period.

use futures_util::StreamExt;
use futures_util::stream;
use serde::Serialize;

use super::round;
use super::run::{Error, Job, Shift};
use crate::app::App;
use crate::clock::Timestamp;
use crate::reconcile::{Outcome, Report};
use crate::registry;

/// Tenants that one tick runs rounds for. More wait for the next one, a minute later; each round makes at most some
/// tens of calls, and Cloudflare takes 1,200 in five minutes.
const LIMIT: i64 = 20;

/// Rounds at once in one tick: each has up to four calls open, and what is beyond a Worker's six connections waits.
const AT_ONCE: usize = 2;

/// The job. Two ticks at once do no harm: a tenant's lease lets one of them have its round.
pub struct Rounds;

/// What a tick met. The numbers of tenants are over all of them, not only over those of this tick.
#[derive(Debug, Default, Serialize)]
pub struct Found {
    /// Tenants that wanted a round when the tick began.
    pub due: u32,
    /// Of those that this tick took: everything is as wanted now.
    pub converged: u32,
    /// There is more to do, or others have their turn first.
    pub unfinished: u32,
    /// Something is in the way that may pass.
    pub waiting: u32,
    /// Something is in the way that a person has to remove.
    pub stopped: u32,
    /// Somebody else had the lease.
    pub elsewhere: u32,
    /// The registry failed.
    pub failed: u32,
    /// Rounds that vanished: their lease ran out without their giving it back. They were due again in this tick.
    pub vanished: u32,
    /// Tenants past their deadline; the condition `Stalled` of each says more.
    pub overdue: u32,
    /// After this tick, tenants that wait for their turn to call Cloudflare.
    pub waiting_for_turn: u32,
    /// When everything that is booked will have been called: how far large work is.
    pub booked_until_ms: Timestamp,
    /// Cloudflare asked for no call before then.
    pub blocked_until_ms: Timestamp,
    /// Each round of this tick.
    #[serde(skip)]
    pub rounds: Vec<Result<Option<Report>, registry::Error>>,
}

/// Runs rounds for tenants that are due and have none running. Returns how each ended.
pub async fn run_due(
    app: &App,
    request_id: &str,
) -> Result<Vec<Result<Option<Report>, registry::Error>>, registry::Error> {
    let due = app.registry.due(app.clock.now(), LIMIT).await?;
    let rounds = due.iter().map(|id| round(app, id, request_id, &app.log));
    Ok(stream::iter(rounds).buffer_unordered(AT_ONCE).collect().await)
}

impl Job for Rounds {
    type Found = Found;
    const NAME: &'static str = "rounds";
    const EVERY_MS: i64 = 0;
    const PATIENCE_MS: i64 = 0;

    async fn run(&self, shift: &mut Shift<'_>, found: &mut Found) -> Result<(), Error> {
        let app = shift.app;
        let standing = app.registry.standing(app.clock.now()).await?;
        (found.due, found.vanished, found.overdue) = (standing.due, standing.vanished, standing.overdue);

        found.rounds = run_due(app, shift.request_id).await?;
        for round in &found.rounds {
            let count = match round {
                Ok(Some(report)) => match report.outcome {
                    Outcome::Converged => &mut found.converged,
                    Outcome::Unfinished => &mut found.unfinished,
                    Outcome::Waiting => &mut found.waiting,
                    Outcome::Stopped => &mut found.stopped,
                },
                Ok(None) => &mut found.elsewhere,
                Err(_) => &mut found.failed,
            };
            *count += 1;
        }

        let budget = app.registry.api_budget().await?;
        (found.booked_until_ms, found.blocked_until_ms) = (budget.booked_until, budget.blocked_until);
        found.waiting_for_turn = app.registry.standing(app.clock.now()).await?.waiting_for_turn;
        Ok(())
    }
}

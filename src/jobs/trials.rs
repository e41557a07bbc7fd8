//! Trials that end: the tenant is suspended, and after the grace period deleted.

use serde::Serialize;

use super::run::{Error, Job, Shift};
use crate::clock::DAY_MS;
use crate::registry::{self, Change};
use crate::tenant::event::Event;
use crate::tenant::{GRACE_DAYS, Status, Tenant, condition};
use crate::wake::Nudge;

/// Tenants that one tick ends the trials of.
const LIMIT: i64 = 20;

/// The job. Twice, or at once: each change goes by the tenant's generation, so it is made once.
pub struct Trials;

/// What a tick did.
#[derive(Debug, Default, Serialize)]
pub struct Found {
    /// Tenants whose trial ended: to stand still from now on.
    pub suspended: u32,
    /// Tenants whose grace period after the trial is over: to be deleted, data included.
    pub deleted: u32,
    /// Tenants that somebody changed at the same moment; the next tick sees to them.
    pub changed_meanwhile: u32,
}

impl Job for Trials {
    type Found = Found;
    const NAME: &'static str = "trials";
    const EVERY_MS: i64 = 0;
    const PATIENCE_MS: i64 = 5 * 60 * 1_000;

    async fn run(&self, shift: &mut Shift<'_>, found: &mut Found) -> Result<(), Error> {
        let app = shift.app;
        let now = app.clock.now();
        let over = now.plus_ms(-GRACE_DAYS * DAY_MS);
        for tenant in app.registry.ended_trials(over, now, LIMIT).await? {
            let is_over = tenant.expires_at.is_some_and(|expires| expires <= over);
            match end(shift, &tenant, is_over).await {
                Ok(()) if is_over => found.deleted += 1,
                Ok(()) => found.suspended += 1,
                Err(registry::Error::Conflict) => found.changed_meanwhile += 1,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

async fn end(shift: &Shift<'_>, tenant: &Tenant, is_over: bool) -> Result<(), registry::Error> {
    let app = shift.app;
    let now = app.clock.now();
    let event = if is_over {
        Event::new("TrialOver", format!("the trial ended {GRACE_DAYS} days ago; the tenant is deleted, data included"))
    } else {
        let message = format!("the trial has ended: nothing runs, nothing answers; data is kept for {GRACE_DAYS} days");
        Event::new("TrialEnded", message)
    };
    let mut conditions = tenant.conditions.clone();
    condition::set(&mut conditions, now, "Ready", Status::False, &event.reason, event.message.clone());
    let change = Change { conditions: &conditions, event: &event, now, answer: None, act: None };
    if is_over {
        app.registry.ask_deletion(tenant, now, change).await?;
    } else {
        app.registry.suspend(tenant, false, change).await?;
    }
    let nudge = Nudge { tenant: tenant.id.0.clone(), request_id: shift.request_id.to_owned() };
    app.wake.nudge(nudge, 0).await;
    Ok(())
}

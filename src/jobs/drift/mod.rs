//! Drift: what somebody changed by hand in Cloudflare is found, said, and put back by the next round.
//!
//! Each tick compares a slice of the fleet, least recently compared first. A difference makes the ledger forget what it
//! took for applied, and the tenant due: the loop then does what it does for any change.

mod compare;

use futures_util::FutureExt;
use serde::Serialize;

use self::compare::{Seen, compare};
use super::run::{Error, Job, Shift};
use crate::clock::DAY_MS;
use crate::cloudflare::Optional;
use crate::reconcile::desired::deployment;
use crate::registry::{self, Change, Repair};
use crate::tenant::event::Event;
use crate::tenant::{Ledger, Resource, ResourceState, Status, Tenant, TenantId, condition};
use crate::wake::Nudge;

/// Tenants that one tick compares.
const SLICE: i64 = 2;

/// Calls that one comparison makes.
const CALLS: u32 = 5;

/// How long a tenant that was compared is left alone.
const EVERY_MS: i64 = 60 * 60 * 1_000;

/// How long a tenant has to be at rest before it is compared: a new schedule takes up to 15 minutes to spread
/// (developers.cloudflare.com/workers/configuration/cron-triggers).
const REST_MS: i64 = 15 * 60 * 1_000;

/// How long the same difference is not put back again. Should Cloudflare show something otherwise than the plane sent it, the
/// whole fleet would be deployed anew every hour.
const INSIST_MS: i64 = DAY_MS;

/// The job. Twice, or at once: it only reads, and a repair goes by the tenant as it was read.
pub struct Drift;

/// What a tick found.
#[derive(Debug, Default, Serialize)]
pub struct Found {
    /// Tenants that were compared.
    pub compared: u32,
    /// Names of those that differed, and are due now.
    pub drifted: Vec<String>,
    /// Names of those that differ in the same way as not long ago: putting that back did not help, or somebody insists.
    pub persisting: Vec<String>,
    /// Tenants that could not be compared, with the reason; their turn comes again.
    pub failed: Vec<String>,
    /// The calls of the account were needed for something else.
    pub is_out_of_calls: bool,
}

impl Job for Drift {
    type Found = Found;
    const NAME: &'static str = "drift";
    const EVERY_MS: i64 = 0;
    const PATIENCE_MS: i64 = 5 * 60 * 1_000;

    async fn run(&self, shift: &mut Shift<'_>, found: &mut Found) -> Result<(), Error> {
        let app = shift.app;
        let now = shift.started_at();
        for id in app.registry.least_checked(now.plus_ms(-EVERY_MS), now.plus_ms(-REST_MS), SLICE).await? {
            if !shift.may_call(CALLS).await? {
                found.is_out_of_calls = true;
                return Ok(());
            }
            match check(shift, &id).boxed().await {
                Ok(Comparison::Same) => found.compared += 1,
                Ok(Comparison::Drifted(name)) => {
                    found.compared += 1;
                    found.drifted.push(name);
                }
                Ok(Comparison::Persists(name)) => {
                    found.compared += 1;
                    found.persisting.push(name);
                }
                // Somebody changed the tenant meanwhile: what was seen says nothing any more.
                Err(Error::Registry(registry::Error::Conflict)) => {}
                Err(Error::Cloudflare(error)) => {
                    shift.heed(&error).await?;
                    found.failed.push(format!("{id}: {error}"));
                }
                Err(error) => return Err(error),
            }
            // Also after a failure: one tenant that cannot be compared must not keep all others from it.
            app.registry.checked(&id, app.clock.now()).await?;
        }
        Ok(())
    }
}

/// What came of a comparison; with the tenant's name.
enum Comparison {
    Same,
    Drifted(String),
    Persists(String),
}

/// Compares one tenant, and begins its repair if it differs.
async fn check(shift: &Shift<'_>, id: &TenantId) -> Result<Comparison, Error> {
    let registry = &shift.app.registry;
    let Some((tenant, resources)) = registry.find_tenant(id).await? else { return Ok(Comparison::Same) };
    let Some(release) = registry.release(&tenant.release).await? else { return Ok(Comparison::Same) };
    let ledger = ledger_of(id, resources)?;
    let wanted = deployment(&tenant, &ledger, &release);
    let secrets = registry.secrets(id).await?;

    let seen = see(shift, &ledger).boxed().await?;
    let (differences, repair) = compare(&wanted, &ledger, &secrets, &seen);
    if differences.is_empty() {
        return Ok(Comparison::Same);
    }
    let name = tenant.name.to_string();
    let message = format!("found otherwise than the plane made it, and put back: {}", differences.join("; "));
    let event = Event::new("DriftFound", message);
    if registry.happened_since(id, &event, shift.app.clock.now().plus_ms(-INSIST_MS)).await? {
        return Ok(Comparison::Persists(name));
    }
    mend(shift, &tenant, &repair, event).await?;
    Ok(Comparison::Drifted(name))
}

/// One call after the other: nobody waits for it, and connections are left for those whom somebody waits for.
async fn see(shift: &Shift<'_>, ledger: &Ledger) -> Result<Seen, Error> {
    let (cloudflare, script) = (&shift.app.cloudflare, ledger.script.name.as_str());
    let mut seen = Seen { settings: cloudflare.get_script_settings(script).await.optional()?, ..Seen::default() };
    // Without the script there is nothing in it to be seen.
    if seen.settings.is_none() {
        return Ok(seen);
    }
    seen.secrets = cloudflare.list_secrets(script).await?;
    seen.crons = cloudflare.get_schedules(script).await?;
    seen.subdomain = cloudflare.get_script_subdomain(script).await?;
    if let (Some(id), ResourceState::Present) = (&ledger.application.external_id, ledger.application.state) {
        seen.application = cloudflare.get_application(id).await.optional()?;
    }
    Ok(seen)
}

/// Begins a repair: records it, says so, and asks for the round that puts things back.
pub async fn mend(shift: &Shift<'_>, tenant: &Tenant, repair: &Repair, event: Event) -> Result<(), Error> {
    let app = shift.app;
    let now = app.clock.now();
    let mut conditions = tenant.conditions.clone();
    condition::set(&mut conditions, now, "Ready", Status::False, &event.reason, event.message.clone());
    let change = Change { conditions: &conditions, event: &event, now, answer: None, act: None };
    app.registry.repair(tenant, repair, change).await?;
    let nudge = Nudge { tenant: tenant.id.0.clone(), request_id: shift.request_id.to_owned() };
    app.wake.nudge(nudge, 0).await;
    Ok(())
}

/// A tenant's ledger from its rows.
pub fn ledger_of(id: &TenantId, resources: Vec<Resource>) -> Result<Ledger, registry::Error> {
    Ledger::from_rows(resources).map_err(|kind| registry::Error::Inconsistent {
        table: "resource",
        detail: format!("tenant {id} has no row for its {}", kind.as_str()),
    })
}

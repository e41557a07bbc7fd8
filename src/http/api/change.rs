//! How every change of a tenant is asked for: shown with `?dry_run=true`, else written, nudged, and answered 202 with the
//! tenant as it is from now on.

use serde::Serialize;

use crate::app::App;
use crate::clock::Timestamp;
use crate::cost::{Estimate, Usage};
use crate::http::auth::Owner;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::idempotency::Kept;
use crate::http::reply::{Response, accepted, json};
use crate::http::view::{PlanView, TenantView};
use crate::reconcile::desired::desired;
use crate::reconcile::plan::{Observed, plan};
use crate::registry::{self, SecretChange};
use crate::release::Release;
use crate::tenant::event::Event;
use crate::tenant::{Ledger, Resource, Tenant, Wish};
use crate::vault::secret::Wanted;
use crate::vault::{PlainSecret, Secret};
use crate::wake::Nudge;

/// What is asked of a tenant.
pub struct Change {
    /// What is wanted.
    pub wish: Wish,
    /// What its history says of it.
    pub event: Event,
    /// Secrets that are set or deleted with it.
    pub secrets: Vec<SecretChange>,
    /// A gateway token that was made for it, to be shown this once.
    pub gateway_token: Option<PlainSecret>,
}

/// The tenant as an answer has it.
#[derive(Serialize)]
struct Answer<'a> {
    tenant: TenantView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_token: Option<&'a str>,
}

/// What a change would do.
#[derive(Serialize)]
struct DryRun<'a> {
    dry_run: bool,
    tenant: TenantView<'a>,
    plan: PlanView<'a>,
    monthly_usd: BeforeAfter,
}

/// What the tenant costs a month around the clock, before a change and after it.
#[derive(Serialize)]
struct BeforeAfter {
    before: Estimate,
    after: Estimate,
}

impl Change {
    /// A change that comes without secrets.
    pub fn new(wish: Wish, reason: &str, message: impl Into<String>) -> Self {
        Self { wish, event: Event::new(reason, message), secrets: Vec::new(), gateway_token: None }
    }

    /// Shows it or has it made, as `is_dry_run` says. Nothing that could fail comes after it is written: what is answered
    /// is worked out before.
    pub async fn make(self, call: &Call, owner: &Owner, is_dry_run: bool) -> Result<Response, ApiError> {
        let (app, now) = (&call.app, call.app.clock.now());
        let after = owner.tenant.wishing(&self.wish, &self.event, now);
        if is_dry_run {
            return self.show(app, owner, &after, now).await;
        }
        let answer = accepted(&Answer {
            tenant: TenantView::of(app, &after, &owner.resources),
            gateway_token: self.gateway_token.as_ref().map(PlainSecret::expose),
        })?;
        let kept = call.keep(&answer)?;
        let kept = kept.as_ref().map(Kept::as_new);
        let change = registry::Change { conditions: &after.conditions, event: &self.event, now, answer: kept.as_ref() };
        self.write(app, &owner.tenant, change).await?;
        app.wake.nudge(Nudge { tenant: after.id.0.clone(), request_id: call.request_id.clone() }, 0).await;
        Ok(answer)
    }

    async fn write(&self, app: &App, tenant: &Tenant, change: registry::Change<'_>) -> Result<(), registry::Error> {
        let registry = &app.registry;
        match &self.wish {
            Wish::Spec(spec) => registry.change_spec(tenant, spec, change).await,
            Wish::Release(release) => registry.change_release(tenant, release, change).await,
            Wish::Secrets => registry.change_secrets(tenant, &self.secrets, change).await,
            Wish::Suspended => registry.suspend(tenant, false, change).await,
            Wish::Running => registry.suspend(tenant, true, change).await,
            Wish::Deleted { keep_data_until } => registry.ask_deletion(tenant, *keep_data_until, change).await,
            Wish::Undeleted => registry.undelete(tenant, &self.secrets, change).await,
        }
    }

    /// The plan that would be run, and the cost. Nothing is written, nobody is called.
    async fn show(&self, app: &App, owner: &Owner, after: &Tenant, now: Timestamp) -> Result<Response, ApiError> {
        let release = release_of(app, after).await?;
        let ledger = ledger_of(&owner.resources)?;
        let secrets = self.secrets_after(app.registry.secrets(&after.id).await?, now);
        let steps = plan(&desired(after, &ledger, &release, now), &Observed::at_start(ledger.clone()), &secrets);
        json(&DryRun {
            dry_run: true,
            tenant: TenantView::of(app, after, &owner.resources),
            plan: PlanView::of(&steps, &ledger),
            monthly_usd: BeforeAfter { before: monthly(&owner.tenant), after: monthly(after) },
        })
    }

    /// The tenant's secrets once the change is written.
    fn secrets_after(&self, mut secrets: Vec<Secret>, now: Timestamp) -> Vec<Secret> {
        for change in &self.secrets {
            let wanted = if change.sealed.is_some() { Wanted::Set } else { Wanted::Deleted };
            let (version, sealed, updated_at) = (change.version, change.sealed.clone(), now);
            let former = secrets.iter_mut().find(|secret| secret.name == change.name);
            match former {
                Some(secret) => *secret = Secret { wanted, version, sealed, updated_at, ..secret.clone() },
                None => {
                    let name = change.name.clone();
                    secrets.push(Secret {
                        name,
                        wanted,
                        version,
                        pushed_version: 0,
                        sealed,
                        updated_at,
                        pushed_at: None,
                    });
                }
            }
        }
        secrets
    }
}

/// 200 with the tenant.
pub fn unchanged(app: &App, owner: &Owner) -> Result<Response, ApiError> {
    json(&Answer { tenant: TenantView::of(app, &owner.tenant, &owner.resources), gateway_token: None })
}

/// A tenant that is going takes no changes.
pub fn refuse_if_going(tenant: &Tenant) -> Result<(), ApiError> {
    if tenant.deletion.is_some() { Err(ApiError::BeingDeleted) } else { Ok(()) }
}

/// What a tenant is deployed from.
pub async fn release_of(app: &App, tenant: &Tenant) -> Result<Release, ApiError> {
    let found = app.registry.release(&tenant.release).await?;
    found.ok_or_else(|| ApiError::Internal(format!("release {} is missing", tenant.release)))
}

/// The lines of a tenant as a ledger.
pub fn ledger_of(resources: &[Resource]) -> Result<Ledger, ApiError> {
    Ledger::from_rows(resources.to_vec())
        .map_err(|kind| ApiError::Internal(format!("no ledger row for the {}", kind.as_str())))
}

/// CPU use that an estimate supposes when nothing else is said: the guide's light usage.
pub const LIGHT_CPU_PERCENT: u32 = 10;

fn monthly(tenant: &Tenant) -> Estimate {
    let instances =
        if tenant.suspended_at.is_some() || tenant.deletion.is_some() { 0 } else { tenant.spec.max_instances };
    Usage::around_the_clock(tenant.spec.instance_type, instances, LIGHT_CPU_PERCENT).estimate()
}

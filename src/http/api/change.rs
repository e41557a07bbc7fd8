//! How every change of a tenant is asked for: shown with `?dry_run=true`, else written, nudged, and answered 202 with the
//! tenant as it is from now on.

use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::app::App;
use crate::capacity::Room;
use crate::clock::Timestamp;
use crate::cost::{self, Activity, HoursPerDay, Percent, Preset};
use crate::http::auth::Subject;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::idempotency::Kept;
use crate::http::query::Query;
use crate::http::reply::{self, Response, accepted};
use crate::http::view::{PlanView, TenantView, usage};
use crate::reconcile::desired::desired;
use crate::reconcile::plan::{Observed, Plan, plan};
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
    /// What the account has room for, if something grows.
    pub room: Room,
}

/// The tenant as an answer has it.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "TenantAnswer"))]
pub struct Answer<'a> {
    tenant: TenantView<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway_token: Option<&'a str>,
}

/// What a change would do.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "ChangeDryRun"))]
pub struct DryRun<'a> {
    dry_run: bool,
    tenant: TenantView<'a>,
    plan: PlanView<'a>,
    monthly_usd: cost::Change,
}

impl Change {
    /// A change that comes without secrets.
    pub fn new(wish: Wish, reason: &str, message: impl Into<String>) -> Self {
        Self {
            wish,
            event: Event::new(reason, message),
            secrets: Vec::new(),
            gateway_token: None,
            room: Room::default(),
        }
    }

    /// Shows it, when it is a `dry_run`, or has it made. Nothing that could fail comes after it is written: what is answered
    /// is worked out before.
    pub async fn make(self, call: &Call, subject: &Subject, dry_run: Option<Activity>) -> Result<Response, ApiError> {
        let (app, now) = (&call.app, call.app.clock.now());
        let after = subject.tenant.wishing(&self.wish, &self.event, now);
        if let Some(activity) = dry_run {
            return self.show(app, subject, &after, activity, now).await;
        }
        let answer = accepted(&Answer {
            tenant: TenantView::of(app, &after, &subject.resources, Activity::default()),
            gateway_token: self.gateway_token.as_ref().map(PlainSecret::expose),
        })?;
        let kept = call.keep(&answer)?;
        let kept = kept.as_ref().map(Kept::as_new);
        let act = subject.act(call, self.wish.act(), snapshot(&subject.tenant), snapshot(&after));
        let change = registry::Change {
            conditions: &after.conditions,
            event: &self.event,
            now,
            answer: kept.as_ref(),
            act: act.as_ref(),
        };
        self.write(app, &subject.tenant, change).await?;
        app.wake.nudge(Nudge { tenant: after.id.0.clone(), request_id: call.request_id.clone() }, 0).await;
        Ok(answer)
    }

    async fn write(&self, app: &App, tenant: &Tenant, change: registry::Change<'_>) -> Result<(), registry::Error> {
        let registry = &app.registry;
        match &self.wish {
            Wish::Spec(spec) => registry.change_spec(tenant, spec, self.room, change).await,
            Wish::Release(release) => registry.change_release(tenant, release, change).await,
            Wish::Retry => match tenant.deletion {
                Some(deletion) => registry.ask_deletion(tenant, deletion.keep_data_until, change).await,
                None => registry.change_secrets(tenant, &[], change).await,
            },
            Wish::Paused(is_to_wait) => registry.pause(tenant, *is_to_wait, change).await,
            Wish::Trial { ends_at } => registry.set_trial(tenant, *ends_at, change).await,
            Wish::Secrets => registry.change_secrets(tenant, &self.secrets, change).await,
            Wish::Suspended => registry.suspend(tenant, false, change).await,
            Wish::Running => registry.suspend(tenant, true, change).await,
            Wish::Deleted { keep_data_until } => registry.ask_deletion(tenant, *keep_data_until, change).await,
            Wish::Undeleted => registry.undelete(tenant, &self.secrets, change).await,
        }
    }

    /// The plan that would be run, and the cost. Nothing is written, nobody is called.
    async fn show(
        &self,
        app: &App,
        subject: &Subject,
        after: &Tenant,
        activity: Activity,
        now: Timestamp,
    ) -> Result<Response, ApiError> {
        let release = release_of(app, after).await?;
        let ledger = ledger_of(&subject.resources)?;
        let secrets = self.secrets_after(app.registry.secrets(&after.id).await?, now);
        let steps = next_plan(after, &ledger, &release, &secrets, now);
        reply::json(&DryRun {
            dry_run: true,
            tenant: TenantView::of(app, after, &subject.resources, activity),
            plan: PlanView::of(&steps, &ledger),
            monthly_usd: cost::Change::between(usage(&subject.tenant, activity), usage(after, activity)),
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
                        live_version: 0,
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

/// The plan of the next round, as far as it can be told without a look at Cloudflare.
pub fn next_plan(tenant: &Tenant, ledger: &Ledger, release: &Release, secrets: &[Secret], now: Timestamp) -> Plan {
    plan(&desired(tenant, ledger, release, now), &Observed::at_start(ledger.clone()), secrets)
}

/// A tenant as the audit log has it, before and after an act.
fn snapshot(tenant: &Tenant) -> Json {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    json!({
        "phase": tenant.phase.as_str(),
        "generation": tenant.generation,
        "spec": {
            "instance_type": tenant.spec.instance_type.as_str(),
            "max_instances": tenant.spec.max_instances,
            "sleep_after": tenant.spec.sleep_after.to_string(),
        },
        "release": tenant.release.0,
        "suspended_at": time(tenant.suspended_at),
        "paused_at": time(tenant.paused_at),
        "trial_ends_at": time(tenant.expires_at),
        "data_kept_until": time(tenant.deletion.map(|deletion| deletion.keep_data_until)),
    })
}

/// 200 with the tenant.
pub fn unchanged(app: &App, subject: &Subject) -> Result<Response, ApiError> {
    read(app, subject, Activity::default())
}

/// 200 with the tenant, its forecast that of a tenant so busy.
pub fn read(app: &App, subject: &Subject, activity: Activity) -> Result<Response, ApiError> {
    reply::json(&Answer {
        tenant: TenantView::of(app, &subject.tenant, &subject.resources, activity),
        gateway_token: None,
    })
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

/// How busy the caller takes the tenant to be: `?preset=&hours_per_day=&cpu_percent=`.
pub fn activity(query: &mut Query) -> Activity {
    Activity {
        preset: query.text("preset", Preset::parse).unwrap_or_default(),
        hours_per_day: query.text("hours_per_day", HoursPerDay::parse),
        cpu_percent: query.text("cpu_percent", Percent::parse),
    }
}

/// Whether the caller asks for a dry run, and how busy he then takes the tenant to be.
pub fn dry_run(query: &mut Query) -> Option<Activity> {
    let activity = activity(query);
    query.flag("dry_run").then_some(activity)
}

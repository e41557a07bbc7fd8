//! `POST /v1/tenants`.

use http::HeaderValue;
use http::header::LOCATION;
use serde::Serialize;
use serde_json::Value;

use super::admission::{Admission, Shown, admit, overtaken};
use super::change::activity;
use super::secret_values::{check_together, generate, read_values};
use super::spec;
use crate::app::App;
use crate::clock::{DAY_MS, Timestamp};
use crate::cost::{Activity, Estimate};
use crate::http::body::Fields;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::idempotency::Kept;
use crate::http::reply::{Response, accepted, json};
use crate::http::view::{PlanView, TenantView};
use crate::rate_limit::{self, Limit};
use crate::reconcile::desired::{Desired, deployment};
use crate::reconcile::plan::{Observed, plan};
use crate::reconcile::wrangler_config::wrangler_config;
use crate::registry::{self, NewTenant, NewToken};
use crate::release::Release;
use crate::tenant::spec::SpecChange;
use crate::tenant::{
    Ledger, Phase, Resource, ResourceKind, SecretName, Status, Tenant, TenantId, TenantName, TenantSpec, condition,
};
use crate::vault::sealed::Place;
use crate::vault::secret::Wanted;
use crate::vault::token::new_token_id;
use crate::vault::{ApiToken, PlainSecret, Scopes, SealedSecret, Secret};
use crate::wake::Nudge;

/// What a sign-up asks for, checked.
struct SignUp {
    name: TenantName,
    shown: Shown,
    spec: TenantSpec,
    secrets: Vec<(SecretName, PlainSecret)>,
}

/// The answer to a sign-up: the only time that either token is shown.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct SignedUp<'a> {
    tenant: TenantView<'a>,
    token: &'a str,
    gateway_token: Option<&'a str>,
}

/// What a sign-up would do: the plan of its first round, the equivalent configuration, the price.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "SignUpDryRun"))]
pub struct DryRun<'a> {
    plan: PlanView<'a>,
    wrangler_config: Value,
    estimate: Estimate,
}

/// Signs a tenant up; with `?dry_run=true` says what that would do, and does nothing.
pub async fn create(mut call: Call) -> Result<Response, ApiError> {
    let activity = activity(&mut call.query);
    let is_dry_run = call.query.flag("dry_run");
    call.query.finish()?;
    let app = &call.app;
    let body = call.json()?;
    let release = app.registry.default_release().await?.ok_or(ApiError::NoRelease)?;
    let mut sign_up = read(body, &release)?;
    if !is_dry_run {
        rate_limit::admit(app.rate_limiter.as_ref(), Limit::SignUps, &call.network()).await?;
    }
    let admission = admit(&call, &sign_up.shown, &sign_up.name, &sign_up.spec, &release).await?;
    let gateway_token = generate(app, &release, &mut sign_up.secrets);
    if is_dry_run {
        return dry_run(app, &sign_up, &release, activity);
    }
    write(&call, &sign_up, &release, &admission, gateway_token.as_ref()).await
}

/// Reads the body; every complaint at once.
fn read(body: serde_json::Map<String, Value>, release: &Release) -> Result<SignUp, ApiError> {
    let mut complaints = Vec::new();
    let mut fields = Fields::new("", body, &mut complaints);
    fields.require("name");
    let name = fields.text("name", TenantName::parse);
    let shown = Shown::read(&mut fields);
    let spec = fields.object("spec");
    let secrets = fields.object("secrets");
    fields.finish();
    let change = spec.map_or_else(SpecChange::default, |spec| spec::read(spec, false, &mut complaints));
    let mut secrets = secrets.map_or_else(Vec::new, |values| read_values("/secrets", values, release, &mut complaints));
    // Nothing is set yet, so there is nothing that null could delete.
    secrets.retain(|(_, value)| value.is_some());
    let is_given = |name: &str| secrets.iter().any(|(given, _)| given.as_str() == name);
    check_together(&secrets, release, is_given, "/secrets", &mut complaints);
    let secrets = secrets.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    match name {
        Some(name) if complaints.is_empty() => {
            Ok(SignUp { name, shown, spec: change.apply_to(TenantSpec::default()), secrets })
        }
        _ => Err(ApiError::Invalid(complaints)),
    }
}

/// Writes the tenant, nudges, and answers. What is answered is made before, of what is written: nothing that could fail
/// comes after, for the tokens are shown this once.
async fn write(
    call: &Call,
    sign_up: &SignUp,
    release: &Release,
    admission: &Admission,
    gateway_token: Option<&PlainSecret>,
) -> Result<Response, ApiError> {
    let app = &call.app;
    let entropy = app.entropy.as_ref();
    let now = app.clock.now();
    let mut tenant = new_tenant(app, TenantId::generate(entropy), sign_up, Some(admission), release, now);
    let message = "the first round starts within a minute";
    condition::set(&mut tenant.conditions, now, "Ready", Status::False, "SignedUp", message);
    let token = ApiToken::generate(entropy);
    let token_id = new_token_id(entropy);
    let seal = |(name, value): &(SecretName, PlainSecret)| {
        let place = Place { tenant: &tenant.id, name, version: 1 };
        let sealed = app.config.sealing_key.seal(place, value, entropy);
        sealed.map(|sealed| (name.clone(), sealed)).map_err(|error| ApiError::Internal(error.to_string()))
    };
    let secrets = sign_up.secrets.iter().map(seal).collect::<Result<Vec<_>, _>>()?;
    let names = app.config.prefixes.names_for(&sign_up.name);
    let resources: Vec<Resource> = names.iter().map(|(kind, name)| Resource::absent(*kind, name.clone())).collect();
    let mut answer = signed_up(&SignedUp {
        tenant: TenantView::of(app, &tenant, &resources, Activity::default()),
        token: token.expose(),
        gateway_token: gateway_token.map(PlainSecret::expose),
    })?;
    let kept = call.keep(&answer)?;
    let kept = kept.as_ref().map(Kept::as_new);
    let new = NewTenant {
        id: &tenant.id,
        name: &tenant.name,
        spec: &tenant.spec,
        release: &tenant.release,
        resources: &names,
        secrets: &secrets,
        conditions: &tenant.conditions,
        token: NewToken { id: &token_id, hash: &token.hash(), scopes: Scopes::ALL, expires_at: None },
        expires_at: tenant.expires_at,
        owner: tenant.owner.as_deref(),
        invite: admission.invite.as_ref().map(|invite| invite.id.as_str()),
        limits: admission.limits,
        answer: kept.as_ref(),
    };
    if let Err(error) = app.registry.create_tenant(new, now).await {
        // The database may have done it and its answer been lost. Then the tenant is there under this id.
        let is_written = matches!(error, registry::Error::Driver(_))
            && app.registry.find_tenant(&tenant.id).await.is_ok_and(|found| found.is_some());
        match error {
            _ if is_written => {}
            registry::Error::LimitReached(_) | registry::Error::NoRoom => {
                return Err(overtaken(app, admission, &sign_up.name, &sign_up.spec, release).await?);
            }
            error => return Err(error.into()),
        }
    }
    app.wake.nudge(Nudge { tenant: tenant.id.0.clone(), request_id: call.request_id.clone() }, 0).await;
    for (name, value) in admission.rate_limit(now).into_iter().flatten() {
        answer.headers_mut().extend(HeaderValue::try_from(value).map(|value| (name, value)));
    }
    Ok(answer)
}

/// 202, and where the tenant is.
fn signed_up(answer: &SignedUp<'_>) -> Result<Response, ApiError> {
    let mut response = accepted(answer)?;
    if let Ok(location) = HeaderValue::try_from(format!("/v1/tenants/{}", answer.tenant.name())) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// Nothing is written, nobody is called.
fn dry_run(app: &App, sign_up: &SignUp, release: &Release, activity: Activity) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let tenant = new_tenant(app, TenantId("(not yet)".to_owned()), sign_up, None, release, now);
    let missing_row = |kind: ResourceKind| ApiError::Internal(format!("no name for the {}", kind.as_str()));
    let ledger = Ledger::empty(&app.config.prefixes.names_for(&sign_up.name)).map_err(missing_row)?;
    let secrets: Vec<Secret> = sign_up.secrets.iter().map(|(name, _)| pending(name, now)).collect();
    let wanted = deployment(&tenant, &ledger, release);
    let wrangler_config = wrangler_config(&wanted, &ledger, release);
    let steps = plan(&Desired::Deployed(Box::new(wanted)), &Observed::at_start(ledger.clone()), &secrets);
    let usage = activity.usage(&sign_up.spec);
    let plan = PlanView::of(&steps, &ledger);
    json(&DryRun { plan, wrangler_config, estimate: usage.estimate() })
}

fn new_tenant(
    app: &App,
    id: TenantId,
    sign_up: &SignUp,
    admission: Option<&Admission>,
    release: &Release,
    now: Timestamp,
) -> Tenant {
    let expires_at = app.config.trial_days.map(|days| now.plus_ms(days * DAY_MS));
    Tenant {
        id,
        name: sign_up.name.clone(),
        phase: Phase::Pending,
        generation: 1,
        observed_generation: 0,
        owner: admission.map(|admission| admission.owner.clone()),
        spec: sign_up.spec.clone(),
        largest: admission.and_then(|admission| admission.invite.as_ref()?.largest),
        release: release.id.clone(),
        conditions: Vec::new(),
        wanted_since: now,
        suspended_at: None,
        paused_at: None,
        expires_at,
        deletion: None,
        due_at: Some(now),
        attempts: 0,
        booked_calls: 0,
        created_at: now,
        updated_at: now,
    }
}

fn pending(name: &SecretName, now: Timestamp) -> Secret {
    Secret {
        name: name.clone(),
        wanted: Wanted::Set,
        version: 1,
        pushed_version: 0,
        live_version: 0,
        // Plans go by names and versions; that there is a value is all that they want to know of it.
        sealed: Some(SealedSecret(String::new())),
        updated_at: now,
        pushed_at: None,
    }
}

//! `POST /v1/tenants`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::StatusCode;
use http::header::{HeaderName, LOCATION};
use serde::Serialize;
use serde_json::Value;

use super::secrets::{generate, read_values};
use super::spec;
use crate::app::App;
use crate::clock::{DAY_MS, Timestamp};
use crate::config::SignupMode;
use crate::cost::{Activity, Estimate};
use crate::entropy;
use crate::http::body::{Fields, JsonObject};
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::request_id::RequestId;
use crate::http::view::{PlanView, TenantView};
use crate::reconcile::desired::{Desired, deployment};
use crate::reconcile::plan::{Observed, plan};
use crate::reconcile::wrangler_config::wrangler_config;
use crate::registry::{self, NewTenant};
use crate::release::Release;
use crate::tenant::id::hex;
use crate::tenant::spec::SpecChange;
use crate::tenant::{
    Ledger, Phase, Resource, ResourceKind, SecretName, Status, Tenant, TenantId, TenantName, TenantSpec, condition,
};
use crate::vault::sealed::Place;
use crate::vault::secret::Wanted;
use crate::vault::{ApiToken, PlainSecret, SealedSecret, Secret};
use crate::wake::Nudge;

/// What a sign-up asks for, checked.
struct SignUp {
    name: TenantName,
    spec: TenantSpec,
    secrets: Vec<(SecretName, PlainSecret)>,
}

/// The answer to a sign-up: the only time that either token is shown.
#[derive(Serialize)]
struct SignedUp<'a> {
    tenant: TenantView<'a>,
    token: &'a str,
    gateway_token: Option<&'a str>,
}

/// What a sign-up would do: the plan of its first round, the equivalent configuration, the price.
#[derive(Serialize)]
struct DryRun<'a> {
    plan: PlanView<'a>,
    wrangler_config: Value,
    estimate: Estimate,
}

/// Signs a tenant up; with `?dry_run=true` says what that would do, and does nothing.
pub async fn create(
    State(app): State<App>,
    Extension(request_id): Extension<RequestId>,
    mut query: Query,
    JsonObject(body): JsonObject,
) -> Result<Response, ApiError> {
    let is_dry_run = query.flag("dry_run");
    query.finish()?;
    match app.config.signup_mode {
        SignupMode::Open => {}
        SignupMode::Invite => return Err(ApiError::InviteRequired),
        SignupMode::Closed => return Err(ApiError::SignupClosed),
    }
    let release = app.registry.default_release().await?.ok_or(ApiError::NoRelease)?;
    let mut sign_up = read(body, &release)?;
    if app.registry.is_name_taken(&sign_up.name).await? {
        return Err(ApiError::NameTaken);
    }
    let gateway_token = generate(&app, &release, &mut sign_up.secrets);
    if is_dry_run {
        return dry_run(&app, &sign_up, &release);
    }
    let (tenant, resources, token) = write(&app, &sign_up, &release).await?;
    app.wake.nudge(Nudge { tenant: tenant.id.0.clone(), request_id: request_id.id }, 0).await;
    let answer = SignedUp {
        tenant: TenantView::of(&app, &tenant, &resources),
        token: token.expose(),
        gateway_token: gateway_token.as_ref().map(PlainSecret::expose),
    };
    let location: [(HeaderName, String); 1] = [(LOCATION, format!("/v1/tenants/{}", tenant.name))];
    Ok((StatusCode::ACCEPTED, location, Json(answer)).into_response())
}

/// Reads the body; every complaint at once.
fn read(body: serde_json::Map<String, Value>, release: &Release) -> Result<SignUp, ApiError> {
    let mut complaints = Vec::new();
    let mut fields = Fields::new("", body, &mut complaints);
    fields.require("name");
    let name = fields.text("name", TenantName::parse);
    let spec = fields.object("spec");
    let secrets = fields.object("secrets");
    fields.finish();
    let change = spec.map_or_else(SpecChange::default, |spec| spec::read(spec, &mut complaints));
    let secrets = secrets.map_or_else(Vec::new, |values| {
        let read = read_values("/secrets", values, release, &mut complaints).into_iter();
        // Nothing is set yet, so there is nothing that null could delete.
        read.filter_map(|(name, value)| Some((name, value?))).collect()
    });
    match name {
        Some(name) if complaints.is_empty() => {
            Ok(SignUp { name, spec: change.apply_to(TenantSpec::default()), secrets })
        }
        _ => Err(ApiError::Invalid(complaints)),
    }
}

/// Writes the tenant. What is answered is made of what was written: nothing that could fail comes after, for the token
/// is shown this once.
async fn write(app: &App, sign_up: &SignUp, release: &Release) -> Result<(Tenant, Vec<Resource>, ApiToken), ApiError> {
    let entropy = app.entropy.as_ref();
    let now = app.clock.now();
    let mut tenant = new_tenant(app, TenantId::generate(entropy), sign_up, release, now);
    let message = "the first round starts within a minute";
    condition::set(&mut tenant.conditions, now, "Ready", Status::False, "SignedUp", message);
    let token = ApiToken::generate(entropy);
    let token_id = format!("tok_{}", hex(&entropy::bytes::<8>(entropy)));
    let seal = |(name, value): &(SecretName, PlainSecret)| {
        let place = Place { tenant: &tenant.id, name, version: 1 };
        let sealed = app.config.sealing_key.seal(place, value, entropy);
        sealed.map(|sealed| (name.clone(), sealed)).map_err(|error| ApiError::Internal(error.to_string()))
    };
    let secrets = sign_up.secrets.iter().map(seal).collect::<Result<Vec<_>, _>>()?;
    let names = app.config.prefixes.names_for(&sign_up.name);
    let new = NewTenant {
        id: &tenant.id,
        name: &tenant.name,
        spec: &tenant.spec,
        release: &tenant.release,
        resources: &names,
        secrets: &secrets,
        conditions: &tenant.conditions,
        token: (&token_id, &token.hash()),
        expires_at: tenant.expires_at,
    };
    if let Err(error) = app.registry.create_tenant(new, now).await {
        // The database may have done it and its answer been lost. Then the tenant is there under this id.
        let is_written = matches!(error, registry::Error::Driver(_))
            && app.registry.find_tenant(&tenant.id).await.is_ok_and(|found| found.is_some());
        if !is_written {
            return Err(error.into());
        }
    }
    let resources = names.into_iter().map(|(kind, name)| Resource::absent(kind, name)).collect();
    Ok((tenant, resources, token))
}

/// Nothing is written, nobody is called.
fn dry_run(app: &App, sign_up: &SignUp, release: &Release) -> Result<Response, ApiError> {
    let now = app.clock.now();
    let tenant = new_tenant(app, TenantId("(not yet)".to_owned()), sign_up, release, now);
    let missing_row = |kind: ResourceKind| ApiError::Internal(format!("no name for the {}", kind.as_str()));
    let ledger = Ledger::empty(&app.config.prefixes.names_for(&sign_up.name)).map_err(missing_row)?;
    let secrets: Vec<Secret> = sign_up.secrets.iter().map(|(name, _)| pending(name, now)).collect();
    let wanted = deployment(&tenant, &ledger, release);
    let wrangler_config = wrangler_config(&wanted, &ledger, release);
    let steps = plan(&Desired::Deployed(Box::new(wanted)), &Observed::at_start(ledger.clone()), &secrets);
    let usage = Activity::default().usage(&sign_up.spec);
    let plan = PlanView::of(&steps, &ledger);
    Ok(Json(DryRun { plan, wrangler_config, estimate: usage.estimate() }).into_response())
}

fn new_tenant(app: &App, id: TenantId, sign_up: &SignUp, release: &Release, now: Timestamp) -> Tenant {
    let expires_at = app.config.trial_days.map(|days| now.plus_ms(days * DAY_MS));
    Tenant {
        id,
        name: sign_up.name.clone(),
        phase: Phase::Pending,
        generation: 1,
        observed_generation: 0,
        spec: sign_up.spec.clone(),
        release: release.id.clone(),
        conditions: Vec::new(),
        wanted_since: now,
        suspended_at: None,
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
        // Plans go by names and versions; that there is a value is all that they want to know of it.
        sealed: Some(SealedSecret(String::new())),
        updated_at: now,
        pushed_at: None,
    }
}

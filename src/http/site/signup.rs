//! `GET`, `POST /signup`, `GET /signup/name`.

use http::StatusCode;
use http::header::SET_COOKIE;
use serde_json::{Value, json};

use super::form::Form;
use super::session::Session;
use super::tenant::{mark, progress_of, sizes};
use super::{POLICY, POLICY_WITH_TURNSTILE, address_of, json_of, origin_of, page, stranger, with_policy};
use crate::app::App;
use crate::entropy;
use crate::http::api::change::{ledger_of, release_of};
use crate::http::api::secret_values::is_set;
use crate::http::api::sign_up;
use crate::http::call::Call;
use crate::http::error::{ApiError, Problem};
use crate::http::idempotency::Key;
use crate::http::once;
use crate::http::reply::Response;
use crate::pages::FieldError;
use crate::pages::created::{Created, created};
use crate::pages::signup::{NameSaid, SignUp, name_said, signup};
use crate::tenant::id::hex;
use crate::tenant::{InstanceType, Ledger, ResourceKind, ResourceState, SleepAfter, Tenant, TenantName};
use crate::turnstile;
use crate::vault::{ApiToken, Secret};

/// What was typed into the form.
struct Typed<'a> {
    key: String,
    name: &'a str,
    invite: &'a str,
    instance_type: &'a str,
    sleep_after: &'a str,
}

/// The form.
pub async fn read(call: Call) -> Result<Response, ApiError> {
    let key = hex(&entropy::bytes::<16>(call.app.entropy.as_ref()));
    let empty = Typed { key, name: "", invite: "", instance_type: "", sleep_after: "" };
    Ok(render(&call, &empty, StatusCode::OK, &[]))
}

/// What is known of `?name=`, as a part of the form.
pub async fn check_name(mut call: Call) -> Result<Response, ApiError> {
    let name = call.query.text("name", |name| Ok::<_, String>(name.to_owned())).unwrap_or_default();
    let app = &call.app;
    let (taken, address);
    let said = match TenantName::parse(&name) {
        _ if name.is_empty() => None,
        Err(error) => {
            taken = error.to_string();
            Some(NameSaid::Refused { reason: &taken })
        }
        Ok(parsed) if app.registry.is_name_taken(&parsed).await? => {
            Some(NameSaid::Refused { reason: "Another tenant has this name. Choose another." })
        }
        Ok(_) => {
            address = address_of(app, &name);
            Some(NameSaid::Free { address: &address })
        }
    };
    Ok(page(StatusCode::OK, name_said(said)))
}

/// Signs up. Sent twice, by a finger or by a browser that loads the page again, it is answered again: the form has a key.
pub async fn create(call: Call) -> Result<Response, ApiError> {
    let form = Form::read(&call)?;
    let typed = Typed {
        key: form.get("idempotency_key").to_owned(),
        name: form.get("name").trim(),
        invite: form.get("invite").trim(),
        instance_type: form.get("instance_type"),
        sleep_after: form.get("sleep_after"),
    };
    let mut body = json!({"name": typed.name, "spec": {}});
    for (pointer, field, text) in [
        ("", "invite", typed.invite),
        ("", "challenge", form.get(turnstile::FIELD)),
        ("/spec", "instance_type", typed.instance_type),
        ("/spec", "sleep_after", typed.sleep_after),
    ] {
        if let (false, Some(Value::Object(object))) = (text.is_empty(), body.pointer_mut(pointer)) {
            object.insert(field.to_owned(), text.into());
        }
    }
    // A challenge is another each time that the page is loaded; the key stands for what was chosen.
    let mut api = call.to_api("", &body);
    api.key = Some(Key::of_form(&typed.key, &format!("{} {} {}", typed.name, typed.instance_type, typed.sleep_after))?);
    match once(api, |api| Box::pin(sign_up::create(api))).await {
        Ok(answer) => welcome(&call, &json_of(&answer)?).await,
        Err(error) => {
            let errors = errors_of(&error);
            let errors: Vec<FieldError<'_>> =
                errors.iter().map(|(field, message)| FieldError { field, message }).collect();
            let status = Problem::of(&error, "").status();
            if status.is_server_error() && matches!(error, ApiError::Internal(_) | ApiError::Unavailable(_)) {
                return Err(error);
            }
            Ok(render(&call, &typed, status, &errors))
        }
    }
}

/// Tokens, this once, and how far the tenant is.
async fn welcome(call: &Call, answer: &Value) -> Result<Response, ApiError> {
    let app = &call.app;
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    let token = text("token").and_then(ApiToken::parse);
    let token = token.ok_or_else(|| ApiError::Internal("a sign-up without its token".to_owned()))?;
    let opened = app.registry.find_by_token(&token.hash(), app.clock.now()).await?.ok_or(ApiError::NoSuchTenant)?;
    let (session, cookie) = Session::begin(call, opened);
    let tenant = &session.subject.tenant;
    let ledger = ledger_of(&session.subject.resources)?;
    let missing = missing_secrets(app, tenant, &ledger).await?;
    let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
    let address = address_of(app, tenant.name.as_str());
    let mark = mark(tenant, &ledger);
    let markup = created(&Created {
        frame: session.frame(),
        progress: progress_of(app, tenant, &ledger, &address, &mark),
        address: &address,
        origin: &origin_of(call),
        token: Some(token.expose()),
        gateway_token: text("gateway_token"),
        missing_secrets: &missing,
    });
    let mut response = page(StatusCode::OK, markup);
    response.headers_mut().insert(SET_COOKIE, cookie);
    Ok(response)
}

/// The secrets that the tenant's release requires and that are to be set yet. A Worker that is gone took along what it had,
/// though the registry learns so only when it makes the next one.
pub async fn missing_secrets(app: &App, tenant: &Tenant, ledger: &Ledger) -> Result<Vec<String>, ApiError> {
    let secrets = app.registry.secrets(&tenant.id).await?;
    let release = release_of(app, tenant).await?;
    let is_gone = ledger.get(ResourceKind::Script).state == ResourceState::Absent;
    let is_there = |secret: &Secret, name: &str| is_set(secret, name) && (secret.is_pending() || !is_gone);
    let required = release.manifest.profile.required.iter();
    Ok(required.filter(|name| !secrets.iter().any(|secret| is_there(secret, name))).cloned().collect())
}

/// The form with what was typed and what is wrong with it.
fn render(call: &Call, typed: &Typed<'_>, status: StatusCode, errors: &[FieldError<'_>]) -> Response {
    let app = &call.app;
    let sizes = sizes();
    let site_key = app.turnstile.as_ref().map(turnstile::Turnstile::site_key);
    let markup = signup(&SignUp {
        frame: stranger(),
        mode: app.config.signup_mode,
        idempotency_key: &typed.key,
        name: typed.name,
        name_said: None,
        invite: typed.invite,
        instance_type: InstanceType::parse(typed.instance_type).unwrap_or(InstanceType::Standard1),
        sleep_after: SleepAfter::parse(typed.sleep_after).unwrap_or(SleepAfter::Never),
        sizes: &sizes,
        trial_days: app.config.trial_days,
        turnstile_site_key: site_key,
        errors,
    });
    with_policy(status, markup, if site_key.is_some() { POLICY_WITH_TURNSTILE } else { POLICY })
}

/// What is wrong, each with the field of the form that it is about; `form` is the form as a whole.
fn errors_of(error: &ApiError) -> Vec<(&'static str, String)> {
    let field = match error {
        ApiError::Invalid(errors) => {
            let fields = errors.iter().map(|error| {
                let field = match error.pointer.as_str() {
                    "/name" => "name",
                    "/invite" => "invite",
                    "/spec/instance_type" => "instance_type",
                    "/spec/sleep_after" => "sleep_after",
                    _ => "form",
                };
                (field, error.detail.clone())
            });
            return fields.collect();
        }
        ApiError::NameTaken => "name",
        ApiError::InviteRequired | ApiError::InviteRefused(_) => "invite",
        ApiError::Challenge(_) => "turnstile",
        _ => "form",
    };
    vec![(field, error.to_string())]
}

//! The forms of a tenant's page. Each asks the API's handler, and leads back to the page; what is refused comes back with
//! the page, beside its control.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::form::Form;
use super::session::Session;
use super::signup::missing_secrets;
use super::tenant::{Shown, mark, progress_of, render, words_of};
use super::{address_of, json_of, origin_of, page, see_other};
use crate::cost::{self, Activity, Preset};
use crate::http::api;
use crate::http::api::change::ledger_of;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::Response;
use crate::http::view::usage;
use crate::pages::FieldError;
use crate::pages::created::{Created, TokenMade, created, token_made};
use crate::pages::tenant::{Preview, Quote, preview};
use crate::tenant::Tenant;
use crate::vault::Scope;

/// `POST …/spec`: shows a change, or makes it.
pub async fn spec(call: Call, session: Session, form: Form) -> Result<Response, ApiError> {
    session.require(Scope::Write)?;
    let mut spec = Map::new();
    for field in ["instance_type", "sleep_after"] {
        if !form.get(field).is_empty() {
            spec.insert(field.to_owned(), form.get(field).into());
        }
    }
    let is_retry = spec.is_empty();
    let body = json!({"spec": spec});
    let is_stale = form.get("generation") != session.subject.tenant.generation.to_string();
    if form.get("step") == "preview" {
        return match api::tenant::change(call.to_api("dry_run=true", &body), session.subject.clone()).await {
            Ok(answer) => Ok(show(&session, &form, &json_of(&answer)?)),
            Err(error) => come_back(&call, &session, &error, "size").await,
        };
    }
    let outcome = if is_stale {
        Err(ApiError::Conflict)
    } else {
        api::tenant::change(call.to_api("", &body), session.subject.clone()).await
    };
    done(&call, &session, outcome, if is_retry { "retried" } else { "saved" }, "size").await
}

/// `POST …/secrets`: those that were typed, and those that were pasted.
pub async fn secrets(call: Call, session: Session, form: Form) -> Result<Response, ApiError> {
    session.require(Scope::Secrets)?;
    let mut values = Map::new();
    for line in form.get("paste").lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let Some((name, value)) = line.split_once('=') else {
            let message = "Each line is NAME=value; one of yours has no equals sign.";
            let errors = [FieldError { field: "paste", message }];
            return render(&call, &session, Shown { errors: &errors, ..Shown::default() }).await;
        };
        values.insert(name.trim().to_owned(), value.trim().into());
    }
    for (name, value) in form.under("value.").filter(|(_, value)| !value.is_empty()) {
        values.insert(name.to_owned(), value.into());
    }
    let outcome = api::secrets::change(call.to_api("", &Value::Object(values)), session.subject.clone()).await;
    done(&call, &session, outcome, "secrets", "paste").await
}

/// `POST …/secrets/delete`.
pub async fn delete_secret(call: Call, session: Session, form: Form) -> Result<Response, ApiError> {
    session.require(Scope::Secrets)?;
    let body = json!({form.get("name"): null});
    let outcome = api::secrets::change(call.to_api("", &body), session.subject.clone()).await;
    done(&call, &session, outcome, "secret-deleted", "paste").await
}

/// `POST …/tokens`: shows the new token, this once.
pub async fn make_token(call: Call, session: Session, form: Form) -> Result<Response, ApiError> {
    session.require(Scope::Write)?;
    let scopes: Vec<&str> = form.all("scope").collect();
    let mut body = json!({"scopes": scopes});
    if let (Ok(days), Value::Object(fields)) = (form.get("expires_in_days").parse::<u32>(), &mut body) {
        fields.insert("expires_in_days".to_owned(), days.into());
    }
    match api::tokens::create(call.to_api("", &body), session.subject.clone()).await {
        Ok(answer) => {
            let answer = json_of(&answer)?;
            let token = answer.get("token").and_then(Value::as_str).unwrap_or_default();
            let markup = token_made(&TokenMade {
                frame: session.frame(),
                name: session.subject.tenant.name.as_str(),
                origin: &origin_of(&call),
                token,
                scopes: &scopes.join(", "),
            });
            Ok(page(StatusCode::OK, markup))
        }
        Err(error) => come_back(&call, &session, &error, "scope").await,
    }
}

/// `POST …/tokens/revoke`.
pub async fn revoke_token(mut call: Call, session: Session, form: Form) -> Result<Response, ApiError> {
    session.require(Scope::Write)?;
    let id = form.get("id").to_owned();
    let is_own = session.token.id == id;
    call.params.truncate(1);
    call.params.push(id);
    let outcome = api::tokens::revoke(call.to_api("", &Value::Null), session.subject.clone()).await;
    match outcome {
        Ok(_) if is_own => Ok(see_other("/")),
        outcome => done(&call, &session, outcome, "revoked", "tokens").await,
    }
}

/// `POST …/suspend`.
pub async fn suspend(call: Call, session: Session, form: Form) -> Result<Response, ApiError> {
    session.require(Scope::Write)?;
    if !is_confirmed(&session, &form) {
        return unconfirmed(&call, &session, "suspend-confirm").await;
    }
    let outcome = api::lifecycle::suspend(call.to_api("", &json!({})), session.subject.clone()).await;
    done(&call, &session, outcome, "suspended", "suspend-confirm").await
}

/// `POST …/resume`.
pub async fn resume(call: Call, session: Session, _: Form) -> Result<Response, ApiError> {
    session.require(Scope::Write)?;
    let outcome = api::lifecycle::resume(call.to_api("", &json!({})), session.subject.clone()).await;
    done(&call, &session, outcome, "resumed", "life").await
}

/// `POST …/delete`.
pub async fn delete(call: Call, session: Session, form: Form) -> Result<Response, ApiError> {
    session.require(Scope::Write)?;
    if !is_confirmed(&session, &form) {
        return unconfirmed(&call, &session, "delete-confirm").await;
    }
    let days = form.get("grace_days");
    let query = if days.is_empty() { String::new() } else { format!("grace_days={days}") };
    let outcome = api::tenant::delete(call.to_api(&query, &Value::Null), session.subject.clone()).await;
    done(&call, &session, outcome, "deleted", "grace_days").await
}

/// `POST …/undelete`: shows the new gateway token, this once.
pub async fn undelete(call: Call, session: Session, _: Form) -> Result<Response, ApiError> {
    session.require(Scope::Write)?;
    let answer = match api::lifecycle::undelete(call.to_api("", &json!({})), session.subject.clone()).await {
        Ok(answer) if answer.status() == StatusCode::ACCEPTED => json_of(&answer)?,
        outcome => return done(&call, &session, outcome, "saved", "undelete-title").await,
    };
    let app = &call.app;
    let read = app.registry.find_tenant(&session.subject.tenant.id).await?;
    let (tenant, resources) = read.ok_or(ApiError::NoSuchTenant)?;
    let ledger = ledger_of(&resources)?;
    let address = address_of(app, tenant.name.as_str());
    let mark = mark(&tenant, &ledger);
    let missing = missing_secrets(app, &tenant, &ledger).await?;
    let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
    let markup = created(&Created {
        frame: session.frame(),
        progress: progress_of(app, &tenant, &ledger, &address, &mark),
        address: &address,
        origin: &origin_of(&call),
        token: None,
        gateway_token: answer.get("gateway_token").and_then(Value::as_str),
        missing_secrets: &missing,
    });
    Ok(page(StatusCode::OK, markup))
}

/// What was asked for is on its way: back to the page, which says so. What was refused comes back beside `field`.
async fn done(
    call: &Call,
    session: &Session,
    outcome: Result<Response, ApiError>,
    word: &str,
    field: &str,
) -> Result<Response, ApiError> {
    match outcome {
        Ok(_) => Ok(see_other(&format!("/tenants/{}?done={word}", session.subject.tenant.name))),
        Err(error) => come_back(call, session, &error, field).await,
    }
}

/// The page with what is wrong.
async fn come_back(call: &Call, session: &Session, error: &ApiError, field: &str) -> Result<Response, ApiError> {
    let said: Vec<(String, String)> = match error {
        ApiError::Unavailable(_) | ApiError::Internal(_) => return Err(error.clone()),
        ApiError::Invalid(errors) => errors.iter().map(|error| placed(&error.pointer, &error.detail, field)).collect(),
        error => vec![(field.to_owned(), error.to_string())],
    };
    let errors: Vec<FieldError<'_>> = said.iter().map(|(field, message)| FieldError { field, message }).collect();
    render(call, session, Shown { errors: &errors, ..Shown::default() }).await
}

/// A complaint of the API's with the control that it is about.
fn placed(pointer: &str, detail: &str, field: &str) -> (String, String) {
    match pointer {
        "/spec/instance_type" => ("instance_type".to_owned(), detail.to_owned()),
        "/spec/sleep_after" => ("sleep_after".to_owned(), detail.to_owned()),
        "/expires_in_days" => ("expires_in_days".to_owned(), detail.to_owned()),
        "?grace_days" => ("grace_days".to_owned(), detail.to_owned()),
        "" | "/scopes" => (field.to_owned(), detail.to_owned()),
        pointer => (field.to_owned(), format!("{} {detail}", pointer.trim_start_matches('/'))),
    }
}

fn is_confirmed(session: &Session, form: &Form) -> bool {
    form.get("confirm").trim() == session.subject.tenant.name.as_str()
}

async fn unconfirmed(call: &Call, session: &Session, field: &str) -> Result<Response, ApiError> {
    let message = format!("This is not the tenant's name. Type {} to be sure.", session.subject.tenant.name);
    let errors = [FieldError { field, message: &message }];
    render(call, session, Shown { errors: &errors, ..Shown::default() }).await
}

/// What a step of a plan does, for people; `None`: nothing that they would notice.
fn words_of_step(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "create_bucket" => "Storage for its data is made.",
        "deploy_script" => "Its Worker is deployed anew.",
        "push_secrets" => "Its Worker gets the new settings.",
        "create_application" => "Its container is made.",
        "modify_application" => "Its container is set to the new size.",
        "roll_out" => "The running container makes way for one of the new size; meanwhile it does not answer.",
        "enable_route" => "Its address is opened.",
        _ => return None,
    })
}

/// The page that asks whether to save a change, by what the API's dry run of it said.
fn show(session: &Session, form: &Form, dry_run: &Value) -> Response {
    let preset = Preset::parse(form.get("usage")).unwrap_or_default();
    let activity = Activity { preset, ..Activity::default() };
    let before = &session.subject.tenant;
    let mut after: Tenant = before.clone();
    if let Some(Ok(spec)) = dry_run.pointer("/tenant/spec").cloned().map(serde_json::from_value) {
        after.spec = spec;
    }
    let change = cost::Change::between(usage(before, activity), usage(&after, activity));
    let (now, then) = (change.before.next_tenant.total.to_string(), change.after.next_tenant.total.to_string());
    let steps = dry_run.pointer("/plan/steps").and_then(Value::as_array);
    let words = |step: &Value| step.get("kind").and_then(Value::as_str).and_then(words_of_step);
    let mut plan: Vec<&str> = Vec::new();
    if before.spec != after.spec {
        plan.extend(steps.into_iter().flatten().filter_map(words));
        plan.dedup();
        if plan.is_empty() {
            plan.push("Nothing at once: it counts from when your tenant runs again.");
        }
    }
    let quote = |tenant: &Tenant| (tenant.spec.instance_type, tenant.spec.sleep_after.clone());
    let ((instance_type, sleep_after), (new_type, new_sleep)) = (quote(before), quote(&after));
    let markup = preview(&Preview {
        frame: session.frame(),
        name: before.name.as_str(),
        generation: before.generation,
        before: Quote { instance_type, sleep_after, monthly: &now },
        after: Quote { instance_type: new_type, sleep_after: new_sleep, monthly: &then },
        difference: &change.next_tenant_difference.in_words(),
        usage: &words_of(preset, preset.hours_per_day()),
        plan: &plan,
    });
    page(StatusCode::OK, markup)
}

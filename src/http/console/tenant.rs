//! `GET /admin/tenants/{name}`, `GET …/live`, `POST …/act`.

use futures_util::future::try_join3;
use http::StatusCode;
use serde_json::{Map, Value as Json, json};

use super::{Console, Form, page, see_other};
use crate::access::Operator;
use crate::clock::Timestamp;
use crate::cost::Activity;
use crate::http::api;
use crate::http::api::change::{ledger_of, next_plan, release_of};
use crate::http::api::operator::{tenant as operators, verbs};
use crate::http::auth::{self, Subject};
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::Response;
use crate::http::site::json_of;
use crate::http::site::tenant::{PRESETS, mark, words_of};
use crate::http::view::{SecretView, names_of, usage};
use crate::pages::FieldError;
use crate::pages::console::Section;
use crate::pages::console::tenant::{SecretLine, Standing, TenantPage, TokenLine, once, standing, tenant};
use crate::reconcile::plan::Plan;
use crate::registry::{EventRow, TokenState};
use crate::tenant::{Ledger, ResourceKind, Tenant};
use crate::vault::Secret;

/// Lines of history on a page.
const EVENTS: usize = 30;

/// Releases that a tenant can be moved to from its page; older ones by the API.
const RELEASES: i64 = 20;

/// What a page says was just done: the word in the address that a form's answer leads to, and what is said then.
const DONE: [(&str, &str); 12] = [
    ("retry", "Everything is tried again."),
    ("pause", "Work on it waits from now on."),
    ("unpause", "Work on it goes on."),
    ("suspend", "It is being suspended. Its data is kept."),
    ("resume", "It is being started again."),
    ("undelete", "The deletion is taken back."),
    ("delete", "It is being deleted."),
    ("spec", "Saved. The change is being made."),
    ("release", "It is being moved."),
    ("trial", "Saved."),
    ("revoke_token", "The token is revoked."),
    ("revoke_tokens", "All tokens are revoked. Its owner needs a new one."),
];

/// The page.
pub async fn read(mut call: Call, operator: Operator) -> Result<Response, ApiError> {
    let subject = auth::subject(&call, operator).await?;
    let done =
        call.query.text("done", |done| DONE.iter().find(|(word, _)| *word == done).map(|(_, said)| *said).ok_or(""));
    let before = call.query.number("before", 1..=(1 << 53) - 1);
    render(&call, &subject, done, before, &[]).await
}

/// What changes on it, for a page that polls: nothing new (204) while it stands as `?seen=` says.
pub async fn live(mut call: Call, operator: Operator) -> Result<Response, ApiError> {
    let seen = call.query.text("seen", |seen| Ok::<_, String>(seen.to_owned()));
    let subject = auth::subject(&call, operator).await?;
    let shown = Shown::of(&call, &subject, None).await?;
    if seen.as_deref() == Some(shown.mark.as_str()) {
        return Ok(page(StatusCode::NO_CONTENT, maud::PreEscaped(String::new())));
    }
    let (console, plan) = (Console::by(&call, &subject)?, shown.plan());
    Ok(page(StatusCode::OK, standing(&shown.standing(&console, &plan))))
}

/// Does what a form of the page asks for.
pub async fn act(mut call: Call, operator: Operator, form: Form) -> Result<Response, ApiError> {
    let subject = auth::subject(&call, operator).await?;
    let act = form.get("act");
    let field = match act {
        "suspend" | "delete" | "revoke_tokens" if form.get("confirm").trim() != subject.tenant.name.as_str() => {
            let message = format!("This is not the tenant's name. Type {} to be sure.", subject.tenant.name);
            let errors = [FieldError { field: &format!("{act}-confirm"), message: &message }];
            return render(&call, &subject, None, None, &errors).await;
        }
        "spec" => "instance_type",
        "release" => "release",
        "trial" => "ends_on",
        "delete" => "grace_days",
        _ => "change",
    };
    let is_stale = form.get("generation") != subject.tenant.generation.to_string();
    let outcome = if is_stale { Err(ApiError::Conflict) } else { ask(&mut call, &subject, act, &form).await };
    match outcome {
        Ok(answer) => {
            let answer = if answer.body().is_empty() { Json::Null } else { json_of(&answer)? };
            let text = |name: &str| answer.get(name).and_then(Json::as_str);
            let shown = text("token").map(|token| ("API token", token));
            if let Some((label, value)) = shown.or(text("gateway_token").map(|token| ("Gateway token", token))) {
                let console = Console::by(&call, &subject)?;
                return Ok(page(StatusCode::OK, once(console.frame(Section::Fleet), &subject.tenant, label, value)));
            }
            Ok(see_other(&format!("/admin/tenants/{}?done={act}", subject.tenant.id)))
        }
        Err(error @ (ApiError::Unavailable(_) | ApiError::Internal(_) | ApiError::NoSuchRoute)) => Err(error),
        Err(ApiError::Invalid(errors)) => {
            let errors: Vec<FieldError<'_>> = errors
                .iter()
                .map(|error| FieldError { field: placed(&error.pointer, field), message: &error.detail })
                .collect();
            render(&call, &subject, None, None, &errors).await
        }
        Err(error) => {
            let message = error.to_string();
            render(&call, &subject, None, None, &[FieldError { field, message: &message }]).await
        }
    }
}

/// Asks the API's own handler.
async fn ask(call: &mut Call, subject: &Subject, act: &str, form: &Form) -> Result<Response, ApiError> {
    let empty = |call: &Call| call.to_api("", &json!({}));
    let subject = subject.clone();
    match act {
        "retry" => verbs::retry(empty(call), subject).await,
        "pause" => verbs::pause(empty(call), subject).await,
        "unpause" => verbs::unpause(empty(call), subject).await,
        "suspend" => api::lifecycle::suspend(empty(call), subject).await,
        "resume" => api::lifecycle::resume(empty(call), subject).await,
        "undelete" => api::lifecycle::undelete(empty(call), subject).await,
        "delete" => {
            let days = form.get("grace_days").trim();
            let query = if days.is_empty() { String::new() } else { format!("grace_days={days}") };
            api::tenant::delete(call.to_api(&query, &Json::Null), subject).await
        }
        "spec" => {
            let mut spec = Map::new();
            for field in ["instance_type", "sleep_after"] {
                spec.insert(field.to_owned(), form.get(field).into());
            }
            let instances = form.get("max_instances").trim();
            let instances = instances.parse::<u32>().map_or_else(|_| Json::from(instances), Json::from);
            spec.insert("max_instances".to_owned(), instances);
            api::tenant::change(call.to_api("", &json!({"spec": spec})), subject).await
        }
        "release" => verbs::release(call.to_api("", &json!({"release": form.get("release")})), subject).await,
        "trial" => {
            let day = form.get("ends_on").trim();
            // Its last day is a whole one.
            let ends_at = if day.is_empty() { Json::Null } else { format!("{day}T23:59:59Z").into() };
            verbs::trial(call.to_api("", &json!({"ends_at": ends_at})), subject).await
        }
        "token" => api::tokens::create(empty(call), subject).await,
        "revoke_tokens" => verbs::revoke_tokens(call.to_api("", &Json::Null), subject).await,
        "revoke_token" => {
            call.params.truncate(1);
            call.params.push(form.get("id").to_owned());
            api::tokens::revoke(call.to_api("", &Json::Null), subject).await
        }
        _ => Err(ApiError::NoSuchRoute),
    }
}

/// A complaint of the API's with the control that it is about.
fn placed<'a>(pointer: &str, field: &'a str) -> &'a str {
    match pointer {
        "/spec/instance_type" => "instance_type",
        "/spec/max_instances" => "max_instances",
        "/spec/sleep_after" => "sleep_after",
        "/ends_at" => "ends_on",
        "?grace_days" => "grace_days",
        _ => field,
    }
}

/// What the part of the page that goes on by itself is made of.
struct Shown<'a> {
    subject: &'a Subject,
    ledger: Ledger,
    secrets: Vec<Secret>,
    address: String,
    dashboards: Vec<Option<String>>,
    steps: Plan,
    events: Vec<EventRow>,
    older: Option<String>,
    mark: String,
    now: Timestamp,
}

impl<'a> Shown<'a> {
    async fn of(call: &Call, subject: &'a Subject, before: Option<i64>) -> Result<Self, ApiError> {
        let (app, tenant) = (&call.app, &subject.tenant);
        let (release, secrets, mut events) =
            try_join3(release_of(app, tenant), async { Ok(app.registry.secrets(&tenant.id).await?) }, async {
                Ok(app.registry.latest_events(&tenant.id, before, EVENTS + 1).await?)
            })
            .await?;
        let has_older = events.len() > EVENTS;
        events.truncate(EVENTS);
        let older = events.last().filter(|_| has_older);
        let older = older.map(|row| format!("/admin/tenants/{}?before={}#events", tenant.id, row.id));
        let ledger = ledger_of(&subject.resources)?;
        let now = app.clock.now();
        let steps = next_plan(tenant, &ledger, &release, &secrets, now);
        let newest = events.first().map_or(0, |row| row.id);
        let of = |kind: &ResourceKind| operators::dashboard(app, ledger.get(*kind));
        Ok(Self {
            dashboards: ResourceKind::ALL.iter().map(of).collect(),
            address: app.config.url_of(&ledger.script.name),
            mark: format!("{}.{}.{newest}", mark(tenant, &ledger), tenant.updated_at.0),
            subject,
            ledger,
            secrets,
            steps,
            events,
            older,
            now,
        })
    }

    fn plan(&self) -> Vec<(&str, &str, &str)> {
        let steps = self.steps.stages.iter().flatten();
        steps
            .map(|planned| {
                let target = self.ledger.get(planned.step.resource()).name.as_str();
                (planned.step.kind(), target, planned.reason.as_ref())
            })
            .collect()
    }

    fn standing<'s>(&'s self, console: &'s Console, plan: &'s [(&'s str, &'s str, &'s str)]) -> Standing<'s> {
        Standing {
            frame: console.frame(Section::Fleet),
            tenant: &self.subject.tenant,
            ledger: &self.ledger,
            address: &self.address,
            dashboards: &self.dashboards,
            plan,
            events: &self.events,
            older: self.older.as_deref(),
            mark: &self.mark,
            now: self.now,
        }
    }
}

async fn render(
    call: &Call,
    subject: &Subject,
    notice: Option<&str>,
    before: Option<i64>,
    errors: &[FieldError<'_>],
) -> Result<Response, ApiError> {
    let (app, of) = (&call.app, &subject.tenant);
    let (shown, tokens, releases) =
        try_join3(Shown::of(call, subject, before), async { Ok(app.registry.tokens(&of.id).await?) }, async {
            Ok(app.registry.releases(RELEASES).await?)
        })
        .await?;
    let secrets: Vec<SecretLine<'_>> = shown
        .secrets
        .iter()
        .map(|secret| SecretLine {
            name: secret.name.as_str(),
            state: match SecretView::of(secret).state() {
                "live" => ("good", "live"),
                "lost" => ("bad", "lost"),
                other => ("busy", other),
            },
            updated_at: Some(secret.updated_at),
        })
        .collect();
    let good: Vec<(usize, String)> = tokens
        .iter()
        .enumerate()
        .filter(|(_, token)| token.state(shown.now) == TokenState::Good)
        .map(|(at, token)| (at, names_of(token.scopes).join(", ")))
        .collect();
    let token_lines: Vec<TokenLine<'_>> = good
        .iter()
        .filter_map(|(at, scopes)| Some((tokens.get(*at)?, scopes)))
        .map(|(token, scopes)| TokenLine {
            id: &token.id,
            scopes,
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
        })
        .collect();
    let forecast = forecast(of);
    let forecast: Vec<(&str, &str)> =
        forecast.iter().map(|(usage, monthly)| (usage.as_str(), monthly.as_str())).collect();
    let releases: Vec<(&str, bool)> =
        releases.iter().map(|release| (release.id.0.as_str(), release.is_default)).collect();
    let console = Console::by(call, subject)?;
    let plan = shown.plan();
    let markup = tenant(&TenantPage {
        frame: console.frame(Section::Fleet),
        standing: shown.standing(&console, &plan),
        notice,
        errors,
        forecast: &forecast,
        secrets: &secrets,
        tokens: &token_lines,
        releases: &releases,
    });
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(page(status, markup))
}

/// What a month costs for each way of use, as it stands now first.
fn forecast(tenant: &Tenant) -> Vec<(String, String)> {
    let now = usage(tenant, Activity::default()).estimate().next_tenant.total.to_string();
    let mut lines = vec![("As it stands".to_owned(), now)];
    lines.extend(PRESETS.into_iter().map(|preset| {
        let usage = Activity { preset, ..Activity::default() }.usage(&tenant.spec);
        (words_of(preset, usage.hours_per_day), usage.estimate().next_tenant.total.to_string())
    }));
    lines
}

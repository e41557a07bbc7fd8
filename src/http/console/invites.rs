//! `GET`, `POST /admin/invites`, `POST /admin/invites/revoke`.

use http::StatusCode;
use serde_json::{Map, Value as Json};

use super::{Console, Form, page, see_other};
use crate::access::Operator;
use crate::clock::{DAY_MS, Timestamp};
use crate::config::SignupMode;
use crate::http::api::operator::invites as api;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::Response;
use crate::http::site::{json_of, origin_of};
use crate::pages::FieldError;
use crate::pages::console::Section;
use crate::pages::console::invites::{InviteLine, InvitesPage, invites, made};
use crate::registry::InviteRefusal;
use crate::registry::invites::Position;
use crate::tenant::{InstanceType, TenantName};

/// Invites on a page.
const LINES: usize = 50;

/// What the form has, but for what is no text.
const FIELDS: [&str; 4] = ["note", "owner", "name", "largest"];

/// The invites, newest first.
pub async fn read(mut call: Call, operator: Operator) -> Result<Response, ApiError> {
    let position = call.query.text("cursor", |text| Position::parse(text).ok_or(""));
    let is_revoked = call.query.text("done", |_| Ok::<_, String>(())).is_some();
    let notice = is_revoked.then_some("The invite is revoked.");
    render(&call, &operator, position, &[], &[], notice).await
}

/// Makes one, and shows its code.
pub async fn create(call: Call, operator: Operator, form: Form) -> Result<Response, ApiError> {
    let mut body = Map::new();
    for field in FIELDS {
        let text = form.get(field).trim();
        if !text.is_empty() {
            body.insert(field.to_owned(), text.into());
        }
    }
    let days = form.get("expires_in_days").trim();
    if !days.is_empty() {
        let number = days.parse::<u32>().map_or_else(|_| Json::from(days), Json::from);
        body.insert("expires_in_days".to_owned(), number);
    }
    match api::create(call.to_api("", &Json::Object(body)), operator.clone()).await {
        Ok(answer) => {
            let answer = json_of(&answer)?;
            let text = |at: &str| answer.pointer(at).and_then(Json::as_str).unwrap_or_default();
            let expires_at = Timestamp::parse(text("/invite/expires_at"));
            let expires_at = expires_at.unwrap_or_else(|| call.app.clock.now().plus_ms(DAY_MS));
            let console = Console::of(&call, &operator);
            let sign_up = format!("{}/signup", origin_of(&call));
            Ok(page(StatusCode::OK, made(console.frame(Section::Invites), text("/code"), &sign_up, expires_at)))
        }
        Err(ApiError::Invalid(errors)) => {
            let names: Vec<&str> = errors.iter().map(|error| error.pointer.trim_start_matches('/')).collect();
            let errors: Vec<FieldError<'_>> =
                names.iter().zip(&errors).map(|(field, error)| FieldError { field, message: &error.detail }).collect();
            let typed: Vec<(&str, &str)> =
                FIELDS.iter().chain(&["expires_in_days"]).map(|field| (*field, form.get(field))).collect();
            render(&call, &operator, None, &typed, &errors, None).await
        }
        Err(error) => Err(error),
    }
}

/// Revokes one.
pub async fn revoke(mut call: Call, operator: Operator, form: Form) -> Result<Response, ApiError> {
    call.params = vec![form.get("id").to_owned()];
    api::revoke(call.to_api("", &Json::Null), operator).await?;
    Ok(see_other("/admin/invites?done=revoked"))
}

async fn render(
    call: &Call,
    operator: &Operator,
    position: Option<Position>,
    typed: &[(&str, &str)],
    errors: &[FieldError<'_>],
    notice: Option<&str>,
) -> Result<Response, ApiError> {
    let (app, now) = (&call.app, call.app.clock.now());
    let (found, next) = app.registry.invites(position, LINES).await?;
    let lines: Vec<InviteLine<'_>> = found
        .iter()
        .map(|invite| InviteLine {
            id: &invite.id,
            state: match invite.refusal(now) {
                None => "good",
                Some(InviteRefusal::Used) => "used",
                Some(InviteRefusal::Revoked) => "revoked",
                Some(_) => "expired",
            },
            name: invite.tenant_name.as_ref().map(TenantName::as_str),
            largest: invite.largest.map(InstanceType::as_str),
            owner: invite.owner.as_deref(),
            note: invite.note.as_deref(),
            created_at: invite.created_at,
            expires_at: invite.expires_at,
            used_by: invite.used.as_ref().map(|(tenant, _)| tenant.0.as_str()),
        })
        .collect();
    let older = next.map(|position| format!("/admin/invites?cursor={position}"));
    let console = Console::of(call, operator);
    let markup = invites(&InvitesPage {
        frame: console.frame(Section::Invites),
        invites: &lines,
        older: older.as_deref(),
        are_needed: app.config.signup_mode == SignupMode::Invite,
        typed,
        errors,
        notice,
    });
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(page(status, markup))
}

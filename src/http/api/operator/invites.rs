//! `GET`, `POST /admin/api/invites`, `DELETE …/invites/{id}`.

use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::access::Operator;
use crate::clock::{DAY_MS, Timestamp};
use crate::http::api::spec::parse_instance_type;
use crate::http::auth::act_of;
use crate::http::body::Fields;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::idempotency::Kept;
use crate::http::reply::{self, Response};
use crate::registry::invites::Position;
use crate::registry::{self, Invite, NewInvite};
use crate::tenant::TenantName;
use crate::vault::InviteCode;
use crate::vault::token::new_invite_id;

/// Days that a code is good for when nothing else is said, and at most.
const DAYS: u32 = 7;
pub const MAX_DAYS: u32 = 365;

/// Longest owner's label and note, in characters.
pub const MAX_OWNER: usize = 64;
/// Longest note.
pub const MAX_NOTE: usize = 500;

/// Invites in a page, and at most.
const LINES: i64 = 50;
pub const MAX_LINES: i64 = 200;

/// An invite: everything but its code.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Invite"))]
pub struct InviteView<'a> {
    id: &'a str,
    #[cfg_attr(not(target_arch = "wasm32"), schemars(extend("enum" = ["good", "used", "revoked", "expired"])))]
    state: &'static str,
    /// The only name that it is for.
    name: Option<&'a str>,
    /// The largest size that it is for.
    #[cfg_attr(not(target_arch = "wasm32"), schemars(with = "Option<crate::tenant::InstanceType>"))]
    largest: Option<&'static str>,
    /// For whom it is.
    owner: Option<&'a str>,
    /// What the operator noted.
    note: Option<&'a str>,
    /// When it was made.
    created_at: String,
    /// When it stops being good.
    expires_at: String,
    /// When it was revoked.
    revoked_at: Option<String>,
    /// When somebody signed up with it.
    used_at: Option<String>,
    /// The id of the tenant that signed up with it.
    used_by: Option<&'a str>,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Invites"))]
pub struct Page<'a> {
    invites: Vec<InviteView<'a>>,
    /// For `?cursor=`; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    /// Where the list goes on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The answer to a new invite: the only time that its code is shown.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "InviteMade"))]
pub struct Made<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    invite: InviteView<'a>,
}

impl InviteView<'_> {
    /// The same for the audit log.
    fn to_json(&self) -> Json {
        serde_json::to_value(self).unwrap_or_default()
    }
}

impl<'a> InviteView<'a> {
    fn of(invite: &'a Invite, now: Timestamp) -> Self {
        Self {
            id: &invite.id,
            state: invite.refusal(now).map_or("good", |refusal| match refusal {
                registry::InviteRefusal::Used => "used",
                registry::InviteRefusal::Revoked => "revoked",
                _ => "expired",
            }),
            name: invite.tenant_name.as_ref().map(TenantName::as_str),
            largest: invite.largest.map(|size| size.as_str()),
            owner: invite.owner.as_deref(),
            note: invite.note.as_deref(),
            created_at: invite.created_at.to_string(),
            expires_at: invite.expires_at.to_string(),
            revoked_at: invite.revoked_at.map(|at| at.to_string()),
            used_at: invite.used.as_ref().map(|(_, at)| at.to_string()),
            used_by: invite.used.as_ref().map(|(tenant, _)| tenant.0.as_str()),
        }
    }
}

/// The invites, newest first: `?limit=` of them from `?cursor=` on.
pub async fn list(mut call: Call, _: Operator) -> Result<Response, ApiError> {
    let limit = call.query.number("limit", 1..=MAX_LINES).unwrap_or(LINES);
    let position = call.query.text("cursor", |text| Position::parse(text).ok_or("is none of this list's cursors"));
    call.query.finish()?;
    let (invites, next) = call.app.registry.invites(position, usize::try_from(limit).unwrap_or_default()).await?;
    let now = call.app.clock.now();
    let cursor = next.map(|position| position.to_string());
    reply::json(&Page {
        invites: invites.iter().map(|invite| InviteView::of(invite, now)).collect(),
        next: cursor.as_ref().map(|cursor| format!("/admin/api/invites?limit={limit}&cursor={cursor}")),
        cursor,
    })
}

/// Makes an invite: `{"expires_in_days", "name", "largest", "owner", "note"}`, all optional.
pub async fn create(mut call: Call, operator: Operator) -> Result<Response, ApiError> {
    let is_dry_run = call.query.flag("dry_run");
    call.query.finish()?;
    let (app, now) = (&call.app, call.app.clock.now());
    let invite = read(&call, now)?;
    let made = |code| Made { dry_run: is_dry_run.then_some(true), code, invite: InviteView::of(&invite, now) };
    if is_dry_run {
        return reply::json(&made(None));
    }
    let code = InviteCode::generate(app.entropy.as_ref());
    let mut answer = reply::json(&made(Some(code.expose())))?;
    *answer.status_mut() = StatusCode::CREATED;
    let location = HeaderValue::try_from(format!("/admin/api/invites/{}", invite.id));
    answer.headers_mut().extend(location.map(|location| (LOCATION, location)));
    let kept = call.keep(&answer)?;
    let kept = kept.as_ref().map(Kept::as_new);
    let new = NewInvite {
        id: &invite.id,
        hash: &code.hash(),
        expires_at: invite.expires_at,
        tenant_name: invite.tenant_name.as_ref(),
        largest: invite.largest,
        owner: invite.owner.as_deref(),
        note: invite.note.as_deref(),
    };
    let after = InviteView::of(&invite, now).to_json();
    let act = act_of(&operator, &call, "invite.make", &invite.id, Json::Null, after);
    if let Err(error) = app.registry.create_invite(&new, kept.as_ref(), Some(&act), now).await {
        // The database may have done it and its answer been lost. Then the code is there.
        let is_written = matches!(error, registry::Error::Driver(_))
            && app.registry.find_invite(&code.hash()).await.is_ok_and(|found| found.is_some());
        if !is_written {
            return Err(error.into());
        }
    }
    Ok(answer)
}

/// Revokes an invite. One that was used, or is revoked, stays as it is. A dry run writes nothing.
pub async fn revoke(mut call: Call, operator: Operator) -> Result<Response, ApiError> {
    let is_dry_run = call.query.flag("dry_run");
    call.query.finish()?;
    let (registry, now, id) = (&call.app.registry, call.app.clock.now(), call.param(0));
    let mut invite = registry.invite(id).await?.ok_or(ApiError::NoSuchInvite)?;
    // What is good for nothing stays as it is, and nothing was done.
    if !is_dry_run && invite.used.is_none() && invite.revoked_at.is_none() {
        let before = InviteView::of(&invite, now).to_json();
        let after = json!({"state": "revoked", "revoked_at": now.to_string()});
        let act = act_of(&operator, &call, "invite.revoke", id, before, after);
        invite = registry.revoke_invite(id, Some(&act), now).await?.ok_or(ApiError::NoSuchInvite)?;
    }
    if is_dry_run && invite.used.is_none() {
        invite.revoked_at.get_or_insert(now);
    }
    reply::json(&Made { dry_run: is_dry_run.then_some(true), code: None, invite: InviteView::of(&invite, now) })
}

/// Reads the body; every complaint at once.
fn read(call: &Call, now: Timestamp) -> Result<Invite, ApiError> {
    let mut complaints = Vec::new();
    let mut fields = Fields::new("", call.json()?, &mut complaints);
    let text = |most| {
        move |text: &str| match text.trim() {
            "" => Err("is empty; leave it out".to_owned()),
            text if text.chars().count() > most => Err(format!("has more than {most} characters")),
            text if text.chars().any(char::is_control) => Err("has characters that do not show".to_owned()),
            text => Ok(text.to_owned()),
        }
    };
    let invite = Invite {
        id: new_invite_id(call.app.entropy.as_ref()),
        created_at: now,
        expires_at: now.plus_ms(i64::from(fields.number("expires_in_days", 1..=MAX_DAYS).unwrap_or(DAYS)) * DAY_MS),
        tenant_name: fields.text("name", TenantName::parse),
        largest: fields.text("largest", parse_instance_type),
        owner: fields.text("owner", text(MAX_OWNER)),
        note: fields.text("note", text(MAX_NOTE)),
        revoked_at: None,
        used: None,
    };
    fields.finish();
    if complaints.is_empty() { Ok(invite) } else { Err(ApiError::Invalid(complaints)) }
}

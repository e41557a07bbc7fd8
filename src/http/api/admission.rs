//! Whether somebody may sign up at all: mode, invite, challenge, limits, and room in the account.

use http::header::HeaderName;

use super::spec;
use crate::app::App;
use crate::capacity::{Load, PerTenant};
use crate::clock::Timestamp;
use crate::config::SignupMode;
use crate::http::body::Fields;
use crate::http::call::Call;
use crate::http::error::{ApiError, FieldError};
use crate::http::reply::{RATE_LIMIT, RATE_LIMIT_POLICY};
use crate::registry::sign_ups::HOUR_MS;
pub use crate::registry::sign_ups::load;
use crate::registry::{FleetRow, Invite, InviteRefusal, Outlook, SignUpLimits, SignUpStanding};
use crate::release::Release;
use crate::tenant::{TenantName, TenantSpec};
use crate::vault::InviteCode;

/// What a sign-up shows to be let in.
#[derive(Default)]
pub struct Shown {
    invite: Option<InviteCode>,
    challenge: Option<String>,
}

/// What somebody was let in on.
pub struct Admission {
    /// Who counts for the limit of tenants per owner.
    pub owner: String,
    /// The invite that is used up by it.
    pub invite: Option<Invite>,
    /// What the sign-up must be within when it is written.
    pub limits: SignUpLimits,
    /// How much of that was used before.
    pub standing: SignUpStanding,
}

impl Shown {
    /// The fields of a sign-up's body that are about its being let in.
    pub fn read(fields: &mut Fields<'_>) -> Self {
        let invite = fields.text("invite", |text| {
            InviteCode::parse(text.trim()).ok_or("is mistyped or cut short; a code is inv_ and 35 more characters")
        });
        Self { invite, challenge: fields.text("challenge", |text| Ok::<_, String>(text.to_owned())) }
    }
}

/// Lets a sign-up in, or says why not. Reads only, in one round trip; what must hold exactly is checked again where the
/// sign-up is written.
pub async fn admit(
    call: &Call,
    shown: &Shown,
    name: &TenantName,
    spec: &TenantSpec,
    release: &Release,
) -> Result<Admission, ApiError> {
    let app = &call.app;
    let now = app.clock.now();
    match (&shown.invite, app.config.signup_mode) {
        (_, SignupMode::Closed) => return Err(ApiError::SignupClosed),
        (None, SignupMode::Invite) => return Err(ApiError::InviteRequired),
        (Some(_), _) | (None, SignupMode::Open) => {}
    }
    let limits = limits(app, shown.invite.is_some(), spec, release);
    let network = call.network_owner();
    let code = shown.invite.as_ref().map(InviteCode::hash);
    let Outlook { is_name_taken, invite, standing, fleet } =
        app.registry.outlook(name, code.as_ref(), Some(&network), limits, now).await?;
    if is_name_taken {
        return Err(ApiError::NameTaken);
    }
    if shown.invite.is_some() {
        check_invite(invite.as_ref(), name, spec, now)?;
    }
    check_limits(app, &standing, limits, &fleet, spec, release, now)?;
    // Last, for a challenge is good once. Whoever has an invite is no robot.
    if let (Some(turnstile), None) = (&app.turnstile, &invite) {
        let address = call.client_ip().map(|address| address.to_string());
        let token = shown.challenge.as_deref().unwrap_or_default();
        let log = app.log.with("request_id", call.request_id.as_str());
        turnstile.verify(&log, token, call.hostname(), address.as_deref()).await?;
    }
    let owner = invite.as_ref().and_then(|invite| invite.owner.clone()).unwrap_or(network);
    Ok(Admission { owner, invite, limits, standing })
}

/// Others were there first, and a limit is reached: which one a second look says.
pub async fn overtaken(
    app: &App,
    admission: &Admission,
    name: &TenantName,
    spec: &TenantSpec,
    release: &Release,
) -> Result<ApiError, ApiError> {
    let (limits, now) = (admission.limits, app.clock.now());
    let Outlook { standing, fleet, .. } = app.registry.outlook(name, None, Some(&admission.owner), limits, now).await?;
    Ok(check_limits(app, &standing, limits, &fleet, spec, release, now).err().unwrap_or(ApiError::Conflict))
}

/// Whether the invite that was found is good for this sign-up.
fn check_invite(invite: Option<&Invite>, name: &TenantName, spec: &TenantSpec, now: Timestamp) -> Result<(), ApiError> {
    let invite = invite.ok_or(ApiError::InviteRefused(InviteRefusal::Unknown))?;
    if let Some(refusal) = invite.refusal(now) {
        return Err(ApiError::InviteRefused(refusal));
    }
    let mut complaints = Vec::new();
    if let Some(only) = invite.tenant_name.as_ref().filter(|only| *only != name) {
        let detail = format!("the invite is for the name {only}");
        complaints.push(FieldError { pointer: "/name".to_owned(), detail });
    }
    complaints.extend(spec::beyond(invite.largest, spec));
    if complaints.is_empty() { Ok(()) } else { Err(ApiError::Invalid(complaints)) }
}

/// What a sign-up must be within. An invite is the operator's word, so the number of sign-ups in an hour does not count for
/// it; and its owner has as many tenants as he has invites.
fn limits(app: &App, is_invited: bool, spec: &TenantSpec, release: &Release) -> SignUpLimits {
    let (set, account) = (&app.config.signup_limits, &app.config.account);
    let (most, _) = account.most_tenants(PerTenant::of(&release.manifest));
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    SignUpLimits {
        of_hour: (!is_invited).then_some(set.per_hour),
        of_owner: (!is_invited).then_some(set.tenants_per_owner),
        in_all: Some(set.tenants.unwrap_or(most).min(most)),
        room: account.room(&Load::default(), &Load::of(spec)),
    }
}

/// Whether there is room for one more, or which limit is in the way.
fn check_limits(
    app: &App,
    standing: &SignUpStanding,
    limits: SignUpLimits,
    fleet: &[FleetRow],
    spec: &TenantSpec,
    release: &Release,
    now: Timestamp,
) -> Result<(), ApiError> {
    let set = &app.config.signup_limits;
    let is_reached = |used: u32, limit: Option<u32>| limit.is_some_and(|limit| used >= limit);
    if is_reached(standing.of_hour, limits.of_hour) {
        return Err(too_many_this_hour(standing, now));
    }
    if is_reached(standing.of_owner, limits.of_owner) {
        return Err(ApiError::OwnerFull(set.tenants_per_owner));
    }
    if is_reached(standing.in_all, set.tenants) {
        return Err(ApiError::PlaneFull(set.tenants.unwrap_or_default()));
    }
    let each = PerTenant::of(&release.manifest);
    Ok(app.config.account.check(&load(fleet), &Load::of(spec), each)?)
}

impl Admission {
    /// What of the hour's sign-ups is left after this one, in a header's words (draft-ietf-httpapi-ratelimit-headers-11);
    /// `None`: there is no such limit.
    pub fn rate_limit(&self, now: Timestamp) -> Option<[(HeaderName, String); 2]> {
        let quota = self.limits.of_hour?;
        let left = quota.saturating_sub(self.standing.of_hour + 1);
        let reset_ms = self.standing.of_hour_falls_at.map_or(HOUR_MS, |at| at.0 - now.0);
        Some([
            (RATE_LIMIT_POLICY, format!("\"sign-ups-per-hour\";q={quota};w={}", HOUR_MS / 1_000)),
            (RATE_LIMIT, format!("\"sign-ups-per-hour\";r={left};t={}", reset_ms.div_euclid(1_000) + 1)),
        ])
    }
}

/// When one more sign-up will be taken.
fn too_many_this_hour(standing: &SignUpStanding, now: Timestamp) -> ApiError {
    let wait_ms = standing.of_hour_falls_at.map_or(0, |at| at.0 - now.0);
    ApiError::TooManySignUps { retry_after_s: u32::try_from(wait_ms.div_euclid(1_000) + 1).unwrap_or(1) }
}

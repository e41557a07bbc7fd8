//! What goes wrong in a request. The only place with status codes.

use http::StatusCode;
use serde::Serialize;

use crate::access;
use crate::capacity::Full;
use crate::config::ConfigError;
use crate::rate_limit;
use crate::registry;
use crate::registry::InviteRefusal;
use crate::tenant::name::NameError;
use crate::turnstile;
use crate::vault::Scope;

/// One complaint about a body or a query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Complaint"))]
pub struct FieldError {
    /// JSON pointer (RFC 6901) to the field; for a query parameter `?name`.
    pub pointer: String,
    /// What is wrong, and what would be right.
    pub detail: String,
}

/// A request that is not answered as it was meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The request itself cannot be read.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// The body is no JSON.
    #[error("the body is not valid JSON: {0}")]
    NotJson(String),
    /// The body is of another type.
    #[error("send the body as JSON, with the header content-type: application/json")]
    UnsupportedMediaType,
    /// The body is no form.
    #[error("send the form as a browser does")]
    NotAForm,
    /// Nobody has come in, or not for this tenant.
    #[error("there is no such tenant, or you have not opened it with its token yet")]
    SignedOut,
    /// A form without the proof that it is of this session's page.
    #[error("the form is too old, or not of this site; go back, load the page again and send it once more")]
    FormTooOld,
    /// The body is too long.
    #[error("the body is longer than {} bytes", super::MAX_BODY_BYTES)]
    TooLarge,
    /// The body or the query has faults, all of them.
    #[error("{} to put right; see errors", count(.0.len()))]
    Invalid(Vec<FieldError>),
    /// A name in the path that no tenant can have.
    #[error("{0}")]
    BadName(NameError),
    /// No token.
    #[error("show the tenant's token: authorization: Bearer pcp_…")]
    TokenMissing,
    /// A token that cannot be one.
    #[error("the token is mistyped or cut short; a token is pcp_ and 51 more characters")]
    TokenMalformed,
    /// A token whose time is over.
    #[error("the token has expired; use another one of the tenant's, or ask the operator")]
    TokenExpired,
    /// A token that somebody revoked.
    #[error("the token is revoked; use another one of the tenant's, or ask the operator")]
    TokenRevoked,
    /// A token that is not good for this.
    #[error("the token is good for other things only; this takes one with the scope {}", .0.as_str())]
    ScopeMissing(Scope),
    /// An `Idempotency-Key` that cannot be one.
    #[error("the idempotency-key must be 16 to 128 visible characters, 8 of them different; a random UUID will do")]
    KeyMalformed,
    /// A key that stands for another request.
    #[error("the idempotency-key was used with another request in the last 24 hours; make a new one for this request")]
    KeyReused,
    /// A key that stands for a request: what that one was answered is to be answered again.
    #[error("the idempotency-key was used before")]
    KeyUsed,
    /// More requests than one caller may make, or one that cannot be counted.
    #[error("{0}; wait a minute")]
    RateLimited(rate_limit::Refusal),
    /// More sign-ups than the plane takes in an hour.
    #[error("as many have signed up in the last hour as may; try again in {retry_after_s} seconds")]
    TooManySignUps {
        /// When one more will be taken.
        retry_after_s: u32,
    },
    /// As many tenants as one owner may have.
    #[error("you have {0} tenants, which is as many as you may have; delete one, or ask the operator for an invite")]
    OwnerFull(u32),
    /// As many tenants as the operator wants.
    #[error("this plane takes {0} tenants at most, and they are there; ask its operator")]
    PlaneFull(u32),
    /// Cloudflare would refuse one more.
    #[error("{0}; ask the operator")]
    AccountFull(Full),
    /// A challenge that was not passed.
    #[error("{0}")]
    Challenge(turnstile::Refusal),
    /// An invitation that is good for nothing.
    #[error("the invite is {0}; ask whoever gave it to you for another")]
    InviteRefused(InviteRefusal),
    /// As many tokens as may be.
    #[error("two tokens are good already; revoke one of them first")]
    TooManyTokens,
    /// The only token that keeps the tenant in its owner's hands.
    #[error(
        "it is the last token that is good for everything and never expires; make another such one first: POST …/tokens"
    )]
    LastToken,
    /// No such token of the tenant's.
    #[error("the tenant has no token of that id")]
    NoSuchToken,
    /// Somebody who is no operator.
    #[error("{0}")]
    NotOperator(access::Refusal),
    /// An operator who may only look.
    #[error("viewers may look and change nothing; ask for the role operator")]
    ViewerOnly,
    /// A change that another site's page asked for.
    #[error("changes are taken from this site's own pages only")]
    OtherOrigin,
    /// No such invite.
    #[error("there is no invite of that id")]
    NoSuchInvite,
    /// No such thing, or it is not the caller's to see.
    #[error("there is no tenant of that name, or the token is not its own")]
    NoSuchTenant,
    /// No such tenant, told to an operator.
    #[error("there is no tenant of that name or id")]
    NoTenantCalledThat,
    /// No such orphan.
    #[error("the sweeps have seen no such thing that is on nobody's ledger")]
    NoSuchOrphan,
    /// No such release.
    #[error("there is no release of that id")]
    NoSuchRelease,
    /// No such secret.
    #[error("no secret of that name is set")]
    NoSuchSecret,
    /// No such route.
    #[error("there is nothing at this address; the routes are listed in the documentation")]
    NoSuchRoute,
    /// The route does not know the method.
    #[error("this address takes {0} only")]
    MethodNotAllowed(String),
    /// The caller takes nothing that the route answers.
    #[error("this address answers {0} only; the accept header excludes it")]
    NotAcceptable(&'static str),
    /// Somebody has the name.
    #[error("the name is taken; choose another")]
    NameTaken,
    /// Somebody else changed the tenant at the same time.
    #[error("the tenant was changed by another request at the same time; read it again and repeat the change")]
    Conflict,
    /// A change of what is not any more as its caller has seen it.
    #[error("it has changed since you read it: read it again, and send if-match with its new etag")]
    PreconditionFailed,
    /// A change of a tenant that is going.
    #[error("the tenant is being deleted and takes no changes; while its data is kept, POST …/undelete brings it back")]
    BeingDeleted,
    /// An undeletion that comes too late.
    #[error("the tenant's data is not kept any more; it cannot be brought back")]
    DataGone,
    /// A receipt of what nobody asked to delete.
    #[error("nobody asked for the tenant's deletion, so there is no receipt")]
    NotDeleted,
    /// A resumption after the end of a trial.
    #[error("the tenant's trial has ended; ask the operator for more time")]
    TrialEnded,
    /// More secrets than a Worker takes.
    #[error("a tenant has at most {} secrets", crate::tenant::secret_name::MAX_SECRETS)]
    TooManySecrets,
    /// Sign-up needs an invitation.
    #[error("sign-up is by invitation only: send the code of one as invite; this plane's operator hands them out")]
    InviteRequired,
    /// Sign-up is closed.
    #[error("sign-up is closed; ask the operator")]
    SignupClosed,
    /// Nothing to deploy from.
    #[error("no release has been published yet; the operator publishes one with tools/publish-release.mjs")]
    NoRelease,
    /// The plane's settings are not complete. The text names variables, never values.
    #[error("{0}")]
    Misconfigured(ConfigError),
    /// The database is away. The cause goes to the log only.
    #[error("the registry cannot be reached; a change may or may not have been made: read the tenant, then repeat it")]
    Unavailable(String),
    /// A fault of our own. The cause goes to the log only.
    #[error("something went wrong on our side; tell the operator the request id")]
    Internal(String),
}

/// A problem as it is sent (RFC 9457).
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub(super) struct Problem {
    r#type: String,
    pub(super) title: &'static str,
    status: u16,
    pub(super) detail: String,
    pub(super) code: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) errors: Vec<FieldError>,
    request_id: String,
    /// Why the request failed on our side; for the log, never sent.
    #[serde(skip)]
    pub(super) cause: Option<String>,
}

impl ApiError {
    /// Status, stable code for programs, title.
    pub(super) fn kind(&self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::Malformed(_) => (S::BAD_REQUEST, "malformed", "Malformed request"),
            Self::NotJson(_) => (S::BAD_REQUEST, "not_json", "Malformed JSON"),
            Self::UnsupportedMediaType => (S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Not JSON"),
            Self::NotAForm => (S::UNSUPPORTED_MEDIA_TYPE, "not_a_form", "Not a form"),
            Self::SignedOut => (S::UNAUTHORIZED, "signed_out", "Open your tenant first"),
            Self::FormTooOld => (S::FORBIDDEN, "form_too_old", "The form is too old"),
            Self::TooLarge => (S::PAYLOAD_TOO_LARGE, "too_large", "Body too large"),
            Self::Invalid(_) => (S::UNPROCESSABLE_ENTITY, "invalid", "Invalid request"),
            Self::BadName(error) => (S::UNPROCESSABLE_ENTITY, error.code(), "Invalid tenant name"),
            Self::TokenMissing => (S::UNAUTHORIZED, "token_missing", "Token missing"),
            Self::TokenMalformed => (S::UNAUTHORIZED, "token_malformed", "Token malformed"),
            Self::TokenExpired => (S::UNAUTHORIZED, "token_expired", "Token expired"),
            Self::TokenRevoked => (S::UNAUTHORIZED, "token_revoked", "Token revoked"),
            Self::ScopeMissing(_) => (S::FORBIDDEN, "scope_missing", "Scope missing"),
            Self::KeyMalformed => (S::BAD_REQUEST, "idempotency_key_malformed", "Idempotency key malformed"),
            Self::KeyReused => (S::UNPROCESSABLE_ENTITY, "idempotency_key_reused", "Idempotency key reused"),
            Self::KeyUsed => (S::CONFLICT, "idempotency_key_used", "Idempotency key used"),
            Self::RateLimited(rate_limit::Refusal::TooMany(_)) => {
                (S::TOO_MANY_REQUESTS, "rate_limited", "Too many requests")
            }
            Self::RateLimited(rate_limit::Refusal::Uncounted(_)) => {
                (S::SERVICE_UNAVAILABLE, "uncounted", "Cannot be counted now")
            }
            Self::TooManySignUps { .. } => (S::TOO_MANY_REQUESTS, "too_many_sign_ups", "Too many sign-ups"),
            Self::OwnerFull(_) => (S::FORBIDDEN, "owner_full", "Too many tenants"),
            Self::PlaneFull(_) => (S::SERVICE_UNAVAILABLE, "plane_full", "No room for more tenants"),
            Self::AccountFull(_) => (S::SERVICE_UNAVAILABLE, "account_full", "No room in the account"),
            Self::Challenge(turnstile::Refusal::Unavailable) => {
                (S::SERVICE_UNAVAILABLE, "challenge_unavailable", "Challenge cannot be checked")
            }
            Self::Challenge(_) => (S::FORBIDDEN, "challenge_failed", "Challenge not passed"),
            Self::InviteRefused(_) => (S::FORBIDDEN, "invite_refused", "Invitation refused"),
            Self::TooManyTokens => (S::CONFLICT, "too_many_tokens", "Too many tokens"),
            Self::LastToken => (S::CONFLICT, "last_token", "Last token"),
            Self::NoSuchToken => (S::NOT_FOUND, "no_such_token", "No such token"),
            Self::NotOperator(access::Refusal::NotConfigured | access::Refusal::KeysUnavailable) => {
                (S::SERVICE_UNAVAILABLE, "operators_unavailable", "No operators now")
            }
            Self::NotOperator(access::Refusal::NoRole(_)) => (S::FORBIDDEN, "no_role", "No role"),
            Self::NotOperator(_) => (S::UNAUTHORIZED, "not_operator", "Not an operator"),
            Self::ViewerOnly => (S::FORBIDDEN, "viewer_only", "Viewers change nothing"),
            Self::OtherOrigin => (S::FORBIDDEN, "other_origin", "From another site"),
            Self::NoSuchInvite => (S::NOT_FOUND, "no_such_invite", "No such invite"),
            Self::NoTenantCalledThat => (S::NOT_FOUND, "no_such_tenant", "No such tenant"),
            Self::NoSuchOrphan => (S::NOT_FOUND, "no_such_orphan", "No such orphan"),
            Self::NoSuchRelease => (S::NOT_FOUND, "no_such_release", "No such release"),
            Self::NoSuchTenant => (S::NOT_FOUND, "no_such_tenant", "No such tenant"),
            Self::NoSuchSecret => (S::NOT_FOUND, "no_such_secret", "No such secret"),
            Self::NoSuchRoute => (S::NOT_FOUND, "no_such_route", "No such route"),
            Self::NotAcceptable(_) => (S::NOT_ACCEPTABLE, "not_acceptable", "Not acceptable"),
            Self::MethodNotAllowed(_) => (S::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed"),
            Self::NameTaken => (S::CONFLICT, "name_taken", "Name taken"),
            Self::Conflict => (S::CONFLICT, "conflict", "Changed meanwhile"),
            Self::PreconditionFailed => (S::PRECONDITION_FAILED, "precondition_failed", "Changed meanwhile"),
            Self::BeingDeleted => (S::CONFLICT, "being_deleted", "Being deleted"),
            Self::DataGone => (S::CONFLICT, "data_gone", "Data not kept any more"),
            Self::NotDeleted => (S::NOT_FOUND, "not_deleted", "Not deleted"),
            Self::TrialEnded => (S::CONFLICT, "trial_ended", "Trial ended"),
            Self::TooManySecrets => (S::UNPROCESSABLE_ENTITY, "too_many_secrets", "Too many secrets"),
            Self::InviteRequired => (S::FORBIDDEN, "invite_required", "Invitation required"),
            Self::SignupClosed => (S::FORBIDDEN, "signup_closed", "Sign-up closed"),
            Self::NoRelease => (S::SERVICE_UNAVAILABLE, "no_release", "No release published"),
            Self::Misconfigured(_) => (S::SERVICE_UNAVAILABLE, "misconfigured", "Not configured"),
            Self::Unavailable(_) => (S::SERVICE_UNAVAILABLE, "unavailable", "Registry unavailable"),
            Self::Internal(_) => (S::INTERNAL_SERVER_ERROR, "internal", "Internal error"),
        }
    }

    /// A single complaint.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError { pointer: pointer.into(), detail: detail.into() }])
    }
}

fn count(faults: usize) -> String {
    if faults == 1 { "there is one thing".to_owned() } else { format!("there are {faults} things") }
}

impl From<registry::Error> for ApiError {
    fn from(error: registry::Error) -> Self {
        match error {
            registry::Error::NameTaken => Self::NameTaken,
            registry::Error::Conflict => Self::Conflict,
            registry::Error::KeyUsed => Self::KeyUsed,
            // Others were there first. Asked again, what is in the way is seen before anything is written.
            registry::Error::LimitReached(_) | registry::Error::NoRoom => Self::Conflict,
            registry::Error::Invite(refusal) => Self::InviteRefused(refusal),
            registry::Error::TooManyTokens => Self::TooManyTokens,
            registry::Error::Driver(error) => Self::Unavailable(error.to_string()),
            registry::Error::Inconsistent { .. } => Self::Internal(error.to_string()),
        }
    }
}

impl From<rate_limit::Refusal> for ApiError {
    fn from(refusal: rate_limit::Refusal) -> Self {
        Self::RateLimited(refusal)
    }
}

impl From<access::Refusal> for ApiError {
    fn from(refusal: access::Refusal) -> Self {
        Self::NotOperator(refusal)
    }
}

impl From<Full> for ApiError {
    fn from(full: Full) -> Self {
        Self::AccountFull(full)
    }
}

impl From<turnstile::Refusal> for ApiError {
    fn from(refusal: turnstile::Refusal) -> Self {
        Self::Challenge(refusal)
    }
}

impl From<NameError> for ApiError {
    fn from(error: NameError) -> Self {
        Self::BadName(error)
    }
}

impl Problem {
    /// What is sent of `error` in answer to the request `request_id`.
    pub(super) fn of(error: &ApiError, request_id: &str) -> Self {
        let (status, code, title) = error.kind();
        let (errors, cause) = match error {
            ApiError::Invalid(errors) => (errors.clone(), None),
            ApiError::Unavailable(cause) | ApiError::Internal(cause) => (Vec::new(), Some(cause.clone())),
            _ => (Vec::new(), None),
        };
        Self {
            r#type: format!("urn:paramita:problem:{code}"),
            title,
            status: status.as_u16(),
            detail: error.to_string(),
            code,
            errors,
            request_id: request_id.to_owned(),
            cause,
        }
    }

    /// Its status.
    pub(super) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

//! Who is asking.

use http::header::AUTHORIZATION;
use serde_json::Value as Json;

use super::call::Call;
use super::error::ApiError;
use crate::access::{self, Operator, Role};
use crate::audit::Act;
use crate::clock::Timestamp;
use crate::registry::{Opened, Token, TokenState};
use crate::tenant::{Resource, Tenant};
use crate::vault::{ApiToken, Scope, Scopes};

/// A tenant, and who acts on it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The tenant.
    pub tenant: Tenant,
    /// Its ledger.
    pub resources: Vec<Resource>,
    /// Who acts.
    pub by: Actor,
}

/// Who acts on a tenant.
#[derive(Clone, Debug)]
pub enum Actor {
    /// Its owner, proved by this token of the tenant.
    Owner(Token),
    /// Whoever runs the plane.
    Operator(Operator),
}

impl Subject {
    /// The operator who acts; `None`: the owner does.
    pub fn operator(&self) -> Option<&Operator> {
        match &self.by {
            Actor::Operator(operator) => Some(operator),
            Actor::Owner(_) => None,
        }
    }

    /// What a token that is made here may be good for at most, and until when.
    pub fn reach(&self) -> (Scopes, Option<Timestamp>) {
        match &self.by {
            Actor::Owner(token) => (token.scopes, token.expires_at),
            Actor::Operator(_) => (Scopes::ALL, None),
        }
    }

    /// What the audit log says of what is done in `call`, which an operator asks for; `None`: the owner does.
    pub fn act(&self, call: &Call, act: &'static str, before: Json, after: Json) -> Option<Act> {
        let tenant_id = Some(self.tenant.id.0.clone());
        let act = |operator: &Operator| Act {
            tenant_id,
            ..act_of(operator, call, act, self.tenant.name.as_str(), before, after)
        };
        self.operator().map(act)
    }

    /// Whose key a key of this caller is. An answer may hold a token that is good for more than the one that asks again.
    pub(super) fn key_scope(&self) -> String {
        match &self.by {
            Actor::Owner(token) => format!("{}/{}", self.tenant.id, token.id),
            Actor::Operator(operator) => format!("{}/operator/{}", self.tenant.id, operator.identity),
        }
    }
}

/// What the audit log says of what an operator does in `call`.
pub fn act_of(operator: &Operator, call: &Call, act: &'static str, target: &str, before: Json, after: Json) -> Act {
    Act {
        actor: operator.identity.to_string(),
        act,
        target: target.to_owned(),
        tenant_id: None,
        from: call.client_ip().map_or_else(|| "unknown".to_owned(), |address| address.to_string()),
        request_id: call.request_id.clone(),
        before,
        after,
    }
}

/// The owner of the tenant that the address of `call` names first, by a token that is good for `scope`. One database round
/// trip.
///
/// Another tenant's token, a tenant that does not exist and one that is not the caller's all look the same: 404. That a
/// token is revoked, expired or good for other things only is said to whoever has it.
pub(super) async fn owner(call: &Call, scope: Scope) -> Result<Subject, ApiError> {
    let header = call.header_or(AUTHORIZATION, ApiError::TokenMissing, ApiError::TokenMalformed)?;
    let (scheme, shown) = header.split_once(' ').ok_or(ApiError::TokenMissing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::TokenMissing);
    }
    let token = ApiToken::parse(shown.trim()).ok_or(ApiError::TokenMalformed)?;
    let now = call.app.clock.now();
    let opened = call.app.registry.find_by_token(&token.hash(), now).await?;
    let Some(Opened { token, tenant, resources }) = opened else { return Err(ApiError::NoSuchTenant) };
    match token.state(now) {
        TokenState::Expired => Err(ApiError::TokenExpired),
        TokenState::Revoked => Err(ApiError::TokenRevoked),
        TokenState::Good if tenant.name.as_str() != call.param(0) => Err(ApiError::NoSuchTenant),
        TokenState::Good if !token.scopes.contains(scope) => Err(ApiError::ScopeMissing(scope)),
        TokenState::Good => Ok(Subject { tenant, resources, by: Actor::Owner(token) }),
    }
}

/// The operator whom Cloudflare Access let in. What their role is for is [`require`]d apart, once the log knows who it is.
pub(super) async fn operator(call: &Call) -> Result<Operator, ApiError> {
    let log = call.app.log.with("request_id", call.request_id.as_str());
    let access = call.app.access.as_ref().ok_or(access::Refusal::NotConfigured)?;
    Ok(access.authenticate(&log, &call.headers).await?)
}

/// Refuses an operator whose role is less than `role`.
pub(super) fn require(operator: &Operator, role: Role) -> Result<(), ApiError> {
    if operator.role < role { Err(ApiError::ViewerOnly) } else { Ok(()) }
}

/// The tenant that the address of `call` names first, by its name or its id, as `operator` acts on it.
pub(super) async fn subject(call: &Call, operator: Operator) -> Result<Subject, ApiError> {
    let found = call.app.registry.find_tenant_called(call.param(0)).await?;
    let (tenant, resources) = found.ok_or(ApiError::NoTenantCalledThat)?;
    Ok(Subject { tenant, resources, by: Actor::Operator(operator) })
}

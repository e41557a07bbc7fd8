//! Who is asking.

use http::header::AUTHORIZATION;

use super::call::Call;
use super::error::ApiError;
use crate::registry::{Opened, Token, TokenState};
use crate::tenant::{Resource, Tenant};
use crate::vault::{ApiToken, Scope};

/// The owner of the tenant named in the path, proved by one of the tenant's tokens.
#[derive(Debug)]
pub struct Owner {
    /// The tenant.
    pub tenant: Tenant,
    /// Its ledger.
    pub resources: Vec<Resource>,
    /// What proved it.
    pub token: Token,
}

impl Owner {
    /// The same once more, for a handler that takes it.
    pub fn again(&self) -> Self {
        Self { tenant: self.tenant.clone(), resources: self.resources.clone(), token: self.token.clone() }
    }
}

/// The owner of the tenant that the address of `call` names first, by a token that is good for `scope`. One database round
/// trip.
///
/// Another tenant's token, a tenant that does not exist and one that is not the caller's all look the same: 404. That a
/// token is revoked, expired or good for other things only is said to whoever has it.
pub(super) async fn owner(call: &Call, scope: Scope) -> Result<Owner, ApiError> {
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
        TokenState::Good => Ok(Owner { tenant, resources, token }),
    }
}

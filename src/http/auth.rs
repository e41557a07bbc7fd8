//! Who is asking.

use http::header::AUTHORIZATION;

use super::call::Call;
use super::error::ApiError;
use crate::tenant::{Resource, Tenant};
use crate::vault::ApiToken;

/// The owner of the tenant named in the path, proved by the tenant's token.
#[derive(Debug)]
pub struct Owner {
    /// The tenant.
    pub tenant: Tenant,
    /// Its ledger.
    pub resources: Vec<Resource>,
}

/// The owner of the tenant that the address of `call` names first. One database round trip.
///
/// Another tenant's token, a tenant that does not exist and one that is not the caller's all look the same: 404.
pub(super) async fn owner(call: &Call) -> Result<Owner, ApiError> {
    let header = call.header_or(AUTHORIZATION, ApiError::TokenMissing, ApiError::TokenMalformed)?;
    let (scheme, shown) = header.split_once(' ').ok_or(ApiError::TokenMissing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(ApiError::TokenMissing);
    }
    let token = ApiToken::parse(shown.trim()).ok_or(ApiError::TokenMalformed)?;
    match call.app.registry.find_by_token(&token.hash()).await? {
        Some((tenant, resources)) if tenant.name.as_str() == call.param(0) => Ok(Owner { tenant, resources }),
        _ => Err(ApiError::NoSuchTenant),
    }
}

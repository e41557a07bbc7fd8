//! Who is asking.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path};
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::error::ApiError;
use super::request_id::RequestId;
use crate::app::App;
use crate::registry::{Opened, TokenState};
use crate::tenant::{Resource, Tenant};
use crate::vault::ApiToken;

/// The owner of the tenant named in the path, proved by the tenant's token. One database round trip.
///
/// Another tenant's token, a tenant that does not exist and one that is not the caller's all look the same: 404.
#[derive(Debug)]
pub struct Owner {
    /// The tenant.
    pub tenant: Tenant,
    /// Its ledger.
    pub resources: Vec<Resource>,
}

impl FromRequestParts<App> for Owner {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let Path(path) = Path::<HashMap<String, String>>::from_request_parts(parts, app)
            .await
            .map_err(|_| ApiError::NoSuchTenant)?;
        let name = path.get("name").ok_or(ApiError::NoSuchTenant)?;
        let header = parts.headers.get(AUTHORIZATION).ok_or(ApiError::TokenMissing)?;
        let header = header.to_str().map_err(|_| ApiError::TokenMalformed)?;
        let (scheme, shown) = header.split_once(' ').ok_or(ApiError::TokenMissing)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(ApiError::TokenMissing);
        }
        let token = ApiToken::parse(shown.trim()).ok_or(ApiError::TokenMalformed)?;
        let now = app.clock.now();
        match app.registry.find_by_token(&token.hash(), now).await? {
            Some(Opened { token, tenant, resources })
                if tenant.name.as_str() == name && token.state(now) == TokenState::Good =>
            {
                if let Some(request) = parts.extensions.get::<RequestId>() {
                    request.caller.is_owner_of(&tenant);
                }
                Ok(Self { tenant, resources })
            }
            _ => Err(ApiError::NoSuchTenant),
        }
    }
}

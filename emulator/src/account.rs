//! Who is calling, and what the account says about itself.

use http::{HeaderMap, header};
use serde_json::json;

use crate::call::Call;
use crate::envelope::Reply;
use crate::error::ApiError;
use crate::world::{hex_sha256, rfc3339};

/// Let a call with the account's token pass.
pub(crate) fn check_token(headers: &HeaderMap, token: &str) -> Result<(), ApiError> {
    match bearer(headers) {
        None => Err(ApiError::no_credentials()),
        Some(given) if given == token => Ok(()),
        Some(_) => Err(ApiError::not_authenticated()),
    }
}

/// The token of an `Authorization: Bearer` header.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}

/// Let a call to its own account pass; another id is one that the token has no rights on.
pub(crate) fn check_account(call: &Call) -> Result<(), ApiError> {
    let account = call.param("account");
    let well_formed = account.len() == 32 && account.bytes().all(|b| b.is_ascii_hexdigit());
    match account {
        // A route without an account in its path.
        "" => Ok(()),
        same if same == call.emulator.options().account => Ok(()),
        _ if well_formed => Err(ApiError::not_authenticated()),
        _ => Err(ApiError::no_route(&format!("/client/v4/accounts/{account}"))),
    }
}

/// Id of the account's token: 32 hex digits, the same in every run.
pub(crate) fn token_id(call: &Call) -> String {
    let mut id = hex_sha256(call.emulator.options().token.as_bytes());
    id.truncate(32);
    id
}

/// `GET /user/tokens/verify` and `GET /accounts/{account}/tokens/verify`.
pub(crate) async fn verify_token(call: Call) -> Result<Reply, ApiError> {
    let lacks = call.emulator.with_lacks(|lacks| lacks.clone());
    let mut token = json!({"id": token_id(&call), "status": lacks.token_status.as_deref().unwrap_or("active")});
    if let (Some(at), Some(fields)) = (lacks.token_expires_at, token.as_object_mut()) {
        fields.insert("expires_on".to_owned(), json!(rfc3339(at)));
    }
    Ok(Reply::ok(token))
}

/// `GET /user`.
pub(crate) async fn user(call: Call) -> Result<Reply, ApiError> {
    Ok(Reply::ok(json!({"id": token_id(&call), "email": "user@example.com"})))
}

/// `GET /accounts`.
pub(crate) async fn accounts(call: Call) -> Result<Reply, ApiError> {
    let account = json!({"id": call.emulator.options().account, "name": "Emulated account", "type": "standard"});
    let info = json!({"page": 1, "per_page": 20, "count": 1, "total_count": 1, "total_pages": 1});
    Ok(Reply::page(json!([account]), info))
}

/// `GET /accounts/{account}`.
pub(crate) async fn account(call: Call) -> Result<Reply, ApiError> {
    Ok(Reply::ok(json!({"id": call.emulator.options().account, "name": "Emulated account", "type": "standard"})))
}

/// `GET /memberships`.
pub(crate) async fn memberships(call: Call) -> Result<Reply, ApiError> {
    let account = json!({"id": call.emulator.options().account, "name": "Emulated account"});
    let membership = json!({"id": token_id(&call), "status": "accepted", "account": account});
    let info = json!({"page": 1, "per_page": 20, "count": 1, "total_count": 1, "total_pages": 1});
    Ok(Reply::page(json!([membership]), info))
}

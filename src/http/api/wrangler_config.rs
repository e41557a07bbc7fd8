//! `GET /v1/tenants/{name}/wrangler.jsonc`.

use http::header::CONTENT_DISPOSITION;
use http::{HeaderValue, StatusCode};

use crate::http::auth::Owner;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{JSONC, Response, with_body};
use crate::reconcile::desired::deployment;
use crate::reconcile::wrangler_config::wrangler_config;
use crate::tenant::Ledger;

/// The configuration with which `wrangler deploy` makes the same tenant by hand.
pub async fn read(mut call: Call, owner: Owner) -> Result<Response, ApiError> {
    call.query.finish()?;
    let Owner { tenant, resources } = owner;
    let release = call.app.registry.release(&tenant.release).await?;
    let release = release.ok_or_else(|| ApiError::Internal(format!("release {} is missing", tenant.release)))?;
    let ledger = Ledger::from_rows(resources)
        .map_err(|kind| ApiError::Internal(format!("no ledger row for the {}", kind.as_str())))?;
    let config = wrangler_config(&deployment(&tenant, &ledger, &release), &ledger, &release);
    let json = serde_json::to_string_pretty(&config).map_err(|error| ApiError::Internal(error.to_string()))?;
    let text = format!(
        "// Deploys the tenant {} by hand: put this file into the project directory of release {} and run\n\
         //   wrangler deploy --config wrangler.tenant-{}.jsonc\n\
         // Secrets are not in it: wrangler secret put NAME --name {}\n{json}\n",
        tenant.name, release.id, tenant.name, ledger.script.name
    );
    let mut response = with_body(StatusCode::OK, JSONC, text);
    let file = format!("attachment; filename=\"wrangler.tenant-{}.jsonc\"", tenant.name);
    if let Ok(file) = HeaderValue::try_from(file) {
        response.headers_mut().insert(CONTENT_DISPOSITION, file);
    }
    Ok(response)
}

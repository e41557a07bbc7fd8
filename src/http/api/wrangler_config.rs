//! `GET /v1/tenants/{name}/wrangler.jsonc`.

use http::header::CONTENT_DISPOSITION;
use http::{HeaderValue, StatusCode};

use super::change::{ledger_of, release_of};
use crate::http::auth::Subject;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{JSONC, Response, with_body};
use crate::reconcile::desired::deployment;
use crate::reconcile::wrangler_config::wrangler_config;

/// The configuration with which `wrangler deploy` makes the same tenant by hand.
pub async fn read(mut call: Call, subject: Subject) -> Result<Response, ApiError> {
    call.query.finish()?;
    let Subject { tenant, resources, .. } = subject;
    let release = release_of(&call.app, &tenant).await?;
    let ledger = ledger_of(&resources)?;
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

//! `GET /v1/tenants/{name}/wrangler.jsonc`.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use crate::app::App;
use crate::http::auth::Owner;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::reconcile::desired::deployment;
use crate::reconcile::wrangler_config::wrangler_config;
use crate::tenant::Ledger;

/// The configuration with which `wrangler deploy` makes the same tenant by hand.
pub async fn read(State(app): State<App>, owner: Owner, query: Query) -> Result<Response, ApiError> {
    query.finish()?;
    let Owner { tenant, resources } = owner;
    let release = app.registry.release(&tenant.release).await?;
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
    let headers = [
        (CONTENT_TYPE, "application/jsonc; charset=utf-8".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"wrangler.tenant-{}.jsonc\"", tenant.name)),
    ];
    Ok((headers, text).into_response())
}

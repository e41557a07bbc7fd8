//! `GET /v1/tenants/{name}/events`.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::app::App;
use crate::http::auth::Owner;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::view;

const LINES: i64 = 100;
const MAX_LINES: i64 = 1_000;

/// The tenant's history, oldest first: `?after=` the last line seen, `?limit=` lines at most.
pub async fn list(State(app): State<App>, owner: Owner, mut query: Query) -> Result<Json<Value>, ApiError> {
    let after = query.number("after", 0..=(1 << 53) - 1).unwrap_or(0);
    let limit = query.number("limit", 1..=MAX_LINES).unwrap_or(LINES);
    query.finish()?;
    let rows = app.registry.events(&owner.tenant.id, after, limit).await?;
    let last = rows.last().map_or(after, |row| row.id);
    Ok(Json(json!({ "events": rows.iter().map(view::event).collect::<Vec<_>>(), "after": last })))
}

//! `GET /v1/tenants/{name}/events`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::app::App;
use crate::http::auth::Owner;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::http::view::EventView;

const LINES: i64 = 100;
const MAX_LINES: i64 = 1_000;

#[derive(Serialize)]
struct Page<'a> {
    events: Vec<EventView<'a>>,
    after: i64,
}

/// The tenant's history, oldest first: `?after=` the last line seen, `?limit=` lines at most.
pub async fn list(State(app): State<App>, owner: Owner, mut query: Query) -> Result<Response, ApiError> {
    let after = query.number("after", 0..=(1 << 53) - 1).unwrap_or(0);
    let limit = query.number("limit", 1..=MAX_LINES).unwrap_or(LINES);
    query.finish()?;
    let rows = app.registry.events(&owner.tenant.id, after, limit).await?;
    let after = rows.last().map_or(after, |row| row.id);
    Ok(Json(Page { events: rows.iter().map(EventView::of).collect(), after }).into_response())
}

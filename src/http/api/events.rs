//! `GET /v1/tenants/{name}/events`.

use serde::Serialize;

use crate::http::auth::Owner;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{Response, json};
use crate::http::view::EventView;

const LINES: i64 = 100;
const MAX_LINES: i64 = 1_000;

#[derive(Serialize)]
struct Page<'a> {
    events: Vec<EventView<'a>>,
    after: i64,
}

/// The tenant's history, oldest first: `?after=` the last line seen, `?limit=` lines at most.
pub async fn list(mut call: Call, owner: Owner) -> Result<Response, ApiError> {
    let after = call.query.number("after", 0..=(1 << 53) - 1).unwrap_or(0);
    let limit = call.query.number("limit", 1..=MAX_LINES).unwrap_or(LINES);
    call.query.finish()?;
    let rows = call.app.registry.events(&owner.tenant.id, after, limit).await?;
    let after = rows.last().map_or(after, |row| row.id);
    json(&Page { events: rows.iter().map(EventView::of).collect(), after })
}

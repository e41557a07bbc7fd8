//! `GET /v1/tenants/{name}/events`.

use serde::Serialize;

use crate::http::auth::Subject;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{Response, json};
use crate::http::view::EventView;

const LINES: i64 = 100;
const MAX_LINES: i64 = 1_000;

/// Longest wait for news, in seconds: below the time after which proxies on the way give up.
const MAX_WAIT_S: i64 = 30;

/// Between two looks at the registry while waiting.
const LOOK_EVERY_MS: i64 = 1_000;

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Events"))]
pub struct Page<'a> {
    events: Vec<EventView<'a>>,
    /// The last line seen, for the next `?after=`.
    after: i64,
    /// Where the history goes on.
    next: String,
}

/// The tenant's history, oldest first: `?after=` the last line seen, `?limit=` lines at most. When there is none yet, the
/// answer waits up to `?wait=` seconds for the first.
pub async fn list(mut call: Call, subject: Subject) -> Result<Response, ApiError> {
    let after = call.query.number("after", 0..=(1 << 53) - 1).unwrap_or(0);
    let limit = call.query.number("limit", 1..=MAX_LINES).unwrap_or(LINES);
    let wait = call.query.number("wait", 0..=MAX_WAIT_S).unwrap_or(0);
    call.query.finish()?;
    let app = &call.app;
    let deadline = app.clock.now().plus_ms(wait * 1_000);
    let mut rows = app.registry.events(&subject.tenant.id, after, limit).await?;
    while rows.is_empty() && app.clock.now() < deadline {
        app.clock.sleep(LOOK_EVERY_MS).await;
        rows = app.registry.events(&subject.tenant.id, after, limit).await?;
    }
    let after = rows.last().map_or(after, |row| row.id);
    let next = format!("{}?after={after}", call.path());
    json(&Page { events: rows.iter().map(EventView::of).collect(), after, next })
}

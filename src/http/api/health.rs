//! `GET /healthz`.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::query::Query;

/// Alive; with `?deep=1` the registry answers, too.
pub async fn read(State(app): State<App>, mut query: Query) -> Result<Json<Value>, ApiError> {
    let deep = query.flag("deep");
    query.finish()?;
    if deep {
        app.registry.ping().await?;
        return Ok(Json(json!({ "status": "ok", "registry": "ok" })));
    }
    Ok(Json(json!({ "status": "ok" })))
}

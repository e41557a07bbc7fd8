//! `GET /healthz`.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::query::Query;

/// How the plane is.
#[derive(Serialize)]
pub struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    registry: Option<&'static str>,
}

/// Alive; with `?deep=1` the registry answers, too.
pub async fn read(State(app): State<App>, mut query: Query) -> Result<Json<Health>, ApiError> {
    let deep = query.flag("deep");
    query.finish()?;
    if deep {
        app.registry.ping().await?;
    }
    Ok(Json(Health { status: "ok", registry: deep.then_some("ok") }))
}

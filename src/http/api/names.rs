//! `GET /v1/names/{name}`.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use serde::Serialize;

use crate::app::App;
use crate::http::error::ApiError;
use crate::http::query::Query;
use crate::tenant::TenantName;
use crate::tenant::name::NameError;

/// What a name is good for.
#[derive(Serialize)]
pub struct Answer {
    name: String,
    status: &'static str,
    reason: String,
}

/// Whether a name is free, taken, reserved or malformed, and why.
pub async fn read(
    State(app): State<App>,
    name: Result<Path<String>, PathRejection>,
    query: Query,
) -> Result<Json<Answer>, ApiError> {
    query.finish()?;
    let Path(name) = name.map_err(|_| ApiError::Malformed("the name in the address"))?;
    let (status, reason) = match TenantName::parse(&name) {
        Err(error @ NameError::Reserved(_)) => ("reserved", error.to_string()),
        Err(error) => ("malformed", error.to_string()),
        Ok(name) if app.registry.is_name_taken(&name).await? => {
            ("taken", "the name is taken; choose another".to_owned())
        }
        Ok(_) => ("free", "nobody has the name".to_owned()),
    };
    Ok(Json(Answer { name, status, reason }))
}

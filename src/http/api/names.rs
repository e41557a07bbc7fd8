//! `GET /v1/names/{name}`.

use serde::Serialize;

use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{Response, json};
use crate::tenant::TenantName;
use crate::tenant::name::NameError;

/// What a name is good for.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Name"))]
pub struct Answer {
    name: String,
    #[cfg_attr(not(target_arch = "wasm32"), schemars(extend("enum" = ["free", "taken", "reserved", "malformed"])))]
    status: &'static str,
    reason: String,
}

/// Whether a name is free, taken, reserved or malformed, and why.
pub async fn read(mut call: Call) -> Result<Response, ApiError> {
    call.query.finish()?;
    let name = call.param(0).to_owned();
    let (status, reason) = match TenantName::parse(&name) {
        Err(error @ NameError::Reserved(_)) => ("reserved", error.to_string()),
        Err(error) => ("malformed", error.to_string()),
        Ok(name) if call.app.registry.is_name_taken(&name).await? => {
            ("taken", "the name is taken; choose another".to_owned())
        }
        Ok(_) => ("free", "nobody has the name".to_owned()),
    };
    json(&Answer { name, status, reason })
}

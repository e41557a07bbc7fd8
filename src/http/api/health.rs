//! `GET /healthz`.

use serde::Serialize;

use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{Response, json};

/// How the plane is.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Health {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    registry: Option<&'static str>,
}

/// Alive; with `?deep=1` the registry answers, too.
pub async fn read(mut call: Call) -> Result<Response, ApiError> {
    let deep = call.query.flag("deep");
    call.query.finish()?;
    if deep {
        call.app.registry.ping().await?;
    }
    json(&Health { status: "ok", registry: deep.then_some("ok") })
}

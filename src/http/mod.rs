//! The HTTP face. Validates, writes, nudges, answers; never calls Cloudflare.

mod access_log;
mod api;
mod auth;
mod body;
mod error;
mod query;
mod request_id;
mod view;

use axum::extract::DefaultBodyLimit;
use axum::response::IntoResponse;
use axum::routing::{get, patch, post, put};
use axum::{Router, middleware};
use http::header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};

pub use self::error::ApiError;
pub use self::request_id::refuse;
use crate::app::App;
use crate::config::ConfigError;

/// The headers of a request that anything here reads. The Worker's edge hands on these and no others.
pub const HEADERS_READ: [HeaderName; 3] = [AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE];

/// Longest body taken: a hundred secrets of 5 KiB each, escaped, fit.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Every route.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/healthz", get(api::health::read))
        .route("/v1/instance-types", get(api::instance_types::list))
        .route("/v1/estimate", get(api::estimate::read))
        .route("/v1/names/{name}", get(api::names::read))
        .route("/v1/tenants", post(api::sign_up::create))
        .route("/v1/tenants/{name}", get(api::tenant::read).patch(api::tenant::change).delete(api::tenant::delete))
        .route("/v1/tenants/{name}/suspend", post(api::lifecycle::suspend))
        .route("/v1/tenants/{name}/resume", post(api::lifecycle::resume))
        .route("/v1/tenants/{name}/undelete", post(api::lifecycle::undelete))
        .route("/v1/tenants/{name}/receipt", get(api::receipt::read))
        .route("/v1/tenants/{name}/events", get(api::events::list))
        .route("/v1/tenants/{name}/secrets", get(api::secrets::list))
        .route("/v1/tenants/{name}/secrets", patch(api::secrets::change))
        .route("/v1/tenants/{name}/secrets/{secret}", put(api::secrets::set).delete(api::secrets::delete))
        .route("/v1/tenants/{name}/wrangler.jsonc", get(api::wrangler_config::read))
        .fallback(|| async { ApiError::NoSuchRoute })
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .layer(middleware::from_fn_with_state(app.clone(), request_id::assign))
        .with_state(app)
}

/// What stands in for the plane while its settings are not complete: says what is missing, does nothing.
pub fn misconfigured(error: ConfigError) -> Router {
    Router::new().fallback(move || {
        let error = ApiError::Misconfigured(error.clone());
        async move { request_id::complete(error.into_response(), "req_none".to_owned(), None) }
    })
}

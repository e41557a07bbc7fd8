//! `GET /admin/releases`, `POST /admin/releases/default`.

use http::StatusCode;
use serde_json::json;

use super::{Console, Form, page, see_other};
use crate::access::Operator;
use crate::http::api::operator::releases as api;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::Response;
use crate::pages::console::Section;
use crate::pages::console::releases::{ReleasesPage, releases};

/// Releases on the page; older ones by the API.
const LINES: i64 = 50;

/// The releases, newest first.
pub async fn read(mut call: Call, operator: Operator) -> Result<Response, ApiError> {
    let is_given = call.query.text("done", |_| Ok::<_, String>(())).is_some();
    let found = call.app.registry.releases(LINES).await?;
    let console = Console::of(&call, &operator);
    let notice = is_given.then_some("Sign-ups get it from now on.");
    let markup = releases(&ReleasesPage { frame: console.frame(Section::Releases), releases: &found, notice });
    Ok(page(StatusCode::OK, markup))
}

/// Has sign-ups get one of them.
pub async fn make_default(mut call: Call, operator: Operator, form: Form) -> Result<Response, ApiError> {
    call.params = vec![form.get("id").to_owned()];
    api::make_default(call.to_api("", &json!({})), operator).await?;
    Ok(see_other("/admin/releases?done=default"))
}

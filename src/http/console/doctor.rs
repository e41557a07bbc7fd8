//! `GET /admin/doctor`.

use http::StatusCode;

use super::{Console, page};
use crate::access::Operator;
use crate::doctor::examine;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::Response;
use crate::pages::console::Section;
use crate::pages::console::doctor::{DoctorPage, doctor};

/// Looks, and shows what was found.
pub async fn read(mut call: Call, operator: Operator) -> Result<Response, ApiError> {
    call.query.finish()?;
    let log = call.app.log.with("request_id", call.request_id.as_str());
    let report = examine(&call.app, call.host(), &log).await;
    let console = Console::of(&call, &operator);
    Ok(page(StatusCode::OK, doctor(&DoctorPage { frame: console.frame(Section::Doctor), report: &report })))
}

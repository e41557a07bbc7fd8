//! `GET /`.

use http::StatusCode;

use super::session::Session;
use super::{page, stranger};
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::Response;
use crate::pages::FieldError;
use crate::pages::home::{Home, home};

/// What was wrong with an attempt to come in.
pub struct Tried<'a> {
    /// The name that was tried.
    pub name: &'a str,
    /// The field that is wrong.
    pub field: &'a str,
    /// Why.
    pub message: &'a str,
}

/// The front page; with `?name=` that name stands in the form already.
pub async fn read(mut call: Call) -> Result<Response, ApiError> {
    let name = call.query.text("name", |name| Ok::<_, String>(name.to_owned())).unwrap_or_default();
    let session = Session::find(&call).await?;
    let frame = session.as_ref().map_or(stranger(), Session::frame);
    Ok(page(StatusCode::OK, home(&Home { frame, mode: call.app.config.signup_mode, name: &name, errors: &[] })))
}

/// The front page with what was wrong, if something was.
pub fn render(call: &Call, tried: Option<Tried<'_>>) -> Response {
    let errors: Vec<FieldError<'_>> =
        tried.iter().map(|tried| FieldError { field: tried.field, message: tried.message }).collect();
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let name = tried.as_ref().map_or("", |tried| tried.name);
    page(status, home(&Home { frame: stranger(), mode: call.app.config.signup_mode, name, errors: &errors }))
}

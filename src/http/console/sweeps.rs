//! `GET /admin/sweeps`, `POST /admin/orphans/delete`.

use http::StatusCode;
use serde_json::Value as Json;

use super::{Console, Form, page, see_other};
use crate::access::Operator;
use crate::http::api::operator::orphans as api;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::Response;
use crate::pages::FieldError;
use crate::pages::console::Section;
use crate::pages::console::sweeps::{SweepsPage, sweeps};

/// Orphans on the page.
const ORPHANS: i64 = 200;

/// What runs by itself.
pub async fn read(mut call: Call, operator: Operator) -> Result<Response, ApiError> {
    let is_asked = call.query.text("done", |_| Ok::<_, String>(())).is_some();
    render(&call, &operator, is_asked.then_some("It is to go: the next sweeps see to it."), &[]).await
}

/// Says that an orphan is to go.
pub async fn delete_orphan(mut call: Call, operator: Operator, form: Form) -> Result<Response, ApiError> {
    let name = form.get("name").to_owned();
    if form.get("confirm").trim() != name {
        let message = format!("This is not its name. Type {name} to be sure.");
        return render(&call, &operator, None, &[FieldError { field: &name, message: &message }]).await;
    }
    call.params = vec![form.get("kind").to_owned(), name];
    api::delete(call.to_api("", &Json::Null), operator).await?;
    Ok(see_other("/admin/sweeps?done=asked#orphans"))
}

async fn render(
    call: &Call,
    operator: &Operator,
    notice: Option<&str>,
    errors: &[FieldError<'_>],
) -> Result<Response, ApiError> {
    let registry = &call.app.registry;
    let (ran, orphans) = (registry.sweeps().await?, registry.orphans(ORPHANS).await?);
    let console = Console::of(call, operator);
    let frame = console.frame(Section::Sweeps);
    let markup = sweeps(&SweepsPage { frame, sweeps: &ran, orphans: &orphans, notice, errors });
    let status = if errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    Ok(page(status, markup))
}

//! Gives every request an id, and writes the id into what answers it and into the log.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use serde::Serialize;

use super::access_log::Entry;
use super::error::{ApiError, Problem};
use crate::app::App;
use crate::entropy;
use crate::tenant::id::hex;

/// The id of a request: `req_` and 16 hexadecimal digits.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// The header that carries a request's id.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

#[derive(Serialize)]
struct ProblemBody {
    #[serde(flatten)]
    problem: Problem,
    request_id: String,
}

/// Middleware: the id goes into the request's extensions, into the header `x-request-id`, and into problems.
pub async fn assign(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = new_id(&app);
    request.extensions_mut().insert(RequestId(id.clone()));
    let entry = Entry::of(&app.log, &mut request);
    let response = next.run(request).await;
    entry.write(&id, &response);
    complete(response, id)
}

/// The answer to a request that cannot be handed to the router; as if the middleware had seen it.
pub fn refuse(app: &App, method: &str, error: ApiError) -> Response {
    let (id, response) = (new_id(app), error.into_response());
    Entry::of_unread(&app.log, method).write(&id, &response);
    complete(response, id)
}

fn new_id(app: &App) -> String {
    format!("req_{}", hex(&entropy::bytes::<8>(app.entropy.as_ref())))
}

/// Writes the body of a problem, and the headers that every answer has.
pub(super) fn complete(mut response: Response, id: String) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let body = serde_json::to_vec(&ProblemBody { problem, request_id: id.clone() }).unwrap_or_default();
        *response.body_mut() = body.into();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(X_REQUEST_ID, value);
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));
    response
}

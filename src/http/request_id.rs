//! Gives every request an id, and writes the id into what answers it and into the log.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};

use super::access_log::{Caller, Entry};
use super::error::{ApiError, Problem};
use crate::app::App;
use crate::entropy;
use crate::tenant::id::hex;

/// Which request, and whose. In the request's extensions.
#[derive(Clone, Debug)]
pub struct RequestId {
    /// `req_` and 16 hexadecimal digits.
    pub id: String,
    /// Where [`super::auth::Owner`] says whose token was shown.
    pub(super) caller: Caller,
}

/// The header that carries a request's id.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_CONTENT_TYPE_OPTIONS: HeaderName = HeaderName::from_static("x-content-type-options");

/// Middleware: the id goes into the request's extensions, into the header `x-request-id`, and into problems.
pub async fn assign(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = new_id(&app);
    let caller = Caller::default();
    let entry = Entry::of(&app.log, &request, caller.clone());
    request.extensions_mut().insert(RequestId { id: id.clone(), caller });
    complete(next.run(request).await, id, Some(entry))
}

/// The answer to a request that cannot be handed to the router; as if the middleware had seen it.
pub fn refuse(app: &App, method: &str, error: ApiError) -> Response {
    complete(error.into_response(), new_id(app), Some(Entry::of_unread(&app.log, method)))
}

fn new_id(app: &App) -> String {
    format!("req_{}", hex(&entropy::bytes::<8>(app.entropy.as_ref())))
}

/// Writes the body of a problem, the headers that every answer has, and the line in the log.
pub(super) fn complete(mut response: Response, id: String, entry: Option<Entry<'_>>) -> Response {
    let problem = response.extensions_mut().remove::<Problem>();
    if let Some(entry) = entry {
        entry.write(&id, response.status(), problem.as_ref());
    }
    if let Some(mut problem) = problem {
        problem.request_id.clone_from(&id);
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        *response.body_mut() = body.into();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(X_REQUEST_ID, value);
    }
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

//! The HTTP face. Validates, writes, nudges, answers; never calls Cloudflare.

mod access_log;
mod address;
mod api;
mod auth;
mod body;
mod call;
mod complete;
mod conditional;
mod console;
mod error;
mod idempotency;
#[cfg(not(target_arch = "wasm32"))]
pub mod openapi;
mod origin;
mod query;
mod reply;
pub mod routes;
mod site;
mod view;

use bytes::Bytes;
use http::header::{
    ACCEPT, ALLOW, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderName, IF_MATCH, IF_NONE_MATCH,
    ORIGIN,
};
use http::{HeaderValue, Method, Request, StatusCode};

use self::access_log::Entry;
use self::address::CF_CONNECTING_IP;
use self::call::Call;
use self::complete::complete;
pub use self::error::ApiError;
use self::idempotency::{IDEMPOTENCY_KEY, Key};
use self::origin::SEC_FETCH_SITE;
use self::query::Query;
use self::reply::HTML;
pub use self::reply::Response;
use self::routes::{Handler, Route};
use self::site::form::Form;
use self::site::session::Session;
use crate::access::{self, Operator, Role};
use crate::app::App;
use crate::config::ConfigError;
use crate::rate_limit::{self, Limit};

/// The headers of a request that anything here reads. The Worker's edge hands on these and no others.
pub const HEADERS_READ: [HeaderName; 13] = [
    ACCEPT,
    access::ASSERTION,
    AUTHORIZATION,
    CF_CONNECTING_IP,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    COOKIE,
    HOST,
    IDEMPOTENCY_KEY,
    IF_MATCH,
    IF_NONE_MATCH,
    ORIGIN,
    SEC_FETCH_SITE,
];

/// Longest body taken: a hundred secrets of 5 KiB each, escaped, fit.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// Answers a request. Never fails: what goes wrong is an answer, too.
pub async fn handle(app: &App, request: Request<Bytes>) -> Response {
    let (registry, meter) = app.registry.metered();
    let app = &App { registry, ..app.clone() };
    let mut entry = Entry::new(app, request.method().as_str());
    entry.meter = Some(meter);
    let is_head = request.method() == Method::HEAD;
    let outcome = dispatch(app, request, &mut entry).await;
    let mut response = complete(outcome, Some(entry));
    if is_head {
        *response.body_mut() = Bytes::new();
    }
    response
}

/// The answer to a request that cannot be read as one.
pub fn refuse(app: &App, method: &str, error: ApiError) -> Response {
    complete(Err(error), Some(Entry::new(app, method)))
}

/// What stands in for the plane while its settings are not complete: says what is missing, does nothing.
pub fn misconfigured(error: &ConfigError) -> Response {
    complete(Err(ApiError::Misconfigured(error.clone())), None)
}

/// Finds the route, checks what its row in the table asks for, and hands the request on.
async fn dispatch(app: &App, request: Request<Bytes>, entry: &mut Entry<'_>) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let (at_path, params) = routes::find(parts.uri.path()).ok_or(ApiError::NoSuchRoute)?;
    let wanted = if parts.method == Method::HEAD { Method::GET } else { parts.method };
    let route = at_path.iter().find(|route| route.method == wanted);
    entry.route = at_path.first().map(|route| route.path);
    entry.is_page = at_path.first().is_some_and(|route| route.produces == HTML);
    let Some(route) = route else {
        return if wanted == Method::OPTIONS {
            Ok(options(at_path))
        } else {
            Err(ApiError::MethodNotAllowed(allow(at_path)))
        };
    };
    let mut call = Call {
        app: app.clone(),
        request_id: entry.request_id.clone(),
        query: Query::parse(parts.uri.query().unwrap_or_default()),
        key: None,
        method: wanted,
        // Without the host: whichever of its hosts is asked, the plane is the same.
        address: parts.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        params: call::decode(params)?,
        headers: parts.headers,
        body,
    };
    rate_limit::admit(app.rate_limiter.as_ref(), Limit::Requests, &call.network()).await?;
    let if_none_match = call.header(IF_NONE_MATCH).map(str::to_owned);
    let response = match &route.handler {
        Handler::Public(handler) => {
            call.accepts(route.produces)?;
            call.key = Key::of(&call, route.path)?;
            once(call, |call| handler(call)).await?
        }
        Handler::Tenant(scope, handler) => {
            let subject = auth::owner(&call, *scope).await?;
            entry.tenant = Some((subject.tenant.id.clone(), subject.tenant.name.clone()));
            call.accepts(route.produces)?;
            call.key = Key::of(&call, &subject.key_scope())?;
            once(call, |call| handler(call, subject)).await?
        }
        Handler::Page(handler) => {
            if route.method != Method::GET {
                call.refuse_foreign_form()?;
            }
            handler(call).await?
        }
        Handler::Session(handler) => match Session::of(&call).await {
            Ok(session) => {
                entry.tenant = Some((session.subject.tenant.id.clone(), session.subject.tenant.name.clone()));
                handler(call, session).await?
            }
            // Whoever follows a link to a tenant's page is asked for its token.
            Err(ApiError::SignedOut) if !call.address.contains("/progress") => site::sign_in(&call),
            Err(error) => return Err(error),
        },
        Handler::Form(handler) => {
            call.refuse_foreign_form()?;
            let form = Form::read(&call)?;
            let session = Session::of(&call).await?;
            session.check(&form)?;
            entry.tenant = Some((session.subject.tenant.id.clone(), session.subject.tenant.name.clone()));
            handler(call, session, form).await?
        }
        Handler::Console(role, handler) => match operator(&call, route, *role, entry).await {
            Ok(operator) => handler(call, operator).await?,
            Err(error) => console::refused(&call, error)?,
        },
        Handler::ConsoleForm(role, handler) => {
            call.refuse_foreign_form()?;
            let operator = operator(&call, route, *role, entry).await?;
            let form = Form::read(&call)?;
            console::check(&call, &operator, &form)?;
            handler(call, operator, form).await?
        }
        Handler::Operator(role, handler) => {
            let operator = operator(&call, route, *role, entry).await?;
            call.key = Key::of(&call, &format!("operator/{}", operator.identity))?;
            once(call, |call| handler(call, operator)).await?
        }
        Handler::OperatorTenant(role, handler) => {
            let operator = operator(&call, route, *role, entry).await?;
            let subject = auth::subject(&call, operator).await?;
            entry.tenant = Some((subject.tenant.id.clone(), subject.tenant.name.clone()));
            call.key = Key::of(&call, &subject.key_scope())?;
            once(call, |call| handler(call, subject)).await?
        }
    };
    // A page is its reader's own, and may have something random in it.
    let is_read = route.method == Method::GET && route.produces != HTML;
    Ok(if is_read { conditional::answer_read(if_none_match.as_deref(), response) } else { response })
}

/// The operator who asks for `route`, if it is theirs to ask for, from where they may, and in a type that there is.
async fn operator(call: &Call, route: &Route, role: Role, entry: &mut Entry<'_>) -> Result<Operator, ApiError> {
    let operator = auth::operator(call).await?;
    entry.operator = Some(operator.identity.to_string());
    auth::require(&operator, role)?;
    if route.method != Method::GET {
        call.refuse_other_origin()?;
    }
    call.accepts(route.produces)?;
    Ok(operator)
}

/// Answers `call` by `handler`; or, when its key stands for a request already, as that one was answered.
async fn once(call: Call, handler: impl FnOnce(Call) -> routes::Answer) -> Result<Response, ApiError> {
    let Some(key) = call.key.clone() else { return handler(call).await };
    let app = call.app.clone();
    if let Some(response) = key.replay(&app).await? {
        return Ok(response);
    }
    let outcome = match handler(call).await {
        // It changed nothing, so its answer is not kept with any change.
        Ok(response) if response.status() == StatusCode::OK => {
            let kept = key.keep(&app, &response)?;
            let kept = app.registry.keep_answer(&kept.as_new(), app.clock.now()).await;
            kept.map(|()| response).map_err(ApiError::from)
        }
        outcome => outcome,
    };
    match outcome {
        // Another one with the same key was quicker.
        Err(ApiError::KeyUsed) => key.replay(&app).await?.ok_or(ApiError::KeyUsed),
        outcome => outcome,
    }
}

/// `OPTIONS`: which methods there are (RFC 9110 § 9.3.7). No other origin's page is let in, so there is nothing else to say.
fn options(at_path: &[&Route]) -> Response {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().extend(HeaderValue::try_from(allow(at_path)).map(|methods| (ALLOW, methods)));
    response
}

/// The methods of an address, as the header `allow` has them.
fn allow(at_path: &[&Route]) -> String {
    let mut methods = Vec::with_capacity(at_path.len() + 2);
    for route in at_path {
        methods.push(route.method.as_str());
        if route.method == Method::GET {
            methods.push(Method::HEAD.as_str());
        }
    }
    methods.push(Method::OPTIONS.as_str());
    methods.join(", ")
}

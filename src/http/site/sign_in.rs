//! `POST /session`, `POST /session/end`: coming in with a tenant's token, and going.

use http::header::SET_COOKIE;

use super::form::Form;
use super::home::{self, Tried};
use super::see_other;
use super::session::{Session, set_cookie};
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::Response;
use crate::registry::TokenState;
use crate::vault::ApiToken;

/// `POST /session`: a tenant's name and token for a session.
pub async fn begin(call: Call) -> Result<Response, ApiError> {
    let form = Form::read(&call)?;
    let name = form.get("name").trim();
    let refused = |field, message: &str| Ok(home::render(&call, Some(Tried { name, field, message })));
    let Some(token) = ApiToken::parse(form.get("token").trim()) else {
        return refused("token", "This is mistyped or cut short: a token is pcp_ and 51 more characters.");
    };
    let now = call.app.clock.now();
    match call.app.registry.find_by_token(&token.hash(), now).await? {
        Some(opened) if opened.tenant.name.as_str() == name => match opened.token.state(now) {
            TokenState::Good => {
                let mut response = see_other(&format!("/tenants/{name}"));
                let (_, cookie) = Session::begin(&call, opened);
                response.headers_mut().insert(SET_COOKIE, cookie);
                Ok(response)
            }
            TokenState::Expired => refused("token", "This token has expired. Use another one of the tenant's."),
            TokenState::Revoked => refused("token", "This token is revoked. Use another one of the tenant's."),
        },
        _ => refused("token", "There is no tenant of that name with that token. Look for a typo in either."),
    }
}

/// `POST /session/end`. Ending what is over is ending it.
pub async fn end(call: Call) -> Result<Response, ApiError> {
    let form = Form::read(&call)?;
    if let Some(session) = Session::find(&call).await? {
        session.check(&form)?;
    }
    let mut response = see_other("/");
    response.headers_mut().insert(SET_COOKIE, set_cookie("", 0));
    Ok(response)
}

//! `GET`, `POST /v1/tenants/{name}/tokens`, `DELETE …/tokens/{id}`.
//!
//! Two tokens are good at once at most: whoever replaces one makes the second, moves over, and revokes the first.

use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::clock::{DAY_MS, Timestamp};
use crate::http::auth::Subject;
use crate::http::body::Fields;
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::idempotency::Kept;
use crate::http::reply::{self, Response};
use crate::http::view::TokenView;
use crate::registry::{self, NewToken, Token, TokenState};
use crate::tenant::Phase;
use crate::tenant::event::Event;
use crate::vault::token::new_token_id;
use crate::vault::{ApiToken, Scopes};

/// Most days that a token may be good for; one that is to be good for ever says nothing.
pub const MAX_DAYS: u32 = 3_650;

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Tokens"))]
pub struct Listing<'a> {
    tokens: Vec<TokenView<'a>>,
}

/// The answer to a new token: the only time that it is shown.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "TokenMade"))]
pub struct Made<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    details: TokenView<'a>,
}

/// The tenant's tokens, good ones first; never themselves.
pub async fn list(mut call: Call, subject: Subject) -> Result<Response, ApiError> {
    call.query.finish()?;
    let tokens = call.app.registry.tokens(&subject.tenant.id).await?;
    let now = call.app.clock.now();
    reply::json(&Listing { tokens: tokens.iter().map(|token| TokenView::of(token, now)).collect() })
}

/// Makes another token: `{"scopes": ["read"], "expires_in_days": 30}`, both optional. It is good for no more than the token
/// that it is made with, and no longer.
pub async fn create(mut call: Call, subject: Subject) -> Result<Response, ApiError> {
    let is_dry_run = call.query.flag("dry_run");
    call.query.finish()?;
    let (most, until) = subject.reach();
    let (scopes, days) = read(&call, most)?;
    if subject.tenant.phase == Phase::Deleted {
        return Err(ApiError::BeingDeleted);
    }
    let (app, now) = (&call.app, call.app.clock.now());
    let token = ApiToken::generate(app.entropy.as_ref());
    let details = Token {
        id: new_token_id(app.entropy.as_ref()),
        scopes,
        created_at: now,
        expires_at: earlier(days.map(|days| now.plus_ms(i64::from(days) * DAY_MS)), until),
        last_used_at: None,
        revoked_at: None,
    };
    let made = |token| Made { dry_run: is_dry_run.then_some(true), token, details: TokenView::of(&details, now) };
    if is_dry_run {
        let good = |token: &&Token| token.state(now) == TokenState::Good;
        let good = app.registry.tokens(&subject.tenant.id).await?.iter().filter(good).count();
        let has_room = i64::try_from(good).is_ok_and(|good| good < registry::MAX_TOKENS);
        return if has_room { reply::json(&made(None)) } else { Err(ApiError::TooManyTokens) };
    }
    let answer = created(&made(Some(token.expose())), &call, &details)?;
    let kept = call.keep(&answer)?;
    let kept = kept.as_ref().map(Kept::as_new);
    let new = NewToken { id: &details.id, hash: &token.hash(), scopes, expires_at: details.expires_at };
    let event = Event::new("TokenMade", format!("token {} made, good for: {scopes}", details.id));
    let act = subject.act(&call, "token.make", Json::Null, TokenView::of(&details, now).to_json());
    if let Err(error) = app.registry.add_token(&subject.tenant.id, new, &event, kept.as_ref(), act.as_ref(), now).await
    {
        // The database may have done it and its answer been lost. Then the token is listed under this id.
        let is_written = matches!(error, registry::Error::Driver(_))
            && app
                .registry
                .tokens(&subject.tenant.id)
                .await
                .is_ok_and(|all| all.iter().any(|one| one.id == details.id));
        if !is_written {
            return Err(error.into());
        }
    }
    Ok(answer)
}

/// Revokes a token, but not the last master key: whatever else is good makes no token that lasts longer or may do more, so
/// the tenant would slip out of its owner's hands. Revoking what is revoked is answered likewise.
pub async fn revoke(mut call: Call, subject: Subject) -> Result<Response, ApiError> {
    let is_dry_run = call.query.flag("dry_run");
    call.query.finish()?;
    let (app, now, id) = (&call.app, call.app.clock.now(), call.param(1));
    let mut tokens = app.registry.tokens(&subject.tenant.id).await?;
    let at = tokens.iter().position(|token| token.id == id).ok_or(ApiError::NoSuchToken)?;
    let mut token = tokens.swap_remove(at);
    // Whoever may do less cannot lock out who may do more.
    let (most, _) = subject.reach();
    if let Some(scope) = token.scopes.iter().find(|scope| !most.contains(*scope)) {
        return Err(ApiError::ScopeMissing(scope));
    }
    if token.is_master() && !tokens.iter().any(Token::is_master) {
        return Err(ApiError::LastToken);
    }
    if is_dry_run {
        token.revoked_at.get_or_insert(now);
    } else {
        let event = Event::new("TokenRevoked", format!("token {id} revoked"));
        let before = TokenView::of(&token, now).to_json();
        let act = subject.act(&call, "token.revoke", before, json!({"revoked_at": now.to_string()}));
        let revoked = app.registry.revoke_token(&subject.tenant.id, id, &event, act.as_ref(), now).await?;
        token = revoked.ok_or(ApiError::NoSuchToken)?;
        // The other one was revoked meanwhile.
        if token.is_master() {
            return Err(ApiError::LastToken);
        }
    }
    reply::json(&Made { dry_run: is_dry_run.then_some(true), token: None, details: TokenView::of(&token, now) })
}

/// A token makes none that outlives it: whoever finds one that ends soon does not have it for ever.
fn earlier(asked: Option<Timestamp>, own: Option<Timestamp>) -> Option<Timestamp> {
    match (asked, own) {
        (Some(asked), Some(own)) => Some(asked.min(own)),
        (asked, own) => asked.or(own),
    }
}

/// Scopes and days of a new token; every complaint at once.
fn read(call: &Call, most: Scopes) -> Result<(Scopes, Option<u32>), ApiError> {
    let mut complaints = Vec::new();
    let mut fields = Fields::new("", call.json()?, &mut complaints);
    let scopes = fields.list("scopes", |names| {
        let scopes = Scopes::parse(names.iter().map(String::as_str)).map_err(|error| error.to_string())?;
        match scopes.iter().find(|scope| !most.contains(*scope)) {
            Some(scope) => Err(format!("the token that asks is not good for {} itself", scope.as_str())),
            None => Ok(scopes),
        }
    });
    let days = fields.number("expires_in_days", 1..=MAX_DAYS);
    fields.finish();
    if complaints.is_empty() { Ok((scopes.unwrap_or(most), days)) } else { Err(ApiError::Invalid(complaints)) }
}

/// 201, and where the token is.
fn created(made: &Made<'_>, call: &Call, details: &Token) -> Result<Response, ApiError> {
    let mut response = reply::json(made)?;
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::try_from(format!("{}/{}", call.path(), details.id)) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

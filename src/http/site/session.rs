//! Who has opened a tenant's page with its token.
//!
//! The cookie says which token was shown, and until when that is good, under the plane's signature; the token itself is
//! nowhere kept. Each request looks the token up again, so whoever revokes it ends its sessions. The cookie goes to this
//! host alone (`__Host-`), over TLS, to no script, and with no request that another site's page makes (RFC 6265bis).

use http::HeaderValue;
use http::header::COOKIE;

use super::form::Form;
use crate::http::auth::{Actor, Subject};
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::pages::Frame;
use crate::registry::{Opened, Token, TokenState};
use crate::vault::Scope;

const COOKIE_NAME: &str = "__Host-session";
/// A working day; then the token has to be shown again.
const LASTS_S: i64 = 12 * 60 * 60;

/// What signatures of sessions are for.
const PURPOSE: &str = "session";
const CSRF: &str = "csrf";

/// Somebody who showed a tenant's token, and is to show it again with nothing but a cookie.
pub struct Session {
    /// The tenant, as its owner acts on it.
    pub subject: Subject,
    /// The token that was shown.
    pub token: Token,
    /// Goes with every form: a signature of the cookie, which no other site can know.
    csrf: String,
}

impl Session {
    /// The session of `call`, for the tenant that its address names.
    pub async fn of(call: &Call) -> Result<Self, ApiError> {
        let session = Self::find(call).await?.ok_or(ApiError::SignedOut)?;
        if session.subject.tenant.name.as_str() == call.param(0) { Ok(session) } else { Err(ApiError::SignedOut) }
    }

    /// The session of `call`, whichever tenant it is for.
    pub async fn find(call: &Call) -> Result<Option<Self>, ApiError> {
        let now = call.app.clock.now();
        let Some(cookie) = cookie(call) else { return Ok(None) };
        let signing = call.app.config.sealing_key.signing();
        let mut parts = cookie.rsplitn(2, '.');
        let (Some(signature), Some(signed)) = (parts.next(), parts.next()) else { return Ok(None) };
        if !signing.is_signature(signature, PURPOSE, signed) {
            return Ok(None);
        }
        let Some((token_id, until)) = signed.split_once('.') else { return Ok(None) };
        if until.parse().map_or(true, |until: i64| until <= now.0) {
            return Ok(None);
        }
        let opened = call.app.registry.find_by_token_id(token_id, now).await?;
        let good = opened.filter(|opened| opened.token.state(now) == TokenState::Good);
        Ok(good.map(|Opened { token, tenant, resources }| Self {
            subject: Subject { tenant, resources, by: Actor::Owner(token.clone()) },
            token,
            csrf: signing.sign(CSRF, cookie),
        }))
    }

    /// A session that begins now, and the cookie that carries it.
    pub fn begin(call: &Call, opened: Opened) -> (Self, HeaderValue) {
        let signing = call.app.config.sealing_key.signing();
        let signed = format!("{}.{}", opened.token.id, call.app.clock.now().plus_ms(LASTS_S * 1_000).0);
        let value = format!("{signed}.{}", signing.sign(PURPOSE, &signed));
        let csrf = signing.sign(CSRF, &value);
        let Opened { token, tenant, resources } = opened;
        let subject = Subject { tenant, resources, by: Actor::Owner(token.clone()) };
        (Self { subject, token, csrf }, set_cookie(&value, LASTS_S))
    }

    /// What is around its pages.
    pub fn frame(&self) -> Frame<'_> {
        Frame { csrf: &self.csrf, session: Some(self.subject.tenant.name.as_str()) }
    }

    /// Refuses a form that is not of one of this session's pages.
    pub fn check(&self, form: &Form) -> Result<(), ApiError> {
        use subtle::ConstantTimeEq;
        let is_ours: bool = self.csrf.as_bytes().ct_eq(form.get("csrf").as_bytes()).into();
        if is_ours { Ok(()) } else { Err(ApiError::FormTooOld) }
    }

    /// Refuses what the session's token is not good for.
    pub fn require(&self, scope: Scope) -> Result<(), ApiError> {
        if self.token.scopes.contains(scope) { Ok(()) } else { Err(ApiError::ScopeMissing(scope)) }
    }
}

fn cookie(call: &Call) -> Option<&str> {
    let cookies = call.header(COOKIE)?.split(';').map(str::trim);
    cookies.filter_map(|cookie| cookie.split_once('=')).find(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value)
}

pub(super) fn set_cookie(value: &str, seconds: i64) -> HeaderValue {
    let cookie = format!("{COOKIE_NAME}={value}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
    // Ids, numbers and hexadecimal digits: always a header's text.
    HeaderValue::try_from(cookie).unwrap_or(HeaderValue::from_static(""))
}

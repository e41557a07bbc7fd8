//! Who an operator is: people and scripts that Cloudflare Access let in, checked here once more.
//!
//! Access puts a signed token on every request that it lets through. The Worker does not rely on Access being in front
//! of it: the same Worker may answer at an address that no application protects. So each request of an operator is
//! checked by itself: the signature with the team's keys, then what the token says. Sources:
//! [application token](https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/application-token/),
//! [validating](https://developers.cloudflare.com/cloudflare-one/access-controls/applications/http-apps/authorization-cookie/validating-json/),
//! [JWT best practices](https://www.rfc-editor.org/rfc/rfc8725).
//!
//! | to read about | open |
//! |---|---|
//! | what is set | [`settings`] |
//! | the token's form and header | [`token`] |
//! | what it must say | [`claims`] |
//! | who may do what | [`role`] |
//! | the team's keys, and how long they are good | [`keys`], [`keyring`] |
//! | signatures | [`verifier`] |

pub mod claims;
mod json;
pub mod keyring;
pub mod keys;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
pub mod refusal;
pub mod role;
pub mod settings;
pub mod token;
pub mod verifier;

use std::sync::Arc;

use http::header::COOKIE;
use http::{HeaderMap, HeaderName};

use crate::clock::Clock;
use crate::cloudflare::Transport;
use crate::log::{Level, Logger};
pub use claims::Identity;
use keyring::Keyring;
pub use refusal::{Invalid, Refusal};
pub use role::Role;
pub use settings::Settings;
use token::Token;
use verifier::Verifier;

/// The header in which Access hands the token on.
pub const ASSERTION: HeaderName = HeaderName::from_static("cf-access-jwt-assertion");

/// The cookie in which a browser has it. "Not guaranteed to be passed", so the header comes first.
const TOKEN_COOKIE: &str = "CF_Authorization=";

/// The headers of a request that anything here reads.
pub const HEADERS_READ: [HeaderName; 2] = [ASSERTION, COOKIE];

/// Somebody who may look at, or change, what is not theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// Who.
    pub identity: Identity,
    /// What they may do.
    pub role: Role,
}

/// The door of the operators. Cheap to clone; every clone has the same cached keys.
#[derive(Clone)]
pub struct Access {
    settings: Arc<Settings>,
    keyring: Arc<Keyring>,
    verifier: Arc<dyn Verifier>,
    clock: Arc<dyn Clock>,
}

impl Access {
    /// The door that `settings` say, with keys that `keys` fetches.
    pub fn new(
        settings: Settings,
        keys: Arc<dyn Transport>,
        verifier: Arc<dyn Verifier>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let keyring = Arc::new(Keyring::new(keys, clock.clone()));
        Self { settings: Arc::new(settings), keyring, verifier, clock }
    }

    /// What is set.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Tells who sent a request with these headers. Reads nothing but [`HEADERS_READ`]; changes nothing but the cached
    /// keys.
    ///
    /// A refusal for a token is in the log with its reason; the caller is told only that it is not valid.
    pub async fn authenticate(&self, log: &Logger, headers: &HeaderMap) -> Result<Operator, Refusal> {
        let result = self.identify(log, headers).await;
        if let Err(refusal @ (Refusal::Invalid(_) | Refusal::NoRole(_))) = &result {
            log.write(&log.line(Level::Warn, "access_refused").with("reason", refusal.reason()));
        }
        result
    }

    async fn identify(&self, log: &Logger, headers: &HeaderMap) -> Result<Operator, Refusal> {
        let token = Token::parse(shown(headers)?)?;
        let key = self.keyring.key(log, &self.settings, token.kid()).await?;
        if !self.verifier.verify(&key, token.signed(), token.signature()).await {
            return Err(Invalid::Signature.into());
        }
        let claims = claims::read(token.payload(), &self.settings, self.clock.now())?;
        match self.settings.roles.of(&claims) {
            Some(role) => Ok(Operator { identity: claims.identity, role }),
            None => Err(Refusal::NoRole(claims.identity)),
        }
    }
}

/// The token of a request. A header that is there is taken, whatever it holds: a good cookie does not make up for a bad
/// header. Two tokens in the same place are none, since nobody can say which was meant.
fn shown(headers: &HeaderMap) -> Result<&str, Refusal> {
    if let Some(assertion) = only(headers, &ASSERTION)? {
        return Ok(assertion);
    }
    let mut found = None;
    for pair in only(headers, &COOKIE)?.unwrap_or_default().split(';') {
        if let Some(value) = pair.trim().strip_prefix(TOKEN_COOKIE)
            && found.replace(value).is_some()
        {
            return Err(Invalid::Several.into());
        }
    }
    found.ok_or(Refusal::NoToken)
}

/// The one value of a header. The runtime makes one of several by joining them: with commas, which no token has, or with
/// semicolons, as in one line of cookies.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    match headers.get(name) {
        Some(value) => std::str::from_utf8(value.as_bytes()).map(Some).map_err(|_| Invalid::Form.into()),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn the_header_comes_first_and_is_taken_even_if_it_is_empty() {
        let cookie = (COOKIE, "CF_Authorization=from-cookie");
        assert_eq!(shown(&headers(&[(ASSERTION, "from-header"), cookie.clone()])), Ok("from-header"));
        assert_eq!(shown(&headers(&[(ASSERTION, ""), cookie.clone()])), Ok(""));
        assert_eq!(shown(&headers(&[cookie])), Ok("from-cookie"));
        assert_eq!(shown(&headers(&[])), Err(Refusal::NoToken));
    }

    #[test]
    fn the_cookie_is_found_by_its_whole_name_among_others() {
        let found = |text| shown(&headers(&[(COOKIE, text)])).map(str::to_owned);
        assert_eq!(found("a=b; CF_Authorization=x.y.z;c=d"), Ok("x.y.z".into()));
        for none in [
            "",
            "CF_Authorization",
            "xCF_Authorization=x",
            "CF_AuthorizationX=x",
            "cf_authorization=x",
            "a=CF_Authorization=x",
        ] {
            assert_eq!(found(none), Err(Refusal::NoToken), "{none:?}");
        }
    }

    #[test]
    fn two_tokens_in_one_place_are_none() {
        let cookies = [(COOKIE, "CF_Authorization=a; b=c; CF_Authorization=a")];
        assert_eq!(shown(&headers(&cookies)), Err(Refusal::Invalid(Invalid::Several)));
    }
}

//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a request that is sent again with its key is answered
//! again, and does nothing again.
//!
//! The answer is kept in the batch of what the request does ([`crate::registry::Registry::kept_answer`]). So there is no
//! request that is half done, and none to wait for: of any number at once one does it, and the others are answered as that
//! one. What was refused is not kept; the request may be put right, or sent again when what was in the way has passed.

use bytes::Bytes;
use http::header::{HeaderName, LOCATION};
use http::{HeaderValue, Method, StatusCode};
use sha2::{Digest, Sha256};

use super::call::Call;
use super::error::ApiError;
use super::reply::{JSON, Response, with_body};
use crate::app::App;
use crate::registry::NewAnswer;
use crate::tenant::id::hex;
use crate::vault::sealed::AnswerPlace;
use crate::vault::{PlainSecret, SealedAnswer};

/// The header that carries the key.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says of an answer that it was given before.
const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Whoever shows a sign-up's key and body is shown its tokens again, so a key must not be one that another would think of.
const LENGTH: std::ops::RangeInclusive<usize> = 16..=128;
const LEAST_DIFFERENT: usize = 8;

/// The key of a request, and what it stands for.
#[derive(Clone, Debug)]
pub struct Key {
    scope: String,
    hash: String,
    fingerprint: String,
}

/// An answer that is to be kept.
pub struct Kept<'a> {
    key: &'a Key,
    status: u16,
    sealed: SealedAnswer,
}

impl Key {
    /// Reads the key of `call`, if it has one and its route takes one: a `POST` does, all other changes can be sent twice
    /// anyway. A dry run does nothing, once or twice; a malformed key it refuses all the same. `scope` says whose the key
    /// is.
    pub(super) fn of(call: &Call, scope: &str) -> Result<Option<Self>, ApiError> {
        if call.method != Method::POST {
            return Ok(None);
        }
        let Some(header) = call.headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
        let key = header.to_str().ok().and_then(parse).ok_or(ApiError::KeyMalformed)?;
        if call.query.has("dry_run") {
            return Ok(None);
        }
        let request = [call.method.as_str().as_bytes(), call.address.as_bytes(), &call.body].join(&b'\n');
        Ok(Some(Self {
            scope: scope.to_owned(),
            hash: hex(&Sha256::digest(key.as_bytes())),
            fingerprint: hex(&Sha256::digest(request)),
        }))
    }

    /// The key of a form for people: `content` is what it stands for.
    pub(super) fn of_form(key: &str, content: &str) -> Result<Self, ApiError> {
        let key = parse(key).ok_or(ApiError::KeyMalformed)?;
        let hash = |bytes: &[u8]| hex(&Sha256::digest(bytes));
        Ok(Self { scope: "/signup".to_owned(), hash: hash(key.as_bytes()), fingerprint: hash(content.as_bytes()) })
    }

    /// What the request was answered, if it was.
    pub(super) async fn replay(&self, app: &App) -> Result<Option<Response>, ApiError> {
        let Some(kept) = app.registry.kept_answer(&self.scope, &self.hash, app.clock.now()).await? else {
            return Ok(None);
        };
        if kept.fingerprint != self.fingerprint {
            return Err(ApiError::KeyReused);
        }
        let opened = app.config.sealing_key.open_answer(self.place(), &kept.answer);
        let opened = opened.map_err(|error| ApiError::Internal(format!("a kept answer: {error}")))?;
        let (location, body) = opened.expose().split_once('\n').unwrap_or_default();
        let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
        let mut response = with_body(status, JSON, Bytes::copy_from_slice(body.as_bytes()));
        response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        if !location.is_empty()
            && let Ok(location) = HeaderValue::from_str(location)
        {
            response.headers_mut().insert(LOCATION, location);
        }
        Ok(Some(response))
    }

    /// `response` as it is kept, sealed: it may hold tokens.
    pub fn keep(&self, app: &App, response: &Response) -> Result<Kept<'_>, ApiError> {
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok()).unwrap_or_default();
        let plain = PlainSecret::new(format!("{location}\n{}", String::from_utf8_lossy(response.body())));
        let sealed = app.config.sealing_key.seal_answer(self.place(), &plain, app.entropy.as_ref());
        let sealed = sealed.map_err(|error| ApiError::Internal(error.to_string()))?;
        Ok(Kept { key: self, status: response.status().as_u16(), sealed })
    }

    fn place(&self) -> AnswerPlace<'_> {
        AnswerPlace { scope: &self.scope, key_hash: &self.hash }
    }
}

impl Kept<'_> {
    /// In the registry's words.
    pub fn as_new(&self) -> NewAnswer<'_> {
        let Self { key, status, sealed } = self;
        NewAnswer {
            scope: &key.scope,
            key_hash: &key.hash,
            fingerprint: &key.fingerprint,
            status: *status,
            answer: sealed,
        }
    }
}

/// A key from its header: a string of RFC 8941, or the bare text that everybody sends.
fn parse(header: &str) -> Option<&str> {
    let header = header.trim();
    let key = header.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(header);
    let is_visible = key.bytes().all(|byte| byte.is_ascii_graphic());
    let different = (b'!'..=b'~').filter(|byte| key.as_bytes().contains(byte)).count();
    (LENGTH.contains(&key.len()) && is_visible && different >= LEAST_DIFFERENT).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_random_enough_to_be_its_senders_own() {
        let uuid = "8e03978e-40d5-43dd-bc93-6894a57f9324";
        assert_eq!(parse(uuid), Some(uuid));
        assert_eq!(parse(&format!(" \"{uuid}\" ")), Some(uuid));
        for bad in ["", "1", "abcdefghijklmno", "aaaaaaaaaaaaaaaaaaaa", "abababababababab", "with spaces in the middle"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(parse(&"0123456789abcdef".repeat(8)).map(str::len), Some(128));
        assert_eq!(parse(&"0123456789abcdef!".repeat(8)), None);
    }
}

//! Turnstile: whether a person solved the challenge on the page of sign-ups.
//!
//! The widget on the page proves nothing; only Cloudflare's siteverify can say whether its token is real
//! (developers.cloudflare.com/turnstile/get-started/server-side-validation). It **fails closed**: whatever is not a clear
//! yes, for this page, is a refusal. A token is good once, so the answer must be acted upon at once.
//!
//! The secret key goes into the body of that one request and nowhere else.

pub mod keys;
mod siteverify;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

pub use keys::Keys;

use crate::cloudflare::Transport;
use crate::cloudflare::transport::TimeLimit;
use crate::entropy::{self, Entropy};
use crate::hex::hex;
use crate::log::{Level, Logger};
use siteverify::{Answer, Cause};

/// The action that the widget of the sign-up page has to be given: `data-action`. A token of another one is refused.
pub const ACTION: &str = "sign-up";
/// The field of the form that the widget puts its token into.
pub const FIELD: &str = "cf-turnstile-response";
/// The longest token that Turnstile makes.
const MAX_TOKEN: usize = 2_048;
/// How long one check may take. Somebody is waiting, and there may be two.
const TIME_LIMIT: Duration = Duration::from_secs(4);
/// A check that came to nothing is made once more.
const ATTEMPTS: u32 = 2;

/// Why a sign-up goes no further. The texts are for the person who signs up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no token.
    #[error("the challenge has to be solved first")]
    Missing,
    /// The token is not one of Turnstile's, or not of this widget.
    #[error("the challenge was not passed; solve it again")]
    Failed,
    /// The token is more than five minutes old, or was here before.
    #[error("the solved challenge is too old or was used already; solve it again")]
    Spent,
    /// The token is real, and was made on another page.
    #[error("the challenge was solved on another page; solve it on this one")]
    Elsewhere,
    /// Nobody knows: there was no answer, or none that can be understood. Nothing is wrong with the token.
    #[error("the challenge cannot be checked now; try again in a minute")]
    Unavailable,
}

/// Checks tokens.
#[derive(Clone)]
pub struct Turnstile {
    keys: Keys,
    transport: Arc<dyn Transport>,
    entropy: Arc<dyn Entropy>,
}

impl Turnstile {
    /// Checks by `keys`, over `transport`.
    pub fn new(keys: Keys, transport: Arc<dyn Transport>, entropy: Arc<dyn Entropy>) -> Self {
        Self { keys, transport, entropy }
    }

    /// What the page needs for its widget.
    pub fn site_key(&self) -> &str {
        &self.keys.site_key
    }

    /// Whether `token` was made by a person who solved the challenge on `hostname`, where this very request came in.
    /// `address` is the caller's, if it is known. Uses the token up, also when the answer is lost.
    pub async fn verify(
        &self,
        log: &Logger,
        token: &str,
        hostname: &str,
        address: Option<&str>,
    ) -> Result<(), Refusal> {
        if token.is_empty() {
            return Err(Refusal::Missing);
        }
        if token.len() > MAX_TOKEN {
            return Err(Refusal::Failed);
        }
        let stopwatch = log.start();
        // Chosen here and not made from the token: whoever shows the token again comes with another key, and is refused.
        let key = uuid(entropy::bytes(self.entropy.as_ref()));
        let mut answer = Answer::Unknown(Cause::NoReply);
        for _ in 0..ATTEMPTS {
            answer = self.ask(token, &key, address).await;
            if !matches!(&answer, Answer::Unknown(cause) if cause.may_pass()) {
                break;
            }
        }
        let (verdict, level, cause) = match answer {
            Answer::Passed(place) if self.keys.are_for_tests() || place.is(hostname, ACTION) => {
                (Ok(()), Level::Info, None)
            }
            Answer::Passed(_) => (Err(Refusal::Elsewhere), Level::Info, Some("elsewhere")),
            Answer::Refused(refusal, code) => (Err(refusal), Level::Info, Some(code)),
            Answer::Unknown(cause) => (Err(Refusal::Unavailable), cause.level(), Some(cause.as_str())),
        };
        let outcome = match verdict {
            Ok(()) => "passed",
            Err(Refusal::Unavailable) => "unknown",
            Err(_) => "refused",
        };
        let line = log.line(level, "turnstile").with("outcome", outcome).with("cause", cause.map(Value::from));
        log.write(&line.with("ms", stopwatch.ms()));
        verdict
    }

    async fn ask(&self, token: &str, key: &str, address: Option<&str>) -> Answer {
        let Some(mut request) = siteverify::request(&self.keys, token, key, address) else {
            return Answer::Unknown(Cause::Misconfigured);
        };
        request.extensions_mut().insert(TimeLimit(TIME_LIMIT));
        match self.transport.send(request).await {
            Ok(response) => siteverify::read(&response),
            Err(_) => Answer::Unknown(Cause::NoReply),
        }
    }
}

/// A random UUID (RFC 9562, version 4) of these bytes.
fn uuid(mut bytes: [u8; 16]) -> String {
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    let mut text = hex(&bytes);
    for at in [20, 16, 12, 8] {
        text.insert(at, '-');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_uuid() {
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
    }
}

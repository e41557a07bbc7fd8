//! Faults on demand: which calls go wrong, in which way, how often, and whether it happened.
//!
//! A rule that never struck proves nothing, so every rule counts what it saw and what it struck.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use crate::envelope::text_response;
use crate::error::ApiError;
use crate::face::Face;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// The connection breaks before the call acts.
    RequestLost,
    /// The call acts, then the connection breaks.
    ReplyLost,
    /// 429 with `retry-after` in seconds; the call does not act.
    TooManyRequests {
        /// Value of the header.
        retry_after: u64,
    },
    /// A plain-text reply with this status (500, 502, 503 …) from in front of the API; the call does not act.
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// The block page of a firewall: 403 with HTML; the call does not act.
    Html403,
    /// A refusal in the face's own form, for behaviour that no state of the emulator leads to; the call does not act.
    Refuse {
        /// The HTTP status.
        status: u16,
        /// Cloudflare's code.
        code: u32,
        /// The message.
        message: String,
    },
    /// The call takes this long: `Options::on_delay` is told, then the call acts as usual.
    Slow {
        /// Milliseconds.
        ms: u64,
    },
    /// A GET answers as it would have before the last write that changed its answer: a new resource is still missing, a
    /// deleted one still there. Does not strike as long as there is no such write. Writes are remembered from the moment
    /// that the rule is set.
    StaleRead,
}

impl Effect {
    /// What a fault answers in the API's place; `None` for those that let the call through.
    pub(crate) fn instead(&self, face: Face) -> Option<Response<Bytes>> {
        let status = |code: u16| StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        match self {
            Self::TooManyRequests { retry_after } => {
                Some(face.too_many_requests(i64::try_from(*retry_after).unwrap_or(i64::MAX)))
            }
            Self::Status { status: code } => {
                let code = status(*code);
                Some(text_response(code, "text/plain; charset=UTF-8", &format!("error code: {}", code.as_u16())))
            }
            Self::Html403 => {
                let page = "<!DOCTYPE html><html><head><title>Attention Required! | Cloudflare</title></head>\
                        <body><h1>Sorry, you have been blocked</h1></body></html>";
                Some(text_response(StatusCode::FORBIDDEN, "text/html; charset=UTF-8", page))
            }
            Self::Refuse { status: code, code: number, message } => {
                Some(face.refusal(ApiError::new(status(*code), *number, message.clone())))
            }
            Self::RequestLost | Self::ReplyLost | Self::Slow { .. } | Self::StaleRead => None,
        }
    }
}

/// A rule: which calls, how many of them to let pass first, how many to strike, and how.
///
/// A call must satisfy every condition that is set; a rule without any matches each call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// HTTP method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path below `/client/v4`, of the S3 face the whole one, in which `*` stands for any run of characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Name of the operation as the journal has it, in which `*` stands for any run of characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Matching calls to let pass before the first strike.
    #[serde(default)]
    pub skip: u32,
    /// Strikes until the rule is used up.
    #[serde(default = "once")]
    pub times: u32,
    /// What happens.
    #[serde(flatten)]
    pub effect: Effect,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// Strike the next call, whichever it is, once.
    pub fn new(effect: Effect) -> Self {
        Self { method: None, path: None, kind: None, skip: 0, times: 1, effect }
    }

    /// Only calls with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only calls whose path below `/client/v4` fits; `*` stands for any run of characters.
    #[must_use]
    pub fn path(mut self, pattern: &str) -> Self {
        self.path = Some(pattern.to_owned());
        self
    }

    /// Only calls of this operation (see the journal's `kind`); `*` stands for any run of characters.
    #[must_use]
    pub fn kind(mut self, pattern: &str) -> Self {
        self.kind = Some(pattern.to_owned());
        self
    }

    /// Strike the nth matching call first, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: u32) -> Self {
        self.skip = nth.saturating_sub(1);
        self
    }

    /// Strike this many times instead of once.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }
}

/// A rule with its counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultStatus {
    /// Handed out when the rule was set; counts up from 1.
    pub id: u64,
    /// The rule.
    #[serde(flatten)]
    pub fault: Fault,
    /// Calls that satisfied the conditions while the rule was not used up.
    pub seen: u32,
    /// Calls that were struck.
    pub struck: u32,
}

/// The rules that are set.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    next: u64,
    rules: Vec<FaultStatus>,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) -> u64 {
        self.next += 1;
        self.rules.push(FaultStatus { id: self.next, fault, seen: 0, struck: 0 });
        self.next
    }

    pub(crate) fn list(&self) -> Vec<FaultStatus> {
        self.rules.clone()
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// Whether earlier worlds have to be kept.
    pub(crate) fn want_history(&self) -> bool {
        self.rules.iter().any(|rule| rule.fault.effect == Effect::StaleRead && rule.struck < rule.fault.times)
    }

    /// The first rule that strikes this call. It is counted as struck, except a stale read, which the caller confirms with
    /// [`Faults::confirm`] once it has found an older answer.
    pub(crate) fn strike(&mut self, method: &str, path: &str, kind: &str) -> Option<(u64, Effect)> {
        for rule in &mut self.rules {
            let fault = &rule.fault;
            let fits = fault.method.as_ref().is_none_or(|m| m.eq_ignore_ascii_case(method))
                && fault.path.as_ref().is_none_or(|p| fits(p, path))
                && fault.kind.as_ref().is_none_or(|k| fits(k, kind))
                && (fault.effect != Effect::StaleRead || method == "GET");
            if !fits || rule.struck >= fault.times {
                continue;
            }
            rule.seen += 1;
            if rule.seen > fault.skip {
                if fault.effect != Effect::StaleRead {
                    rule.struck += 1;
                }
                return Some((rule.id, rule.fault.effect.clone()));
            }
        }
        None
    }

    pub(crate) fn confirm(&mut self, id: u64) {
        if let Some(rule) = self.rules.iter_mut().find(|rule| rule.id == id) {
            rule.struck += 1;
        }
    }
}

/// Whether the text fits the pattern, in which `*` stands for any run of characters, `/` included.
fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut last = None;
    for piece in pieces {
        if let Some(middle) = last.replace(piece) {
            match rest.find(middle) {
                Some(at) => rest = rest.get(at + middle.len()..).unwrap_or_default(),
                None => return false,
            }
        }
    }
    last.map_or(rest.is_empty(), |end| rest.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, text, expected) in [
            ("/a/b", "/a/b", true),
            ("/a/b", "/a/bc", false),
            ("*", "", true),
            ("/a/*", "/a/b/c", true),
            ("*/secrets", "/accounts/x/workers/scripts/s/secrets", true),
            ("*/secrets", "/accounts/x/workers/scripts/s/secrets-bulk", false),
            ("script.*", "script.upload", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("ab*b", "ab", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn a_rule_lets_pass_then_strikes_then_is_used_up() {
        let mut faults = Faults::default();
        faults.add(Fault::new(Effect::ReplyLost).kind("script.*").nth(2).times(2));
        let struck: Vec<bool> = (0..5).map(|_| faults.strike("PUT", "/x", "script.upload").is_some()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        assert!(faults.strike("PUT", "/x", "r2.bucket.create").is_none());
        assert_eq!((faults.list()[0].seen, faults.list()[0].struck), (3, 2));
    }
}

//! What the failure of a step means for its round and for the ledger. Pure.

use super::execute::StepError;
use super::step::Step;
use crate::cloudflare::Verdict;
use crate::tenant::ResourceKind;

/// What a failed step means for the round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// What was to be created exists: look whose it is, and go on.
    Taken {
        /// For people.
        message: String,
    },
    /// It may pass: try again later.
    Passing {
        /// For people.
        message: String,
        /// Seconds that Cloudflare asks to wait.
        retry_after_s: Option<u32>,
    },
    /// Cloudflare does not take the plane's own token: every tenant is concerned, and only the operator can help.
    Unauthorized {
        /// For people.
        message: String,
    },
    /// It will not pass: a person has to act.
    Lasting {
        /// In one CamelCase word.
        reason: &'static str,
        /// For people, with the next thing to do.
        message: String,
    },
}

/// Judges the failure of `step`.
pub fn judge(step: &Step, error: &StepError) -> Obstacle {
    let lasting = |reason, advice: &str| Obstacle::Lasting { reason, message: format!("{error}. {advice}") };
    match error {
        StepError::NameTaken { .. } => {
            lasting("NameTaken", "Delete it, or delete this tenant and sign up under another name.")
        }
        StepError::Unreadable(_) => lasting("SecretUnreadable", "The operator may have changed the sealing key."),
        StepError::Release { .. } => lasting("ReleaseUnusable", "The operator has to publish a release that is whole."),
        StepError::Store(message) => Obstacle::Passing { message: message.clone(), retry_after_s: None },
        StepError::Call(call) => {
            let message = format!("{}: {call}. {}", step.kind(), call.advice());
            match call.verdict() {
                Verdict::Taken => Obstacle::Taken { message },
                Verdict::Later { retry_after_s } => Obstacle::Passing { message, retry_after_s },
                Verdict::Missing | Verdict::LookAgain | Verdict::NotEmpty | Verdict::Done => {
                    Obstacle::Passing { message, retry_after_s: None }
                }
                Verdict::Unauthorized => Obstacle::Unauthorized { message },
                Verdict::Never => Obstacle::Lasting { reason: "CloudflareRefused", message },
            }
        }
    }
}

/// The resources of which nothing is known after `step` failed with `error`. Those that it touches, unless Cloudflare
/// said no before acting; and what it builds upon, when that turns out to be missing.
pub fn unknown_after(step: &Step, error: &StepError) -> Vec<ResourceKind> {
    let StepError::Call(call) = error else { return Vec::new() };
    let mut unknown = Vec::new();
    let verdict = call.verdict();
    if call.may_have_acted() || matches!(verdict, Verdict::Taken | Verdict::LookAgain | Verdict::Missing) {
        unknown.extend_from_slice(step.touches());
    }
    if verdict == Verdict::Missing {
        unknown.push(match step {
            Step::DeployScript { .. } | Step::EmptyBucket | Step::DeleteBucket => ResourceKind::Bucket,
            Step::ModifyApplication | Step::RollOut => ResourceKind::Application,
            _ => ResourceKind::Script,
        });
    }
    unknown
}

impl Obstacle {
    /// Of several in one stage, which one decides: the one that people have to know of first.
    pub fn weight(&self) -> u8 {
        match self {
            Self::Taken { .. } => 0,
            Self::Passing { .. } => 1,
            Self::Unauthorized { .. } => 2,
            Self::Lasting { .. } => 3,
        }
    }
}

//! What the failure of a step means for its round and for the ledger. Pure.

use super::execute::StepError;
use super::step::Step;
use crate::cloudflare::Verdict;
use crate::tenant::ResourceKind;

/// What a failed step means for the round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setback {
    /// What was to be created exists, or may exist: look whose it is, and go on.
    Taken {
        /// What is in the way when looking does not help.
        otherwise: Obstacle,
    },
    /// The round cannot go on.
    Blocked(Obstacle),
}

/// What is in a round's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
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
pub fn judge(step: &Step, error: &StepError) -> Setback {
    let obstacle = obstacle(step, error);
    if is_about_a_name(step, error) { Setback::Taken { otherwise: obstacle } } else { Setback::Blocked(obstacle) }
}

fn obstacle(step: &Step, error: &StepError) -> Obstacle {
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
                Verdict::Later { retry_after_s } => Obstacle::Passing { message, retry_after_s },
                Verdict::Unauthorized => Obstacle::Unauthorized { message },
                Verdict::Never => Obstacle::Lasting { reason: "CloudflareRefused", message },
                Verdict::Taken | Verdict::Missing | Verdict::LookAgain | Verdict::NotEmpty | Verdict::Done => {
                    Obstacle::Passing { message, retry_after_s: None }
                }
            }
        }
    }
}

/// Cloudflare said that the name is in use; or, of an application, it may have said so: with which code it refuses one
/// whose name is in use is not documented.
fn is_about_a_name(step: &Step, error: &StepError) -> bool {
    let StepError::Call(call) = error else { return false };
    match call.verdict() {
        Verdict::Taken => true,
        Verdict::Never => matches!(step, Step::CreateApplication),
        _ => false,
    }
}

/// The resources of which nothing is known after `step` failed with `error`. Those that it touches, unless Cloudflare
/// said no before acting; and what it builds upon, when that turns out to be missing.
pub fn unknown_after(step: &Step, error: &StepError) -> Vec<ResourceKind> {
    let StepError::Call(call) = error else { return Vec::new() };
    let mut unknown = Vec::new();
    let verdict = call.verdict();
    let is_picture_wrong = matches!(verdict, Verdict::LookAgain | Verdict::Missing) || is_about_a_name(step, error);
    if call.may_have_acted() || is_picture_wrong {
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

impl Setback {
    /// Of several in one stage, which one decides: the one that people have to know of first.
    pub fn weight(&self) -> u8 {
        match self {
            Self::Taken { .. } => 0,
            Self::Blocked(Obstacle::Passing { .. }) => 1,
            Self::Blocked(Obstacle::Unauthorized { .. }) => 2,
            Self::Blocked(Obstacle::Lasting { .. }) => 3,
        }
    }
}

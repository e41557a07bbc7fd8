//! What is told of a round.

use crate::clock::Timestamp;
use crate::log::{Level, Line, Logger};
use crate::tenant::TenantId;

/// How a round ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is as wanted.
    Converged,
    /// There is more to do, and nothing in the way but that others have their turn first.
    Unfinished,
    /// Something is in the way that may pass.
    Waiting,
    /// Something is in the way that a person has to remove.
    Stopped,
}

/// What a round did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Whose it was.
    pub tenant: TenantId,
    /// The request that asked for it.
    pub request_id: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Rounds in a row that did not get there, this one included; 1 for the first.
    pub attempts: u32,
    /// The steps that it ran, those that failed included.
    pub steps: Vec<&'static str>,
    /// Requests to Cloudflare that it sent.
    pub calls: u32,
    /// When the tenant wants the next one.
    pub due_at: Option<Timestamp>,
}

impl Outcome {
    /// As it stands in the log.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Converged => "converged",
            Self::Unfinished => "unfinished",
            Self::Waiting => "waiting",
            Self::Stopped => "stopped",
        }
    }
}

impl Report {
    /// A line for the log: names of steps, numbers and a time, no values. Whose round it was is left to the logger.
    pub fn line(&self, log: &Logger) -> Line {
        let level = match self.outcome {
            Outcome::Converged | Outcome::Unfinished => Level::Info,
            Outcome::Waiting | Outcome::Stopped => Level::Warn,
        };
        log.line(level, "round")
            .with("outcome", self.outcome.as_str())
            .with("attempts", self.attempts)
            .with("steps", self.steps.clone())
            .with("calls", self.calls)
            .with("due_at", self.due_at.map(|due| due.to_string()))
    }
}

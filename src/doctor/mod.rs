//! Doctor: whether the deployment itself is sound. Its account and token, its database, queue, cron and release, and who may
//! come in.
//!
//! [`look`] gathers, all at once, and each look has an end; what was seen is judged by pure functions, family by family:
//! [`account`], [`plane`], [`door`]. What must hold:
//!
//! - **Nothing is changed.** Cloudflare is only read; its calls are booked with the budget of all tenants as background
//!   work, and are not made when nothing is left of it.
//! - **A look that fails is a warning**, never an error of the whole: it says nothing about what was looked at.
//! - **One cause, one failure.** What cannot be judged because of something that failed is a warning.
//! - **No finding has a secret.** Cloudflare's words come without the token; of an address only its host is shown.

pub mod account;
pub mod check;
pub mod door;
pub mod look;
pub mod plane;

pub use check::{Check, Group};
pub use look::examine;

use crate::clock::Timestamp;

/// How something stands. Ordered from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and somebody should look at it; or it could not be seen.
    Warning,
    /// It does not work.
    Failed,
}

impl Verdict {
    /// As it stands in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// How it stands.
    pub verdict: Verdict,
    /// What was seen.
    pub why: String,
    /// What to do; empty if there is nothing.
    pub next: &'static str,
}

/// All lines, each check once, in the order of [`Check::ALL`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// When.
    pub checked_at: Timestamp,
    /// The lines.
    pub findings: Vec<Finding>,
}

impl Report {
    /// The worst of all.
    pub fn verdict(&self) -> Verdict {
        self.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok)
    }
}

impl Check {
    fn ok(self, why: impl Into<String>) -> Finding {
        Finding { check: self, verdict: Verdict::Ok, why: why.into(), next: "" }
    }

    fn warning(self, why: impl Into<String>, next: &'static str) -> Finding {
        Finding { check: self, verdict: Verdict::Warning, why: why.into(), next }
    }

    fn failed(self, why: impl Into<String>, next: &'static str) -> Finding {
        Finding { check: self, verdict: Verdict::Failed, why: why.into(), next }
    }

    /// It could not be seen.
    fn unseen(self, why: &str) -> Finding {
        self.warning(format!("Not checked: {why}."), "Check again in a minute.")
    }
}

//! The coarse stage of a tenant's life, for people.

use serde::{Deserialize, Serialize};

/// Where a tenant stands. Conditions say why; programs that wait should look at `observed_generation` too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Signed up, never yet wholly there.
    Pending,
    /// Everything is as the spec says.
    Ready,
    /// It was ready, the spec has changed since, and the change is not yet wholly true.
    Updating,
    /// Stands still as asked: its data, secrets and Worker are kept, nothing runs and nothing answers.
    Suspended,
    /// Cloudflare refused for good: a person has to act, and the conditions say how.
    Failed,
    /// Deletion was asked for; some of it may be left, the bucket above all while the grace period lasts.
    Deleting,
    /// Nothing is left outside. A tombstone: the name is free again.
    Deleted,
}

/// How long a tenant may take to become what was asked for before a person should look. A sign-up takes seconds, and so
/// does a change; the longest single wait is for a container's class to be known, a minute as others report.
const CHANGE_DEADLINE_MS: i64 = 15 * 60 * 1_000;

/// The same of a deletion, once its data need not be kept any more. A lifecycle rule, the slowest way to empty a bucket,
/// needs about a day to act and Cloudflare usually another (developers.cloudflare.com/r2/buckets/object-lifecycles).
const DELETION_DEADLINE_MS: i64 = 3 * 24 * 60 * 60 * 1_000;

impl Phase {
    /// Most milliseconds that a tenant should stay in this phase, from the asking or from the end of the grace period;
    /// `None`: for ever.
    pub fn deadline_ms(self) -> Option<i64> {
        match self {
            Self::Pending | Self::Updating => Some(CHANGE_DEADLINE_MS),
            Self::Deleting => Some(DELETION_DEADLINE_MS),
            Self::Ready | Self::Suspended | Self::Failed | Self::Deleted => None,
        }
    }

    /// The word in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Updating => "updating",
            Self::Suspended => "suspended",
            Self::Failed => "failed",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }
}

//! The coarse stage of a tenant's life, for people.

use serde::{Deserialize, Serialize};

/// Where a tenant stands. Conditions say why; programs that wait should look at `observed_generation` too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Signed up, never yet wholly there.
    Pending,
    /// Everything is as the spec says.
    Ready,
    /// It was ready, the spec has changed since, and the change is not yet wholly true.
    Updating,
    /// Cloudflare refused for good: a person has to act, and the conditions say how.
    Failed,
    /// Deletion was asked for; some of it may be left, the bucket above all while the grace period lasts.
    Deleting,
    /// Nothing is left outside. A tombstone: the name is free again.
    Deleted,
}

impl Phase {
    /// The word in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Updating => "updating",
            Self::Failed => "failed",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }
}

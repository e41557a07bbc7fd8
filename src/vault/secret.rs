//! A tenant's secret as the registry has it: never readable.

use serde::{Deserialize, Serialize};

use super::SealedSecret;
use crate::clock::Timestamp;
use crate::tenant::SecretName;

/// Whether a secret is to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// It is to be set on the Worker.
    Set,
    /// It is to be gone from the Worker; then its row goes, too.
    Deleted,
}

/// Name, version and times of a secret, and its sealed value while it waits to be pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// Its name on the Worker.
    pub name: SecretName,
    /// Whether it is to be there.
    pub wanted: Wanted,
    /// Counts its changes.
    pub version: i64,
    /// The version that Cloudflare has; 0: none.
    pub pushed_version: i64,
    /// The newest version that the Worker and every container surely had; 0: none.
    pub live_version: i64,
    /// The value, from its change until its push.
    pub sealed: Option<SealedSecret>,
    /// Last change.
    pub updated_at: Timestamp,
    /// Last push.
    pub pushed_at: Option<Timestamp>,
}

impl Secret {
    /// What is wanted is not live yet, and will be.
    pub fn is_pending(&self) -> bool {
        self.version > self.live_version && !self.is_lost()
    }

    /// Cloudflare does not have what is wanted yet, and can be given it.
    pub fn is_unpushed(&self) -> bool {
        self.version > self.pushed_version && !self.is_lost()
    }

    /// Cloudflare lost it, with the script that had it, and nobody but its owner knows the value.
    pub fn is_lost(&self) -> bool {
        self.wanted == Wanted::Set && self.version > self.pushed_version && self.sealed.is_none()
    }
}

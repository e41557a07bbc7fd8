//! Which tenant, for ever: a name may be used again after a deletion, an id never is.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::entropy::{self, Entropy};
pub use crate::hex::hex;

/// A tenant's id: `t` and 24 hexadecimal digits, 96 random bits. Letters and digits only, since it also marks the
/// tenant's script in Cloudflare as a tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TenantId(pub String);

impl TenantId {
    /// A new id.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(format!("t{}", hex(&entropy::bytes::<12>(entropy))))
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

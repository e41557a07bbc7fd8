//! What the owner of a tenant asked for.

use serde::{Deserialize, Serialize};

use super::{InstanceType, SleepAfter};

/// Most container instances a tenant may ask for. One is what OpenClaw uses; ten keeps a slip of the keyboard from
/// taking the account's whole container allowance (developers.cloudflare.com/containers/platform/limits).
pub const MAX_INSTANCES: u32 = 10;

/// The wanted shape of a tenant. Every change of it raises the tenant's generation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Spec"))]
pub struct TenantSpec {
    /// Size of the container.
    pub instance_type: InstanceType,
    /// How many containers may run at once, 1 to 10 ([`MAX_INSTANCES`]).
    pub max_instances: u32,
    /// When an idle container sleeps.
    pub sleep_after: SleepAfter,
}

impl Default for TenantSpec {
    /// What the guide deploys when nothing is said.
    fn default() -> Self {
        Self { instance_type: InstanceType::Standard1, max_instances: 1, sleep_after: SleepAfter::Never }
    }
}

/// A change of a [`TenantSpec`]: what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpecChange {
    /// New size.
    pub instance_type: Option<InstanceType>,
    /// New number of instances.
    pub max_instances: Option<u32>,
    /// New time to sleep.
    pub sleep_after: Option<SleepAfter>,
}

impl SpecChange {
    /// `spec` with this change made.
    pub fn apply_to(self, spec: TenantSpec) -> TenantSpec {
        TenantSpec {
            instance_type: self.instance_type.unwrap_or(spec.instance_type),
            max_instances: self.max_instances.unwrap_or(spec.max_instances),
            sleep_after: self.sleep_after.unwrap_or(spec.sleep_after),
        }
    }
}

//! What is billed.

use serde::Serialize;

use super::money::Money;

/// One month, by what it is billed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Bill {
    /// Memory as provisioned.
    pub memory: Money,
    /// Disk as provisioned.
    pub disk: Money,
    /// Memory and disk together: what is due whatever the containers do while awake.
    pub fixed: Money,
    /// CPU as used.
    pub cpu: Money,
    /// Memory, disk and CPU together.
    pub containers: Money,
    /// Duration of the Durable Objects, one for each container.
    pub durable_objects: Money,
    /// All of it.
    pub total: Money,
}

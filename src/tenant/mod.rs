//! A tenant: plain types and their rules, no input or output.

pub mod condition;
pub mod event;
pub mod id;
pub mod instance_type;
pub mod name;
pub mod phase;
pub mod resource;
pub mod secret_name;
pub mod sleep;
pub mod spec;
pub mod wish;

pub use condition::{Condition, Status};
pub use id::TenantId;
pub use instance_type::InstanceType;
pub use name::TenantName;
pub use phase::Phase;
pub use resource::{Applied, Ledger, Resource, ResourceKind, ResourceState, Restart};
pub use secret_name::SecretName;
pub use sleep::SleepAfter;
pub use spec::TenantSpec;
pub use wish::Wish;

use crate::clock::Timestamp;
use crate::release::ReleaseId;

/// Days that a tenant's data is kept after its deletion was asked for, when nothing else was said, and after the end of its
/// trial.
pub const GRACE_DAYS: i64 = 7;

/// A tenant as the registry has it: what is wanted of it, and how far it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// For ever.
    pub id: TenantId,
    /// While it lives.
    pub name: TenantName,
    /// Where it stands.
    pub phase: Phase,
    /// Counts changes of what is wanted.
    pub generation: i64,
    /// The last generation that was wholly made true; 0 before the first.
    pub observed_generation: i64,
    /// Who counts for the limit of tenants per owner; `None`: nobody does.
    pub owner: Option<String>,
    /// What is wanted.
    pub spec: TenantSpec,
    /// The largest size that it may choose; `None`: any that is open to tenants.
    pub largest: Option<InstanceType>,
    /// What its Worker is deployed from.
    pub release: ReleaseId,
    /// What holds right now.
    pub conditions: Vec<Condition>,
    /// When the present generation was asked for, or its last repair began.
    pub wanted_since: Timestamp,
    /// Since when it is to stand still: kept with all its data, not running, not costing.
    pub suspended_at: Option<Timestamp>,
    /// Since when an operator has its rounds wait.
    pub paused_at: Option<Timestamp>,
    /// When its trial ends.
    pub expires_at: Option<Timestamp>,
    /// Set once deletion was asked for.
    pub deletion: Option<Deletion>,
    /// When it wants its next round; `None`: it wants none.
    pub due_at: Option<Timestamp>,
    /// Rounds since the last progress.
    pub attempts: u32,
    /// Calls to Cloudflare that its next round may make without booking them first.
    pub booked_calls: u32,
    /// Sign-up.
    pub created_at: Timestamp,
    /// Last change by anybody, the plane included.
    pub updated_at: Timestamp,
}

/// A deletion that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// When.
    pub asked_at: Timestamp,
    /// Until when the bucket stays. Worker, container and route go at once.
    pub keep_data_until: Timestamp,
}

//! How many tenants the Cloudflare account has room for.
//!
//! Each tenant takes a Worker, a bucket, as many cron triggers and Durable Object classes as its release has, and while
//! its containers run their memory, vCPU and disk. Every tenant counts from its sign-up until nothing is left of it, and
//! with all the instances that it may have: one that is suspended, or that sleeps, must find its place again.
//!
//! It is checked before a sign-up or a larger size is taken, so that nobody is promised what Cloudflare will refuse. The
//! check looks at counts that others may raise at the same moment, and names the limit; that none is passed see
//! [`Account::most_tenants`] and [`Account::room`] to, as guards in the batch that writes.
//!
//! [`limit`] has the limits with their sources.

pub mod limit;
pub mod setting;

use serde::Serialize;

pub use limit::{Amounts, Limit};

use crate::release::Manifest;
use crate::release::manifest::Migration;
use crate::tenant::{InstanceType, TenantSpec};

/// What the plane itself takes: its Worker, its cron trigger, the bucket of releases (`wrangler.toml`).
const PLANE: Amounts = Amounts { workers: 1, cron_triggers: 1, buckets: 1, ..Amounts::NONE };

/// The account that tenants live in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// What Cloudflare lets it have.
    pub limits: Amounts,
    /// What is in it besides the plane and its tenants.
    pub in_use: Amounts,
}

/// How many things of each kind one tenant of a release takes, whatever its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerTenant {
    /// Cron triggers; a release without a schedule needs none.
    pub cron_triggers: u64,
    /// Durable Object classes.
    pub durable_object_classes: u64,
}

/// Tenants and the containers that they may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    tenants: u64,
    memory_quarter_gib: u64,
    vcpu_sixteenths: u64,
    disk_gb: u64,
}

/// The most that the containers of all tenants together may take once something has grown; `None`: any amount, for of that
/// it takes no more than before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Processors in sixteenths of a vCPU.
    pub vcpu_sixteenths: Option<u64>,
    /// Memory in quarters of a GiB.
    pub memory_quarter_gib: Option<u64>,
    /// Disk in GB.
    pub disk_gb: Option<u64>,
}

/// There is no room: this limit would be passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the account is full: {used} of {of} {} are taken", .limit.unit())]
pub struct Full {
    /// Which one; [`Limit::source`] has where it is documented.
    pub limit: Limit,
    /// How much of it is taken already, in [`Limit::unit`]s; a part counts as a whole.
    pub used: u64,
    /// How much there is, in the same unit.
    pub of: u64,
}

/// How much of a limit is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Which one.
    pub limit: Limit,
    /// In [`Limit::unit`]s; a part counts as a whole. May be more than there is.
    pub used: u64,
    /// How much there is, in the same unit.
    pub of: u64,
}

impl Account {
    /// Checks that `addition` has room beside `load`. Names the first limit, in the order of [`Limit::ALL`], that would
    /// be passed.
    pub fn check(&self, load: &Load, addition: &Load, each: PerTenant) -> Result<(), Full> {
        self.check_change(load, &Load::default(), addition, each)
    }

    /// Checks that something that is part of `load` may change from `before` to `after`. What takes no more of a limit
    /// than before is never refused for it, however full it is.
    pub fn check_change(&self, load: &Load, before: &Load, after: &Load, each: PerTenant) -> Result<(), Full> {
        let taken = self.taken(load, each);
        let (before, after) = (before.amounts(each), after.amounts(each));
        for limit in Limit::ALL {
            let growth = after.of(limit).saturating_sub(before.of(limit));
            let (used, of) = (taken.of(limit), self.limits.of(limit));
            if growth > 0 && used.saturating_add(growth) > of {
                return Err(Full { limit, used: limit.in_units(used), of: limit.in_units(of) });
            }
        }
        Ok(())
    }

    /// What all tenants together must be within once something has changed from `before` to `after`.
    pub fn room(&self, before: &Load, after: &Load) -> Room {
        let others = PLANE + self.in_use;
        let most = |limit: Limit, before: u64, after: u64| {
            (after > before).then(|| self.limits.of(limit).saturating_sub(others.of(limit)))
        };
        Room {
            vcpu_sixteenths: most(Limit::Vcpu, before.vcpu_sixteenths, after.vcpu_sixteenths),
            memory_quarter_gib: most(Limit::Memory, before.memory_quarter_gib, after.memory_quarter_gib),
            disk_gb: most(Limit::Disk, before.disk_gb, after.disk_gb),
        }
    }

    /// How much of each limit is taken by `load`, the plane and what else is in the account.
    pub fn standing(&self, load: &Load, each: PerTenant) -> [Standing; Limit::ALL.len()] {
        let taken = self.taken(load, each);
        Limit::ALL.map(|limit| {
            let (used, of) = (limit.in_units(taken.of(limit)), limit.in_units(self.limits.of(limit)));
            Standing { limit, used, of }
        })
    }

    /// The most tenants that there can be whatever their sizes, and the limit that says so.
    pub fn most_tenants(&self, each: PerTenant) -> (u64, Limit) {
        let (one, taken) = (Load { tenants: 1, ..Load::default() }.amounts(each), self.taken(&Load::default(), each));
        let mut most = (u64::MAX, Limit::Workers);
        for limit in Limit::ALL {
            let room = self.limits.of(limit).saturating_sub(taken.of(limit));
            if let Some(tenants) = room.checked_div(one.of(limit)).filter(|tenants| *tenants < most.0) {
                most = (tenants, limit);
            }
        }
        most
    }

    fn taken(&self, load: &Load, each: PerTenant) -> Amounts {
        PLANE + self.in_use + load.amounts(each)
    }
}

impl Default for Account {
    /// With Cloudflare's documented limits, and nothing else in it.
    fn default() -> Self {
        Self { limits: Amounts::DOCUMENTED, in_use: Amounts::NONE }
    }
}

impl PerTenant {
    /// What a tenant of this release takes. Tenants of other releases are counted as if they were of it.
    pub fn of(release: &Manifest) -> Self {
        let count = |field| {
            let named = |step: &Migration| step.0.get(field)?.as_array().map(Vec::len);
            release.migrations.iter().filter_map(named).fold(0u64, |sum, names| sum.saturating_add(names as u64))
        };
        let made = count("new_sqlite_classes").saturating_add(count("new_classes"));
        Self {
            cron_triggers: release.crons.len() as u64,
            durable_object_classes: made.saturating_sub(count("deleted_classes")),
        }
    }
}

impl Load {
    /// One tenant.
    pub fn of(spec: &TenantSpec) -> Self {
        Self::default().with(spec.instance_type, 1, spec.max_instances.into())
    }

    /// This and so many tenants more, which may have so many instances of that size altogether. The rows of the counters
    /// are added one after the other, all but those of deleted tenants.
    #[must_use]
    pub fn with(self, size: InstanceType, tenants: u64, instances: u64) -> Self {
        let dimensions = size.dimensions();
        let add = |sum: u64, each: u32| sum.saturating_add(instances.saturating_mul(each.into()));
        Self {
            tenants: self.tenants.saturating_add(tenants),
            memory_quarter_gib: add(self.memory_quarter_gib, dimensions.memory_quarter_gib),
            vcpu_sixteenths: add(self.vcpu_sixteenths, dimensions.vcpu_sixteenths),
            disk_gb: add(self.disk_gb, dimensions.disk_gb),
        }
    }

    fn amounts(&self, each: PerTenant) -> Amounts {
        Amounts {
            workers: self.tenants,
            cron_triggers: self.tenants.saturating_mul(each.cron_triggers),
            durable_object_classes: self.tenants.saturating_mul(each.durable_object_classes),
            buckets: self.tenants,
            memory_quarter_gib: self.memory_quarter_gib,
            vcpu_sixteenths: self.vcpu_sixteenths,
            disk_gb: self.disk_gb,
        }
    }
}

#[cfg(test)]
mod tests;

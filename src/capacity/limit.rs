//! Cloudflare's limits of an account that bound how many tenants it can hold: paid plan, as documented.

use std::ops::Add;

use serde::{Serialize, Serializer};

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Worker scripts.
    Workers,
    /// Cron triggers of all Workers together.
    CronTriggers,
    /// Durable Object classes of all Workers together.
    DurableObjectClasses,
    /// R2 buckets.
    Buckets,
    /// Memory of the containers that run at once.
    Memory,
    /// Processors of the containers that run at once.
    Vcpu,
    /// Disk of the containers that run at once.
    Disk,
}

/// Where a limit is documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The page.
    pub page: &'static str,
    /// `YYYY-MM-DD`: the page's own date or, if it has none, the day on which it was read.
    pub dated: &'static str,
}

impl Limit {
    /// All of them, scarcest first: the order in which they are checked and shown.
    pub const ALL: [Self; 7] = [
        Self::CronTriggers,
        Self::Workers,
        Self::DurableObjectClasses,
        Self::Vcpu,
        Self::Memory,
        Self::Disk,
        Self::Buckets,
    ];

    /// Its name in settings and answers. It ends in the unit where things are not simply counted.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Workers => "workers",
            Self::CronTriggers => "cron_triggers",
            Self::DurableObjectClasses => "durable_object_classes",
            Self::Buckets => "buckets",
            Self::Memory => "memory_gib",
            Self::Vcpu => "vcpu",
            Self::Disk => "disk_gb",
        }
    }

    /// What is counted, as people call it.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Workers => "Workers",
            Self::CronTriggers => "cron triggers",
            Self::DurableObjectClasses => "Durable Object classes",
            Self::Buckets => "R2 buckets",
            Self::Memory => "GiB of container memory",
            Self::Vcpu => "container vCPU",
            Self::Disk => "GB of container disk",
        }
    }

    /// Where its number comes from.
    pub fn source(self) -> Source {
        let (page, dated) = match self {
            Self::Workers | Self::CronTriggers => ("developers.cloudflare.com/workers/platform/limits", "2026-07-28"),
            Self::DurableObjectClasses => ("developers.cloudflare.com/durable-objects/platform/limits", "2026-11-23"),
            Self::Buckets => ("developers.cloudflare.com/r2/platform/limits", "2026-11-23"),
            Self::Memory | Self::Vcpu | Self::Disk => {
                ("developers.cloudflare.com/containers/platform/limits", "2026-11-23")
            }
        };
        Source { page, dated }
    }

    /// How many of the whole numbers that are counted in make one unit.
    pub(super) fn parts(self) -> u64 {
        match self {
            Self::Memory => 4,
            Self::Vcpu => 16,
            _ => 1,
        }
    }

    /// `amount` in units; a part counts as a whole.
    pub(super) fn in_units(self, amount: u64) -> u64 {
        amount.div_ceil(self.parts())
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An amount of each, in the largest units in which every size of container is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amounts {
    /// Worker scripts.
    pub workers: u64,
    /// Cron triggers.
    pub cron_triggers: u64,
    /// Durable Object classes.
    pub durable_object_classes: u64,
    /// R2 buckets.
    pub buckets: u64,
    /// Memory in quarters of a GiB.
    pub memory_quarter_gib: u64,
    /// Processors in sixteenths of a vCPU.
    pub vcpu_sixteenths: u64,
    /// Disk in GB.
    pub disk_gb: u64,
}

impl Amounts {
    /// Nothing.
    pub const NONE: Self = Self {
        workers: 0,
        cron_triggers: 0,
        durable_object_classes: 0,
        buckets: 0,
        memory_quarter_gib: 0,
        vcpu_sixteenths: 0,
        disk_gb: 0,
    };

    /// What an account on the paid plan may have, unless Cloudflare gave it more. Where each number is documented says
    /// [`Limit::source`]. Of buckets the page had a million on 2026-06-08; the later source of it has this, and a price
    /// for what goes beyond. There is no published limit on container applications.
    pub const DOCUMENTED: Self = Self {
        workers: 500,
        cron_triggers: 250,
        durable_object_classes: 500,
        buckets: 100_000,
        // 6 TiB.
        memory_quarter_gib: 6 * 1_024 * 4,
        vcpu_sixteenths: 1_500 * 16,
        // 30 TB.
        disk_gb: 30_000,
    };

    /// That of `limit`.
    pub fn of(&self, limit: Limit) -> u64 {
        match limit {
            Limit::Workers => self.workers,
            Limit::CronTriggers => self.cron_triggers,
            Limit::DurableObjectClasses => self.durable_object_classes,
            Limit::Buckets => self.buckets,
            Limit::Memory => self.memory_quarter_gib,
            Limit::Vcpu => self.vcpu_sixteenths,
            Limit::Disk => self.disk_gb,
        }
    }

    /// Sets that of `limit` to so many of its units.
    pub(super) fn set(&mut self, limit: Limit, units: u64) {
        let amount = units.saturating_mul(limit.parts());
        match limit {
            Limit::Workers => self.workers = amount,
            Limit::CronTriggers => self.cron_triggers = amount,
            Limit::DurableObjectClasses => self.durable_object_classes = amount,
            Limit::Buckets => self.buckets = amount,
            Limit::Memory => self.memory_quarter_gib = amount,
            Limit::Vcpu => self.vcpu_sixteenths = amount,
            Limit::Disk => self.disk_gb = amount,
        }
    }
}

impl Add for Amounts {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            workers: self.workers.saturating_add(other.workers),
            cron_triggers: self.cron_triggers.saturating_add(other.cron_triggers),
            durable_object_classes: self.durable_object_classes.saturating_add(other.durable_object_classes),
            buckets: self.buckets.saturating_add(other.buckets),
            memory_quarter_gib: self.memory_quarter_gib.saturating_add(other.memory_quarter_gib),
            vcpu_sixteenths: self.vcpu_sixteenths.saturating_add(other.vcpu_sixteenths),
            disk_gb: self.disk_gb.saturating_add(other.disk_gb),
        }
    }
}

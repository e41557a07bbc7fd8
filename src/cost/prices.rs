//! Cloudflare's prices and allowances, and what is used of each.
//!
//! | what | a month is included | then | billed |
//! |---|---|---|---|
//! | memory | 25 GiB-hours | $0.0000025 a GiB-second | as provisioned, while a container is awake |
//! | disk | 200 GB-hours | $0.00000007 a GB-second | as provisioned, while a container is awake |
//! | CPU | 375 vCPU-minutes | $0.000020 a vCPU-second | as used |
//! | Durable Objects, duration | 400,000 GB-seconds | $12.50 a million GB-seconds | 128 MB, while an object is active |
//!
//! The first three are from developers.cloudflare.com/containers/pricing, the last from
//! developers.cloudflare.com/durable-objects/platform/pricing, whose examples count 128 MB as 0.128 GB. The allowances
//! are the account's, once, not each tenant's.
//!
//! Each container has a Durable Object of its own, which is billed as well (containers/pricing). It is taken to be active
//! for as long as the container is awake: an alarm of the class `Container` waits for as long, since "the Durable Object
//! being active keeps the container lifetime" (github.com/cloudflare/containers, pull request 191, 2026-05-11). The
//! guide's "included in Workers plan" is true of the first object only: two that are never asleep use the allowance up.
//!
//! In no bill, since it depends on what a tenant does: requests, traffic out (1 TB a month included in Europe and North
//! America, then $0.025 a GB), what is stored in R2.

use std::ops::Add;

use super::bill::Bill;
use super::money::Money;

/// One quarter of a GiB for a second: a quarter of $0.0000025.
const MEMORY_QUARTER_GIB_SECOND: Money = Money::from_pico(625_000);
/// One GB for a second: $0.00000007.
const DISK_GB_SECOND: Money = Money::from_pico(70_000);
/// A hundredth of a sixteenth of a vCPU for a second: a 1,600th of $0.000020.
const VCPU_PERCENT_SIXTEENTH_SECOND: Money = Money::from_pico(12_500);
/// One Durable Object for a second: 0.128 GB at $0.0000125.
const DURABLE_OBJECT_SECOND: Money = Money::from_pico(1_600_000);

/// Seconds of an hour.
pub const SECONDS_PER_HOUR: u128 = 60 * 60;
/// Hours of the month that prices are quoted for: 365 × 24 ÷ 12.
pub const HOURS_PER_MONTH: u128 = 730;
/// The Workers Paid plan, a month, once an account (developers.cloudflare.com/workers/platform/pricing).
pub const PLAN: Money = Money::from_pico(5_000_000_000_000);

/// What is included in the plan.
pub const ALLOWANCE: Consumption = Consumption {
    memory: 25 * 4 * SECONDS_PER_HOUR,
    disk: 200 * SECONDS_PER_HOUR,
    cpu: 375 * 60 * 16 * 100,
    // 400,000 GB-seconds of objects with 0.128 GB each.
    durable_objects: 400_000 * 1_000 / 128,
};

/// What is used in a month, each in the unit of its price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consumption {
    /// Quarter-GiB-seconds.
    pub memory: u128,
    /// GB-seconds.
    pub disk: u128,
    /// Percents of sixteenths of a vCPU, times seconds.
    pub cpu: u128,
    /// Seconds of Durable Objects.
    pub durable_objects: u128,
}

impl Consumption {
    /// What is left to pay when `included` is free.
    pub fn beyond(self, included: Self) -> Self {
        Self {
            memory: self.memory.saturating_sub(included.memory),
            disk: self.disk.saturating_sub(included.disk),
            cpu: self.cpu.saturating_sub(included.cpu),
            durable_objects: self.durable_objects.saturating_sub(included.durable_objects),
        }
    }

    /// So many times this.
    pub fn times(self, count: u32) -> Self {
        let times = |quantity: u128| quantity.saturating_mul(u128::from(count));
        Self {
            memory: times(self.memory),
            disk: times(self.disk),
            cpu: times(self.cpu),
            durable_objects: times(self.durable_objects),
        }
    }

    /// Its price, nothing of it free.
    pub fn bill(self) -> Bill {
        let memory = MEMORY_QUARTER_GIB_SECOND.times(self.memory);
        let disk = DISK_GB_SECOND.times(self.disk);
        let cpu = VCPU_PERCENT_SIXTEENTH_SECOND.times(self.cpu);
        let durable_objects = DURABLE_OBJECT_SECOND.times(self.durable_objects);
        let fixed = memory + disk;
        let containers = fixed + cpu;
        Bill { memory, disk, fixed, cpu, containers, durable_objects, total: containers + durable_objects }
    }
}

impl Add for Consumption {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self {
            memory: self.memory.saturating_add(other.memory),
            disk: self.disk.saturating_add(other.disk),
            cpu: self.cpu.saturating_add(other.cpu),
            durable_objects: self.durable_objects.saturating_add(other.durable_objects),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_of_each_costs_what_the_price_list_says() {
        let (gib_second, gb_second) = (Consumption { memory: 4, ..NONE }, Consumption { disk: 1, ..NONE });
        assert_eq!(gib_second.bill().total.exact(), "0.0000025");
        assert_eq!(gb_second.bill().total.exact(), "0.00000007");
        assert_eq!(Consumption { cpu: 1_600, ..NONE }.bill().total.exact(), "0.00002");
        // 128 MB each: a million GB-seconds are 7,812,500 seconds of one object.
        let million_gb_seconds = Consumption { durable_objects: 7_812_500, ..NONE };
        assert_eq!(million_gb_seconds.bill().total.exact(), "12.50");
    }

    #[test]
    fn an_example_of_the_durable_objects_price_list_comes_out_the_same() {
        // "100 Durable Objects …: 4,320,000 seconds; (552,960 GB-s - included 400,000 GB-s) x $12.50 / 1,000,000 = $1.91".
        let used = Consumption { durable_objects: 4_320_000, ..NONE };
        assert_eq!(used.beyond(ALLOWANCE).bill().durable_objects.rounded(2), "1.91");
    }

    const NONE: Consumption = Consumption { memory: 0, disk: 0, cpu: 0, durable_objects: 0 };
}

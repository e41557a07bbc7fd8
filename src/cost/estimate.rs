//! The monthly bill of a tenant's containers, estimated.
//!
//! Memory and disk are billed as provisioned while a container is awake, CPU as used
//! (developers.cloudflare.com/containers/pricing). The allowance and the plan's base price are the account's, once, not
//! each tenant's: the first tenant of an account uses the allowance up, so an estimate says both what a tenant costs
//! alone and what it adds to an account that has used its allowance.

use serde::Serialize;

use super::Money;
use crate::tenant::InstanceType;

/// One quarter of a GiB for a second: a quarter of $0.0000025.
const MEMORY_QUARTER_GIB_SECOND: Money = Money::from_pico(625_000);
/// One GB for a second: $0.00000007.
const DISK_GB_SECOND: Money = Money::from_pico(70_000);
/// A hundredth of a sixteenth of a vCPU for a second: a 1,600th of $0.000020.
const VCPU_PERCENT_SIXTEENTH_SECOND: Money = Money::from_pico(12_500);

/// 25 GiB-hours a month, in quarter-GiB-seconds.
const MEMORY_ALLOWANCE: u128 = 25 * 4 * SECONDS_PER_HOUR;
/// 375 vCPU-minutes a month, in percents of sixteenths of a vCPU, times seconds.
const CPU_ALLOWANCE: u128 = 375 * 60 * 16 * 100;
/// 200 GB-hours a month, in GB-seconds.
const DISK_ALLOWANCE: u128 = 200 * SECONDS_PER_HOUR;

const SECONDS_PER_HOUR: u128 = 60 * 60;
/// Hours of the month that prices are quoted for: 365 × 24 ÷ 12.
pub const HOURS_PER_MONTH: u128 = 730;
/// The Workers Paid plan, once an account.
pub const PLAN: Money = Money::from_pico(5_000_000_000_000);

/// How a tenant is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Size of each container.
    pub instance_type: InstanceType,
    /// Containers awake at once.
    pub instances: u32,
    /// Hours a day that they are awake, 0 to 24.
    pub hours_per_day: u32,
    /// Of their CPU while awake, 0 to 100.
    pub cpu_percent: u32,
}

/// One month, by what it is billed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bill {
    /// Memory as provisioned.
    pub memory: Money,
    /// Disk as provisioned.
    pub disk: Money,
    /// Memory and disk together: what is due whatever the containers do while awake.
    pub fixed: Money,
    /// CPU as used.
    pub cpu: Money,
    /// All of it.
    pub total: Money,
}

/// What a use costs a month, in US dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// What was asked.
    pub usage: Usage,
    /// For the only tenant of an account: the account's monthly allowance is taken off.
    pub first_tenant: Bill,
    /// For a tenant of an account whose allowance others have used up: what it adds to the bill.
    pub next_tenant: Bill,
    /// The Workers Paid plan: once an account, in neither bill.
    pub plan_once_per_account: Money,
}

impl Usage {
    /// A tenant that is awake around the clock at `cpu_percent`.
    pub fn around_the_clock(instance_type: InstanceType, instances: u32, cpu_percent: u32) -> Self {
        Self { instance_type, instances, hours_per_day: 24, cpu_percent }
    }

    /// The estimate for it.
    pub fn estimate(self) -> Estimate {
        let size = self.instance_type.dimensions();
        let seconds = HOURS_PER_MONTH * SECONDS_PER_HOUR / 24 * u128::from(self.hours_per_day);
        let instance_seconds = seconds * u128::from(self.instances);
        let memory = u128::from(size.memory_quarter_gib) * instance_seconds;
        let disk = u128::from(size.disk_gb) * instance_seconds;
        let cpu = u128::from(size.vcpu_sixteenths) * u128::from(self.cpu_percent) * instance_seconds;
        let bill = |memory: u128, disk: u128, cpu: u128| {
            let memory = MEMORY_QUARTER_GIB_SECOND.times(memory);
            let disk = DISK_GB_SECOND.times(disk);
            let cpu = VCPU_PERCENT_SIXTEENTH_SECOND.times(cpu);
            Bill { memory, disk, fixed: memory + disk, cpu, total: memory + disk + cpu }
        };
        Estimate {
            usage: self,
            first_tenant: bill(
                memory.saturating_sub(MEMORY_ALLOWANCE),
                disk.saturating_sub(DISK_ALLOWANCE),
                cpu.saturating_sub(CPU_ALLOWANCE),
            ),
            next_tenant: bill(memory, disk, cpu),
            plan_once_per_account: PLAN,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn around_the_clock(size: InstanceType, cpu_percent: u32) -> Estimate {
        Usage::around_the_clock(size, 1, cpu_percent).estimate()
    }

    #[test]
    fn the_fixed_part_and_the_light_use_are_those_of_the_price_list() {
        let table = [
            (InstanceType::Lite, "1.735", "2.339"),
            (InstanceType::Basic, "7.030", "8.620"),
            (InstanceType::Standard1, "27.476", "30.380"),
            (InstanceType::Standard2, "41.352", "46.884"),
            (InstanceType::Standard3, "55.228", "66.015"),
            (InstanceType::Standard4, "82.244", "103.543"),
        ];
        for (size, fixed_first, next_at_ten_percent) in table {
            let estimate = around_the_clock(size, 10);
            assert_eq!(estimate.first_tenant.fixed.rounded(3), fixed_first, "{size}");
            assert_eq!(estimate.next_tenant.total.rounded(3), next_at_ten_percent, "{size}");
        }
    }

    #[test]
    fn the_cpu_allowance_is_subtracted_before_pricing() {
        assert_eq!(around_the_clock(InstanceType::Standard1, 10).first_tenant.cpu.rounded(3), "2.178");
        assert_eq!(around_the_clock(InstanceType::Standard1, 50).first_tenant.cpu.rounded(3), "12.690");
        assert_eq!(around_the_clock(InstanceType::Standard1, 100).first_tenant.cpu.rounded(2), "25.83");
        assert_eq!(around_the_clock(InstanceType::Standard4, 100).first_tenant.cpu.rounded(2), "209.79");
        assert_eq!(around_the_clock(InstanceType::Standard1, 0).first_tenant.cpu, Money::ZERO);
    }

    #[test]
    fn a_container_that_sleeps_all_day_costs_nothing() {
        let asleep = Usage { hours_per_day: 0, ..Usage::around_the_clock(InstanceType::Standard4, 10, 100) };
        assert_eq!(asleep.estimate().next_tenant.total, Money::ZERO);
    }

    proptest! {
        #[test]
        fn the_allowance_never_saves_more_than_it_is_worth(
            size in 0usize..6, instances in 1u32..=10, hours_per_day in 0u32..=24, cpu_percent in 0u32..=100,
        ) {
            let usage = Usage { instance_type: InstanceType::ALL[size], instances, hours_per_day, cpu_percent };
            let estimate = usage.estimate();
            let worth = MEMORY_QUARTER_GIB_SECOND.times(MEMORY_ALLOWANCE)
                + DISK_GB_SECOND.times(DISK_ALLOWANCE)
                + VCPU_PERCENT_SIXTEENTH_SECOND.times(CPU_ALLOWANCE);
            prop_assert!(estimate.first_tenant.total <= estimate.next_tenant.total);
            prop_assert!(estimate.next_tenant.total - estimate.first_tenant.total <= worth);
        }
    }
}

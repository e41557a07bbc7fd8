//! The monthly bill of one tenant, estimated.
//!
//! The first tenant of an account uses the account's allowance up, so an estimate says both what a tenant costs alone
//! and what it adds to an account that has used its allowance.

use serde::Serialize;

use super::bill::Bill;
use super::money::Money;
use super::prices::{ALLOWANCE, PLAN};
use super::usage::Usage;

/// What a use costs a month, in US dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
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
    /// The estimate for it.
    pub fn estimate(self) -> Estimate {
        let consumption = self.consumption();
        Estimate {
            usage: self,
            first_tenant: consumption.beyond(ALLOWANCE).bill(),
            next_tenant: consumption.bill(),
            plan_once_per_account: PLAN,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cost::usage::{HoursPerDay, Percent};
    use crate::tenant::InstanceType;

    fn around_the_clock(size: InstanceType, cpu_percent: u32) -> Estimate {
        Usage::around_the_clock(size, 1, Percent::capped(cpu_percent)).estimate()
    }

    /// What people read, in cents.
    fn cents(money: Money) -> u32 {
        money.rounded(2).replace('.', "").parse().unwrap()
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
            assert_eq!(estimate.next_tenant.containers.rounded(3), next_at_ten_percent, "{size}");
        }
    }

    /// Fixed, and CPU at 0, 10, 50 and 100 %, of an account's only tenant. The guide adds memory and disk after rounding
    /// each. It has $2.58, 5.21, 10.47, 20.98 at 10 % and $12.92, 26.06, 52.34, 104.90 at 50 %, which is wrong: shares
    /// of what 100 % costs beyond the allowance, instead of what the shares cost beyond it.
    #[test]
    fn the_columns_of_the_guide_come_out_where_the_guide_is_right() {
        let table = [
            (InstanceType::Standard1, 2_748, ["0.00", "2.178", "12.69", "25.83"]),
            (InstanceType::Standard2, 4_136, ["0.00", "4.806", "25.83", "52.11"]),
            (InstanceType::Standard3, 5_523, ["0.00", "10.062", "52.11", "104.67"]),
            (InstanceType::Standard4, 8_225, ["0.00", "20.574", "104.67", "209.79"]),
        ];
        for (size, fixed, cpu) in table {
            let bill = around_the_clock(size, 0).first_tenant;
            assert_eq!(cents(bill.memory) + cents(bill.disk), fixed, "{size}");
            let at = |percent| around_the_clock(size, percent).first_tenant.cpu.exact();
            assert_eq!([at(0), at(10), at(50), at(100)], cpu, "{size}");
        }
    }

    #[test]
    fn the_durable_object_is_included_for_the_first_tenant_and_a_line_of_the_next() {
        for size in InstanceType::ALL {
            let estimate = around_the_clock(size, 10);
            // 730 hours × 0.128 GB are 336,384 GB-seconds: within the 400,000, and 12.50 dollars a million beyond.
            assert_eq!(estimate.first_tenant.durable_objects, Money::ZERO);
            assert_eq!(estimate.next_tenant.durable_objects.exact(), "4.2048");
        }
        let two = Usage::around_the_clock(InstanceType::Standard1, 2, Percent::capped(10)).estimate();
        // 672,768 GB-seconds less 400,000.
        assert_eq!(two.first_tenant.durable_objects.exact(), "3.4096");
    }

    #[test]
    fn a_container_that_sleeps_all_day_costs_nothing() {
        let around = Usage::around_the_clock(InstanceType::Standard4, 10, Percent::MOST);
        let asleep = Usage { hours_per_day: HoursPerDay::capped(0), ..around };
        assert_eq!(asleep.estimate().next_tenant.total, Money::ZERO);
    }

    proptest! {
        #[test]
        fn the_lines_add_up_and_the_allowance_never_saves_more_than_it_is_worth(
            size in 0usize..6, instances in 1u32..=10, hours in 0u32..=24, percent in 0u32..=100,
        ) {
            let (hours_per_day, cpu_percent) = (HoursPerDay::capped(hours), Percent::capped(percent));
            let usage = Usage { instance_type: InstanceType::ALL[size], instances, hours_per_day, cpu_percent };
            let Estimate { first_tenant, next_tenant, .. } = usage.estimate();
            for bill in [first_tenant, next_tenant] {
                prop_assert_eq!(bill.memory + bill.disk + bill.cpu + bill.durable_objects, bill.total);
                prop_assert_eq!(bill.memory + bill.disk, bill.fixed);
                prop_assert_eq!(bill.fixed + bill.cpu, bill.containers);
            }
            prop_assert!(first_tenant.total <= next_tenant.total);
            prop_assert!(next_tenant.total - first_tenant.total <= ALLOWANCE.bill().total);
        }
    }
}

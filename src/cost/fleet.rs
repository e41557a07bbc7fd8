//! The monthly bill of all tenants of the account together.
//!
//! The account's allowance is taken off what all of them use, once. It does not matter which of them used it.

use serde::Serialize;

use super::bill::Bill;
use super::money::Money;
use super::prices::{ALLOWANCE, Consumption, PLAN};
use super::usage::Usage;

/// One month of the account, in US dollars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FleetBill {
    /// What all tenants use beyond the allowance.
    pub tenants: Bill,
    /// The Workers Paid plan.
    pub plan: Money,
    /// Both.
    pub total: Money,
}

impl FleetBill {
    /// Of so many tenants of each use. A use may be there more than once.
    pub fn of(fleet: impl IntoIterator<Item = (Usage, u32)>) -> Self {
        let add = |sum, (usage, count): (Usage, u32)| sum + usage.consumption().times(count);
        let consumption = fleet.into_iter().fold(Consumption::default(), add);
        let tenants = consumption.beyond(ALLOWANCE).bill();
        Self { tenants, plan: PLAN, total: tenants.total + PLAN }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cost::usage::{HoursPerDay, Percent};
    use crate::tenant::InstanceType;

    fn usage(size: usize, instances: u32, hours: u32, percent: u32) -> Usage {
        Usage {
            instance_type: InstanceType::ALL[size],
            instances,
            hours_per_day: HoursPerDay::capped(hours),
            cpu_percent: Percent::capped(percent),
        }
    }

    fn fleets() -> impl Strategy<Value = Vec<(Usage, u32)>> {
        let one = (0usize..6, 1u32..=10, 0u32..=24, 0u32..=100).prop_map(|(a, b, c, d)| usage(a, b, c, d));
        proptest::collection::vec((one, 0u32..=50), 0..8)
    }

    /// What each of them would cost if nothing were included.
    fn next_tenants(fleet: &[(Usage, u32)]) -> Money {
        fleet.iter().map(|(usage, count)| usage.estimate().next_tenant.total.times(u128::from(*count))).sum()
    }

    #[test]
    fn three_light_tenants_pay_the_allowance_off_once() {
        let light = usage(2, 1, 24, 10);
        let bill = FleetBill::of([(light, 3)]);
        // Three times 30.37968 and 4.2048, less 0.225 + 0.0504 + 0.45 + 5.
        assert_eq!(light.estimate().next_tenant.total.exact(), "34.58448");
        assert_eq!(bill.tenants.total.exact(), "98.02804");
        assert_eq!(bill.total.exact(), "103.02804");
    }

    #[test]
    fn nobody_costs_the_plan_alone() {
        assert_eq!(FleetBill::of([]).total, PLAN);
    }

    proptest! {
        #[test]
        fn a_fleet_of_one_is_the_first_tenant(size in 0usize..6, hours in 0u32..=24, percent in 0u32..=100) {
            let one = usage(size, 1, hours, percent);
            prop_assert_eq!(FleetBill::of([(one, 1)]).tenants, one.estimate().first_tenant);
        }

        #[test]
        fn the_allowance_is_taken_off_exactly_once_when_it_is_used_up(mut fleet in fleets()) {
            // This one alone uses all of it.
            fleet.push((usage(5, 2, 24, 100), 1));
            let paid = FleetBill::of(fleet.clone()).tenants.total;
            prop_assert_eq!(paid + ALLOWANCE.bill().total, next_tenants(&fleet));
        }

        #[test]
        fn it_saves_as_much_as_is_used_of_it(fleet in fleets()) {
            let paid = FleetBill::of(fleet.clone()).tenants.total;
            let used = next_tenants(&fleet);
            prop_assert!(paid <= used);
            prop_assert!(used - paid <= ALLOWANCE.bill().total);
        }

        #[test]
        fn one_tenant_more_is_never_cheaper_and_never_dearer_than_a_next_one(fleet in fleets(), more in fleets()) {
            let mut all = fleet.clone();
            all.extend(more.clone());
            let (before, after) = (FleetBill::of(fleet).total, FleetBill::of(all).total);
            prop_assert!(before <= after);
            prop_assert!(after - before <= next_tenants(&more));
        }

        #[test]
        fn who_comes_first_does_not_matter(fleet in fleets()) {
            let mut turned = fleet.clone();
            turned.reverse();
            prop_assert_eq!(FleetBill::of(fleet), FleetBill::of(turned));
        }
    }
}

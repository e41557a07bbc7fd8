//! What a tenant's spec will cost, and what a change of it would.

use serde::Serialize;

use super::difference::Difference;
use super::estimate::Estimate;
use super::preset::Preset;
use super::usage::{HoursPerDay, Percent, Usage};
use crate::tenant::{SleepAfter, TenantSpec};

/// How busy a tenant is taken to be. Nobody knows; whoever asks may say so, and it is light if he does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// What is supposed of all that is not said.
    pub preset: Preset,
    /// Hours a day awake. `None`: all day for a tenant that never sleeps, else the preset's.
    pub hours_per_day: Option<HoursPerDay>,
    /// CPU used while awake. `None`: the preset's.
    pub cpu_percent: Option<Percent>,
}

impl Activity {
    /// A tenant that stands still.
    pub const SUSPENDED: Self =
        Self { preset: Preset::Idle, hours_per_day: Some(HoursPerDay::capped(0)), cpu_percent: None };

    /// What a tenant of this spec comes to. All the instances that it may have are taken to be awake: the most that it
    /// costs, not the least.
    pub fn usage(self, spec: &TenantSpec) -> Usage {
        let hours_per_day = match (self.hours_per_day, &spec.sleep_after) {
            (Some(hours), _) => hours,
            (None, SleepAfter::Never) => HoursPerDay::MOST,
            (None, SleepAfter::Idle { .. }) => self.preset.hours_per_day(),
        };
        Usage {
            instance_type: spec.instance_type,
            instances: spec.max_instances,
            hours_per_day,
            cpu_percent: self.cpu_percent.unwrap_or(self.preset.cpu_percent()),
        }
    }
}

/// What a change does to the bill. Before and after are taken to be equally busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "CostChange"))]
pub struct Change {
    /// As it is.
    pub before: Estimate,
    /// As it would be.
    pub after: Estimate,
    /// What the account's only tenant would pay more, or less.
    pub first_tenant_difference: Difference,
    /// What it would change of the bill of an account whose allowance others have used up.
    pub next_tenant_difference: Difference,
}

impl Change {
    /// From one use to another.
    pub fn between(before: Usage, after: Usage) -> Self {
        let (before, after) = (before.estimate(), after.estimate());
        Self {
            before,
            after,
            first_tenant_difference: Difference::between(before.first_tenant.total, after.first_tenant.total),
            next_tenant_difference: Difference::between(before.next_tenant.total, after.next_tenant.total),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::Money;
    use crate::tenant::InstanceType;
    use crate::tenant::spec::SpecChange;

    fn spec(sleep: &str) -> TenantSpec {
        let change = SpecChange { sleep_after: Some(SleepAfter::parse(sleep).unwrap()), ..SpecChange::default() };
        change.apply_to(TenantSpec::default())
    }

    #[test]
    fn a_tenant_that_never_sleeps_is_awake_all_day_however_little_it_does() {
        for preset in Preset::ALL {
            let activity = Activity { preset, ..Activity::default() };
            assert_eq!(activity.usage(&spec("never")).hours_per_day, HoursPerDay::MOST);
            assert_eq!(activity.usage(&spec("10m")).hours_per_day, preset.hours_per_day());
        }
    }

    #[test]
    fn what_is_said_comes_before_what_is_supposed() {
        let said = Activity {
            preset: Preset::Heavy,
            hours_per_day: Some(HoursPerDay::capped(2)),
            cpu_percent: Some(Percent::capped(7)),
        };
        let usage = said.usage(&spec("never"));
        assert_eq!((usage.hours_per_day.get(), usage.cpu_percent.get()), (2, 7));
    }

    #[test]
    fn light_use_around_the_clock_is_what_is_supposed_of_a_new_tenant() {
        let usage = Activity::default().usage(&TenantSpec::default());
        assert_eq!(usage, Usage::around_the_clock(InstanceType::Standard1, 1, Percent::capped(10)));
        assert_eq!(usage.estimate().next_tenant.containers.rounded(3), "30.380");
    }

    #[test]
    fn a_resize_says_what_it_adds_and_its_undoing_what_it_saves() {
        let (small, large) =
            (TenantSpec::default(), TenantSpec { instance_type: InstanceType::Standard2, ..spec("never") });
        let usage = |spec| Activity::default().usage(spec);
        let change = Change::between(usage(&small), usage(&large));
        assert_eq!(change.next_tenant_difference.to_string(), "+$16.50");
        let undone = Change::between(usage(&large), usage(&small));
        assert_eq!(undone.next_tenant_difference.to_string(), "-$16.50");
        assert_eq!(serde_json::to_value(undone).unwrap()["next_tenant_difference"], "-16.50384");
    }

    #[test]
    fn a_suspension_saves_all_of_it() {
        let spec = TenantSpec::default();
        let (running, suspended) = (Activity::default().usage(&spec), Activity::SUSPENDED.usage(&spec));
        let change = Change::between(running, suspended);
        assert_eq!(change.after.next_tenant.total, Money::ZERO);
        assert_eq!(change.next_tenant_difference, Difference::Less(change.before.next_tenant.total));
    }
}

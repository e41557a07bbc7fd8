//! How much a tenant is used, in whole numbers that people can give.

use serde::{Serialize, Serializer};

use super::prices::{Consumption, HOURS_PER_MONTH, SECONDS_PER_HOUR};
use crate::tenant::InstanceType;

/// A whole number from 0 to `MOST`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UpTo<const MOST: u32>(u32);

/// CPU used, of what the container has, while it is awake.
pub type Percent = UpTo<100>;
/// Hours a day that the containers are awake.
pub type HoursPerDay = UpTo<24>;

/// A text that is no whole number of the range, or a number outside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number from 0 to {most}")]
pub struct OutOfRange {
    /// The last number of the range.
    pub most: u32,
}

impl<const MOST: u32> UpTo<MOST> {
    /// The largest.
    pub const MOST: Self = Self(MOST);

    /// `number`, or the largest if that is less.
    pub const fn capped(number: u32) -> Self {
        if number < MOST { Self(number) } else { Self::MOST }
    }

    /// Reads digits and nothing else: no sign, no point, no unit, no space.
    pub fn parse(text: &str) -> Result<Self, OutOfRange> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = if digits { text.parse().ok() } else { None };
        number.filter(|number| *number <= MOST).map(Self).ok_or(OutOfRange { most: MOST })
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl<const MOST: u32> Serialize for UpTo<MOST> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

/// How a tenant is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
pub struct Usage {
    /// Size of each container.
    pub instance_type: InstanceType,
    /// Containers awake at once.
    pub instances: u32,
    /// Hours a day that they are awake.
    pub hours_per_day: HoursPerDay,
    /// Of their CPU while awake.
    pub cpu_percent: Percent,
}

impl Usage {
    /// A tenant that is awake around the clock at `cpu_percent`.
    pub fn around_the_clock(instance_type: InstanceType, instances: u32, cpu_percent: Percent) -> Self {
        Self { instance_type, instances, hours_per_day: HoursPerDay::MOST, cpu_percent }
    }

    /// What it takes in a month.
    pub fn consumption(self) -> Consumption {
        let size = self.instance_type.dimensions();
        let seconds = HOURS_PER_MONTH * SECONDS_PER_HOUR / 24 * u128::from(self.hours_per_day.get());
        let instance_seconds = seconds * u128::from(self.instances);
        Consumption {
            memory: u128::from(size.memory_quarter_gib) * instance_seconds,
            disk: u128::from(size.disk_gb) * instance_seconds,
            cpu: u128::from(size.vcpu_sixteenths) * u128::from(self.cpu_percent.get()) * instance_seconds,
            durable_objects: instance_seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn whole_numbers_of_the_range_are_read() {
        assert_eq!(Percent::parse("0").map(Percent::get), Ok(0));
        assert_eq!(Percent::parse("100").map(Percent::get), Ok(100));
        assert_eq!(HoursPerDay::parse("024").map(HoursPerDay::get), Ok(24));
        assert_eq!(HoursPerDay::capped(25), HoursPerDay::MOST);
    }

    #[test]
    fn anything_else_is_refused_with_the_range() {
        for text in ["", "101", "-1", "+1", "1.5", "10%", " 1", "1 ", "1e1", "0x1", "５", "4294967297"] {
            assert_eq!(Percent::parse(text), Err(OutOfRange { most: 100 }), "{text:?}");
        }
        assert_eq!(HoursPerDay::parse("25").unwrap_err().to_string(), "must be a whole number from 0 to 24");
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_in_the_range(text in "\\PC{0,6}|[0-9]{1,12}") {
            if let Ok(percent) = Percent::parse(&text) {
                prop_assert!(percent <= Percent::MOST);
                prop_assert_eq!(text.parse::<u32>().unwrap(), percent.get());
            }
        }
    }
}

//! Names for how a tenant is used, for those who do not think in percents.

use std::fmt;

use serde::Serialize;

use super::usage::{HoursPerDay, Percent};

/// A way of use. CPU is the middle of the guide's range for it, half a percent rounded up. The guide knows no hours: it
/// reckons with containers that are never asleep. The hours are an assumption for those that may sleep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// 0 to 5 %.
    Idle,
    /// 5 to 15 %.
    #[default]
    Light,
    /// 15 to 30 %.
    Normal,
    /// 50 to 80 %.
    Heavy,
    /// All of it.
    Stress,
}

impl Preset {
    /// All of them, from little to much.
    pub const ALL: [Self; 5] = [Self::Idle, Self::Light, Self::Normal, Self::Heavy, Self::Stress];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Light => "light",
            Self::Normal => "normal",
            Self::Heavy => "heavy",
            Self::Stress => "stress",
        }
    }

    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, NoSuchPreset> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == text).ok_or(NoSuchPreset)
    }

    /// What it is like, as the guide puts it.
    pub fn description(self) -> &'static str {
        match self {
            Self::Idle => "Container running, no active requests",
            Self::Light => "Occasional chat messages, few users",
            Self::Normal => "Regular conversations, moderate traffic",
            Self::Heavy => "Continuous AI interactions, multiple users",
            Self::Stress => "Benchmark, not typical",
        }
    }

    /// CPU used while awake.
    pub fn cpu_percent(self) -> Percent {
        Percent::capped(match self {
            Self::Idle => 3,
            Self::Light => 10,
            Self::Normal => 23,
            Self::Heavy => 65,
            Self::Stress => 100,
        })
    }

    /// Hours a day awake, of a container that sleeps when it has nothing to do.
    pub fn hours_per_day(self) -> HoursPerDay {
        HoursPerDay::capped(match self {
            Self::Idle => 1,
            Self::Light => 4,
            Self::Normal => 8,
            Self::Heavy => 16,
            Self::Stress => 24,
        })
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no preset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be idle, light, normal, heavy or stress")]
pub struct NoSuchPreset;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preset_is_spelled_the_same_in_json_and_in_text() {
        let complaint = NoSuchPreset.to_string();
        for preset in Preset::ALL {
            assert_eq!(serde_json::to_value(preset).unwrap(), preset.as_str());
            assert_eq!(Preset::parse(&preset.to_string()), Ok(preset));
            assert!(complaint.contains(preset.as_str()));
        }
        assert_eq!(Preset::parse("Light"), Err(NoSuchPreset));
    }

    #[test]
    fn each_lies_within_the_guides_range_and_above_the_one_before() {
        let ranges = [(0, 5), (5, 15), (15, 30), (50, 80), (100, 100)];
        for (preset, (least, most)) in Preset::ALL.into_iter().zip(ranges) {
            assert_eq!(preset.cpu_percent().get(), u32::div_ceil(least + most, 2), "{preset}");
        }
        for pair in Preset::ALL.windows(2) {
            assert!(pair[0].cpu_percent() < pair[1].cpu_percent());
            assert!(pair[0].hours_per_day() < pair[1].hours_per_day());
        }
    }
}

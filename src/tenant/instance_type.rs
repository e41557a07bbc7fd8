//! The sizes that a container comes in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A container size (developers.cloudflare.com/containers/platform/limits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum InstanceType {
    /// 1/16 vCPU, 256 MiB, 2 GB.
    Lite,
    /// 1/4 vCPU, 1 GiB, 4 GB.
    Basic,
    /// 1/2 vCPU, 4 GiB, 8 GB: the default.
    #[serde(rename = "standard-1")]
    Standard1,
    /// 1 vCPU, 6 GiB, 12 GB.
    #[serde(rename = "standard-2")]
    Standard2,
    /// 2 vCPU, 8 GiB, 16 GB.
    #[serde(rename = "standard-3")]
    Standard3,
    /// 4 vCPU, 12 GiB, 20 GB.
    #[serde(rename = "standard-4")]
    Standard4,
}

/// What one instance of a size has. Whole numbers in the largest units that fit every size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimensions {
    /// Processors in sixteenths of a vCPU.
    pub vcpu_sixteenths: u32,
    /// Memory in quarters of a GiB.
    pub memory_quarter_gib: u32,
    /// Disk in GB.
    pub disk_gb: u32,
}

impl InstanceType {
    /// Every size, smallest first.
    pub const ALL: [Self; 6] =
        [Self::Lite, Self::Basic, Self::Standard1, Self::Standard2, Self::Standard3, Self::Standard4];

    /// The name in Cloudflare's API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lite => "lite",
            Self::Basic => "basic",
            Self::Standard1 => "standard-1",
            Self::Standard2 => "standard-2",
            Self::Standard3 => "standard-3",
            Self::Standard4 => "standard-4",
        }
    }

    /// The size of that name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.as_str() == text)
    }

    /// What one instance has.
    pub fn dimensions(self) -> Dimensions {
        let (vcpu_sixteenths, memory_quarter_gib, disk_gb) = match self {
            Self::Lite => (1, 1, 2),
            Self::Basic => (4, 4, 4),
            Self::Standard1 => (8, 16, 8),
            Self::Standard2 => (16, 24, 12),
            Self::Standard3 => (32, 32, 16),
            Self::Standard4 => (64, 48, 20),
        };
        Dimensions { vcpu_sixteenths, memory_quarter_gib, disk_gb }
    }

    /// What it is good for.
    pub fn recommended_for(self) -> &'static str {
        match self {
            Self::Lite | Self::Basic => "Not suitable for OpenClaw",
            Self::Standard1 => "Light usage, testing",
            Self::Standard2 => "Normal usage",
            Self::Standard3 => "Heavy usage",
            Self::Standard4 => "Enterprise, high concurrency",
        }
    }

    /// Whether a tenant may choose it: the two smallest do not suit OpenClaw and need the operator's word.
    pub fn is_open_to_tenants(self) -> bool {
        !matches!(self, Self::Lite | Self::Basic)
    }
}

impl fmt::Display for InstanceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_spelled_the_same_in_json_and_in_text() {
        for size in InstanceType::ALL {
            assert_eq!(serde_json::to_value(size).unwrap(), size.as_str());
            assert_eq!(InstanceType::parse(size.as_str()), Some(size));
        }
        assert_eq!(InstanceType::parse("standard-5"), None);
    }
}

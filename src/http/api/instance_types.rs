//! `GET /v1/instance-types`.

use serde::Serialize;

use crate::cost::{Money, Preset, Usage};
use crate::http::call::Call;
use crate::http::error::ApiError;
use crate::http::reply::{Response, json};
use crate::tenant::InstanceType;

/// Every size, and the one that a tenant gets who says nothing.
#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "InstanceTypes"))]
pub struct Listing {
    instance_types: Vec<SizeView>,
    default: InstanceType,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "Size"))]
pub struct SizeView {
    name: InstanceType,
    vcpu: String,
    memory_gib: String,
    disk_gb: u32,
    recommended_for: &'static str,
    open_to_tenants: bool,
    monthly_usd: Prices,
}

#[derive(Serialize)]
#[cfg_attr(not(target_arch = "wasm32"), derive(schemars::JsonSchema))]
#[cfg_attr(not(target_arch = "wasm32"), schemars(rename = "SizePrices"))]
pub struct Prices {
    fixed_first_tenant: Money,
    total_next_tenant_at_10_percent_cpu: Money,
}

/// Every size with what it has and what it costs a month around the clock.
pub async fn list(mut call: Call) -> Result<Response, ApiError> {
    call.query.finish()?;
    let instance_types = InstanceType::ALL.into_iter().map(view).collect();
    json(&Listing { instance_types, default: InstanceType::Standard1 })
}

fn view(size: InstanceType) -> SizeView {
    let dimensions = size.dimensions();
    let estimate = Usage::around_the_clock(size, 1, Preset::Light.cpu_percent()).estimate();
    SizeView {
        name: size,
        vcpu: fraction(dimensions.vcpu_sixteenths, 16),
        memory_gib: fraction(dimensions.memory_quarter_gib, 4),
        disk_gb: dimensions.disk_gb,
        recommended_for: size.recommended_for(),
        open_to_tenants: size.is_open_to_tenants(),
        monthly_usd: Prices {
            fixed_first_tenant: estimate.first_tenant.fixed,
            total_next_tenant_at_10_percent_cpu: estimate.next_tenant.total,
        },
    }
}

/// `8` sixteenths as `1/2`.
fn fraction(parts: u32, of: u32) -> String {
    if parts.is_multiple_of(of) { (parts / of).to_string() } else { format!("1/{}", of / parts) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_in_the_price_list() {
        let read = |parts, of| fraction(parts, of);
        assert_eq!([read(1, 16), read(4, 16), read(8, 16), read(64, 16)], ["1/16", "1/4", "1/2", "4"]);
        assert_eq!([read(1, 4), read(48, 4)], ["1/4", "12"]);
    }
}

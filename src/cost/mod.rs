//! What a tenant costs: exact whole-number money, no floats.
//!
//! | to read about | open |
//! |---|---|
//! | prices and allowances, with their sources | [`prices`] |
//! | how much a tenant is used, in whole hours and percents | [`usage`], [`preset`] |
//! | what one tenant costs | [`estimate`] |
//! | what its spec leads to, and what a change of it would | [`forecast`] |
//! | what all tenants of the account cost together | [`fleet`] |

pub mod bill;
pub mod difference;
pub mod estimate;
pub mod fleet;
pub mod forecast;
pub mod money;
pub mod preset;
pub mod prices;
pub mod usage;

pub use bill::Bill;
pub use difference::Difference;
pub use estimate::Estimate;
pub use fleet::FleetBill;
pub use forecast::{Activity, Change};
pub use money::Money;
pub use preset::Preset;
pub use usage::{HoursPerDay, OutOfRange, Percent, Usage};

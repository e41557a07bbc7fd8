//! The operators' pages: plain values in, markup out, as in [`crate::pages`].
//!
//! # What the forms send
//!
//! Each carries `csrf`. `…` is `/admin/tenants/{name}`.
//!
//! | to | fields |
//! |---|---|
//! | `POST /admin/tenants/act` | `act`, `tenant` for each that is chosen, `sure`, `release`, `grace_days` |
//! | `POST /admin/invites` | `name`, `largest`, `owner`, `note`, `expires_in_days`, each of which may be empty |
//! | `POST /admin/invites/revoke` | `id` |

pub mod audit;
pub mod doctor;
pub mod fleet;
pub mod invites;
pub mod layout;
pub mod releases;
pub mod sweeps;
pub mod tenant;

pub use layout::{Frame, Section};

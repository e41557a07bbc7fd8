//! The pages for people: plain values in, markup out. No input or output, no HTTP.
//!
//! Every page works without scripts: forms are posted, and what lives on the page can be had by reloading it. What the
//! script adds (`assets/bundle/app.js`): the name checked while typing, progress by itself, buttons that copy, times in
//! words. Nothing on a page is inline, so that the content security policy needs no exception; see [`layout`].
//!
//! # What the forms send
//!
//! All are `application/x-www-form-urlencoded`. Each carries `csrf`.
//!
//! | to | fields |
//! |---|---|
//! | `POST /session` | `name`, `token` |
//! | `POST /session/end` | |
//! | `GET /signup/name` | `name`; answers with [`signup::name_said`]; no `csrf` |
//! | `POST /signup` | `idempotency_key`, `name`, `instance_type`, `sleep_after`; `invite` in that mode; `cf-turnstile-response` |
//! | `GET …/progress` | `seen`: the [`Progress::mark`](progress::Progress::mark) that is shown; while it is still the present one: 204; else [`progress::fragment`]; no `csrf` |
//! | `POST …/spec` | `step`: `preview` or `save`; `generation` that it was made from; `instance_type`, `sleep_after`, `usage`. `save` without the others asks for the same again: "try again" |
//! | `POST …/secrets` | `value.NAME` for each one shown: empty is left alone; `paste`: lines of `NAME=value` |
//! | `POST …/secrets/delete` | `name` |
//! | `POST …/tokens` | `scope`, once for each of `read`, `write`, `secrets`; `expires_in_days`: a number, or empty for never |
//! | `POST …/tokens/revoke` | `id` |
//! | `POST …/suspend` | `confirm`: the tenant's name |
//! | `POST …/resume`, `POST …/undelete` | |
//! | `POST …/delete` | `confirm`: the tenant's name; `grace_days` |
//!
//! `…` is `/tenants/{name}`. A [`FieldError`] goes to the control of that id; ids are the fields' names, but for
//! `suspend-confirm` and `delete-confirm`, since both forms are on one page.

pub mod console;
pub mod created;
pub mod error;
pub mod home;
pub mod layout;
mod parts;
pub mod progress;
pub mod receipt;
#[cfg(not(target_arch = "wasm32"))]
pub mod reference;
pub mod signup;
pub mod tenant;

pub use layout::Frame;
pub use parts::FieldError;

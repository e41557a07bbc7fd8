//! The Cloudflare API, in Cloudflare's own nouns. Knows nothing of tenants.
//!
//! - [`Client`] has one method per call, [`S3`] those of R2's S3 API; [`Operation`] lists them all, with their routes.
//! - Each method sends one request and repeats nothing. What a failure means is [`Error::verdict`]; whether it may
//!   have acted, [`Error::may_have_acted`]. A thing that may rightly be absent: [`Optional::optional`].
//! - Lists come as a [`Page`]; hand its cursor in to get the next.
//! - Replies are read tolerantly: unknown fields are passed over, and what the plane can do without may be absent.
//! - Routes in the methods' comments are below `/accounts/{account_id}/`; their reference is
//!   <https://developers.cloudflare.com/api/>, their exact form what wrangler 4.164 sends.

mod advice;
pub mod assets;
mod binding;
pub mod client;
pub mod containers;
pub mod durable_objects;
pub mod error;
mod multipart;
pub mod operation;
mod probe;
pub mod r2;
pub mod routes;
pub mod s3;
pub mod scripts;
pub mod secret_text;
pub mod secrets;
mod sigv4;
pub mod tokens;
pub mod transport;
mod xml;

#[cfg(test)]
mod testing;

pub use client::{ApiToken, Client, Page};
pub use error::{Error, ErrorKind, Optional, Refusal, Verdict};
pub use operation::Operation;
pub use s3::S3;
pub use secret_text::SecretText;
pub use transport::{Transport, TransportError};

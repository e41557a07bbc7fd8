//! The way out: one HTTP request in, one response out.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{CACHE_CONTROL, DATE, HeaderName, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};

/// The headers of a response that anything here reads. The Worker's edge hands on these and no others.
pub const HEADERS_READ: [HeaderName; 5] = [RETRY_AFTER, CACHE_CONTROL, DATE, LOCATION, WWW_AUTHENTICATE];

/// An extension of a request that may not take as long as others: the most that it may, the reading of its response
/// included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimit(pub Duration);

/// Carries one request to the Cloudflare API. Follows no redirect, since the request carries the account's token,
/// and repeats nothing.
pub trait Transport: Send + Sync {
    /// Sends `request` and waits for the whole response, for a bounded time: its [`TimeLimit`], if it has one.
    ///
    /// An error never says that the far side did nothing: the request may have arrived and its reply been lost.
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>>;
}

/// No response came back. Whether the request took effect is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The time limit of one call passed.
    #[error("no answer within the time limit of one call")]
    TimedOut,
    /// The connection could not be made, or broke.
    #[error("connection to the Cloudflare API lost: {0}")]
    Connection(String),
}

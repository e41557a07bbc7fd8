//! Time and chance from the runtime.

use std::future::IntoFuture;
use std::time::Duration;

use futures_util::future::BoxFuture;
use worker::Delay;
use worker::send::SendFuture;

use crate::clock::{Clock, Timestamp};
use crate::entropy::Entropy;

/// The runtime's clock. In production it stands still between two waits for something outside.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(worker::Date::now().as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep(&self, ms: i64) -> BoxFuture<'_, ()> {
        let time = Duration::from_millis(u64::try_from(ms).unwrap_or_default());
        Box::pin(SendFuture::new(Delay::from(time).into_future()))
    }
}

/// The runtime's `crypto.getRandomValues`.
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the Entropy that everybody else takes")]
    #[expect(clippy::expect_used, reason = "a key that can be guessed is worse than a request that ends")]
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the runtime gives random bytes");
    }
}

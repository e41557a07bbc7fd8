//! Time and chance from the runtime.

use futures_util::future::BoxFuture;
use js_sys::Promise;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::send::SendFuture;
use worker::wasm_bindgen_futures::JsFuture;

use crate::clock::{Clock, Timestamp};
use crate::entropy::Entropy;

/// The runtime's clock. In production it stands still between two waits for something outside.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(i64::try_from(worker::Date::now().as_millis()).unwrap_or(i64::MAX))
    }

    fn sleep(&self, ms: i64) -> BoxFuture<'_, ()> {
        let ms = f64::from(u32::try_from(ms.max(0)).unwrap_or(u32::MAX));
        Box::pin(SendFuture::new(async move { drop(JsFuture::from(wait(ms)).await) }))
    }
}

#[wasm_bindgen]
extern "C" {
    /// The runtime's own timer as a promise (developers.cloudflare.com/workers/runtime-apis/scheduler). `worker::Delay` takes
    /// what `setTimeout` returns for a number, which it no longer is; a debug build panics at that.
    #[wasm_bindgen(js_namespace = scheduler)]
    fn wait(ms: f64) -> Promise;
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

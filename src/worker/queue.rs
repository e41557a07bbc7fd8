//! Nudges by Cloudflare Queues.
//!
//! A message's body is JSON as *text*, made and read by serde_json. Left to the bindings, an object would be turned
//! into a JavaScript `Map` and arrive empty.

use futures_util::future::BoxFuture;
use wasm_bindgen::JsValue;
use worker::send::SendFuture;
use worker::{Queue, QueueContentType, RawMessage, RawMessageBuilder};

use super::{console, error_text};
use crate::json;
use crate::log::{Level, Logger};
use crate::wake::{Nudge, WakeUp};

/// The longest delay that Queues takes, in seconds (developers.cloudflare.com/queues/platform/limits).
const MAX_DELAY_SECONDS: u32 = 43_200;

/// Sends nudges to a queue that this Worker consumes itself.
pub struct QueueWakeUp {
    queue: Queue,
    log: Logger,
}

impl QueueWakeUp {
    /// Sends to `queue`; what cannot be sent is noted in `log`.
    pub fn new(queue: Queue, log: Logger) -> Self {
        Self { queue, log }
    }
}

impl WakeUp for QueueWakeUp {
    fn nudge(&self, nudge: Nudge, delay_seconds: u32) -> BoxFuture<'_, ()> {
        Box::pin(SendFuture::new(async move {
            let body = serde_json::json!(nudge).to_string();
            let message = RawMessageBuilder::new(JsValue::from_str(&body))
                .delay_seconds(delay_seconds.min(MAX_DELAY_SECONDS))
                .build_with_content_type(QueueContentType::Text);
            if let Err(error) = self.queue.send_raw(message).await {
                let line = self.log.line(Level::Warn, "nudge_lost");
                let line = line.with("request_id", nudge.request_id).with("tenant", nudge.tenant);
                self.log.write(&line.with("cause", error_text(&error)));
            }
        }))
    }
}

/// What `message` asks for; `None`, and a line in the log, when it is not one of ours.
pub fn read(message: &RawMessage) -> Option<Nudge> {
    let nudge = message.body().as_string().and_then(|body| json::read(body).ok());
    if nudge.is_none() {
        console::fail("queue", "a message that is not a nudge was dropped".to_owned());
    }
    nudge
}

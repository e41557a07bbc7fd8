//! Cloudflare's answers: the API's own, those of whatever stands before it, and those that nobody has thought of.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Request, Response};
use paramita::clock::{ManualClock, Timestamp};
use paramita::cloudflare::{ApiToken, Client, Error, ErrorKind, Refusal, Transport, TransportError};
use paramita::log::{Logger, MemoryLog};

use crate::assert_is_said;
use crate::fixtures::API_TOKEN;
use crate::plane::finish;

/// Whatever is asked, this is the answer.
pub struct Always {
    /// Its status.
    pub status: u16,
    /// Its body, and in its first line perhaps `retry-after: …`.
    pub body: Vec<u8>,
}

impl Transport for Always {
    fn send(&self, _request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let mut response = Response::new(Bytes::from(self.body.clone()));
        *response.status_mut() = self.status.try_into().unwrap_or_default();
        let first = self.body.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if let Some(wait) = first.strip_prefix(b"retry-after: ").and_then(|wait| HeaderValue::from_bytes(wait).ok()) {
            response.headers_mut().insert("retry-after", wait);
        }
        std::future::ready(Ok(response)).boxed()
    }
}

impl Always {
    /// `200 body`: the status in three digits, a space, the body.
    pub fn read(data: &[u8]) -> Option<Self> {
        let (status, body) = data.split_at_checked(4)?;
        let status = std::str::from_utf8(status).ok()?.trim_end().parse().ok()?;
        (200..=599).contains(&status).then(|| Self { status, body: body.to_vec() })
    }
}

/// A client that gets this answer to everything.
pub fn client(answer: Always) -> (Client, Arc<MemoryLog>) {
    let log = Arc::new(MemoryLog::default());
    let logger = Logger::new(log.clone(), Arc::new(ManualClock::at(Timestamp(0))));
    (Client::new(Arc::new(answer), "https://api.test/client/v4", "account", ApiToken::new(API_TOKEN), logger), log)
}

/// Whatever comes is a result or an error with a verdict, which says what to do and neither quotes a token nor goes on for
/// ever; and no success is read out of what is none.
pub fn run(data: &[u8]) {
    let Some(answer) = Always::read(data) else { return };
    let is_success = (200..300).contains(&answer.status);
    let is_empty = answer.status == 204 && answer.body.is_empty();
    let body: Option<serde_json::Value> = serde_json::from_slice(&answer.body).ok();
    let says_success = body.is_some_and(|body| body["success"] == true);
    let (client, log) = client(answer);
    let results = [
        finish(client.create_bucket("b")).map(drop),
        finish(client.get_bucket("b")).map(drop),
        finish(client.list_buckets(None, None)).map(drop),
        finish(client.delete_bucket("b")).map(drop),
        finish(client.list_objects("b", None)).map(drop),
        finish(client.delete_objects("b", &["k".to_owned()])).map(drop),
        finish(client.list_scripts()).map(drop),
        finish(client.delete_script("s")).map(drop),
        finish(client.get_service_script("s")).map(drop),
        finish(client.get_script_settings("s")).map(drop),
        finish(client.get_application("a")).map(drop),
        finish(client.set_max_instances("a", 1)).map(drop),
        finish(client.create_rollout("a", "i", "lite")).map(drop),
        finish(client.delete_application("a")).map(drop),
        finish(client.list_secrets("s")).map(drop),
        finish(client.list_namespaces(None)).map(drop),
        finish(client.start_assets_session("s", &[])).map(drop),
        finish(client.verify_token()).map(drop),
    ];
    for result in &results {
        match result {
            Ok(()) => assert!(is_success && (says_success || is_empty), "a success of nothing"),
            Err(error) => said(error),
        }
    }
    for line in log.lines() {
        let line = line.to_string();
        assert_is_said(&line, 1_000);
        assert!(!line.contains(API_TOKEN), "{line}");
    }
}

/// What is said of a failure.
pub fn said(error: &Error) {
    assert_is_said(&error.to_string(), 8 * Refusal::MESSAGE_LIMIT);
    assert_is_said(error.advice(), 400);
    let _ = (error.verdict(), error.block_s(60));
    if let ErrorKind::Refused(refusal) = &error.kind {
        let said = format!("{error} {error:?}");
        assert!(!said.contains(API_TOKEN), "{said}");
        assert!(refusal.message.chars().count() <= Refusal::MESSAGE_LIMIT);
    }
}

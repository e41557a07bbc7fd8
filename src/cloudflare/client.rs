//! One call: request out, envelope in. Every call of this module goes through `Client::call`.
//!
//! Sends once. Whoever repeats needs to know what a repeat does, and that is not known here; see
//! [`Error::verdict`](super::Error::verdict).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{Error, ErrorKind, Refusal, Verdict};
use super::multipart::{File, Form};
use super::operation::{self, Operation};
use super::secret_text::SecretText;
use super::transport::{TimeLimit, Transport};
use crate::clock::Timestamp;
use crate::log::{Level, Logger};

/// The token that the plane shows to Cloudflare. Prints as `REDACTED` and cannot be serialised.
#[derive(Clone)]
pub struct ApiToken(String);

impl ApiToken {
    /// Takes the token in, without the white space that a copied token often ends with.
    pub fn new(token: impl AsRef<str>) -> Self {
        Self(token.as_ref().trim().to_owned())
    }

    /// The token itself. For the wire and for nothing else.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("REDACTED")
    }
}

/// The Cloudflare API for one account. Cheap to clone; holds no connection. Writes one line to its log for each call.
#[derive(Clone)]
pub struct Client {
    transport: Arc<dyn Transport>,
    /// Up to and with the account: `https://api.cloudflare.com/client/v4/accounts/<id>`.
    account_url: Arc<str>,
    token: ApiToken,
    log: Logger,
    /// Requests that were sent.
    sent: Arc<AtomicU32>,
    /// How long a call may take; `None`: as long as the transport lets it.
    limit: Option<TimeLimit>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("account_url", &self.account_url)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What the page holds; may be empty though more follows.
    pub items: Vec<T>,
    /// What to hand in to get the next page. `None`: this was the last one.
    pub cursor: Option<String>,
}

impl Client {
    /// A client for `account_id`. `base_url` goes up to the API's version, `https://api.cloudflare.com/client/v4`,
    /// or points at a stand-in.
    pub fn new(transport: Arc<dyn Transport>, base_url: &str, account_id: &str, token: ApiToken, log: Logger) -> Self {
        let mut account_url = format!("{}/accounts/", base_url.trim_end_matches('/'));
        operation::percent_encode(&mut account_url, account_id, false);
        Self { transport, account_url: account_url.into(), token, log, sent: Arc::default(), limit: None }
    }

    /// This client for one errand: its lines go to `log`, and the requests that it sends are counted from 0.
    pub fn logging_to(&self, log: Logger) -> Self {
        Self { log, sent: Arc::default(), ..self.clone() }
    }

    /// This client, giving each call up after `limit`: for somebody who waits.
    pub fn within(&self, limit: Duration) -> Self {
        Self { limit: Some(TimeLimit(limit)), ..self.clone() }
    }

    /// Requests that were sent by this client and its clones, answered or not; but for those to the S3 API, which
    /// Cloudflare does not count.
    pub fn calls_sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }

    pub(super) fn token(&self) -> &ApiToken {
        &self.token
    }

    pub(super) fn transport(&self) -> Arc<dyn Transport> {
        Arc::clone(&self.transport)
    }

    pub(super) fn log(&self) -> &Logger {
        &self.log
    }

    /// Begins a call; `parameters` fill the placeholders of the operation's route.
    pub(super) fn call(&self, operation: Operation, parameters: &[&str]) -> Call<'_> {
        let address = operation::fill(operation.route(), parameters).map(|path| format!("{}/{path}", self.account_url));
        let mut call = Call {
            client: self,
            operation,
            url: String::new(),
            has_query: false,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            hidden: vec![self.token.0.clone()],
            fault: None,
        };
        match address {
            Ok(url) => call.url = url,
            Err(fault) => call.fault = Some(fault.to_owned()),
        }
        call.header(ACCEPT, "application/json").bearer(&self.token.0)
    }
}

/// A request in the making. A fault found on the way is kept and reported by [`Call::send`]; nothing is sent then.
pub(super) struct Call<'a> {
    client: &'a Client,
    operation: Operation,
    url: String,
    has_query: bool,
    headers: HeaderMap,
    body: Bytes,
    /// Values that no error may repeat, should the answer quote the request.
    hidden: Vec<String>,
    fault: Option<String>,
}

impl<'a> Call<'a> {
    /// Adds a query parameter.
    pub(super) fn query(mut self, name: &str, value: &str) -> Self {
        self.url.push(if self.has_query { '&' } else { '?' });
        self.has_query = true;
        self.url.push_str(name);
        self.url.push('=');
        operation::percent_encode(&mut self.url, value, false);
        self
    }

    /// Adds a query parameter if there is a value for it.
    pub(super) fn query_if(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Sets a header.
    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(value) => drop(self.headers.insert(name, value)),
            Err(_) => self.fault = Some(format!("the header {name} has characters that no header can carry")),
        }
        self
    }

    /// Shows this credential instead of the one before. Marked as sensitive, so that a printed request hides it.
    pub(super) fn bearer(mut self, credential: &str) -> Self {
        self = self.header(AUTHORIZATION, &format!("Bearer {credential}"));
        if let Some(value) = self.headers.get_mut(AUTHORIZATION) {
            value.set_sensitive(true);
        }
        self
    }

    /// Keeps these values out of errors, even if the answer quotes them.
    pub(super) fn hide<'b>(mut self, values: impl IntoIterator<Item = &'b SecretText>) -> Self {
        self.hidden.extend(values.into_iter().map(|value| value.expose().to_owned()));
        self
    }

    /// Sets the body.
    pub(super) fn body(mut self, content_type: &str, body: Bytes) -> Self {
        self.body = body;
        self.header(CONTENT_TYPE, content_type)
    }

    /// Sets a JSON body.
    pub(super) fn json(self, body: &impl Serialize) -> Self {
        self.json_as("application/json", body)
    }

    /// Sets a JSON body under a content type of its own.
    pub(super) fn json_as(self, content_type: &str, body: &impl Serialize) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body(content_type, bytes.into()),
            Err(fault) => self.unsendable(&fault),
        }
    }

    /// Sets a form as the body, with a JSON part before the files.
    pub(super) fn json_form(self, name: &str, value: &impl Serialize, files: impl IntoIterator<Item = File>) -> Self {
        match serde_json::to_vec(value) {
            Ok(bytes) => self.form(Form::default().value(name, bytes).files(files)),
            Err(fault) => self.unsendable(&fault),
        }
    }

    fn unsendable(mut self, fault: &dyn fmt::Display) -> Self {
        self.fault = Some(fault.to_string());
        self
    }

    /// Sets a form as the body.
    pub(super) fn form(self, form: Form) -> Self {
        match form.finish() {
            Ok((content_type, bytes)) => self.body(&content_type, bytes),
            Err(fault) => self.unsendable(&fault),
        }
    }

    /// Sends, once, reads the envelope, and notes in the log what came of it. A call that is dropped on its way leaves no
    /// line: nobody is there to write it. Boxed, and so compiled once: every kind of call awaits it.
    pub(super) fn send(self) -> BoxFuture<'a, Result<Reply, Error>> {
        Box::pin(self.into_reply())
    }

    async fn into_reply(self) -> Result<Reply, Error> {
        let (client, operation) = (self.client, self.operation);
        let stopwatch = client.log.start();
        let result = match self.into_request() {
            Ok((request, hidden)) => {
                client.sent.fetch_add(1, Ordering::Relaxed);
                match client.transport.send(request).await {
                    Ok(response) => read(operation, &response, &hidden),
                    Err(lost) => Err(ErrorKind::NoReply(lost)),
                }
            }
            Err(fault) => Err(ErrorKind::Unsendable(fault)),
        };
        let result = result.map_err(|kind| Error { operation, kind });
        note(&client.log, operation, stopwatch.ms(), result.as_ref().map(|reply| reply.status));
        result
    }

    /// The request, and the values that no error may repeat.
    fn into_request(self) -> Result<(Request<Bytes>, Vec<String>), String> {
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        let request = Request::builder().method(self.operation.method()).uri(self.url).body(self.body);
        let mut request = request.map_err(|fault| fault.to_string())?;
        *request.headers_mut() = self.headers;
        if let Some(limit) = self.client.limit {
            request.extensions_mut().insert(limit);
        }
        Ok((request, self.hidden))
    }

    /// Sends and reads the result.
    pub(super) async fn fetch<T: DeserializeOwned>(self) -> Result<T, Error> {
        self.send().await?.result()
    }

    /// Sends and picks from the result what is needed, where a reader made by serde would cost the Worker kilobytes.
    /// `None`: it is not there.
    pub(super) async fn pick<T>(self, read: fn(&Value) -> Option<T>) -> Result<T, Error> {
        self.send().await?.pick(read)
    }

    /// Sends; what the result says does not matter.
    pub(super) async fn run(self) -> Result<(), Error> {
        self.send().await.map(drop)
    }
}

/// The inside of a successful envelope.
pub(super) struct Reply {
    operation: Operation,
    status: u16,
    result: Value,
    info: Value,
}

impl Reply {
    /// The result as `T`. A success that cannot be read is an error of its own kind: the call did act.
    pub(super) fn result<T: DeserializeOwned>(self) -> Result<T, Error> {
        serde_json::from_value(self.result).map_err(|fault| Error {
            operation: self.operation,
            // The message may quote the value at fault; replies carry no secret that could be of a wrong type.
            kind: ErrorKind::Unreadable { status: self.status, message: Refusal::brief(&fault.to_string()) },
        })
    }

    /// What `read` finds in the result; without it the success cannot be read.
    pub(super) fn pick<T>(&self, read: fn(&Value) -> Option<T>) -> Result<T, Error> {
        read(&self.result).ok_or_else(|| {
            let message = "a field is missing, or of another type".to_owned();
            Error { operation: self.operation, kind: ErrorKind::Unreadable { status: self.status, message } }
        })
    }

    /// A text field of `result_info`, `None` if it is absent or empty.
    pub(super) fn info_text(&self, field: &str) -> Option<String> {
        self.info.get(field).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// A number of `result_info`.
    pub(super) fn info_number(&self, field: &str) -> Option<u64> {
        self.info.get(field).and_then(Value::as_u64)
    }

    /// Whether `result_info` says "no" in so many words.
    pub(super) fn info_denies(&self, field: &str) -> bool {
        self.info.get(field).and_then(Value::as_bool) == Some(false)
    }
}

/// One line about a call: names, numbers and codes. Not Cloudflare's words, which the one who asked has.
pub(super) fn note(log: &Logger, operation: Operation, ms: i64, result: Result<u16, &Error>) {
    let level = match result.map_err(Error::verdict) {
        // These answer a question that the plane had.
        Ok(_) | Err(Verdict::Done | Verdict::Taken | Verdict::Missing | Verdict::NotEmpty) => Level::Info,
        Err(Verdict::LookAgain | Verdict::Later { .. } | Verdict::Never | Verdict::S3Unusable) => Level::Warn,
        // Concerns every tenant.
        Err(Verdict::Unauthorized) => Level::Error,
    };
    let (outcome, status, refusal) = match result {
        Ok(status) => ("ok", Some(status), None),
        Err(Error { kind, .. }) => match kind {
            ErrorKind::Unsendable(_) => ("not_sent", None, None),
            ErrorKind::NoReply(_) => ("no_reply", None, None),
            ErrorKind::Unreadable { status, .. } => ("unreadable", Some(*status), None),
            ErrorKind::Refused(refusal) => ("refused", Some(refusal.status), Some(refusal)),
        },
    };
    let line = log.line(level, "call").with("kind", operation.name()).with("outcome", outcome).with("status", status);
    let line = match refusal {
        Some(refusal) => line
            .with("code", refusal.code)
            .with("text_code", refusal.text_code.clone())
            .with("retry_after_s", refusal.retry_after_s),
        None => line,
    };
    log.write(&line.with("ms", ms));
}

/// Reads the envelope `{success, errors, result, result_info}`. Takes nothing for granted: a reply may be a block
/// page in HTML, empty, or cut short; only `success: true` is a success.
fn read(operation: Operation, response: &http::Response<Bytes>, hidden: &[String]) -> Result<Reply, ErrorKind> {
    let status = response.status().as_u16();
    let body: Option<Value> = serde_json::from_slice(response.body()).ok().filter(Value::is_object);
    let success = body.as_ref().and_then(|body| body.get("success")?.as_bool());
    let kind = match (response.status().is_success(), success, body) {
        (true, Some(true), Some(mut body)) => {
            let mut take = |field| body.get_mut(field).map_or(Value::Null, Value::take);
            return Ok(Reply { operation, status, result: take("result"), info: take("result_info") });
        }
        // "No content": some deletes answer so. To a read it would say that nothing is there.
        (true, None, None) if status == 204 && response.body().is_empty() && operation.changes_something() => {
            return Ok(Reply { operation, status, result: Value::Null, info: Value::Null });
        }
        (true, None, _) => {
            let message = format!("{} bytes that are no envelope", response.body().len());
            ErrorKind::Unreadable { status, message }
        }
        (_, _, body) => ErrorKind::Refused(Refusal::read(response, body.as_ref(), hidden)),
    };
    Err(kind)
}

/// Each item of a list, read by `read`; an absent list is an empty one, an item that cannot be read spoils it.
pub(super) fn each<T>(list: &Value, read: fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    match list {
        Value::Null => Some(Vec::new()),
        Value::Array(items) => items.iter().map(read).collect(),
        _ => None,
    }
}

/// The text of a field.
pub(super) fn text(value: &Value, field: &str) -> Option<String> {
    value.get(field)?.as_str().map(str::to_owned)
}

/// `#[serde(deserialize_with)]` of a time in a reply: absent, null and unreadable are all `None`.
pub(super) fn lenient_time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value.as_str().and_then(Timestamp::parse))
}

/// `#[serde(deserialize_with)]` for replies in which a field may be `null` where the documentation says otherwise.
pub(super) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudflare::containers::NewApplication;
    use crate::cloudflare::secrets::Secret;
    use crate::cloudflare::testing::{ACCOUNT, TOKEN, client, logger, no, ok, raw};
    use crate::cloudflare::{SecretText, Verdict};
    use serde_json::json;

    #[tokio::test]
    async fn every_call_shows_the_token_and_asks_for_json() {
        let (client, far) = client([ok(json!([]))]);
        client.list_scripts().await.unwrap();
        let sent = far.only();
        assert_eq!(sent.line(), "GET workers/scripts");
        assert_eq!(sent.header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
        assert_eq!(sent.header("accept"), Some("application/json"));
        assert_eq!(sent.header("content-type"), None);
        assert!(sent.0.body().is_empty());
    }

    #[tokio::test]
    async fn the_token_is_never_printed() {
        let (client, far) = client([no(403, 10000, &format!("bad token {TOKEN}"))]);
        let error = client.get_bucket("b").await.unwrap_err();
        for text in [format!("{client:?}"), format!("{error:?} {error}"), format!("{:?}", far.only().0)] {
            assert!(!text.contains(TOKEN), "{text}");
        }
        assert_eq!(format!("{:?}", ApiToken::new(TOKEN)), "REDACTED");
    }

    #[tokio::test]
    async fn an_answer_that_quotes_a_secret_does_not_bring_it_into_the_error() {
        // Long enough that the cut falls into the value.
        let quoting = format!("{} s3cret-value is not valid", "x".repeat(293));
        let (client, _) = client([no(400, 10021, "s3cret-value is not valid"), no(400, 10021, &quoting)]);
        let value = SecretText::new("s3cret-value");
        let secret = Secret::new("NAME", value);
        let error = client.patch_secrets("s", std::slice::from_ref(&secret), &[]).await.unwrap_err();
        assert_eq!(error.to_string(), "workers.secret.patch: status 400, code 10021: REDACTED is not valid");
        let error = client.patch_secrets("s", &[secret], &[]).await.unwrap_err();
        assert!(!error.to_string().contains("s3"), "{error}");
    }

    #[tokio::test]
    async fn what_cannot_be_sent_is_not_sent() {
        let (good, far) = client([]);
        let bad_token = Client::new(far.clone(), "https://api.test", ACCOUNT, ApiToken::new("a\nb"), logger());
        let bad_base = Client::new(far.clone(), "no address", ACCOUNT, ApiToken::new(TOKEN), logger());
        for error in [
            good.delete_script("").await.unwrap_err(),
            good.delete_bucket("..").await.unwrap_err(),
            good.delete_bucket("a/../../c").await.unwrap_err(),
            bad_token.get_bucket("b").await.unwrap_err(),
            bad_base.delete_bucket("b").await.unwrap_err(),
        ] {
            assert!(matches!(error.kind, ErrorKind::Unsendable(_)), "{error:?}");
            assert_eq!((error.verdict(), error.may_have_acted()), (Verdict::Never, false));
        }
        assert!(far.sent().is_empty());
    }

    #[tokio::test]
    async fn a_name_cannot_reach_out_of_its_place_in_the_address() {
        let (client, far) = client([ok(json!(null))]);
        client.delete_script("a/b?force=false&x=#y").await.unwrap();
        assert_eq!(far.only().line(), "DELETE workers/scripts/a%2Fb%3Fforce%3Dfalse%26x%3D%23y?force=true");
    }

    #[tokio::test]
    async fn a_success_without_the_needed_fields_is_looked_at_again() {
        let (client, _) = client([ok(json!({ "nom": "b" })), ok(json!(null)), raw(200, "{}")]);
        let new = NewApplication {
            name: "a",
            script_name: "s",
            class_name: "C",
            image: "i",
            instance_type: "lite",
            max_instances: 1,
        };
        for _ in 0..3 {
            let error = client.create_application(&new).await.unwrap_err();
            assert!(matches!(error.kind, ErrorKind::Unreadable { status: 200, .. }), "{error:?}");
            assert_eq!((error.verdict(), error.may_have_acted()), (Verdict::LookAgain, true));
        }
    }

    #[tokio::test]
    async fn no_content_is_a_success() {
        let (client, _) = client([raw(204, "")]);
        assert_eq!(client.delete_application("id").await, Ok(()));
    }

    #[tokio::test]
    async fn no_content_is_no_answer_to_a_read_and_what_has_a_body_is_not_without_content() {
        let (client, _) = client([raw(204, ""), raw(204, "<html>")]);
        let nothing = client.list_scripts().await.unwrap_err();
        assert_eq!((nothing.verdict(), client.delete_application("id").await.is_ok()), (Verdict::LookAgain, false));
    }

    #[test]
    fn calls_can_be_awaited_on_any_thread() {
        fn sendable(_: impl Send) {}
        let (client, _) = client([]);
        sendable(client.get_bucket("b"));
        sendable(client.list_namespaces(None));
        sendable(client.patch_secrets("s", &[], &[]));
    }
}

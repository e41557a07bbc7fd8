//! A far side for tests: hands out prepared replies and keeps what was sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use serde_json::{Value, json};

use super::{ApiToken, Client, Error, ErrorKind, Operation, Refusal, Transport, TransportError};
use crate::clock::{ManualClock, Timestamp};
use crate::log::{Logger, MemoryLog};

/// The account and token of every test.
pub(super) const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
pub(super) const TOKEN: &str = "token-that-must-never-be-printed";

pub(super) type Answer = Result<Response<Bytes>, TransportError>;

/// Prepared answers, and the requests that got them.
#[derive(Default)]
pub(super) struct Recorder {
    answers: Mutex<VecDeque<Answer>>,
    requests: Mutex<Vec<Request<Bytes>>>,
}

impl Transport for Recorder {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Answer> {
        self.requests.lock().unwrap().push(request);
        let answer = self.answers.lock().unwrap().pop_front().expect("one call more than there are answers");
        async move { answer }.boxed()
    }
}

/// One request as tests compare it.
pub(super) struct Sent(pub(super) Request<Bytes>);

impl Sent {
    /// Method and address below the account: `GET r2/buckets?per_page=1000`.
    pub(super) fn line(&self) -> String {
        let address = self.0.uri().to_string();
        let below = address.strip_prefix(&format!("https://api.test/client/v4/accounts/{ACCOUNT}/")).unwrap();
        format!("{} {below}", self.0.method())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.0.headers().get(name).map(|value| value.to_str().unwrap())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(self.0.body()).unwrap()
    }

    /// The form, read by another implementation: name, file name, content type, body of each part.
    pub(super) async fn form(&self) -> Vec<(String, Option<String>, Option<String>, Bytes)> {
        let boundary = multer::parse_boundary(self.header("content-type").unwrap()).unwrap();
        let body = self.0.body().clone();
        let mut form =
            multer::Multipart::new(futures_util::stream::once(async { Ok::<_, multer::Error>(body) }), boundary);
        let mut parts = Vec::new();
        while let Some(part) = form.next_field().await.unwrap() {
            let name = part.name().unwrap().to_owned();
            let file_name = part.file_name().map(str::to_owned);
            let content_type = part.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
            parts.push((name, file_name, content_type, part.bytes().await.unwrap()));
        }
        parts
    }
}

/// A client whose far side gives these answers, one a call.
pub(super) fn client(answers: impl IntoIterator<Item = Answer>) -> (Client, Arc<Recorder>) {
    let recorder = Arc::new(Recorder { answers: Mutex::new(answers.into_iter().collect()), ..Recorder::default() });
    let token = ApiToken::new(TOKEN);
    let client = Client::new(recorder.clone(), "https://api.test/client/v4/", ACCOUNT, token, logger());
    (client, recorder)
}

/// A logger of which nobody reads.
pub(super) fn logger() -> Logger {
    Logger::new(Arc::new(MemoryLog::default()), Arc::new(ManualClock::at(Timestamp(0))))
}

impl Recorder {
    /// What was sent so far.
    pub(super) fn sent(&self) -> Vec<Sent> {
        self.requests.lock().unwrap().drain(..).map(Sent).collect()
    }

    /// The one request that was sent.
    pub(super) fn only(&self) -> Sent {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "exactly one call was expected");
        sent.remove(0)
    }
}

/// A success.
pub(super) fn ok(result: Value) -> Answer {
    ok_with(result, Value::Null)
}

/// A success with a `result_info`.
pub(super) fn ok_with(result: Value, info: Value) -> Answer {
    answer(200, &json!({ "success": true, "errors": [], "messages": [], "result": result, "result_info": info }))
}

/// A refusal with a code.
pub(super) fn no(status: u16, code: u32, message: &str) -> Answer {
    answer(status, &json!({ "success": false, "errors": [{ "code": code, "message": message }], "result": null }))
}

/// Any JSON body.
pub(super) fn answer(status: u16, body: &Value) -> Answer {
    raw(status, body.to_string())
}

/// Any body.
pub(super) fn raw(status: u16, body: impl Into<Bytes>) -> Answer {
    Ok(Response::builder().status(status).body(body.into()).unwrap())
}

/// A refusal by the API itself; 0 and the empty text stand for no code.
pub(super) fn refused(operation: Operation, status: u16, code: u32, text_code: &str) -> Error {
    let refusal = Refusal {
        status,
        code: (code != 0).then_some(code),
        text_code: (!text_code.is_empty()).then(|| text_code.to_owned()),
        from_api: true,
        ..Refusal::default()
    };
    Error { operation, kind: ErrorKind::Refused(refusal) }
}

//! The runtime that runs tenants for real: a process of its own, spoken to over HTTP.
//!
//! The process prints one line of JSON when it is ready, `{"control": "http://…", "tenants": "http://…"}`, and ends when its stdin
//! closes: so it never outlives the emulator, however that ends.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Mutex;

use crate::runtime::{Later, Listing, NewObject, ObjectInfo, ObjectPage, Runtime, RuntimeError};
use crate::worker::Worker;

/// How long the process may take to get ready, and to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// What may stand in a path as it is; `/` may, since keys keep theirs.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// Why the process could not be started.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// It could not be spawned, or its output not be read.
    #[error("the runner cannot be started")]
    Spawn(#[from] std::io::Error),
    /// It ended, or printed something else than its addresses.
    #[error("the runner did not say where it listens: {0:?}")]
    NotReady(String),
}

#[derive(Deserialize)]
struct Ready {
    control: String,
    tenants: String,
}

/// The running process.
#[derive(Debug)]
pub struct Runner {
    ready: Ready,
    client: Client<HttpConnector, Full<Bytes>>,
    child: Mutex<(Child, Option<ChildStdin>)>,
}

impl std::fmt::Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.control, self.tenants)
    }
}

impl Runner {
    /// Start `command`, a shell command, with `--state` and this directory added, and wait until it is ready.
    pub async fn start(command: &str, state: &Path) -> Result<Self, RunnerError> {
        let mut child = Command::new("sh")
            // `exec`, so that the process has the pipes itself; the directory as an argument, so that it needs no quoting.
            .args(["-c", &format!("exec {command} --state \"$1\""), "sh"])
            .arg(state)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Signals from the terminal go to the emulator, which then lets the runner end in order.
            .process_group(0)
            .spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let mut line = String::new();
        if let Some(stdout) = stdout {
            let mut lines = BufReader::new(stdout);
            let read = tokio::time::timeout(PATIENCE, lines.read_line(&mut line)).await;
            read.map_err(|_| RunnerError::NotReady("nothing for a minute".to_owned()))??;
        }
        let ready: Ready = serde_json::from_str(&line).map_err(|_| RunnerError::NotReady(line.clone()))?;
        let client = Client::builder(TokioExecutor::new()).build_http();
        Ok(Self { ready, client, child: Mutex::new((child, stdin)) })
    }

    /// Where tenants answer by their Host header, such as `http://127.0.0.1:4711`.
    pub fn tenants(&self) -> &str {
        &self.ready.tenants
    }

    /// Let the process end and wait for that.
    pub async fn stop(&self) {
        let mut guard = self.child.lock().await;
        let (child, stdin) = &mut *guard;
        drop(stdin.take());
        // A process that does not end by itself is the operator's to look at; the emulator must end all the same.
        let _ = tokio::time::timeout(Duration::from_secs(10), child.wait()).await;
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        content_type: Option<&str>,
        body: Bytes,
    ) -> Result<http::Response<Bytes>, RuntimeError> {
        let unavailable =
            |error: &dyn std::fmt::Display| RuntimeError::Unavailable(format!("{method} {path}: {error}"));
        let mut request = Request::builder().method(method.clone()).uri(format!("{}{path}", self.ready.control));
        if let Some(content_type) = content_type {
            request = request.header(header::CONTENT_TYPE, content_type);
        }
        let request = request.body(Full::new(body)).map_err(|error| unavailable(&error))?;
        let (head, body) = self.client.request(request).await.map_err(|error| unavailable(&error))?.into_parts();
        let body = body.collect().await.map_err(|error| unavailable(&error))?.to_bytes();
        let text = || String::from_utf8_lossy(&body).into_owned();
        match head.status {
            StatusCode::BAD_REQUEST => {
                #[derive(Deserialize)]
                struct Refusal {
                    error: String,
                }
                let refusal: Option<Refusal> = serde_json::from_slice(&body).ok();
                Err(RuntimeError::Startup(refusal.map_or_else(text, |refusal| refusal.error)))
            }
            status if status.is_success() || status == StatusCode::NOT_FOUND => {
                Ok(http::Response::from_parts(head, body))
            }
            status => Err(unavailable(&format!("{status} {}", text()))),
        }
    }

    async fn tell(&self, method: Method, path: String) -> Result<(), RuntimeError> {
        self.ask(method, &path, None, Bytes::new()).await.map(drop)
    }
}

fn encoded(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, PATH)
}

fn bucket_path(bucket: &str) -> String {
    format!("/buckets/{}", encoded(bucket))
}

fn object_path(bucket: &str, key: &str) -> String {
    format!("/buckets/{}/objects/{}", encoded(bucket), encoded(key))
}

fn listing_query(listing: &Listing) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("prefix", &listing.prefix).append_pair("limit", &listing.limit.to_string());
    for (name, value) in [("cursor", &listing.cursor), ("start_after", &listing.start_after)] {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

impl Runtime for Runner {
    fn put_bucket<'a>(&'a self, bucket: &'a str) -> Later<'a, ()> {
        Box::pin(self.tell(Method::PUT, bucket_path(bucket)))
    }

    fn delete_bucket<'a>(&'a self, bucket: &'a str) -> Later<'a, ()> {
        Box::pin(self.tell(Method::DELETE, bucket_path(bucket)))
    }

    fn list<'a>(&'a self, bucket: &'a str, listing: Listing) -> Later<'a, ObjectPage> {
        Box::pin(async move {
            let path = format!("{}/objects?{}", bucket_path(bucket), listing_query(&listing));
            let response = self.ask(Method::GET, &path, None, Bytes::new()).await?;
            serde_json::from_slice(response.body()).map_err(|error| RuntimeError::Unavailable(error.to_string()))
        })
    }

    fn get<'a>(&'a self, bucket: &'a str, key: &'a str) -> Later<'a, Option<(ObjectInfo, Bytes)>> {
        Box::pin(async move {
            let response = self.ask(Method::GET, &object_path(bucket, key), None, Bytes::new()).await?;
            if response.status() == StatusCode::NOT_FOUND {
                return Ok(None);
            }
            let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
            let info = ObjectInfo {
                key: key.to_owned(),
                size: response.body().len() as u64,
                etag: text(header::ETAG).unwrap_or_default().trim_matches('"').to_owned(),
                uploaded: 0,
                content_type: text(header::CONTENT_TYPE),
            };
            Ok(Some((info, response.into_body())))
        })
    }

    fn put<'a>(&'a self, bucket: &'a str, object: NewObject) -> Later<'a, ObjectInfo> {
        Box::pin(async move {
            let NewObject { key, content_type, bytes, now } = object;
            let size = bytes.len() as u64;
            let response =
                self.ask(Method::PUT, &object_path(bucket, &key), content_type.as_deref(), bytes.clone()).await?;
            #[derive(Deserialize)]
            struct Put {
                etag: String,
            }
            let put: Option<Put> = serde_json::from_slice(response.body()).ok();
            let etag = put.map_or_else(|| crate::world::hex_sha256(&bytes), |put| put.etag);
            Ok(ObjectInfo { key, size, etag, uploaded: now, content_type })
        })
    }

    fn delete<'a>(&'a self, bucket: &'a str, key: &'a str) -> Later<'a, ()> {
        Box::pin(self.tell(Method::DELETE, object_path(bucket, key)))
    }

    fn put_worker(&self, worker: Worker) -> Later<'_, ()> {
        Box::pin(async move {
            let path = format!("/workers/{}", encoded(&worker.script));
            let body = serde_json::to_vec(&worker).map_err(|error| RuntimeError::Unavailable(error.to_string()))?;
            self.ask(Method::PUT, &path, Some("application/json"), Bytes::from(body)).await.map(drop)
        })
    }

    fn delete_worker<'a>(&'a self, script: &'a str) -> Later<'a, ()> {
        Box::pin(self.tell(Method::DELETE, format!("/workers/{}", encoded(script))))
    }

    fn run_cron<'a>(&'a self, script: &'a str, cron: &'a str) -> Later<'a, ()> {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("cron", cron).finish();
        Box::pin(self.tell(Method::POST, format!("/workers/{}/scheduled?{query}", encoded(script))))
    }
}

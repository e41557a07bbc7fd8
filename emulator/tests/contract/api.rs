//! A client of the emulator in process, as plain as can be: it must not know better than a real one.

use bytes::Bytes;
use cloudflare_emulator::{Dropped, Emulator, Options};
use http::{Request, Response};
use serde_json::{Value, json};

pub const ACCOUNT: &str = "0123456789abcdef0123456789abcdef";
pub const IMAGE: &str = "registry.cloudflare.com/0123456789abcdef0123456789abcdef/openclaw-sandbox:v1";

/// An emulator and the account's paths.
pub struct Api {
    pub emulator: Emulator,
}

/// Status and body of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Answer {
    /// The result of a call that succeeded.
    #[track_caller]
    pub fn result(&self) -> &Value {
        assert_eq!(self.body["success"], json!(true), "{self:?}");
        &self.body["result"]
    }

    /// Status and code of a refusal.
    #[track_caller]
    pub fn refusal(&self) -> (u16, u64) {
        assert_eq!(self.body["success"], json!(false), "{self:?}");
        (self.status, self.body["errors"][0]["code"].as_u64().unwrap())
    }

    /// The `error` of a containers refusal, whose message is JSON once more.
    #[track_caller]
    pub fn container_error(&self) -> String {
        let message: Value = serde_json::from_str(self.body["errors"][0]["message"].as_str().unwrap()).unwrap();
        message["error"].as_str().unwrap().to_owned()
    }
}

impl Api {
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        Self { emulator: Emulator::new(options) }
    }

    pub async fn raw(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Response<Bytes>, Dropped> {
        let mut request = Request::builder().method(method).uri(format!("/client/v4{path}"));
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", "Bearer dev");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.emulator.handle(request.body(body.into()).unwrap()).await
    }

    /// Below the account; `Null` for no body.
    pub async fn try_call(&self, method: &str, path: &str, body: Value) -> Result<Answer, Dropped> {
        let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let path = format!("/accounts/{ACCOUNT}{path}");
        let response = self.raw(method, &path, &[("content-type", "application/json")], bytes).await?;
        let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        Ok(Answer { status: response.status().as_u16(), body })
    }

    pub async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        self.try_call(method, path, body).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, Value::Null).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, Value::Null).await
    }

    /// Multipart under a token of its own, or the account's.
    pub async fn form(&self, method: &str, path: &str, token: &str, parts: &[Part<'_>]) -> Result<Answer, Dropped> {
        let mut body = Vec::new();
        for Part(name, content_type, bytes) in parts {
            let filename = if content_type.is_empty() { String::new() } else { format!("; filename=\"{name}\"") };
            body.extend(format!("--b0undary\r\ncontent-disposition: form-data; name=\"{name}\"{filename}\r\n").bytes());
            if !content_type.is_empty() {
                body.extend(format!("content-type: {content_type}\r\n").bytes());
            }
            body.extend(b"\r\n");
            body.extend(*bytes);
            body.extend(b"\r\n");
        }
        body.extend(b"--b0undary--\r\n");
        let path = format!("/accounts/{ACCOUNT}{path}");
        let authorization = format!("Bearer {token}");
        let headers =
            [("content-type", "multipart/form-data; boundary=b0undary"), ("authorization", authorization.as_str())];
        let response = self.raw(method, &path, &headers, body).await?;
        let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        Ok(Answer { status: response.status().as_u16(), body })
    }

    pub async fn try_upload(&self, script: &str, metadata: &Value) -> Result<Answer, Dropped> {
        let metadata = metadata.to_string();
        let parts =
            [Part("metadata", "", metadata.as_bytes()), Part("index.js", "application/javascript+module", MODULE)];
        self.form("PUT", &format!("/workers/scripts/{script}?bindings_inherit=strict"), "dev", &parts).await
    }

    pub async fn upload(&self, script: &str, metadata: Value) -> Answer {
        self.try_upload(script, &metadata).await.unwrap()
    }

    pub async fn bucket(&self, name: &str) {
        self.call("POST", "/r2/buckets", json!({"name": name})).await.result();
    }

    /// Id of the namespace of `Sandbox` in this script.
    pub async fn namespace(&self, script: &str) -> String {
        let answer = self.get("/workers/durable_objects/namespaces?per_page=1000").await;
        let found = answer.result().as_array().unwrap().iter().find(|n| n["script"] == json!(script)).cloned();
        found.unwrap()["id"].as_str().unwrap().to_owned()
    }

    pub async fn secret_names(&self, script: &str) -> Vec<String> {
        let answer = self.get(&format!("/workers/scripts/{script}/secrets")).await;
        answer.result().as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap().to_owned()).collect()
    }
}

/// Name, content type (none: a plain field), bytes.
pub struct Part<'a>(pub &'a str, pub &'a str, pub &'a [u8]);

pub const MODULE: &[u8] =
    b"export class Sandbox {}\nexport default { fetch() { return new Response('hi') }, scheduled() {} };";

/// The smallest metadata.
pub fn plain() -> Value {
    json!({"main_module": "index.js", "bindings": []})
}

/// A tenant's first upload, without its bucket and assets.
pub fn tenant() -> Value {
    json!({
        "main_module": "index.js",
        "bindings": [
            {"type": "plain_text", "name": "ENVIRONMENT", "text": "alice"},
            {"type": "durable_object_namespace", "name": "Sandbox", "class_name": "Sandbox"},
        ],
        "containers": [{"name": "moltbot-alice", "class_name": "Sandbox"}],
        "migrations": {"new_tag": "v1", "steps": [{"new_sqlite_classes": ["Sandbox"]}]},
        "keep_bindings": ["secret_text", "secret_key"],
        "compatibility_date": "2025-05-06",
        "compatibility_flags": ["nodejs_compat"],
        "observability": {"enabled": true},
        "tags": ["ours"],
    })
}

/// The same with `field` set to `value`; `Null` takes it away.
pub fn with(mut metadata: Value, field: &str, value: Value) -> Value {
    let fields = metadata.as_object_mut().unwrap();
    if value.is_null() {
        fields.remove(field);
    } else {
        fields.insert(field.to_owned(), value);
    }
    metadata
}

/// A container application for this namespace.
pub fn application(name: &str, namespace: &str) -> Value {
    json!({
        "name": name,
        "scheduling_policy": "default",
        "configuration": {"image": IMAGE, "instance_type": "standard-1"},
        "instances": 0,
        "max_instances": 1,
        "durable_objects": {"namespace_id": namespace},
    })
}

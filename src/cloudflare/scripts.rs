//! Worker scripts: upload, settings, list, delete.
//!
//! The upload's metadata has the form that wrangler 4.164 writes for `wrangler deploy`.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use super::binding::Binding;
use super::client::{Client, each, or_default, text};
use super::error::Error;
use super::multipart::File;
use super::operation::Operation;
use super::secret_text::{SecretText, exposed};

/// A whole Worker: what it is made of and what it is given.
#[derive(Clone, Debug)]
pub struct ScriptUpload {
    /// Everything but the code.
    pub metadata: Metadata,
    /// The code; the main module is found by its name.
    pub modules: Vec<Module>,
}

/// One module of a Worker.
#[derive(Clone, Debug)]
pub struct Module {
    /// Its path, as the other modules import it.
    pub name: String,
    /// `application/javascript+module`, `application/wasm`, `text/plain`, `application/octet-stream`,
    /// `application/source-map`.
    pub content_type: String,
    /// Its bytes, shared with the release it is from.
    pub body: Bytes,
}

/// The `metadata` part of an upload.
/// <https://developers.cloudflare.com/workers/configuration/multipart-upload-metadata/>
#[derive(Clone, Debug, Serialize)]
pub struct Metadata {
    /// Name of the module that is run.
    pub main_module: String,
    /// All bindings. What is neither here nor under [`Self::keep_bindings`] is gone afterwards.
    pub bindings: Vec<Binding>,
    /// Classes that run in containers. Only the upload that creates a class can mark it so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<ContainerClass>,
    /// `YYYY-MM-DD`.
    pub compatibility_date: String,
    /// `nodejs_compat`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub compatibility_flags: Vec<String>,
    /// Durable Object migrations. `None` once the script's tag is the newest: a repeat fails its precondition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub migrations: Option<Migrations>,
    /// How soon running Durable Objects take the new code. For scripts with classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code_update_strategy: Option<CodeUpdateStrategy>,
    /// Types of bindings that stay though they are not listed. See [`Metadata::KEEP_SECRETS`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keep_bindings: Vec<&'static str>,
    /// Static assets. `None`: none, unless [`Self::keep_assets`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assets: Option<Assets>,
    /// Keeps the assets that the script has.
    #[serde(skip_serializing_if = "is_false")]
    pub keep_assets: bool,
    /// Logs and traces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observability: Option<Observability>,
    /// Marks of our own, to find the script again and to tell that it is ours.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

impl Metadata {
    /// What wrangler always sends as `keep_bindings`: without it an upload drops every secret that it does not carry.
    pub const KEEP_SECRETS: [&'static str; 2] = ["secret_text", "secret_key"];
}

/// A class that runs in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ContainerClass {
    /// Name of the container application that will be made for it.
    pub name: String,
    /// The Durable Object class.
    pub class_name: String,
}

/// Durable Object migrations from one tag to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Migrations {
    /// The tag that the script has; `None` if it has none. Another one fails the upload's precondition (10079).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_tag: Option<String>,
    /// The tag that it has afterwards.
    pub new_tag: String,
    /// What lies between, in order: `new_sqlite_classes` and its kin as in a wrangler configuration.
    pub steps: Vec<Map<String, Value>>,
}

/// How soon running Durable Objects take new code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CodeUpdateStrategy {
    /// `deferred` or `immediate`.
    pub mode: &'static str,
    /// Seconds that they may keep the old code, up to 86,400.
    pub max_delay: u32,
}

impl CodeUpdateStrategy {
    /// What wrangler sends: old code for at most five minutes.
    pub const DEFERRED: Self = Self { mode: "deferred", max_delay: 300 };
}

/// Static assets of an upload.
#[derive(Clone, Debug, Serialize)]
pub struct Assets {
    /// The last token of the assets' upload.
    #[serde(serialize_with = "exposed")]
    pub jwt: SecretText,
    /// `html_handling`, `not_found_handling`, `run_worker_first`, … as in a wrangler configuration.
    pub config: Map<String, Value>,
}

/// Logs and traces of a Worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Observability {
    /// Whether they are kept.
    pub enabled: bool,
}

/// A script as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptInfo {
    /// Its name.
    pub id: String,
    /// Cloudflare's own id of the Worker, which a rename keeps and a deletion ends.
    pub tag: Option<String>,
    /// Our marks.
    pub tags: Vec<String>,
}

impl ScriptInfo {
    fn read(value: &Value) -> Option<Self> {
        let tags = tags_of(value)?;
        Some(Self { id: text(value, "id")?, tag: text(value, "tag"), tags })
    }
}

fn tags_of(value: &Value) -> Option<Vec<String>> {
    each(value.get("tags").unwrap_or(&Value::Null), |tag| tag.as_str().map(str::to_owned))
}

/// A script as its service shows it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ServiceScript {
    /// As [`ScriptInfo::tag`].
    #[serde(default)]
    pub tag: Option<String>,
    /// Our marks.
    #[serde(default, deserialize_with = "or_default")]
    pub tags: Vec<String>,
    /// Last Durable Object migration.
    #[serde(default)]
    pub migration_tag: Option<String>,
}

#[derive(Deserialize)]
struct Service {
    default_environment: ServiceEnvironment,
}

#[derive(Deserialize)]
struct ServiceEnvironment {
    script: ServiceScript,
}

/// What a script is given, as its settings show it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScriptSettings {
    /// Bindings in Cloudflare's form; of a secret no more than type and name.
    pub bindings: Vec<Map<String, Value>>,
    /// Our marks.
    pub tags: Vec<String>,
}

impl ScriptSettings {
    fn read(value: &Value) -> Option<Self> {
        let bindings = each(value.get("bindings")?, |binding| binding.as_object().cloned())?;
        Some(Self { bindings, tags: tags_of(value)? })
    }
}

fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Client {
    /// `PUT workers/scripts/{script}`: creates or replaces the script and deploys it at once, secrets among the
    /// bindings included. Twice: another version with the same behaviour, except that migrations fail their
    /// precondition ([`Verdict::LookAgain`](super::Verdict::LookAgain)).
    pub async fn upload_script(&self, script: &str, upload: &ScriptUpload) -> Result<(), Error> {
        let call = self.call(Operation::ScriptUpload, &[script]);
        let call = call.query("excludeScript", "true").query("bindings_inherit", "strict");
        let modules = upload.modules.iter().map(|module| File {
            path: module.name.clone(),
            content_type: module.content_type.clone(),
            body: module.body.clone(),
        });
        let call = call.hide(upload.metadata.bindings.iter().filter_map(Binding::secret));
        let call = call.hide(upload.metadata.assets.iter().map(|assets| &assets.jwt));
        call.json_form("metadata", &upload.metadata, modules).run().await
    }

    /// `GET workers/scripts`: all of them, in one page.
    pub async fn list_scripts(&self) -> Result<Vec<ScriptInfo>, Error> {
        self.call(Operation::ScriptList, &[]).pick(|list| each(list, ScriptInfo::read)).await
    }

    /// `DELETE workers/scripts/{script}?force=true`: with it go its secrets, crons, hostname and Durable Object
    /// namespaces, but not its container application. Twice: [`Verdict::Done`](super::Verdict::Done).
    pub async fn delete_script(&self, script: &str) -> Result<(), Error> {
        self.call(Operation::ScriptDelete, &[script]).query("force", "true").run().await
    }

    /// `GET workers/services/{script}`: where wrangler, too, sees whether a script exists and which Durable Object
    /// migration it is at; its settings do not tell.
    pub async fn get_service_script(&self, script: &str) -> Result<ServiceScript, Error> {
        let service: Service = self.call(Operation::ServiceGet, &[script]).fetch().await?;
        Ok(service.default_environment.script)
    }

    /// `GET workers/scripts/{script}/settings`: of the version that is deployed.
    pub async fn get_script_settings(&self, script: &str) -> Result<ScriptSettings, Error> {
        self.call(Operation::ScriptSettingsGet, &[script]).pick(ScriptSettings::read).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudflare::secrets::Secret;
    use crate::cloudflare::testing::{client, ok};
    use serde_json::json;

    fn fields(value: Value) -> Map<String, Value> {
        let Value::Object(fields) = value else { unreachable!() };
        fields
    }

    fn other(binding: Value) -> Binding {
        Binding::Other(fields(binding))
    }

    /// What wrangler uploaded in the recorded first deploy with a secrets file, in short.
    fn first_upload() -> ScriptUpload {
        let name = |name: &str| name.to_owned();
        let config = fields(json!({
            "html_handling": "auto-trailing-slash", "not_found_handling": "single-page-application", "run_worker_first": true,
        }));
        ScriptUpload {
            metadata: Metadata {
                main_module: name("index.js"),
                bindings: vec![
                    other(json!({ "name": "ENVIRONMENT", "type": "plain_text", "text": "bob" })),
                    Binding::Secret(Secret::new("ANTHROPIC_API_KEY", SecretText::new("s3cret"))),
                    other(json!({ "name": "Sandbox", "type": "durable_object_namespace", "class_name": "Sandbox" })),
                    other(json!({ "name": "MOLTBOT_BUCKET", "type": "r2_bucket", "bucket_name": "moltbot-data-bob" })),
                    other(json!({ "name": "BROWSER", "type": "browser" })),
                    other(json!({ "name": "ASSETS", "type": "assets" })),
                ],
                containers: vec![ContainerClass {
                    name: name("paramita-cloud-bob-sandbox"),
                    class_name: name("Sandbox"),
                }],
                compatibility_date: name("2025-05-06"),
                compatibility_flags: vec![name("nodejs_compat")],
                migrations: Some(Migrations {
                    old_tag: None,
                    new_tag: name("v1"),
                    steps: vec![fields(json!({ "new_sqlite_classes": ["Sandbox"] }))],
                }),
                code_update_strategy: Some(CodeUpdateStrategy::DEFERRED),
                keep_bindings: Metadata::KEEP_SECRETS.to_vec(),
                assets: Some(Assets { jwt: SecretText::new("completion.jwt"), config }),
                keep_assets: false,
                observability: Some(Observability { enabled: true }),
                tags: vec![],
            },
            modules: vec![
                Module {
                    name: name("index.js"),
                    content_type: name("application/javascript+module"),
                    body: Bytes::from_static(b"export default {}"),
                },
                Module {
                    name: name("./4b48-loading.html"),
                    content_type: name("text/plain"),
                    body: Bytes::from_static(b"<!doctype html>\r\n\0\xff"),
                },
            ],
        }
    }

    #[tokio::test]
    async fn a_first_upload_has_the_recorded_form() {
        let (client, far) =
            client([ok(json!({ "id": "paramita-cloud-bob", "migration_tag": "v1", "startup_time_ms": 9 }))]);
        client.upload_script("paramita-cloud-bob", &first_upload()).await.unwrap();

        let sent = far.only();
        assert_eq!(sent.line(), "PUT workers/scripts/paramita-cloud-bob?excludeScript=true&bindings_inherit=strict");
        let parts = sent.form().await;
        let (name, file_name, content_type, metadata) = &parts[0];
        assert_eq!((name.as_str(), file_name, content_type), ("metadata", &None, &None));
        let expected = json!({
            "main_module": "index.js",
            "bindings": [
                { "name": "ENVIRONMENT", "type": "plain_text", "text": "bob" },
                { "name": "ANTHROPIC_API_KEY", "type": "secret_text", "text": "s3cret" },
                { "name": "Sandbox", "type": "durable_object_namespace", "class_name": "Sandbox" },
                { "name": "MOLTBOT_BUCKET", "type": "r2_bucket", "bucket_name": "moltbot-data-bob" },
                { "name": "BROWSER", "type": "browser" },
                { "name": "ASSETS", "type": "assets" },
            ],
            "containers": [{ "name": "paramita-cloud-bob-sandbox", "class_name": "Sandbox" }],
            "compatibility_date": "2025-05-06",
            "compatibility_flags": ["nodejs_compat"],
            "migrations": { "new_tag": "v1", "steps": [{ "new_sqlite_classes": ["Sandbox"] }] },
            "code_update_strategy": { "mode": "deferred", "max_delay": 300 },
            "keep_bindings": ["secret_text", "secret_key"],
            "assets": {
                "jwt": "completion.jwt",
                "config": {
                    "html_handling": "auto-trailing-slash",
                    "not_found_handling": "single-page-application",
                    "run_worker_first": true,
                },
            },
            "observability": { "enabled": true },
        });
        assert_eq!(serde_json::from_slice::<Value>(metadata).unwrap(), expected);

        let files: Vec<_> = parts[1..]
            .iter()
            .map(|(name, file, kind, body)| (name.as_str(), file.as_deref(), kind.as_deref(), &body[..]))
            .collect();
        assert_eq!(
            files,
            [
                ("index.js", Some("index.js"), Some("application/javascript+module"), &b"export default {}"[..]),
                (
                    "./4b48-loading.html",
                    Some("./4b48-loading.html"),
                    Some("text/plain"),
                    &b"<!doctype html>\r\n\0\xff"[..]
                ),
            ]
        );
    }

    #[test]
    fn a_later_upload_differs_from_the_first_only_where_it_was_recorded_to() {
        let first = serde_json::to_value(first_upload().metadata).unwrap();
        let mut metadata = first_upload().metadata;
        metadata.migrations = None;
        metadata.assets = None;
        metadata.keep_assets = true;
        metadata.tags = vec!["paramita".to_owned()];
        let mut expected = first;
        let fields = expected.as_object_mut().unwrap();
        fields.remove("migrations").unwrap();
        fields.remove("assets").unwrap();
        fields.insert("keep_assets".to_owned(), json!(true));
        fields.insert("tags".to_owned(), json!(["paramita"]));
        assert_eq!(serde_json::to_value(metadata).unwrap(), expected);

        let newer = Migrations { old_tag: Some("v1".to_owned()), new_tag: "v2".to_owned(), steps: vec![] };
        assert_eq!(serde_json::to_value(newer).unwrap(), json!({ "old_tag": "v1", "new_tag": "v2", "steps": [] }));
    }

    #[test]
    fn an_upload_can_be_printed_without_its_secrets() {
        let printed = format!("{:?}", first_upload());
        assert!(printed.contains("ANTHROPIC_API_KEY") && printed.contains("REDACTED"));
        assert!(!printed.contains("s3cret") && !printed.contains("completion.jwt"), "{printed}");
    }

    #[tokio::test]
    async fn a_script_is_seen_through_its_service_whatever_else_that_holds() {
        let service = |script: Value| ok(json!({ "id": "s", "default_environment": { "script": script } }));
        let (client, far) = client([
            service(json!({ "tags": null, "migration_tag": "v1", "etag": "x" })),
            service(json!({ "tags": ["paramita"] })),
        ]);
        let seen = client.get_service_script("s").await.unwrap();
        assert_eq!(seen, ServiceScript { tag: None, tags: vec![], migration_tag: Some("v1".to_owned()) });
        let seen = client.get_service_script("s").await.unwrap();
        assert_eq!(seen, ServiceScript { tag: None, tags: vec!["paramita".to_owned()], migration_tag: None });
        assert_eq!(far.sent()[0].line(), "GET workers/services/s");
    }

    #[tokio::test]
    async fn settings_and_lists_are_read_whatever_else_they_hold_and_never_half() {
        let script = json!({ "id": "s", "tag": "e1", "tags": ["paramita"], "etag": "x", "logpush": false });
        let (client, far) = client([
            ok(json!({ "bindings": [{ "type": "secret_text", "name": "A" }], "tags": null, "logpush": false })),
            ok(json!({ "tags": ["paramita"] })),
            ok(json!([script, { "id": "t", "tags": null }])),
            ok(json!(null)),
            ok(json!([{ "id": "s" }, { "name": "no id" }])),
        ]);
        let seen = client.get_script_settings("s").await.unwrap();
        let bindings = vec![fields(json!({ "type": "secret_text", "name": "A" }))];
        assert_eq!(seen, ScriptSettings { bindings, tags: Vec::new() });
        let error = client.get_script_settings("s").await.unwrap_err();
        assert_eq!(error.verdict(), crate::cloudflare::Verdict::LookAgain, "no bindings shown is not the same as none");

        let info = |id: &str, tag: Option<&str>, tags: &[&str]| ScriptInfo {
            id: id.to_owned(),
            tag: tag.map(str::to_owned),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        };
        let listed = client.list_scripts().await.unwrap();
        assert_eq!(listed, [info("s", Some("e1"), &["paramita"]), info("t", None, &[])]);
        assert_eq!(client.list_scripts().await.unwrap(), []);
        assert!(client.list_scripts().await.is_err(), "a list with a hole is not a whole one");
        let sent = far.sent();
        assert_eq!(
            (sent[0].line(), sent[2].line()),
            ("GET workers/scripts/s/settings".into(), "GET workers/scripts".into())
        );
    }

    #[tokio::test]
    async fn settings_without_tags_are_read_and_those_without_bindings_are_not_taken_for_bare() {
        let secret = json!({ "name": "KEY", "type": "secret_text" });
        let full = json!({ "bindings": [secret], "tags": ["ours"], "usage_model": "standard" });
        let (client, far) = client([ok(full), ok(json!({ "bindings": [], "tags": null })), ok(json!({}))]);
        let settings = client.get_script_settings("s").await.unwrap();
        assert_eq!(settings, ScriptSettings { bindings: vec![fields(secret)], tags: vec!["ours".to_owned()] });
        assert_eq!(far.only().line(), "GET workers/scripts/s/settings");
        assert_eq!(client.get_script_settings("s").await.unwrap(), ScriptSettings::default());
        assert!(client.get_script_settings("s").await.is_err());
    }
}

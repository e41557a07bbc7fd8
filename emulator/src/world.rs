//! What exists in the emulated account. Plain data: no I/O, no rules beyond looking things up.
//!
//! Everything here is serialised into the snapshot except the bytes of modules and assets, which are kept beside it by
//! content hash. Cloning is cheap enough to keep a few earlier worlds for stale reads: the bytes are shared.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::turnstile::Challenge;

/// Makes ids that are the same in every run with the same seed and the same calls.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ids {
    seed: u64,
    next: u64,
}

impl Ids {
    /// 32 lower-case hex digits, as Cloudflare's tags and namespace ids are.
    pub(crate) fn hex(&mut self) -> String {
        self.next += 1;
        let mut digest = hex_sha256(format!("{}/{}", self.seed, self.next).as_bytes());
        digest.truncate(32);
        digest
    }

    /// The same digits in the grouping of a UUID, as version, deployment and application ids are.
    pub(crate) fn uuid(&mut self) -> String {
        let hex = self.hex();
        let mut uuid = String::with_capacity(36);
        for (at, digit) in hex.chars().enumerate() {
            if matches!(at, 8 | 12 | 16 | 20) {
                uuid.push('-');
            }
            uuid.push(digit);
        }
        uuid
    }
}

/// Lower-case hex SHA-256.
pub(crate) fn hex_sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Bytes known by their hash; the snapshot holds the hash only.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Blob {
    pub sha256: String,
    pub size: u64,
    #[serde(skip)]
    pub bytes: Bytes,
}

impl Blob {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self { sha256: hex_sha256(&bytes), size: bytes.len() as u64, bytes }
    }
}

/// The whole account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct World {
    pub ids: Ids,
    /// The account's workers.dev subdomain; `None` until it is claimed.
    pub subdomain: Option<String>,
    /// By [`bucket_key`].
    pub buckets: BTreeMap<String, Bucket>,
    pub scripts: BTreeMap<String, Script>,
    /// In the order of their making.
    pub namespaces: Vec<Namespace>,
    /// In the order of their making. Outlive their script and their namespace.
    pub applications: Vec<Application>,
    /// Assets upload sessions by their token, the completion token included.
    pub sessions: BTreeMap<String, AssetSession>,
    /// Uploaded asset files: script → hash → file. Kept per script: whether uploads count across scripts is not known.
    pub assets: BTreeMap<String, BTreeMap<String, AssetFile>>,
    pub jobs: Vec<Job>,
    #[serde(default)]
    pub uploads: Vec<Upload>,
    /// By the bucket that they write to.
    #[serde(default)]
    pub writers: BTreeMap<String, Writer>,
    /// Turnstile challenges that were solved, by token.
    #[serde(default)]
    pub challenges: BTreeMap<String, Challenge>,
    /// How often the keys of Access were rotated.
    #[serde(default)]
    pub access_rotations: u64,
}

impl World {
    pub(crate) fn new(seed: u64, subdomain: Option<String>) -> Self {
        Self {
            ids: Ids { seed, next: 0 },
            subdomain,
            buckets: BTreeMap::new(),
            scripts: BTreeMap::new(),
            namespaces: Vec::new(),
            applications: Vec::new(),
            sessions: BTreeMap::new(),
            assets: BTreeMap::new(),
            jobs: Vec::new(),
            uploads: Vec::new(),
            writers: BTreeMap::new(),
            challenges: BTreeMap::new(),
            access_rotations: 0,
        }
    }

    pub(crate) fn namespace_of(&self, script: &str, class: &str) -> Option<&Namespace> {
        self.namespaces.iter().find(|n| n.script == script && n.class == class)
    }

    /// Every blob, for storing.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = &Blob> {
        let modules = self.scripts.values().flat_map(|s| &s.versions).flat_map(|v| &v.modules);
        let files = self.assets.values().flat_map(BTreeMap::values);
        modules.map(|m| &m.content).chain(files.map(|f| &f.content))
    }

    /// Every blob, for filling in after a restart.
    pub(crate) fn blobs_mut(&mut self) -> impl Iterator<Item = &mut Blob> {
        let modules = self.scripts.values_mut().flat_map(|s| &mut s.versions).flat_map(|v| &mut v.modules);
        let files = self.assets.values_mut().flat_map(BTreeMap::values_mut);
        modules.map(|m| &mut m.content).chain(files.map(|f| &mut f.content))
    }
}

/// Buckets of the default jurisdiction go by their name, others by `name@jurisdiction`: the same name may exist in each.
pub(crate) fn bucket_key(name: &str, jurisdiction: &str) -> String {
    if jurisdiction == "default" { name.to_owned() } else { format!("{name}@{jurisdiction}") }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Bucket {
    pub name: String,
    /// Milliseconds since the epoch, as every time in this file.
    pub created_at: i64,
    pub location: String,
    pub storage_class: String,
    pub jurisdiction: String,
    /// Lifecycle rules as they were put; what they do is in [`crate::lifecycle`].
    pub lifecycle: Value,
}

/// An unfinished multipart upload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Upload {
    pub bucket: String,
    pub key: String,
    pub id: String,
    pub started_at: i64,
}

/// A container that still writes after its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Writer {
    /// From then on it writes no more.
    pub until: i64,
    /// Objects written so far.
    pub written: u64,
}

/// A delete-by-prefix job of R2.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub id: String,
    pub bucket: String,
    pub prefix: String,
    pub started_at: i64,
    /// When the deletion takes place.
    pub due_at: i64,
    /// `None` until it has taken place.
    pub deleted: Option<u64>,
    /// Whether the bucket was empty afterwards.
    pub clear: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Script {
    pub name: String,
    /// The immutable id; what the newer routes call the Worker's id.
    pub tag: String,
    pub created_at: i64,
    pub modified_at: i64,
    pub tags: Vec<String>,
    pub migration_tag: Option<String>,
    /// Durable Object classes were declared through `exports` once; there is no way back to `migrations`.
    pub exports_used: bool,
    pub observability: Value,
    pub logpush: bool,
    pub tail_consumers: Value,
    pub usage_model: String,
    pub placement: Value,
    pub limits: Value,
    pub schedules: Vec<Schedule>,
    /// The script's own workers.dev route.
    pub route_enabled: bool,
    pub previews_enabled: bool,
    /// Oldest first, never empty; [`crate::limits::VERSIONS_KEPT`] at most.
    pub versions: Vec<Version>,
    /// Oldest first. Empty only for a script whose first version was never deployed.
    pub deployments: Vec<Deployment>,
}

impl Script {
    pub(crate) fn latest(&self) -> Option<&Version> {
        self.versions.last()
    }

    /// The version that answers requests: the one with the largest share of the newest deployment.
    pub(crate) fn live(&self) -> Option<&Version> {
        let shares = &self.deployments.last()?.shares;
        let (id, _) = shares.iter().max_by_key(|(_, percentage)| *percentage)?;
        self.versions.iter().find(|v| v.id == *id)
    }

    /// Whether the newest version is the one that answers everything.
    pub(crate) fn latest_is_deployed(&self) -> bool {
        match (self.latest(), self.deployments.last()) {
            (Some(version), Some(deployment)) => deployment.shares.iter().all(|(id, _)| *id == version.id),
            _ => false,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Schedule {
    pub cron: String,
    pub created_at: i64,
    pub modified_at: i64,
}

/// One uploaded version; a change of secrets or settings makes one, too.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Version {
    pub id: String,
    pub number: u64,
    pub created_at: i64,
    /// `wrangler` or `api`, from the caller's user agent.
    pub source: String,
    pub annotations: Value,
    pub main_module: String,
    pub modules: Vec<Module>,
    pub bindings: Vec<Binding>,
    pub containers: Value,
    pub compatibility_date: Option<String>,
    pub compatibility_flags: Vec<String>,
    pub exports: Value,
    pub assets: Option<VersionAssets>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Module {
    pub name: String,
    pub content_type: String,
    pub content: Blob,
}

/// What a version serves as static files.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct VersionAssets {
    pub config: Value,
    /// Path → hash; the files are in [`World::assets`].
    pub manifest: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AssetFile {
    pub content_type: String,
    pub content: Blob,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AssetSession {
    pub script: String,
    pub manifest: BTreeMap<String, String>,
    /// After this the token is worth nothing.
    pub expires_at: i64,
    /// A completion token, which an upload accepts; otherwise one that may still upload files.
    pub complete: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Deployment {
    pub id: String,
    pub created_at: i64,
    pub source: String,
    pub annotations: Value,
    /// Version id and percentage; one or two, together 100.
    pub shares: Vec<(String, u32)>,
}

/// One binding as it was uploaded. Holds secret values: see [`Binding::public`] before showing one.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Binding {
    pub name: String,
    /// Cloudflare's `type`.
    pub kind: String,
    /// The remaining fields.
    pub fields: Map<String, Value>,
}

/// Field names only: the values may be secret.
impl std::fmt::Debug for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fields: Vec<&String> = self.fields.keys().collect();
        f.debug_struct("Binding").field("name", &self.name).field("kind", &self.kind).field("fields", &fields).finish()
    }
}

impl Binding {
    pub(crate) fn is_secret(&self) -> bool {
        matches!(self.kind.as_str(), "secret_text" | "secret_key")
    }

    pub(crate) fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field)?.as_str()
    }

    /// Everything, secret values included; for the runtime only.
    pub(crate) fn full(&self) -> Value {
        let mut object = self.fields.clone();
        object.insert("name".to_owned(), json!(self.name));
        object.insert("type".to_owned(), json!(self.kind));
        Value::Object(object)
    }

    /// As Cloudflare shows it: never a secret's value; a Durable Object binding with its namespace.
    pub(crate) fn public(&self, world: &World, script: &str) -> Value {
        if self.is_secret() {
            return json!({"name": self.name, "type": self.kind});
        }
        let mut object = self.full();
        if self.kind == "durable_object_namespace"
            && let Some(class) = self.text("class_name")
            && let Some(namespace) = world.namespace_of(self.text("script_name").unwrap_or(script), class)
            && let Some(fields) = object.as_object_mut()
        {
            fields.insert("namespace_id".to_owned(), json!(namespace.id));
        }
        object
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Namespace {
    pub id: String,
    pub script: String,
    pub class: String,
    pub sqlite: bool,
    /// Set by the upload that makes the class, if that names it in `containers`; nothing sets it afterwards.
    pub container_enabled: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Application {
    pub id: String,
    pub name: String,
    pub created_at: i64,
    pub updated_at: i64,
    pub version: u64,
    pub scheduling_policy: String,
    /// What GET shows, and what a PATCH changes.
    pub configuration: Value,
    /// What instances are started with: only a rollout changes it.
    pub running: Value,
    pub instances: u64,
    pub max_instances: Option<u64>,
    pub namespace_id: Option<String>,
    pub constraints: Value,
    pub observability: Value,
    pub rollout_active_grace_period: Value,
    /// Oldest first.
    pub rollouts: Vec<Rollout>,
    /// The secrets that the running instance was started with; `None`: none runs.
    #[serde(default)]
    pub instance: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Rollout {
    pub id: String,
    pub created_at: i64,
    /// Progressing before, completed from then on, unless `replaced`.
    pub done_at: i64,
    pub replaced: bool,
    pub description: String,
    pub strategy: String,
    pub kind: String,
    pub steps: Value,
    pub current_version: u64,
    pub target_version: u64,
    pub current_configuration: Value,
    pub target_configuration: Value,
}

/// Times as HTTP writes them: RFC 9110, section 5.6.7.
pub(crate) fn http_date(ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// Times as Cloudflare writes them: RFC 3339, UTC, milliseconds.
pub(crate) fn rfc3339(ms: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

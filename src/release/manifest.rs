//! The description of a release, as the publishing tool writes it.
//!
//! The files themselves (modules, assets) rest in the release store under `blobs/<sha256>`; the manifest names them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// A release's id: `rel_` and the first 16 hexadecimal digits of the SHA-256 of its manifest, so that the same content
/// has the same id wherever it is published.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReleaseId(pub String);

impl std::fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A published release.
#[derive(Clone, Debug, PartialEq)]
pub struct Release {
    /// Which one.
    pub id: ReleaseId,
    /// What it consists of.
    pub manifest: Manifest,
}

/// What a release consists of. Unknown fields are ignored: a newer tool may say more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// 1; anything else was written by a tool that this plane does not understand.
    pub format: u32,
    /// Which secrets and variables a tenant's Worker reads.
    pub profile: Profile,
    /// Name of the module that Cloudflare starts.
    pub main_module: String,
    /// Every module file.
    pub modules: Vec<ModuleFile>,
    /// Workers compatibility date, `YYYY-MM-DD`.
    pub compatibility_date: String,
    /// Workers compatibility flags.
    #[serde(default)]
    pub compatibility_flags: Vec<String>,
    /// Bindings in the form of Cloudflare's upload metadata, those of a single tenant left out.
    pub bindings: Vec<Map<String, Json>>,
    /// The container, when the Worker has one.
    pub container: Option<Container>,
    /// Durable Object migrations, oldest first.
    #[serde(default)]
    pub migrations: Vec<Migration>,
    /// Cron expressions.
    #[serde(default)]
    pub crons: Vec<String>,
    /// Static assets, when the Worker has some.
    pub assets: Option<Assets>,
    /// Observability settings, passed on as they are.
    pub observability: Option<Json>,
    /// Where in its project directory the release came from.
    pub source: Source,
}

/// One module file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModuleFile {
    /// The path by which other modules import it.
    pub name: String,
    /// Its kind, such as `application/javascript+module`.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its content, hexadecimal.
    pub sha256: String,
}

/// The container application of a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Container {
    /// The Durable Object class that starts it.
    pub class_name: String,
    /// Registry reference of the image.
    pub image: String,
}

/// One step of the Durable Object classes' history, as in a wrangler configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Migration(pub Map<String, Json>);

impl Migration {
    /// Its name, such as `v1`.
    pub fn tag(&self) -> &str {
        self.0.get("tag").and_then(Json::as_str).unwrap_or_default()
    }

    /// What it does (`new_sqlite_classes` and its kin), passed on as it is.
    pub fn step(&self) -> Map<String, Json> {
        let mut step = self.0.clone();
        step.remove("tag");
        step
    }
}

/// The static assets of a release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assets {
    /// SHA-256 of the blob that lists the files: a JSON array of [`AssetFile`].
    pub manifest: String,
    /// How many files.
    pub files: u64,
    /// How many bytes.
    pub bytes: u64,
    /// `html_handling`, `not_found_handling`, `run_worker_first`, passed on as they are.
    #[serde(default)]
    pub config: Map<String, Json>,
}

/// One static asset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssetFile {
    /// Path it is served at, such as `/app.css`.
    pub path: String,
    /// 32 hexadecimal digits, a content hash: what Cloudflare knows it by.
    pub hash: String,
    /// Bytes.
    pub size: u64,
    /// Content type it is served with.
    pub content_type: String,
    /// SHA-256 of its content, hexadecimal: where the release store has it.
    pub sha256: String,
}

/// Which secrets and variables the Worker of a release reads. Two exist in the wild: the guide's and moltworker's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// What it is called.
    pub name: String,
    /// Secrets without which the Worker does not do its work.
    pub required: Vec<String>,
    /// Secrets it can use.
    #[serde(default)]
    pub optional: Vec<String>,
    /// Groups of secrets of which all are set or none.
    #[serde(default)]
    pub together: Vec<Vec<String>>,
    /// Secrets that the plane makes when the tenant gives none.
    #[serde(default)]
    pub generated: Vec<String>,
    /// The generated secret that the owner is shown at sign-up.
    pub gateway_token: Option<String>,
    /// Variable that carries the tenant's name.
    pub environment_variable: Option<String>,
    /// Variable that carries the bucket's name, where the Worker does not derive it from the tenant's.
    pub bucket_variable: Option<String>,
    /// Secret that carries [`crate::tenant::SleepAfter`].
    pub sleep_secret: Option<String>,
}

/// Where a release came from, so that a project directory can be deployed by hand in the same shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The entry file.
    pub main: String,
    /// The assets directory.
    pub assets_directory: Option<String>,
    /// Settings of wrangler's by which it makes modules of the sources, such as `rules`.
    #[serde(default)]
    pub build: Map<String, Json>,
}

/// Most characters of what is said of a manifest that cannot be read.
const MOST_SAID: usize = 200;

impl Manifest {
    /// Reads a stored manifest, or says in bounded words why it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        // What is wrong repeats what was written.
        let manifest: Self =
            crate::json::read(text).map_err(|error| error.to_string().chars().take(MOST_SAID).collect::<String>())?;
        if manifest.format != 1 {
            return Err(format!("format {} is not understood by this version of the plane", manifest.format));
        }
        if manifest.migrations.iter().any(|migration| migration.tag().is_empty()) {
            return Err("a Durable Object migration has no tag".to_owned());
        }
        Ok(manifest)
    }

    /// The tag of the newest Durable Object migration.
    pub fn newest_migration(&self) -> Option<&str> {
        self.migrations.last().map(Migration::tag)
    }
}

/// Where the release store has the content of that SHA-256.
pub fn blob_key(sha256: &str) -> String {
    format!("blobs/{sha256}")
}

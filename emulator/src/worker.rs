//! A script in the form that a runtime runs: the protocol's own types, apart from how the account keeps them.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use serde_json::Value;

use crate::world::{Binding, Module, World};

/// A script as the runtime needs it to run it. Holds secret values.
#[derive(Clone, Serialize)]
pub struct Worker {
    /// The script's name; not part of the body that a runner is sent.
    #[serde(skip)]
    pub script: String,
    /// Name of the entry module.
    pub main_module: String,
    /// All modules, the entry module among them.
    pub modules: Vec<WorkerFile>,
    /// As uploaded; `None` lets the runtime choose.
    pub compatibility_date: Option<String>,
    /// As uploaded.
    pub compatibility_flags: Vec<String>,
    /// Cloudflare's own form of bindings, `{type, name, …}`, secrets with their text.
    pub bindings: Vec<Value>,
    /// The classes that this script implements.
    pub durable_objects: Vec<WorkerClass>,
    /// Static files; `None` without.
    pub assets: Option<WorkerAssets>,
    /// Cron expressions.
    pub crons: Vec<String>,
    /// Whether the workers.dev route is on.
    pub enabled: bool,
}

/// Names and counts only: the bindings hold secret values.
impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("script", &self.script)
            .field("modules", &self.modules.len())
            .field("bindings", &self.bindings.len())
            .field("crons", &self.crons)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

/// A module.
#[derive(Debug, Clone, Serialize)]
pub struct WorkerFile {
    /// Name of the module, as other modules import it.
    pub name: String,
    /// MIME type.
    pub content_type: String,
    /// The bytes in base64.
    pub content_base64: String,
}

impl WorkerFile {
    /// Encode the bytes for the way out.
    pub fn new(name: &str, content_type: &str, bytes: &[u8]) -> Self {
        let content_base64 = BASE64_STANDARD.encode(bytes);
        Self { name: name.to_owned(), content_type: content_type.to_owned(), content_base64 }
    }
}

/// A Durable Object class of a script.
#[derive(Debug, Clone, Serialize)]
pub struct WorkerClass {
    /// Name of the exported class.
    pub class_name: String,
    /// SQLite storage or the older key-value one.
    pub sqlite: bool,
    /// Cloudflare's id of the namespace; stays through uploads.
    pub namespace_id: String,
}

/// Static files of a script.
#[derive(Debug, Clone, Serialize)]
pub struct WorkerAssets {
    /// `html_handling`, `not_found_handling`, `run_worker_first`, as uploaded.
    pub config: Value,
    /// One `{path, content_type, content_base64}` each.
    pub files: Vec<AssetEntry>,
}

/// One static file.
#[derive(Debug, Clone, Serialize)]
pub struct AssetEntry {
    /// Path in the URL, with its leading `/`.
    pub path: String,
    /// The type to serve it as.
    pub content_type: String,
    /// The bytes in base64.
    pub content_base64: String,
}

impl Worker {
    /// The script's live version; `None` if nothing of it answers requests.
    pub(crate) fn of(world: &World, name: &str) -> Option<Self> {
        let script = world.scripts.get(name)?;
        let version = script.live()?;
        let file = |module: &Module| WorkerFile::new(&module.name, &module.content_type, &module.content.bytes);
        let uploaded = world.assets.get(name);
        let assets = version.assets.as_ref().map(|assets| WorkerAssets {
            config: assets.config.clone(),
            files: assets
                .manifest
                .iter()
                .filter_map(|(path, hash)| {
                    let file = uploaded?.get(hash)?;
                    let WorkerFile { content_type, content_base64, .. } =
                        WorkerFile::new(path, &file.content_type, &file.content.bytes);
                    Some(AssetEntry { path: path.clone(), content_type, content_base64 })
                })
                .collect(),
        });
        let durable_objects = world.namespaces.iter().filter(|namespace| namespace.script == name).map(|namespace| {
            let (class_name, namespace_id) = (namespace.class.clone(), namespace.id.clone());
            WorkerClass { class_name, sqlite: namespace.sqlite, namespace_id }
        });
        Some(Self {
            script: name.to_owned(),
            main_module: version.main_module.clone(),
            modules: version.modules.iter().map(file).collect(),
            compatibility_date: version.compatibility_date.clone(),
            compatibility_flags: version.compatibility_flags.clone(),
            bindings: version.bindings.iter().map(Binding::full).collect(),
            durable_objects: durable_objects.collect(),
            assets,
            crons: script.schedules.iter().map(|schedule| schedule.cron.clone()).collect(),
            enabled: script.route_enabled,
        })
    }
}

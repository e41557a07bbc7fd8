//! What a plane starts from: settings, and releases with their files.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use paramita::config::Config;
use paramita::release::store::{ReleaseStore, StoreError};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

/// The plane's token at Cloudflare.
pub const API_TOKEN: &str = "planted-api-token-92eb5ffee6ae2fec";

/// The settings of a plane in which anyone may sign up.
pub fn settings(changes: &[(&str, &str)]) -> Config {
    let mut all = HashMap::from([
        ("CLOUDFLARE_ACCOUNT_ID", "0123456789abcdef0123456789abcdef"),
        ("CLOUDFLARE_API_TOKEN", API_TOKEN),
        ("SEALING_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
        ("TENANT_URL", "https://{script}.example-account.workers.dev/"),
        ("SIGNUP_MODE", "open"),
        ("R2_S3_URL", "https://api.cloudflare.com/s3/{account}"),
        // What is limited has tests of its own; everywhere else limits would only be in the way.
        ("SIGNUPS_PER_HOUR", "10000"),
        ("MAX_TENANTS_PER_OWNER", "10000"),
    ]);
    all.extend(changes.iter().copied());
    Config::read(&|name| all.get(name).map(|value| (*value).to_owned())).unwrap()
}

/// Files of releases, in memory.
pub struct Blobs(pub HashMap<String, Bytes>);

impl ReleaseStore for Blobs {
    fn get(&self, key: &str) -> BoxFuture<'_, Result<Option<Bytes>, StoreError>> {
        Box::pin(std::future::ready(Ok(self.0.get(key).cloned())))
    }
}

pub const IMAGE: &str = "registry.cloudflare.com/0123456789abcdef0123456789abcdef/openclaw-sandbox:v1";

/// A release with its files, in the form that the publishing tool writes.
#[derive(Clone)]
pub struct Published {
    pub id: String,
    pub manifest: Json,
    pub blobs: HashMap<String, Bytes>,
}

impl Published {
    /// The guide's: `CLAWDBOT_GATEWAY_TOKEN`, bucket derived from `ENVIRONMENT`, a cron every five minutes.
    pub fn guide() -> Self {
        let profile = serde_json::from_str(include_str!("../../tools/profiles/guide.json")).unwrap();
        Self::of(profile, &["*/5 * * * *"])
    }

    /// Today's upstream: `MOLTBOT_GATEWAY_TOKEN`, `R2_BUCKET_NAME`, no cron.
    pub fn moltworker() -> Self {
        let profile = json!({
            "name": "moltworker",
            "required": ["MOLTBOT_GATEWAY_TOKEN"],
            "optional": ["ANTHROPIC_API_KEY"],
            "generated": ["MOLTBOT_GATEWAY_TOKEN"],
            "gateway_token": "MOLTBOT_GATEWAY_TOKEN",
            "environment_variable": "ENVIRONMENT",
            "bucket_variable": "R2_BUCKET_NAME",
            "sleep_secret": "SANDBOX_SLEEP_AFTER",
        });
        Self::of(profile, &[])
    }

    fn of(profile: Json, crons: &[&str]) -> Self {
        let mut blobs = HashMap::new();
        let mut store = |content: &[u8]| {
            let sha256 = hex(&Sha256::digest(content));
            blobs.insert(format!("blobs/{sha256}"), Bytes::copy_from_slice(content));
            sha256
        };
        let code = b"export class Sandbox {}\nexport default { fetch: () => new Response('hello') };\n";
        let style = b"body{}\n";
        let module = json!({
            "name": "index.js",
            "content_type": "application/javascript+module",
            "size": code.len(),
            "sha256": store(code),
        });
        let asset = json!([{
            "path": "/app.css",
            "hash": "aa42bba514e8ddfea838ec1a715ca332",
            "size": style.len(),
            "content_type": "text/css; charset=utf-8",
            "sha256": store(style),
        }]);
        let manifest = json!({
            "format": 1,
            "profile": profile,
            "main_module": "index.js",
            "modules": [module],
            "compatibility_date": "2025-05-06",
            "compatibility_flags": ["nodejs_compat"],
            "bindings": [
                {"type": "durable_object_namespace", "name": "Sandbox", "class_name": "Sandbox"},
                {"type": "r2_bucket", "name": "MOLTBOT_BUCKET"},
                {"type": "browser", "name": "BROWSER"},
                {"type": "assets", "name": "ASSETS"},
            ],
            "container": {"class_name": "Sandbox", "image": IMAGE},
            "migrations": [{"tag": "v1", "new_sqlite_classes": ["Sandbox"]}],
            "crons": crons,
            "assets": {
                "manifest": store(asset.to_string().as_bytes()),
                "files": 1,
                "bytes": style.len(),
                "config": {"html_handling": "auto-trailing-slash", "run_worker_first": true},
            },
            "observability": {"enabled": true},
            "source": {"main": "src/index.js", "assets_directory": "public"},
        });
        let id = format!("rel_{}", &hex(&Sha256::digest(manifest.to_string().as_bytes()))[..16]);
        Self { id, manifest, blobs }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

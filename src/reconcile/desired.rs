//! What is to exist in Cloudflare for a tenant: spec and release worked out to every name and value. Pure.

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::release::Release;
use crate::tenant::id::hex;
use crate::tenant::{Ledger, Tenant};

/// The tag that every script of the plane carries.
pub const PLANE_TAG: &str = "paramita";

/// What is to exist.
#[derive(Clone, Debug, PartialEq)]
pub enum Desired {
    /// The whole tenant.
    Running(Box<Deployment>),
    /// Of a deleted tenant only its data, for the grace period.
    DataOnly,
    /// Nothing.
    Nothing,
}

/// The whole of a running tenant but for its bucket, of which only the name matters.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployment {
    /// The script's bindings without the secrets, as Cloudflare's upload metadata has them.
    pub bindings: Vec<Map<String, Json>>,
    /// The script's tags; the second proves whose it is.
    pub tags: [String; 2],
    /// Changes whenever the script has to be uploaded again.
    pub fingerprint: String,
    /// Tag that the script's Durable Object migrations end at.
    pub migration: Option<String>,
    /// Whether the release has static assets.
    pub has_assets: bool,
    /// The secret that carries the time to sleep: name and value. The value is no secret, it is in the spec.
    pub sleep: Option<(String, String)>,
    /// The container application, if the release has one.
    pub application: Option<Application>,
    /// Cron expressions.
    pub crons: Vec<String>,
}

/// A container application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The class that starts it.
    pub class_name: String,
    /// Image reference.
    pub image: String,
    /// Size.
    pub instance_type: String,
    /// Most instances at once.
    pub max_instances: u32,
}

/// The tag that proves a script to be this tenant's.
pub fn ownership_tag(tenant: &Tenant) -> String {
    format!("{PLANE_TAG}-{}", tenant.id)
}

/// Works out what is to exist at `now`.
pub fn desired(tenant: &Tenant, ledger: &Ledger, release: &Release, now: Timestamp) -> Desired {
    match tenant.deletion {
        Some(deletion) if deletion.keep_data_until > now => Desired::DataOnly,
        Some(_) => Desired::Nothing,
        None => Desired::Running(Box::new(deployment(tenant, ledger, release))),
    }
}

/// Works out a running tenant.
pub fn deployment(tenant: &Tenant, ledger: &Ledger, release: &Release) -> Deployment {
    let manifest = &release.manifest;
    let profile = &manifest.profile;
    let bindings = bindings(tenant, ledger, release);
    let tags = [PLANE_TAG.to_owned(), ownership_tag(tenant)];
    let fingerprint = fingerprint(&json!([release.id, bindings, tags, ledger.application.name]));
    Deployment {
        bindings,
        tags,
        fingerprint,
        migration: manifest.newest_migration().map(str::to_owned),
        has_assets: manifest.assets.is_some(),
        sleep: profile.sleep_secret.clone().map(|name| (name, tenant.spec.sleep_after.to_string())),
        application: manifest.container.as_ref().map(|container| Application {
            class_name: container.class_name.clone(),
            image: container.image.clone(),
            instance_type: tenant.spec.instance_type.to_string(),
            max_instances: tenant.spec.max_instances,
        }),
        crons: manifest.crons.clone(),
    }
}

/// The tenant's own variables first, then the release's bindings with the tenant's bucket filled in: wrangler's order.
fn bindings(tenant: &Tenant, ledger: &Ledger, release: &Release) -> Vec<Map<String, Json>> {
    let profile = &release.manifest.profile;
    let own = [(&profile.environment_variable, tenant.name.as_str()), (&profile.bucket_variable, &ledger.bucket.name)];
    let variables = own.into_iter().filter_map(|(name, text)| Some(plain_text(name.as_ref()?, text)));
    let of_release = release.manifest.bindings.iter().cloned().map(|mut binding| {
        if binding.get("type").and_then(Json::as_str) == Some("r2_bucket") && !binding.contains_key("bucket_name") {
            binding.insert("bucket_name".to_owned(), Json::from(ledger.bucket.name.as_str()));
        }
        binding
    });
    variables.chain(of_release).collect()
}

fn plain_text(name: &str, text: &str) -> Map<String, Json> {
    let fields = [("type", "plain_text"), ("name", name), ("text", text)];
    fields.into_iter().map(|(key, value)| (key.to_owned(), Json::from(value))).collect()
}

fn fingerprint(content: &Json) -> String {
    let digest = Sha256::digest(content.to_string().as_bytes());
    hex(digest.get(..16).unwrap_or(&digest))
}

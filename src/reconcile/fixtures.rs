//! Releases, a tenant, its ledger and secrets, for tests.

use serde_json::{Value as Json, json};

use super::desired::{Deployment, deployment};
use crate::clock::Timestamp;
use crate::release::{Manifest, Release, ReleaseId};
use crate::tenant::ResourceState::Present;
use crate::tenant::{
    Applied, Deletion, Ledger, Phase, ResourceKind, SecretName, Tenant, TenantId, TenantName, TenantSpec,
};
use crate::vault::secret::Wanted;
use crate::vault::{SealedSecret, Secret};

/// The present moment.
pub const NOW: Timestamp = Timestamp(1_767_225_600_000);

/// A release of the guide's Worker: assets, container, cron trigger, and the profile that the publishing tool gives it.
pub fn guide_release() -> Release {
    release("guide", include_str!("../../tools/profiles/guide.json"))
}

/// The same, read by today's upstream: `R2_BUCKET_NAME` instead of a bucket derived from `ENVIRONMENT`.
pub fn moltworker_release() -> Release {
    release("moltworker", include_str!("../../tools/profiles/moltworker.json"))
}

fn release(id: &str, profile: &str) -> Release {
    let profile: Json = serde_json::from_str(profile).unwrap();
    let manifest = json!({
        "format": 1,
        "profile": profile,
        "main_module": "index.js",
        "modules": [
            { "name": "index.js", "content_type": "application/javascript+module", "size": 3, "sha256": "aa" },
        ],
        "compatibility_date": "2025-05-06",
        "compatibility_flags": ["nodejs_compat"],
        "bindings": [
            { "type": "assets", "name": "ASSETS" },
            { "type": "browser", "name": "BROWSER" },
            { "type": "durable_object_namespace", "name": "Sandbox", "class_name": "Sandbox" },
            { "type": "r2_bucket", "name": "MOLTBOT_BUCKET" },
        ],
        "container": { "class_name": "Sandbox", "image": "registry.cloudflare.com/acc/sandbox:v1" },
        "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Sandbox"] }],
        "crons": ["*/5 * * * *"],
        "assets": {
            "manifest": "bb",
            "files": 1,
            "bytes": 5,
            "config": { "not_found_handling": "single-page-application", "run_worker_first": true },
        },
        "observability": { "enabled": true },
        "source": { "main": "src/index.ts", "assets_directory": "./dist/client" },
    });
    Release { id: ReleaseId(format!("rel_{id}")), manifest: Manifest::parse(&manifest.to_string()).unwrap() }
}

/// The tenant `alice`, just signed up.
pub fn alice() -> Tenant {
    Tenant {
        id: TenantId("ta11ce".into()),
        name: TenantName::parse("alice").unwrap(),
        phase: Phase::Pending,
        generation: 1,
        observed_generation: 0,
        owner: None,
        spec: TenantSpec::default(),
        largest: None,
        release: guide_release().id,
        conditions: Vec::new(),
        wanted_since: NOW,
        suspended_at: None,
        paused_at: None,
        expires_at: None,
        deletion: None,
        due_at: Some(NOW),
        attempts: 1,
        booked_calls: 0,
        created_at: NOW,
        updated_at: NOW,
    }
}

/// A deletion asked for just now that keeps the data for so long.
pub fn deletion_keeping_data_for(ms: i64) -> Option<Deletion> {
    Some(Deletion { asked_at: NOW, keep_data_until: NOW.plus_ms(ms) })
}

/// Alice's ledger at sign-up.
pub fn nothing_there() -> Ledger {
    Ledger::empty(&[
        (ResourceKind::Bucket, "moltbot-data-alice".into()),
        (ResourceKind::Script, "paramita-cloud-alice".into()),
        (ResourceKind::Application, "moltbot-alice".into()),
        (ResourceKind::Route, "paramita-cloud-alice".into()),
        (ResourceKind::Schedule, "paramita-cloud-alice".into()),
    ])
    .unwrap()
}

/// Alice's ledger when all is as `release` and the tenant's spec want it.
pub fn everything_there(tenant: &Tenant, release: &Release) -> Ledger {
    let mut ledger = nothing_there();
    let wanted = deployment(tenant, &ledger, release);
    for kind in ResourceKind::ALL {
        let resource = ledger.get_mut(kind);
        resource.applied = as_wanted(&wanted, kind);
        resource.state = Present;
        resource.asked_at = Some(NOW);
    }
    ledger.application.external_id = Some("app-1".into());
    ledger
}

/// What the ledger says of a resource that is made to be what `wanted` wants.
pub fn as_wanted(wanted: &Deployment, kind: ResourceKind) -> Option<Applied> {
    match kind {
        ResourceKind::Bucket => None,
        ResourceKind::Script => Some(Applied::Script {
            fingerprint: Some(wanted.fingerprint.clone()),
            migration: wanted.migration.clone(),
            sleep_after: wanted.sleep.as_ref().map(|(_, value)| value.clone()),
        }),
        ResourceKind::Application => wanted.application.as_ref().map(|application| Applied::Application {
            image: application.image.clone(),
            instance_type: application.instance_type.clone(),
            max_instances: application.max_instances,
            rolled_out: true,
            restart_owed_since: None,
            restarted_at: None,
        }),
        ResourceKind::Route => Some(Applied::Route {}),
        ResourceKind::Schedule => Some(Applied::Schedule { crons: wanted.crons.clone() }),
    }
}

/// A secret that was set and never pushed.
pub fn new_secret(name: &str) -> Secret {
    secret(name, Wanted::Set, 1, 0)
}

/// A secret that the Worker has as wanted.
pub fn pushed_secret(name: &str) -> Secret {
    secret(name, Wanted::Set, 1, 1)
}

/// A secret that the Worker has in an older version.
pub fn changed_secret(name: &str) -> Secret {
    secret(name, Wanted::Set, 2, 1)
}

/// A secret that the Worker has and that is to go.
pub fn unwanted_secret(name: &str) -> Secret {
    secret(name, Wanted::Deleted, 2, 1)
}

/// Any secret.
pub fn secret(name: &str, wanted: Wanted, version: i64, pushed_version: i64) -> Secret {
    Secret {
        name: SecretName::parse(name).unwrap(),
        wanted,
        version,
        pushed_version,
        live_version: pushed_version,
        sealed: (wanted == Wanted::Set && version > pushed_version).then(|| SealedSecret("sealed".into())),
        updated_at: NOW,
        pushed_at: None,
    }
}

//! What is to exist in Cloudflare for a tenant: spec and release worked out to every name and value. Pure.

use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::clock::Timestamp;
use crate::release::Release;
use crate::tenant::id::hex;
use crate::tenant::{Ledger, ResourceState, Tenant};

/// The tag that every script of the plane carries.
pub const PLANE_TAG: &str = "paramita";

/// What is to exist.
#[derive(Clone, Debug, PartialEq)]
pub enum Desired {
    /// The whole tenant, running or standing still.
    Deployed(Box<Deployment>),
    /// Of a deleted tenant only its data, for the grace period.
    DataOnly,
    /// Nothing.
    Nothing,
}

/// The whole of a tenant but for its bucket, of which only the name matters.
///
/// A suspended tenant keeps bucket, Worker and secrets, and with the Worker its Durable Objects. It has no container
/// application, since deleting that is what surely ends its instances and their cost, no open address and no cron trigger.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployment {
    /// Whether it is to run and to answer.
    pub is_running: bool,
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
    /// The class behind which containers run, if the release has one. An upload names it even while nothing runs: a class
    /// is enabled for containers when it is made, or never.
    pub container_class: Option<String>,
    /// The container application, if there is to be one.
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
        Some(deletion) if deletion.keep_data_until > now && may_hold_data(ledger) => Desired::DataOnly,
        Some(_) => Desired::Nothing,
        None => Desired::Deployed(Box::new(deployment(tenant, ledger, release))),
    }
}

fn may_hold_data(ledger: &Ledger) -> bool {
    ledger.bucket.state != ResourceState::Absent || ledger.bucket.asked_at.is_some()
}

/// Works out a tenant that is not being deleted.
pub fn deployment(tenant: &Tenant, ledger: &Ledger, release: &Release) -> Deployment {
    let manifest = &release.manifest;
    let profile = &manifest.profile;
    let is_running = tenant.suspended_at.is_none();
    let bindings = bindings(tenant, ledger, release);
    let tags = [PLANE_TAG.to_owned(), ownership_tag(tenant)];
    let fingerprint = fingerprint(&json!([release.id, bindings, tags, ledger.application.name]));
    Deployment {
        is_running,
        bindings,
        tags,
        fingerprint,
        migration: manifest.newest_migration().map(str::to_owned),
        has_assets: manifest.assets.is_some(),
        sleep: profile.sleep_secret.clone().map(|name| (name, tenant.spec.sleep_after.to_string())),
        container_class: manifest.container.as_ref().map(|container| container.class_name.clone()),
        application: manifest.container.as_ref().filter(|_| is_running).map(|container| Application {
            class_name: container.class_name.clone(),
            image: container.image.clone(),
            instance_type: tenant.spec.instance_type.to_string(),
            max_instances: tenant.spec.max_instances,
        }),
        crons: if is_running { manifest.crons.clone() } else { Vec::new() },
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
    let mut binding = Map::new();
    for (key, value) in [("type", "plain_text"), ("name", name), ("text", text)] {
        binding.insert(key.to_owned(), Json::from(value));
    }
    binding
}

fn fingerprint(content: &Json) -> String {
    let digest = Sha256::digest(content.to_string().as_bytes());
    hex(digest.get(..16).unwrap_or(&digest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::reconcile::fixtures::*;
    use crate::release::ReleaseId;
    use crate::tenant::{InstanceType, SleepAfter, TenantId, TenantName};

    fn wanted(change: impl FnOnce(&mut Tenant, &mut Ledger, &mut Release)) -> Deployment {
        let (mut tenant, mut ledger, mut release) = (alice(), nothing_there(), guide_release());
        change(&mut tenant, &mut ledger, &mut release);
        deployment(&tenant, &ledger, &release)
    }

    fn as_is() -> Deployment {
        wanted(|_, _, _| {})
    }

    #[test]
    fn the_tenants_own_bindings_are_filled_in_as_the_guides_worker_reads_them() {
        assert_eq!(
            json!(as_is().bindings),
            json!([
                { "type": "plain_text", "name": "ENVIRONMENT", "text": "alice" },
                { "type": "assets", "name": "ASSETS" },
                { "type": "browser", "name": "BROWSER" },
                { "type": "durable_object_namespace", "name": "Sandbox", "class_name": "Sandbox" },
                { "type": "r2_bucket", "name": "MOLTBOT_BUCKET", "bucket_name": "moltbot-data-alice" },
            ])
        );
    }

    #[test]
    fn moltworker_is_told_the_buckets_name_in_a_variable_of_its_own() {
        let wanted = deployment(&alice(), &nothing_there(), &moltworker_release());
        assert_eq!(
            json!(wanted.bindings[..2]),
            json!([
                { "type": "plain_text", "name": "ENVIRONMENT", "text": "alice" },
                { "type": "plain_text", "name": "R2_BUCKET_NAME", "text": "moltbot-data-alice" },
            ])
        );
        let is_bucket_name = |binding: &Map<String, Json>| binding["name"] == "R2_BUCKET_NAME";
        assert!(!as_is().bindings.iter().any(is_bucket_name));
    }

    #[test]
    fn a_bucket_that_the_release_names_itself_stays_that_bucket() {
        let shared = json!({ "type": "r2_bucket", "name": "SHARED", "bucket_name": "shared" });
        let wanted = wanted(|_, _, release| release.manifest.bindings = vec![shared.as_object().unwrap().clone()]);
        assert_eq!(json!(wanted.bindings[1]), shared);
    }

    #[test]
    fn a_script_carries_the_planes_tag_and_one_that_only_this_tenant_has() {
        assert_eq!(as_is().tags, ["paramita", "paramita-ta11ce"]);
    }

    #[test]
    fn release_and_spec_are_worked_out_to_every_value() {
        let wanted = wanted(|tenant, _, _| {
            tenant.spec.instance_type = InstanceType::Standard3;
            tenant.spec.max_instances = 4;
            tenant.spec.sleep_after = SleepAfter::parse("10m").unwrap();
        });
        assert_eq!(wanted.sleep, Some(("SANDBOX_SLEEP_AFTER".into(), "10m".into())));
        let application = Application {
            class_name: "Sandbox".into(),
            image: "registry.cloudflare.com/acc/sandbox:v1".into(),
            instance_type: "standard-3".into(),
            max_instances: 4,
        };
        assert_eq!(wanted.application, Some(application));
        assert_eq!(wanted.crons, ["*/5 * * * *"]);
        assert_eq!(wanted.migration.as_deref(), Some("v1"));
        assert!(wanted.has_assets);
    }

    #[test]
    fn a_suspended_tenant_keeps_its_worker_and_has_nothing_that_runs() {
        let suspended = wanted(|tenant, _, _| tenant.suspended_at = Some(NOW));
        assert!(!suspended.is_running);
        assert_eq!((&suspended.application, suspended.crons.len()), (&None, 0));
        assert_eq!(suspended.container_class.as_deref(), Some("Sandbox"));
        assert_eq!(suspended.fingerprint, as_is().fingerprint);
    }

    #[test]
    fn what_a_release_lacks_is_not_wanted() {
        let wanted = wanted(|_, _, release| {
            let manifest = &mut release.manifest;
            (manifest.container, manifest.assets) = (None, None);
            (manifest.migrations, manifest.crons) = (Vec::new(), Vec::new());
            (manifest.profile.sleep_secret, manifest.profile.environment_variable) = (None, None);
        });
        assert_eq!((wanted.application, wanted.sleep, wanted.migration), (None, None, None));
        assert!(!wanted.has_assets && wanted.crons.is_empty());
        assert!(!wanted.bindings.iter().any(|binding| binding["type"] == "plain_text"));
    }

    #[test]
    fn the_newest_migration_is_the_last_one() {
        let wanted = wanted(|_, _, release| {
            let mut next = release.manifest.migrations[0].clone();
            next.0.insert("tag".to_owned(), "v2".into());
            release.manifest.migrations.push(next);
        });
        assert_eq!(wanted.migration.as_deref(), Some("v2"));
    }

    #[test]
    fn the_fingerprint_changes_with_whatever_an_upload_brings() {
        type Change = fn(&mut Tenant, &mut Ledger, &mut Release);
        let changes: [(&str, Change); 7] = [
            ("release", |_, _, release| release.id = ReleaseId("rel_next".into())),
            ("a binding of the release", |_, _, release| drop(release.manifest.bindings.pop())),
            ("the variable that carries the bucket", |_, _, release| {
                release.manifest.profile.bucket_variable = Some("BUCKET".into());
            }),
            ("the tenant's name", |tenant, _, _| tenant.name = TenantName::parse("bob").unwrap()),
            ("the tenant's id, so the tag", |tenant, _, _| tenant.id = TenantId("tb0b".into())),
            ("the bucket's name", |_, ledger, _| ledger.bucket.name.push('2')),
            ("the application's name", |_, ledger, _| ledger.application.name.push('2')),
        ];
        for (what, change) in changes {
            assert_ne!(wanted(change).fingerprint, as_is().fingerprint, "{what}");
        }
    }

    #[test]
    fn the_fingerprint_stays_where_no_upload_is_needed() {
        type Change = fn(&mut Tenant, &mut Ledger, &mut Release);
        let changes: [(&str, Change); 6] = [
            ("nothing", |_, _, _| {}),
            ("instance type", |tenant, _, _| tenant.spec.instance_type = InstanceType::Standard4),
            ("number of instances", |tenant, _, _| tenant.spec.max_instances = 9),
            ("sleep", |tenant, _, _| tenant.spec.sleep_after = SleepAfter::parse("1h").unwrap()),
            ("generation", |tenant, _, _| tenant.generation = 7),
            ("what is known of the outside", |tenant, ledger, release| *ledger = everything_there(tenant, release)),
        ];
        for (what, change) in changes {
            assert_eq!(wanted(change).fingerprint, as_is().fingerprint, "{what}");
        }
    }

    #[test]
    fn a_deletion_wants_only_the_data_until_the_grace_period_ends_and_then_nothing() {
        let mut tenant = alice();
        let ledger = everything_there(&tenant, &guide_release());
        let at = |tenant: &Tenant, now: Timestamp| desired(tenant, &ledger, &guide_release(), now);
        assert_eq!(at(&tenant, NOW), Desired::Deployed(Box::new(as_is())));
        tenant.deletion = deletion_keeping_data_for(1_000);
        assert_eq!(at(&tenant, NOW), Desired::DataOnly);
        assert_eq!(at(&tenant, NOW.plus_ms(999)), Desired::DataOnly);
        assert_eq!(at(&tenant, NOW.plus_ms(1_000)), Desired::Nothing);
        tenant.deletion = deletion_keeping_data_for(0);
        assert_eq!(at(&tenant, NOW), Desired::Nothing);
    }

    #[test]
    fn a_deleted_tenant_that_never_had_a_bucket_has_no_data_to_keep() {
        let mut tenant = alice();
        tenant.deletion = deletion_keeping_data_for(1_000);
        assert_eq!(desired(&tenant, &nothing_there(), &guide_release(), NOW), Desired::Nothing);
        let mut asked_for = nothing_there();
        asked_for.bucket.asked_at = Some(NOW);
        assert_eq!(desired(&tenant, &asked_for, &guide_release(), NOW), Desired::DataOnly);
    }
}

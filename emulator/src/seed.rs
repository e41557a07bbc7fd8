//! Putting things into the account without calling the API: resources of strangers, and what tenants leave behind.
//!
//! Nothing here goes through faults, limits, authentication or the journal.

use bytes::Bytes;
use serde_json::json;

use crate::emulator::Emulator;
use crate::runtime::{NewObject, RuntimeError};
use crate::s3::uploads;
use crate::scripts::{new_script, release};
use crate::world::{Application, Blob, Bucket, Module, Namespace, Version, Writer};

impl Emulator {
    /// A bucket that somebody else made. Nothing if there is one of the name.
    pub async fn seed_bucket(&self, name: &str) -> Result<(), RuntimeError> {
        self.runtime().put_bucket(name).await?;
        let now = self.now();
        self.world().buckets.entry(name.to_owned()).or_insert_with(|| Bucket {
            name: name.to_owned(),
            created_at: now,
            location: "weur".to_owned(),
            storage_class: "Standard".to_owned(),
            jurisdiction: "default".to_owned(),
            lifecycle: json!([]),
        });
        Ok(())
    }

    /// An object, as a tenant's container would write it. The bucket need not have been made through the API.
    pub async fn seed_object(&self, bucket: &str, key: &str, bytes: impl Into<Bytes>) -> Result<(), RuntimeError> {
        let now = self.now();
        let object = NewObject { key: key.to_owned(), content_type: None, bytes: bytes.into(), now };
        self.runtime().put(bucket, object).await?;
        Ok(())
    }

    /// A multipart upload that nobody finishes, as a tenant's container that was cut off leaves it; its id.
    pub fn seed_multipart_upload(&self, bucket: &str, key: &str) -> String {
        let now = self.now();
        uploads::start(&mut self.world(), bucket, key, now)
    }

    /// A container that goes on writing to the bucket until then, in milliseconds since the epoch: each time that somebody
    /// lists the objects, or deletes the bucket, and it is empty, there is one more object.
    pub fn seed_writer(&self, bucket: &str, until_ms: i64) {
        self.world().writers.insert(bucket.to_owned(), Writer { until: until_ms, written: 0 });
    }

    /// A script that somebody else deployed, with these tags and a Durable Object class `Sandbox`. Replaces one of the name.
    pub fn seed_script(&self, name: &str, tags: &[&str]) {
        let now = self.now();
        let mut world = self.world();
        let mut script = new_script(&mut world, name, now);
        script.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        script.migration_tag = Some("v1".to_owned());
        let text = "export class Sandbox {}\nexport default { fetch: () => new Response(\"a stranger's\") };\n";
        let version = Version {
            id: world.ids.uuid(),
            number: 1,
            created_at: now,
            source: "wrangler".to_owned(),
            annotations: json!({}),
            main_module: "index.js".to_owned(),
            modules: vec![Module {
                name: "index.js".to_owned(),
                content_type: "application/javascript+module".to_owned(),
                content: Blob::new(Bytes::from_static(text.as_bytes())),
            }],
            bindings: Vec::new(),
            containers: json!([]),
            compatibility_date: Some("2025-05-06".to_owned()),
            compatibility_flags: Vec::new(),
            exports: json!(null),
            assets: None,
        };
        release(&mut world, &mut script, version, now);
        let id = world.ids.hex();
        world.namespaces.retain(|namespace| namespace.script != name);
        world.namespaces.push(Namespace {
            id,
            script: name.to_owned(),
            class: "Sandbox".to_owned(),
            sqlite: true,
            container_enabled: true,
        });
        world.scripts.insert(name.to_owned(), script);
    }

    /// A container application that somebody else made, without a namespace. Replaces one of the name.
    pub fn seed_application(&self, name: &str, image: &str) {
        let now = self.now();
        let mut world = self.world();
        let configuration = json!({"image": image, "instance_type": "standard-1"});
        let application = Application {
            id: world.ids.uuid(),
            name: name.to_owned(),
            created_at: now,
            updated_at: now,
            version: 1,
            scheduling_policy: "default".to_owned(),
            running: configuration.clone(),
            configuration,
            instances: 0,
            max_instances: Some(1),
            namespace_id: None,
            constraints: json!(null),
            observability: json!(null),
            rollout_active_grace_period: json!(null),
            rollouts: Vec::new(),
            instance: None,
        };
        world.applications.retain(|other| other.name != name);
        world.applications.push(application);
    }

    /// Whether the live version of the script has this secret with exactly this value: the one way to compare a value, since
    /// none can be read.
    pub fn secret_is(&self, script: &str, name: &str, value: &str) -> bool {
        let world = self.world();
        let live = world.scripts.get(script).and_then(|script| script.live());
        live.is_some_and(|version| {
            version.bindings.iter().any(|b| b.is_secret() && b.name == name && b.text("text") == Some(value))
        })
    }
}

//! Container applications: the image and size behind a Durable Object class.
//!
//! Lists are eventually consistent (reported by others): a new application may be missing from one, a deleted one
//! still in it. One list proves nothing. Cloudflare's answer to a create right after the script's upload may be "no
//! such class" for some seconds; see [`Verdict::Later`](super::Verdict::Later).

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::client::{Client, Page, lenient_time, or_default};
use super::error::Error;
use super::operation::Operation;
use crate::clock::Timestamp;

/// What a new application is to be. Scheduling policy `default`: image and size belong to the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewApplication<'a> {
    /// Unique in the account; letters, digits, `_`, `-`, not a digit first, at most 253 characters.
    pub name: &'a str,
    /// The script that exports the class.
    pub script_name: &'a str,
    /// The Durable Object class. It carries one application and no more.
    pub class_name: &'a str,
    /// `registry.cloudflare.com/<account>/<name>:<tag>`.
    pub image: &'a str,
    /// `lite`, `basic`, `standard-1` to `standard-4`.
    pub instance_type: &'a str,
    /// The most instances that may run at once.
    pub max_instances: u32,
}

/// What an application is to be from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApplicationChange<'a> {
    /// As in [`NewApplication`]. Takes effect through a rollout only.
    pub image: &'a str,
    /// As in [`NewApplication`]. Takes effect through a rollout only.
    pub instance_type: &'a str,
    /// As in [`NewApplication`]. Takes effect at once; a lower number stops instances.
    pub max_instances: u32,
}

/// Of a container application what the plane goes by.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Application {
    /// Cloudflare's id of it.
    pub id: String,
    /// Its name.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// The class behind which it runs; `None` for an application without one.
    #[serde(default)]
    pub durable_objects: Option<NamespaceRef>,
    /// When it was made.
    #[serde(default, deserialize_with = "lenient_time")]
    pub created_at: Option<Timestamp>,
    /// Image and size as they are stored: `image`, and `instance_type` or what follows from it, such as `memory_mib`.
    #[serde(default, deserialize_with = "or_default")]
    pub configuration: Map<String, Value>,
    /// The most instances that may run at once.
    #[serde(default)]
    pub max_instances: Option<u32>,
}

/// A Durable Object namespace, by its id.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NamespaceRef {
    /// As in [`Namespace::id`](super::durable_objects::Namespace::id).
    pub namespace_id: String,
}

impl Client {
    /// `POST containers/applications`. Twice: [`Verdict::Taken`](super::Verdict::Taken); the one that is there is
    /// found by its namespace.
    pub async fn create_application(&self, new: &NewApplication<'_>) -> Result<Application, Error> {
        let body = json!({
            "name": new.name,
            "scheduling_policy": "default",
            "observability": { "logs": { "enabled": true } },
            "configuration": { "image": new.image, "instance_type": new.instance_type },
            "instances": 0,
            "max_instances": new.max_instances,
            // wrangler sends these on every create; the effect of leaving them out is not documented.
            "constraints": { "tiers": [1, 2] },
            "durable_objects": { "script_name": new.script_name, "class_name": new.class_name },
            "rollout_active_grace_period": 0,
        });
        self.call(Operation::ApplicationCreate, &[]).json(&body).fetch().await
    }

    /// `GET containers/applications`. Whether `name` must match whole or in part is not documented: compare yourself.
    pub async fn list_applications(
        &self,
        name: Option<&str>,
        cursor: Option<&str>,
    ) -> Result<Page<Application>, Error> {
        let call = self.call(Operation::ApplicationList, &[]);
        let reply = call.query_if("name", name).query_if("page_token", cursor).send().await?;
        let cursor = reply.info_text("next_page_token");
        Ok(Page { items: reply.result::<Option<_>>()?.unwrap_or_default(), cursor })
    }

    /// `GET containers/applications/{id}`.
    pub async fn get_application(&self, id: &str) -> Result<Application, Error> {
        self.call(Operation::ApplicationGet, &[id]).fetch().await
    }

    /// `PATCH containers/applications/{id}` as wrangler does before each rollout. Twice: the same.
    pub async fn modify_application(&self, id: &str, change: &ApplicationChange<'_>) -> Result<(), Error> {
        let body = json!({
            "configuration": { "image": change.image, "instance_type": change.instance_type },
            "max_instances": change.max_instances,
            "constraints": { "tiers": [1, 2] },
            "scheduling_policy": "default",
            "rollout_active_grace_period": 0,
        });
        self.call(Operation::ApplicationModify, &[id]).json(&body).run().await
    }

    /// `PATCH containers/applications/{id}` with the one field that needs no rollout. Twice: the same.
    pub async fn set_max_instances(&self, id: &str, max_instances: u32) -> Result<(), Error> {
        self.call(Operation::ApplicationModify, &[id]).json(&json!({ "max_instances": max_instances })).run().await
    }

    /// `POST containers/applications/{id}/rollouts`, in one step: running instances get SIGTERM, then SIGKILL after
    /// 15 minutes (developers.cloudflare.com/containers/configuration/rollouts). Twice: a second rollout to the same target
    /// replaces the first. A target that is no other than before restarts what runs as well: inferred from each rollout
    /// having a version of its own, documented only for another image.
    pub async fn create_rollout(&self, id: &str, image: &str, instance_type: &str) -> Result<(), Error> {
        let body = json!({
            "description": "Progressive update",
            "strategy": "rolling",
            // Both, always: whether an absent one is inherited is not documented.
            "target_configuration": { "image": image, "instance_type": instance_type },
            "step_percentage": 100,
            "kind": "full_auto",
        });
        self.call(Operation::RolloutCreate, &[id]).json(&body).run().await
    }

    /// `DELETE containers/applications/{id}`, its instances too. The script's deletion does not do this. Twice:
    /// [`Verdict::Done`](super::Verdict::Done).
    pub async fn delete_application(&self, id: &str) -> Result<(), Error> {
        self.call(Operation::ApplicationDelete, &[id]).run().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudflare::testing::{client, ok, ok_with};

    const IMAGE: &str = "registry.cloudflare.com/0123456789abcdef0123456789abcdef/openclaw-sandbox:v1";

    #[tokio::test]
    async fn an_application_is_created_as_recorded_but_by_script_and_class() {
        let reply = json!({
            "id": "8a503b80", "account_id": "0", "created_at": "2026-01-01T00:00:00.000Z", "version": 1, "name": "moltbot-alice",
            "configuration": { "image": IMAGE, "vcpu": 0.5, "memory_mib": 4096, "memory": "4096MiB", "disk": { "size_mb": 8000 } },
            "instances": 0, "max_instances": 1, "durable_objects": { "namespace_id": "27ff" }, "health": { "instances": {} },
        });
        let (client, far) = client([ok(reply)]);
        let new = NewApplication {
            name: "moltbot-alice",
            script_name: "paramita-cloud-alice",
            class_name: "Sandbox",
            image: IMAGE,
            instance_type: "standard-1",
            max_instances: 1,
        };
        let application = client.create_application(&new).await.unwrap();
        assert_eq!(application.durable_objects.unwrap().namespace_id, "27ff");
        assert_eq!(application.created_at, Some(Timestamp(1_767_225_600_000)));
        let sent = far.only();
        assert_eq!(sent.line(), "POST containers/applications");
        let expected = json!({
            "name": "moltbot-alice",
            "scheduling_policy": "default",
            "observability": { "logs": { "enabled": true } },
            "configuration": { "image": IMAGE, "instance_type": "standard-1" },
            "instances": 0,
            "max_instances": 1,
            "constraints": { "tiers": [1, 2] },
            "durable_objects": { "script_name": "paramita-cloud-alice", "class_name": "Sandbox" },
            "rollout_active_grace_period": 0,
        });
        assert_eq!(sent.json(), expected);
    }

    #[tokio::test]
    async fn a_new_size_is_patched_and_rolled_out_as_recorded() {
        let rollout = json!({ "id": "1f8f", "status": "progressing", "steps": [] });
        let (client, far) =
            client([ok(json!({ "id": "8a" })), ok(rollout), ok(json!({ "id": "8a", "max_instances": 3 }))]);
        let change = ApplicationChange { image: IMAGE, instance_type: "standard-3", max_instances: 1 };
        client.modify_application("8a", &change).await.unwrap();
        client.create_rollout("8a", IMAGE, "standard-3").await.unwrap();
        client.set_max_instances("8a", 3).await.unwrap();
        let sent = far.sent();
        assert_eq!(sent[0].line(), "PATCH containers/applications/8a");
        let patch = json!({
            "configuration": { "image": IMAGE, "instance_type": "standard-3" },
            "max_instances": 1,
            "constraints": { "tiers": [1, 2] },
            "scheduling_policy": "default",
            "rollout_active_grace_period": 0,
        });
        assert_eq!(sent[0].json(), patch);
        assert_eq!(sent[1].line(), "POST containers/applications/8a/rollouts");
        let rollout = json!({
            "description": "Progressive update",
            "strategy": "rolling",
            "target_configuration": { "image": IMAGE, "instance_type": "standard-3" },
            "step_percentage": 100,
            "kind": "full_auto",
        });
        assert_eq!(sent[1].json(), rollout);
        assert_eq!(sent[2].line(), "PATCH containers/applications/8a");
        assert_eq!(sent[2].json(), json!({ "max_instances": 3 }));
    }

    #[tokio::test]
    async fn applications_are_listed_page_by_page_and_read_with_little_in_them() {
        let bare = json!({ "id": "1", "name": null, "configuration": null, "durable_objects": null });
        let (client, far) = client([
            ok_with(json!([bare]), json!({ "next_page_token": "t=" })),
            ok_with(json!([]), json!({ "next_page_token": null })),
            ok(bare),
            ok(json!({})),
        ]);
        let page = client.list_applications(Some("moltbot-alice"), None).await.unwrap();
        assert_eq!((page.items[0].id.as_str(), page.items[0].name.as_str()), ("1", ""));
        let page = client.list_applications(None, page.cursor.as_deref()).await.unwrap();
        assert_eq!(page, Page { items: vec![], cursor: None });
        assert_eq!(client.get_application("1").await.unwrap().durable_objects, None);
        client.delete_application("1").await.unwrap();
        let lines: Vec<_> = far.sent().iter().map(|sent| sent.line()).collect();
        assert_eq!(
            lines,
            [
                "GET containers/applications?name=moltbot-alice",
                "GET containers/applications?page_token=t%3D",
                "GET containers/applications/1",
                "DELETE containers/applications/1",
            ]
        );
    }
}

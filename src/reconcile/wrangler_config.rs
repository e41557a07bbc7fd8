//! A tenant as the configuration with which `wrangler deploy` would make the same by hand: nobody is locked in. Pure.

use serde_json::{Map, Value as Json, json};

use super::desired::Deployment;
use crate::release::Release;
use crate::tenant::Ledger;

/// The content of `wrangler.tenant-{name}.jsonc`, to be put into the project directory that the release came from.
/// Secrets are not in it. Bindings of a type that this plane has no name for are left out.
pub fn wrangler_config(wanted: &Deployment, ledger: &Ledger, release: &Release) -> Json {
    let manifest = &release.manifest;
    let mut config = Map::new();
    let mut set = |key: &str, value: Json| {
        config.insert(key.to_owned(), value);
    };
    set("name", json!(ledger.script.name));
    set("main", json!(manifest.source.main));
    set("compatibility_date", json!(manifest.compatibility_date));
    set("compatibility_flags", json!(manifest.compatibility_flags));
    set("workers_dev", json!(true));
    set("preview_urls", json!(false));

    let of_type = |kind: &str| -> Vec<&Map<String, Json>> {
        wanted.bindings.iter().filter(|binding| binding.get("type").and_then(Json::as_str) == Some(kind)).collect()
    };
    let mut vars = Map::new();
    for (kind, value_key) in [("plain_text", "text"), ("json", "json")] {
        for variable in of_type(kind) {
            vars.insert(text(variable, "name"), variable.get(value_key).cloned().unwrap_or_default());
        }
    }
    set("vars", Json::Object(vars));
    let buckets: Vec<Json> = of_type("r2_bucket").into_iter().map(renamed).collect();
    set("r2_buckets", json!(buckets));
    let classes: Vec<Json> = of_type("durable_object_namespace").into_iter().map(without_type).collect();
    set("durable_objects", json!({ "bindings": classes }));
    if let Some(browser) = of_type("browser").first() {
        set("browser", json!({ "binding": text(browser, "name") }));
    }
    for (kind, key) in [("kv_namespace", "kv_namespaces"), ("d1", "d1_databases"), ("service", "services")] {
        let those: Vec<Json> = of_type(kind).into_iter().map(renamed).collect();
        if !those.is_empty() {
            set(key, json!(those));
        }
    }
    if let (Some(assets), Some(directory)) = (&manifest.assets, &manifest.source.assets_directory) {
        // The upload carries the files `_headers` and `_redirects`, too; wrangler reads them from the directory.
        let mut section = assets.config.clone();
        section.retain(|key, _| !key.starts_with('_'));
        section.insert("directory".to_owned(), json!(directory));
        if let Some(binding) = of_type("assets").first() {
            section.insert("binding".to_owned(), json!(text(binding, "name")));
        }
        set("assets", Json::Object(section));
    }
    if let Some(application) = &wanted.application {
        let container = json!({
            "name": ledger.application.name,
            "class_name": application.class_name,
            "image": application.image,
            "instance_type": application.instance_type,
            "max_instances": application.max_instances,
        });
        set("containers", json!([container]));
    }
    set("migrations", json!(manifest.migrations));
    set("triggers", json!({ "crons": wanted.crons }));
    if let Some(observability) = &manifest.observability {
        set("observability", observability.clone());
    }
    config.extend(manifest.source.build.clone());
    Json::Object(config)
}

fn text(binding: &Map<String, Json>, key: &str) -> String {
    binding.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
}

fn without_type(binding: &Map<String, Json>) -> Json {
    let mut fields = binding.clone();
    fields.remove("type");
    Json::Object(fields)
}

/// Upload metadata calls a binding's name `name` and its target's id in one way, wrangler's configuration in another;
/// the pairs are those by which wrangler itself turns the one into the other.
fn renamed(binding: &Map<String, Json>) -> Json {
    let kind = text(binding, "type");
    let mut fields = Map::new();
    for (key, value) in binding {
        let key = match (kind.as_str(), key.as_str()) {
            (_, "type") => continue,
            (_, "name") => "binding",
            ("kv_namespace", "namespace_id") => "id",
            ("d1", "id") => "database_id",
            (_, key) => key,
        };
        fields.insert(key.to_owned(), value.clone());
    }
    Json::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::desired::deployment;
    use crate::reconcile::fixtures::*;

    fn config_of(release: &Release) -> Json {
        let ledger = nothing_there();
        wrangler_config(&deployment(&alice(), &ledger, release), &ledger, release)
    }

    #[test]
    fn a_tenant_of_the_guides_worker_is_deployed_by_hand_with_this() {
        let expected = json!({
            "name": "paramita-cloud-alice",
            "main": "src/index.ts",
            "compatibility_date": "2025-05-06",
            "compatibility_flags": ["nodejs_compat"],
            "workers_dev": true,
            "preview_urls": false,
            "vars": { "ENVIRONMENT": "alice" },
            "r2_buckets": [{ "binding": "MOLTBOT_BUCKET", "bucket_name": "moltbot-data-alice" }],
            "durable_objects": { "bindings": [{ "name": "Sandbox", "class_name": "Sandbox" }] },
            "browser": { "binding": "BROWSER" },
            "assets": {
                "directory": "./dist/client",
                "binding": "ASSETS",
                "not_found_handling": "single-page-application",
                "run_worker_first": true,
            },
            "containers": [{
                "name": "moltbot-alice",
                "class_name": "Sandbox",
                "image": "registry.cloudflare.com/acc/sandbox:v1",
                "instance_type": "standard-1",
                "max_instances": 1,
            }],
            "migrations": [{ "tag": "v1", "new_sqlite_classes": ["Sandbox"] }],
            "triggers": { "crons": ["*/5 * * * *"] },
            "observability": { "enabled": true },
        });
        assert_eq!(config_of(&guide_release()), expected);
    }

    #[test]
    fn sections_of_what_a_release_lacks_are_left_out() {
        let mut release = guide_release();
        let manifest = &mut release.manifest;
        (manifest.container, manifest.assets, manifest.observability) = (None, None, None);
        manifest.bindings.clear();
        let config = config_of(&release);
        for absent in ["browser", "assets", "containers", "observability", "kv_namespaces", "d1_databases", "services"]
        {
            assert_eq!(config.get(absent), None, "{absent}");
        }
        assert_eq!(config["r2_buckets"], json!([]));
    }

    #[test]
    fn what_an_upload_carries_of_the_assets_directory_is_no_setting() {
        let mut release = guide_release();
        let assets = release.manifest.assets.as_mut().unwrap();
        assets.config.insert("_headers".into(), json!("/*\n  X-Frame-Options: DENY\n"));
        assets.config.insert("_redirects".into(), json!("/old /new\n"));
        assert_eq!(config_of(&release)["assets"], config_of(&guide_release())["assets"]);
    }

    #[test]
    fn variables_that_hold_json_are_variables_too() {
        let mut release = guide_release();
        let limits = json!({ "type": "json", "name": "LIMITS", "json": { "files": 3 } });
        release.manifest.bindings.push(limits.as_object().unwrap().clone());
        assert_eq!(config_of(&release)["vars"], json!({ "ENVIRONMENT": "alice", "LIMITS": { "files": 3 } }));
    }

    #[test]
    fn bindings_to_what_tenants_share_keep_their_targets() {
        let mut release = guide_release();
        let shared = [
            json!({ "type": "kv_namespace", "name": "KV", "namespace_id": "k1" }),
            json!({ "type": "d1", "name": "DB", "id": "d1" }),
            json!({ "type": "service", "name": "SVC", "service": "other", "environment": "production" }),
        ];
        release.manifest.bindings.extend(shared.iter().map(|binding| binding.as_object().unwrap().clone()));
        let config = config_of(&release);
        assert_eq!(config["services"], json!([{ "binding": "SVC", "service": "other", "environment": "production" }]));
        // wrangler's configuration names the target's id otherwise than upload metadata does.
        assert_eq!(config["kv_namespaces"], json!([{ "binding": "KV", "id": "k1" }]));
        assert_eq!(config["d1_databases"], json!([{ "binding": "DB", "database_id": "d1" }]));
    }
}

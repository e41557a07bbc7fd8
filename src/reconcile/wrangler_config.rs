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
    let vars: Map<String, Json> = of_type("plain_text")
        .into_iter()
        .map(|binding| (text(binding, "name"), json!(text(binding, "text"))))
        .collect();
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
        let mut section = assets.config.clone();
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
    Json::Object(config)
}

fn text(binding: &Map<String, Json>, key: &str) -> String {
    binding.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
}

fn without_type(binding: &Map<String, Json>) -> Json {
    Json::Object(
        binding.iter().filter(|(key, _)| *key != "type").map(|(key, value)| (key.clone(), value.clone())).collect(),
    )
}

/// Upload metadata calls a binding's name `name`, wrangler's configuration mostly `binding`.
fn renamed(binding: &Map<String, Json>) -> Json {
    let fields = binding.iter().filter(|(key, _)| *key != "type");
    let rename = |key: &String| if key == "name" { "binding".to_owned() } else { key.clone() };
    Json::Object(fields.map(|(key, value)| (rename(key), value.clone())).collect())
}

//! What the plane uploads for a tenant, beside what `wrangler deploy` uploads for the same one by hand, with the
//! configuration that the plane hands out for that.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Map, Value as Json, json};

use crate::cloudflare::{Cloudflare, Sample, root, scratch};
use crate::harness::Workerd;
use crate::owner::Owner;

/// Where the two differ in the upload's metadata, and why. Each must really differ: a line that no longer does has to go.
const DIFFERENCES: &[(&str, &str)] = &[
    ("tags", "the plane marks its scripts, so that ownership can be proved; wrangler sets no tags"),
    ("bindings.CLAWDBOT_GATEWAY_TOKEN", "a secret: it travels inside the plane's upload, by hand it is put afterwards"),
    ("bindings.SANDBOX_SLEEP_AFTER", "the same"),
];

#[test]
fn the_plane_uploads_what_wrangler_uploads_for_the_same_tenant() {
    let cloudflare = Cloudflare::start();
    let plane = Workerd::start(cloudflare.settings());
    Sample::published().publish_to(&plane);
    let (alice, _) = Owner::sign_up(&plane, "alice", &json!({}));
    alice.until("ready");
    let our_upload = cloudflare.only_call("script.upload").body;
    let our_application = cloudflare.only_call("container.create").body;
    let config = alice.ask("GET", "/wrangler.jsonc", None).body;

    // By hand: the same project, the plane's configuration, an account of its own. Wrangler walks upwards for a
    // configuration of its own and resolves modules from there, so the project keeps its place.
    let by_hand = Cloudflare::start();
    let file = format!("wrangler.tenant-alice-{}.jsonc", std::process::id());
    let path = root().join("sample").join(&file);
    fs::write(&path, config).unwrap();
    let deployed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        by_hand.wrangler(&root().join("sample"), &["deploy", "--config", &file]);
    }));
    fs::remove_file(&path).unwrap();
    if let Err(panic) = deployed {
        std::panic::resume_unwind(panic);
    }
    let their_upload = by_hand.only_call("script.upload").body;
    let their_application = by_hand.only_call("container.create").body;

    let (ours, theirs) = (flat(&our_upload["metadata"]), flat(&their_upload["metadata"]));
    let keys = ours.keys().chain(theirs.keys());
    let mut differing: Vec<&str> = keys.filter(|key| ours.get(*key) != theirs.get(*key)).map(String::as_str).collect();
    differing.sort_unstable();
    differing.dedup();
    for key in &differing {
        println!("{key}: ours {:?}, wrangler's {:?}", ours.get(*key), theirs.get(*key));
    }
    let mut expected: Vec<&str> = DIFFERENCES.iter().map(|(key, _)| *key).collect();
    expected.sort_unstable();
    assert_eq!(differing, expected);

    // The code: every module with its name, type and bytes.
    assert_eq!(parts(&our_upload), parts(&their_upload));

    // The application: the plane names the class by its script, wrangler looks the namespace's id up first.
    let without_class = |application: &Json| {
        let mut application = application.clone();
        application.as_object_mut().unwrap().remove("durable_objects");
        application
    };
    assert_eq!(without_class(&our_application), without_class(&their_application));
    let _ = fs::remove_dir_all(scratch());
}

/// Every part of an upload but its metadata, by name.
fn parts(upload: &Json) -> BTreeMap<String, Json> {
    let parts = upload["parts"].as_array().unwrap();
    assert!(!parts.is_empty());
    parts.iter().map(|part| (part["name"].as_str().unwrap().to_owned(), part.clone())).collect()
}

/// One entry a field, bindings by their names.
fn flat(metadata: &Json) -> BTreeMap<String, Json> {
    let mut fields = BTreeMap::new();
    for (key, value) in metadata.as_object().unwrap_or(&Map::new()) {
        match (key.as_str(), value) {
            ("bindings", Json::Array(bindings)) => {
                for binding in bindings {
                    fields.insert(format!("bindings.{}", binding["name"].as_str().unwrap()), binding.clone());
                }
            }
            ("assets", Json::Object(assets)) => {
                fields.extend(assets.iter().map(|(name, value)| (format!("assets.{name}"), value.clone())));
            }
            _ => drop(fields.insert(key.clone(), value.clone())),
        }
    }
    fields
}

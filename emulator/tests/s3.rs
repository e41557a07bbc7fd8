//! Amazon's own S3 client as referee of the S3 face: it signs, pages and reads XML in its own way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use serde_json::{Value, json};
use support::{Server, repository};

const STRANGE: [&str; 6] = ["a b&<>'\"%é/..//x", "+", "line\nbreak\r", " spaces ", "a/./b", "&amp;%20"];

#[test]
fn amazons_sdk_lists_and_empties_a_bucket_and_ends_its_uploads() {
    let server = Server::start(&[]);
    let many = (0..2100).map(|n| format!("many/{n:04}"));
    let objects: Vec<Value> =
        many.chain(STRANGE.map(str::to_owned)).map(|key| json!({"bucket": "full", "key": key, "text": "x"})).collect();
    server.http("POST", "/__emulator/seed", &json!({"buckets": ["full"], "objects": objects}).to_string());

    let script = repository().join("emulator/tests/s3.mjs");
    let task = json!({"bucket": "full", "strange": STRANGE}).to_string();
    let output = server.node(&[script.to_str().unwrap(), &task], &repository(), "");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}\n{}", server.http("GET", "/__emulator/journal", ""));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (what, expected) in [
        ("token", json!("active")),
        ("pages", json!([1000, 1000, 106])),
        ("strange", json!(6)),
        ("encoded", json!(6)),
        ("prefix", json!(10)),
        ("tooMany", json!([400, "MalformedXML"])),
        ("deleted", json!(6)),
        ("errors", json!([])),
        ("quiet", json!(null)),
        ("left", json!([])),
        ("uploads", json!(["a b/%+é", "a b/%+é", "b", "c"])),
        ("abortTwice", json!([404, "NoSuchUpload"])),
        ("uploadsLeft", json!([])),
        ("noBucket", json!([404, "NoSuchBucket"])),
        ("wrongSecret", json!([403, "SignatureDoesNotMatch"])),
        ("wrongKey", json!([401, "Unauthorized"])),
        ("shortKey", json!([400, "InvalidArgument"])),
        ("otherRegion", json!([400, "InvalidArgument"])),
        ("usEast", json!(null)),
        ("otherAccount", json!([403, "AccessDenied"])),
        ("lateClock", json!([400, "ExpiredRequest"])),
        ("otherCall", json!([501, "NotImplemented"])),
    ] {
        assert_eq!(seen[what], expected, "{what}");
    }
    assert_eq!(server.state()["buckets"], json!({"full": 0}));
    let journal: Vec<Value> = serde_json::from_str(&server.http("GET", "/__emulator/journal", "")).unwrap();
    for kind in [
        "s3.object.list",
        "s3.object.delete_many",
        "s3.multipart.create",
        "s3.multipart.list",
        "s3.multipart.abort",
        "s3.unknown",
    ] {
        assert!(journal.iter().any(|entry| entry["kind"] == json!(kind)), "{kind}");
    }
}

//! `jose` as referee, with which Cloudflare's documentation has an application check its tokens, and Node's own reading of
//! certificates.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

mod support;

use serde_json::{Value, json};
use support::{Server, repository};

#[test]
fn jose_takes_the_tokens_and_the_sign_in_page_gives_them_to_this_machine_only() {
    let server = Server::start(&[]);
    let script = repository().join("emulator/tests/access.mjs");
    let output = server.node(&[script.to_str().unwrap(), &server.url], &repository(), "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut seen: Value = serde_json::from_slice(&output.stdout).unwrap();

    let audience = json!(["4714c1358e65fe4b408ad6d432a5f878f08194bdb4752441fd56faefa9b2b6f2"]);
    let team = &server.url;
    for (what, expected) in [
        ("page", json!([200, "text/html; charset=utf-8", true])),
        ("redirect", json!([303, "http://localhost:8787/admin?page=2"])),
        ("cookie", json!(["CF_Authorization", "Path=/", "HttpOnly", "SameSite=Lax"])),
        ("person", json!({"aud": audience, "email": "ada@example.com", "iss": team, "type": "app", "country": "US"})),
        ("times", json!([86_400, 0, "string", "string"])),
        ("out", json!("CF_Authorization=; Path=/; Max-Age=0")),
        ("elsewhere", json!([400, 400, 400, 400, 400, 400, 400, 400])),
        ("foreign", json!(403)),
        ("script", json!({"aud": audience, "common_name": "e367826f.access", "iss": team, "sub": "", "type": "app"})),
        ("claims", json!({"groups": ["sre"]})),
        ("expired", json!("ERR_JWT_EXPIRED")),
        ("unclear", json!(400)),
        ("listed", json!([2, 2, true])),
        ("certificates", json!([true, true])),
        ("rotated", json!([true, "bob@example.com", "ada@example.com"])),
        ("rotatedAway", json!(["bob@example.com", "ERR_JWKS_NO_MATCHING_KEY"])),
    ] {
        assert_eq!(seen[what].take(), expected, "{what}");
    }
    assert!(seen.as_object().unwrap().values().all(Value::is_null), "nothing is left unread: {seen}");
}

#[test]
fn keys_and_their_rotations_outlive_a_restart() {
    let server = Server::start(&[]);
    let first = server.http("GET", "/cdn-cgi/access/certs", "");
    server.http("POST", "/__emulator/access/rotate", "");
    let rotated = server.http("GET", "/cdn-cgi/access/certs", "");
    assert_ne!(first, rotated);
    let server = server.restart(&[]);
    assert_eq!(server.http("GET", "/cdn-cgi/access/certs", ""), rotated);
}

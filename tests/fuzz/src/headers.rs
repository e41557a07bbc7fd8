//! Headers that say on what terms a request is made: `accept`, `if-none-match`, `if-match`, `idempotency-key`.

use http::HeaderValue;

use crate::plane::{Plane, request};
use crate::problem::check;
use crate::text;

/// Each header is held against what its RFC or draft says of it, written down here once more.
pub fn run(data: &[u8]) {
    let value = text(data).trim_matches([' ', '\t']);
    if HeaderValue::try_from(value).is_err() || !value.is_ascii() {
        return;
    }
    let plane = Plane::new();
    let bearer = ("authorization", format!("Bearer {}", plane.token()));
    let ask = |method: &str, path: &str, name: &'static str, value: &str| {
        let answer = plane.answer(request(method, path, &[bearer.clone(), (name, value.to_owned())], String::new()));
        check(&plane, method, &answer);
        answer
    };

    let accepted = ask("GET", "/v1/instance-types", "accept", value).status().as_u16();
    assert!(accepted == 200 || accepted == 406);
    let is_for_json = |range: &str| ["*/*", "application/*", "application/json"].contains(&range);
    let ranges = || value.split(',').map(|range| range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    if value.is_empty() || (!value.contains(';') && ranges().any(|range| is_for_json(&range))) {
        assert_eq!(accepted, 200, "accept: {value}");
    } else if !ranges().any(|range| is_for_json(&range)) {
        assert_eq!(accepted, 406, "accept: {value}");
    }

    let etag = ask("GET", "/v1/instance-types", "x-none", "").headers()["etag"].to_str().unwrap_or_default().to_owned();
    let known = ask("GET", "/v1/instance-types", "if-none-match", &value.replace("{etag}", &etag)).status().as_u16();
    assert!(known == 200 || known == 304);
    assert!(known == 200 || value.contains("{etag}") || value.split(',').any(|one| one.trim() == "*"), "{value}");
    let etag = ask("GET", "/v1/tenants/alice", "x-none", "").headers()["etag"].to_str().unwrap_or_default().to_owned();
    let path = "/v1/tenants/alice/suspend?dry_run=true";
    let matching = ask("POST", path, "if-match", &value.replace("{etag}", &etag)).status().as_u16();
    assert!(matching == 200 || matching == 412);
    let is_weak = value.split(',').all(|one| one.trim().starts_with("W/"));
    assert!(!is_weak || matching == 412, "a weak tag is good enough: {value}");
    assert!(matching == 412 || value.contains("{etag}") || value.split(',').any(|one| one.trim() == "*"), "{value}");

    key(plane, value);
}

/// A key is taken or refused; taken, it stands for the request.
fn key(plane: Plane, value: &str) {
    let headers = [("authorization", format!("Bearer {}", plane.token())), ("idempotency-key", value.to_owned())];
    let post = |what: &str| {
        let answer = plane.answer(request("POST", &format!("/v1/tenants/alice/{what}"), &headers, String::new()));
        check(&plane, "POST", &answer);
        answer
    };
    let first = post("suspend");
    if first.status() == 400 {
        let bare = value.trim_matches('"');
        let different = (b'!'..=b'~').filter(|byte| bare.as_bytes().contains(byte)).count();
        let is_good = (16..=126).contains(&bare.len()) && bare.bytes().all(|byte| byte.is_ascii_graphic());
        assert!(!is_good || different < 8, "idempotency-key: {value}");
        assert!(!plane.is_changed());
        return;
    }
    assert_eq!(first.status(), 202);
    assert!(value.len() >= 16 && value.len() <= 130);
    let again = post("suspend");
    assert_eq!((again.status(), again.body()), (first.status(), first.body()));
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(post("resume").status(), 422);
    assert!(plane.is_changed());
}

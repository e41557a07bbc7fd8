//! Headers that say on what terms a request is made: `accept`, `if-none-match`, `if-match`, `idempotency-key`. Each is held
//! against what its RFC or draft says of it, written down here once more.

use http::HeaderValue;

use crate::plane::{Plane, request};
use crate::problem::check;
use crate::text;

/// `data` as a header that is text.
fn header(data: &[u8]) -> Option<&str> {
    let value = text(data).trim_matches([' ', '\t']);
    (HeaderValue::try_from(value).is_ok() && value.is_ascii()).then_some(value)
}

/// What a caller takes, and what he has seen.
pub fn terms(data: &[u8]) {
    let Some(value) = header(data) else { return };
    let plane = Plane::new();
    let bearer = ("authorization", format!("Bearer {}", plane.words().token));
    let ask = |method: &str, path: &str, name: &'static str, value: &str| {
        let answer = plane.answer(request(method, path, &[bearer.clone(), (name, value.to_owned())], String::new()));
        check(&plane, method, &answer);
        answer
    };

    let accepted = ask("GET", "/v1/instance-types", "accept", value).status().as_u16();
    assert!(accepted == 200 || accepted == 406);
    let is_for_json = |range: &str| ["*/*", "application/*", "application/json"].contains(&range);
    let ranges =
        || value.split(',').map(|range| range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
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
    assert!(!plane.ends_changed());
}

/// A key is taken or refused; taken, it stands for the request.
pub fn key(data: &[u8]) {
    let Some(value) = header(data) else { return };
    let plane = Plane::new();
    let headers = [("authorization", format!("Bearer {}", plane.words().token)), ("idempotency-key", value.to_owned())];
    let post = |what: &str| {
        let answer = plane.answer(request("POST", &format!("/v1/tenants/alice/{what}"), &headers, String::new()));
        check(&plane, "POST", &answer);
        answer
    };
    let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    let mut different = bare.as_bytes().to_vec();
    different.sort_unstable();
    different.dedup();
    let is_visible = bare.bytes().all(|byte| byte.is_ascii_graphic());
    let is_good = (16..=128).contains(&bare.len()) && is_visible && different.len() >= 8;
    let first = post("suspend");
    assert_eq!(first.status(), if is_good { 202 } else { 400 }, "idempotency-key: {value}");
    if !is_good {
        assert!(!plane.ends_changed());
        return;
    }
    let again = post("suspend");
    assert_eq!((again.status(), again.body()), (first.status(), first.body()));
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(post("resume").status(), 422);
    assert!(plane.ends_changed());
}

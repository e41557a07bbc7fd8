//! Tokens of Cloudflare Access, what they say, and the keys that they are checked with.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use paramita::access::token::{MAX_LENGTH, Token};
use paramita::access::{Identity, Refusal, Settings, claims, keys};
use paramita::clock::Timestamp;
use serde_json::Value;

use crate::{assert_is_said, text};

/// 2026-11-01, noon.
const NOW: Timestamp = Timestamp(1_793_534_400_000);

/// A token is taken apart into what it is made of; a payload is believed only if it says all that it must; keys are only
/// such as nothing can be smuggled in with.
pub fn run(data: &[u8]) {
    let text = text(data);
    shown(text);
    // As a payload, and as a header, since no chance finds JSON in base64.
    let encoded = BASE64URL.encode(data);
    shown(&format!("{encoded}.e30.c2ln"));
    payload(data);
    for key in keys::read(data).unwrap_or_default() {
        let is_plain =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        assert!(key.n.len() >= 342 && is_plain(&key.n) && is_plain(&key.e), "{key:?}");
    }
}

fn shown(text: &str) {
    match Token::parse(text) {
        Ok(token) => {
            assert!(text.len() <= MAX_LENGTH);
            let parts: Vec<&str> = text.split('.').collect();
            let &[header, payload, signature] = parts.as_slice() else { panic!("{} parts", parts.len()) };
            assert_eq!(token.signed(), format!("{header}.{payload}").as_bytes());
            assert_eq!(BASE64URL.encode(token.payload()), payload);
            assert_eq!(BASE64URL.encode(token.signature()), signature);
            let header = BASE64URL.decode(header).unwrap_or_default();
            let header: Value = serde_json::from_slice(&header).unwrap_or_default();
            assert_eq!((&header["alg"], &header["kid"]), (&"RS256".into(), &token.kid().into()));
            assert!(["jku", "jwk", "x5u", "x5c", "crit"].iter().all(|name| header.get(*name).is_none()), "{header}");
        }
        Err(invalid) => {
            assert_is_said(invalid.as_str(), 40);
            assert_is_said(&Refusal::Invalid(invalid).to_string(), 100);
        }
    }
}

fn payload(data: &[u8]) {
    let set = |name: &str| match name {
        "ACCESS_TEAM_URL" => Some("https://team.cloudflareaccess.com".to_owned()),
        "ACCESS_AUD" => Some("the-audience".to_owned()),
        "ACCESS_OPERATORS" => Some("ada@example.com, group:platform, service:e367.access".to_owned()),
        "ACCESS_VIEWERS" => Some("@example.com".to_owned()),
        _ => None,
    };
    let mut wrong = Vec::new();
    let settings = Settings::read(&set, &mut wrong);
    let Some(settings) = settings.filter(|_| wrong.is_empty()) else { panic!("{wrong:?}") };
    let Ok(read) = claims::read(data, &settings, NOW) else { return };
    let said: Value = serde_json::from_slice(data).unwrap_or_default();
    let seconds = NOW.0 / 1_000;
    assert_eq!((said["iss"].as_str(), said["type"].as_str()), (Some(settings.team_url.as_str()), Some("app")));
    let is_for_us = |value: &Value| *value == "the-audience";
    assert!(is_for_us(&said["aud"]) || said["aud"].as_array().is_some_and(|all| all.iter().any(is_for_us)), "{said}");
    assert!(said["exp"].as_i64().is_some_and(|at| at > seconds - 31), "{said}");
    assert!(said["iat"].as_i64().is_some_and(|at| at < seconds + 31), "{said}");
    let name = match &read.identity {
        Identity::Person(name) => (said["email"].as_str(), name, name.matches('@').count() == 1),
        Identity::Service(name) => (said["common_name"].as_str(), name, said["sub"] == "" && !name.is_empty()),
    };
    assert!(name.0 == Some(name.1.as_str()) && name.2, "{said}");
    if settings.roles.of(&read).is_some() {
        let is_known = name.1.eq_ignore_ascii_case("ada@example.com")
            || name.1 == "e367.access"
            || name.1.to_ascii_lowercase().ends_with("@example.com")
            || said["custom"]["groups"].to_string().contains("\"platform\"");
        assert!(is_known, "{said}");
    }
}

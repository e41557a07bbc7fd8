//! Names of tenants, of secrets and of sizes.

use paramita::tenant::{InstanceType, SecretName, TenantName};

use crate::{assert_is_said, text};

/// A name is what was given, and nothing that means anything to a shell, a path, SQL or a host.
pub fn run(data: &[u8]) {
    let text = text(data);
    match TenantName::parse(text) {
        Ok(name) => {
            assert_eq!((name.as_str(), name.to_string().as_str()), (text, text));
            assert!((1..=40).contains(&text.len()));
            assert!(text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')), "{text}");
            assert!(!text.starts_with('-') && !text.ends_with('-'), "{text}");
            assert!(!["production", "staging", "admin", "api", "www"].contains(&text), "{text}");
        }
        Err(error) => {
            assert_is_said(&error.to_string(), 200);
            assert!(["name_malformed", "name_reserved"].contains(&error.code()));
        }
    }
    match SecretName::parse(text) {
        Ok(name) => {
            assert_eq!(name.to_string(), text);
            assert!((1..=64).contains(&text.len()) && text.as_bytes()[0].is_ascii_uppercase(), "{text}");
            assert!(text.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_')), "{text}");
            assert!(text != "DEV_MODE" && text != "E2E_TEST_MODE", "{text}");
        }
        Err(error) => assert_is_said(&error.to_string(), 200),
    }
    if let Some(size) = InstanceType::parse(text) {
        assert_eq!(size.to_string(), text);
    }
}

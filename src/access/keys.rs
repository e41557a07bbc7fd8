//! The keys of a team, as `/cdn-cgi/access/certs` has them: the one that signs now, and the one before it.

use serde_json::Value;

use super::token::is_base64url;

/// Fewest digits of a modulus: 2,048 bits in base64url. Shorter keys are not taken for RS256 (RFC 7518, section 3.3).
const LEAST_MODULUS: usize = 342;

/// A key that signatures are checked with, in the form of a JSON Web Key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// Its name.
    pub kid: String,
    /// The modulus, big-endian, in base64url without padding.
    pub n: String,
    /// The exponent, likewise.
    pub e: String,
}

impl PublicKey {
    /// `None` for whatever is not an RSA key for RS256 signatures.
    fn read(key: &Value) -> Option<Self> {
        let text = |name| key.get(name).and_then(Value::as_str);
        let is = |name, wanted| text(name).is_none_or(|found| found == wanted);
        let (kid, n, e) = (text("kid")?, text("n")?, text("e")?);
        let is_for_us = text("kty")? == "RSA" && is("alg", "RS256") && is("use", "sig");
        let is_good = n.len() >= LEAST_MODULUS && is_base64url(n) && is_base64url(e);
        (is_for_us && is_good).then(|| Self { kid: kid.to_owned(), n: n.to_owned(), e: e.to_owned() })
    }
}

/// Reads the keys of the answer. `None` if there are none: then the answer is not what it should be.
///
/// Not `public_cert`, which "may inadvertently" be "an expired value from an outdated cache" (Cloudflare, validating).
pub fn read(body: &[u8]) -> Option<Vec<PublicKey>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let mut keys = Vec::new();
    for key in body.get("keys")?.as_array()? {
        keys.extend(PublicKey::read(key));
    }
    (!keys.is_empty()).then_some(keys)
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
    use serde_json::{Value as Json, json};

    use super::*;

    fn key() -> Json {
        json!({"kid": "a", "kty": "RSA", "alg": "RS256", "use": "sig", "e": "AQAB", "n": BASE64URL.encode([0xC5; 256])})
    }

    fn read_one(key: &Json) -> Option<Vec<PublicKey>> {
        read(json!({"keys": [key], "public_cert": {}, "public_certs": []}).to_string().as_bytes())
    }

    #[test]
    fn keys_for_rs256_are_read() {
        let keys = read_one(&key()).unwrap();
        assert_eq!((keys[0].kid.as_str(), keys[0].e.as_str(), keys[0].n.len()), ("a", "AQAB", 342));
    }

    #[test]
    fn any_other_key_is_left_out() {
        for (name, value) in [
            ("kty", json!("oct")),
            ("kty", Json::Null),
            ("alg", json!("HS256")),
            ("use", json!("enc")),
            ("kid", Json::Null),
            ("e", json!("AQAB\",\"d\":\"")),
            ("n", json!(BASE64URL.encode([0xC5; 128]))),
            ("n", json!("!")),
        ] {
            let mut other = key();
            other[name] = value.clone();
            assert_eq!(read_one(&other), None, "{name}: {value}");
            let both = json!({"keys": [other, key()]}).to_string();
            assert_eq!(read(both.as_bytes()).unwrap().len(), 1, "{name}: {value}");
        }
    }

    #[test]
    fn an_answer_without_keys_is_none() {
        for body in ["", "<html>", "{}", "[]", r#"{"keys":{}}"#, r#"{"keys":[]}"#, r#"{"keys":[null,7,"a"]}"#] {
            assert_eq!(read(body.as_bytes()), None, "{body}");
        }
    }
}

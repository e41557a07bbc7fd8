//! A token as it comes: three parts, of which the first says how the third was made from the first two.
//!
//! Nothing of the payload is read here, and nobody should before the signature is found good.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Map, Value};

use super::{Invalid, json};

/// Longest token that is looked at, in bytes. Access keeps its own within what fits into a cookie, 4,096 bytes.
pub const MAX_LENGTH: usize = 8_192;

/// Longest name of a key; Access's have 64 hexadecimal digits.
const MAX_KEY_ID: usize = 128;

/// What a header must not have: keys of the sender's own, places to fetch them from, and demands for extensions, of
/// which none is known here (RFC 7515, sections 4.1.2 to 4.1.6 and 4.1.11).
const FORBIDDEN: [&str; 5] = ["jku", "jwk", "x5u", "x5c", "crit"];

/// A token of which nothing is proved yet. Has no `Debug`: while it lasts it is a key.
pub struct Token<'a> {
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
    kid: String,
}

impl<'a> Token<'a> {
    /// Takes `text` apart. Only the compact form of RFC 7515 without padding or blanks is one, signed by RS256 with a
    /// key that has a name.
    pub fn parse(text: &'a str) -> Result<Self, Invalid> {
        if text.len() > MAX_LENGTH {
            return Err(Invalid::TooLong);
        }
        let (header, rest) = text.split_once('.').ok_or(Invalid::Form)?;
        let (payload, signature) = rest.split_once('.').ok_or(Invalid::Form)?;
        let signed = text.get(..header.len() + 1 + payload.len()).unwrap_or_default();
        let kid = key_id(&json::object(&decoded(header)?)?)?;
        // A fourth part would make a dot of the signature, which base64url does not have.
        Ok(Self { signed, payload: decoded(payload)?, signature: decoded(signature)?, kid })
    }

    /// The name of the key that it claims to be signed with: letters, digits, `-` and `_`.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// What the signature is over.
    pub fn signed(&self) -> &[u8] {
        self.signed.as_bytes()
    }

    /// The signature.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// What the token says.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// Each text stands for one row of bytes, and each row of bytes for one text: bits that mean nothing must be zero.
fn decoded(part: &str) -> Result<Vec<u8>, Invalid> {
    BASE64URL.decode(part).map_err(|_| Invalid::Form)
}

/// Whether `text` has only the 64 digits of base64url: nothing that means anything in a path, a quoted string or SQL.
pub fn is_base64url(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Checks the header; the name of the key that it calls for.
fn key_id(header: &Map<String, Value>) -> Result<String, Invalid> {
    let text = |name| header.get(name).and_then(Value::as_str);
    if text("alg") != Some("RS256") {
        return Err(Invalid::Algorithm);
    }
    let is_jwt = matches!(header.get("typ").map(Value::as_str), None | Some(Some("JWT")));
    if !is_jwt || FORBIDDEN.iter().any(|name| header.contains_key(*name)) {
        return Err(Invalid::Header);
    }
    let kid = text("kid").unwrap_or_default();
    if kid.is_empty() || kid.len() > MAX_KEY_ID || !is_base64url(kid) {
        return Err(Invalid::KeyId);
    }
    Ok(kid.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: &str = r#"{"alg":"RS256","kid":"key-1","typ":"JWT"}"#;

    fn made(header: &str, payload: &str) -> String {
        format!("{}.{}.c2lnbmF0dXJl", BASE64URL.encode(header), BASE64URL.encode(payload))
    }

    #[track_caller]
    fn refused(text: &str, why: Invalid) {
        assert_eq!(Token::parse(text).err(), Some(why), "{text}");
    }

    #[test]
    fn a_token_has_a_key_a_payload_and_a_signature_over_the_first_two_parts() {
        let text = made(HEADER, r#"{"a":1}"#);
        let token = Token::parse(&text).unwrap_or_else(|invalid| panic!("{invalid:?}"));
        assert_eq!((token.kid(), token.payload(), token.signature()), ("key-1", &br#"{"a":1}"#[..], &b"signature"[..]));
        assert_eq!(token.signed(), text.rsplit_once('.').unwrap().0.as_bytes());
    }

    #[test]
    fn only_three_parts_in_base64url_are_a_token() {
        let good = made(HEADER, "{}");
        let (header, rest) = good.split_once('.').unwrap();
        for bad in [
            String::new(),
            "..".into(),
            good.replace('.', ""),
            header.into(),
            format!("{good}."),
            format!("{good}.c2lnbmF0dXJl"),
            format!(".{good}"),
            format!(" {good}"),
            format!("{good} "),
            format!("{good}\n"),
            format!("{good}=="),
            format!("{header}=.{rest}"),
            format!("{header} .{rest}"),
            good.replace("c2lnbmF0dXJl", "c2ln+m/0"),
            // The same bytes, spelt otherwise: the last digit has bits that mean nothing.
            good.replace("c2lnbmF0dXJl", "YR"),
            made("not json", "{}"),
            made("[]", "{}"),
            format!("Bearer {good}"),
            format!(r#"{{"payload":"e30","signatures":[{{"protected":"{header}","signature":"YQ"}}]}}"#),
        ] {
            refused(&bad, Invalid::Form);
        }
        refused(&made(HEADER, &"x".repeat(MAX_LENGTH)), Invalid::TooLong);
    }

    #[test]
    fn only_rs256_with_a_named_key_and_nothing_to_fetch_is_taken() {
        for alg in [
            r#""none""#,
            r#""None""#,
            r#""HS256""#,
            r#""rs256""#,
            r#""RS512""#,
            r#""PS256""#,
            r#""ES256""#,
            r#""""#,
            "null",
            r#"["RS256"]"#,
        ] {
            refused(&made(&format!(r#"{{"alg":{alg},"kid":"key-1"}}"#), "{}"), Invalid::Algorithm);
        }
        refused(&made(r#"{"kid":"key-1"}"#, "{}"), Invalid::Algorithm);
        for name in FORBIDDEN {
            refused(&made(&format!(r#"{{"alg":"RS256","kid":"key-1","{name}":null}}"#), "{}"), Invalid::Header);
        }
        for typ in [r#""at+jwt""#, "null", "1"] {
            refused(&made(&format!(r#"{{"alg":"RS256","kid":"key-1","typ":{typ}}}"#), "{}"), Invalid::Header);
        }
        let long = format!(r#""{}""#, "a".repeat(129));
        for kid in [
            r#""""#,
            "null",
            "7",
            r#""../../etc/passwd""#,
            r#""/dev/null""#,
            r#""a b""#,
            r#""a'--""#,
            r#""ä""#,
            r#""a\u0000""#,
            &long,
        ] {
            refused(&made(&format!(r#"{{"alg":"RS256","kid":{kid}}}"#), "{}"), Invalid::KeyId);
        }
        refused(&made(r#"{"alg":"RS256"}"#, "{}"), Invalid::KeyId);
        refused(&made(r#"{"alg":"none","alg":"RS256","kid":"key-1"}"#, "{}"), Invalid::DuplicateKey);
    }

    proptest! {
        #[test]
        fn no_text_does_harm(text in "\\PC*") {
            prop_assert!(Token::parse(&text).is_err());
        }

        /// Whoever changes a character of a token has another token or none, never the same one spelt otherwise.
        #[test]
        fn no_two_texts_are_the_same_token(at in 0..120_usize, with in "[A-Za-z0-9_.=-]") {
            let good = made(HEADER, r#"{"a":1}"#);
            let at = at % good.len();
            let mut other = good.clone();
            other.replace_range(at..=at, &with);
            prop_assume!(other != good);
            let parts = |token: Token| (token.signed().to_vec(), token.signature().to_vec());
            if let Ok(token) = Token::parse(&other) {
                prop_assert_ne!(Some(parts(token)), Token::parse(&good).ok().map(parts));
            }
        }
    }
}

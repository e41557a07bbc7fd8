//! Tokens, invite codes, scopes, and places in lists.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use paramita::registry::fleet;
use paramita::registry::invites::Position;
use paramita::vault::{ApiToken, InviteCode, Scopes};

use crate::{assert_is_said, text};

/// A token or a code is one text and no other, prints as nothing, and what is stored of it does not show it. To get behind
/// the checksum, which no chance finds, the input is given a good one as well.
pub fn tokens(data: &[u8]) {
    let text = text(data);
    let random = BASE64URL.encode(data);
    for prefix in ["", "pcp_", "inv_"] {
        for body in [text, &random] {
            let body = format!("{prefix}{body}");
            shown(&body);
            shown(&format!("{body}{:08x}", checksum(body.as_bytes())));
        }
    }
}

fn shown(shown: &str) {
    let (token, code) = (ApiToken::parse(shown), InviteCode::parse(shown));
    assert!(token.is_none() || code.is_none(), "{shown}");
    let is = |prefix: &str, length| shown.starts_with(prefix) && shown.len() == length;
    let is_alphabet = || shown.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if let Some(token) = token {
        assert!(is("pcp_", 55) && is_alphabet(), "{shown}");
        assert_eq!((token.expose(), format!("{token:?}").as_str()), (shown, "REDACTED"));
        assert_eq!(token.hash().0.len(), 64);
        assert!(ApiToken::parse(&shown.to_ascii_uppercase()).is_none());
    }
    if let Some(code) = code {
        assert!(is("inv_", 39) && is_alphabet(), "{shown}");
        assert_eq!((code.expose(), format!("{code:?}").as_str()), (shown, "REDACTED"));
        assert_eq!(code.hash().0.len(), 64);
    }
}

/// CRC-32 as in zip and PNG, by its definition.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 })
    })
}

/// A list of scopes is a set of three words, and reads back.
pub fn scopes(data: &[u8]) {
    let text = text(data);
    let names: Vec<&str> = if text.is_empty() { Vec::new() } else { text.split(' ').collect() };
    match Scopes::parse(names.iter().copied()) {
        Ok(scopes) => {
            assert!(scopes.iter().all(|scope| names.contains(&scope.as_str())), "{text}");
            assert_eq!(Scopes::parse(scopes.to_string().split(' ')), Ok(scopes));
            assert!(names.iter().all(|name| scopes.iter().any(|scope| scope.as_str() == *name)), "{text}");
        }
        Err(error) => assert_is_said(&error.to_string(), 400),
    }
}

/// A place in a list is the text that it was written as.
pub fn positions(data: &[u8]) {
    let text = text(data);
    if let Some(position) = Position::parse(text) {
        assert_eq!(position.to_string(), text);
    }
    let orders = fleet::Sort::ALL.map(|sort| fleet::Position::parse(text, sort));
    for position in orders.iter().flatten() {
        assert_eq!(position.to_string(), text);
    }
    assert!(orders.iter().flatten().count() <= 1, "{text} is a place in two orders");
}

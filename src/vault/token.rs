//! The token with which a tenant's owner calls the API.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use crc::{CRC_32_ISO_HDLC, Crc, NoTable};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::entropy::{self, Entropy};
use crate::tenant::id::hex;

/// What every token starts with; secret scanners look for it, so it never changes.
const PREFIX: &str = "pcp_";
const RANDOM_BYTES: usize = 32;
const CHECKSUM_DIGITS: usize = 8;

/// The CRC-32 of zip and PNG. Without a table: one costs up to 16 KiB of Worker, for 47 bytes at a time.
const CHECKSUM: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

/// A token as the caller shows it: `pcp_`, 256 random bits in base64url, and a CRC-32 of all that in hexadecimal, so
/// that a slip in copying is told from a wrong token without a look into the database. Prints as `REDACTED`.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiToken(String);

/// SHA-256 of a token in hexadecimal digits: all that is stored of it.
#[derive(Clone, Debug)]
pub struct TokenHash(pub String);

impl ApiToken {
    /// A new token.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let body = format!("{PREFIX}{}", BASE64.encode(entropy::bytes::<RANDOM_BYTES>(entropy)));
        let checksum = checksum(&body);
        Self(body + &checksum)
    }

    /// Reads a token somebody shows; `None` when it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let (body, given) = text.split_at_checked(text.len().checked_sub(CHECKSUM_DIGITS)?)?;
        let random = BASE64.decode(body.strip_prefix(PREFIX)?).ok()?;
        (random.len() == RANDOM_BYTES && checksum(body) == given).then(|| Self(text.to_owned()))
    }

    /// What is stored of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash(hex(&Sha256::digest(self.0.as_bytes())))
    }

    /// The token itself, to be shown this once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("REDACTED")
    }
}

impl PartialEq for TokenHash {
    /// Takes the same time wherever the two differ.
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

fn checksum(body: &str) -> String {
    format!("{:08x}", CHECKSUM.checksum(body.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    #[test]
    fn a_token_reads_back_and_any_single_changed_character_is_noticed() {
        let token = ApiToken::generate(&SeededEntropy::new(7));
        assert!(token.expose().starts_with("pcp_"));
        assert_eq!(ApiToken::parse(token.expose()), Some(token.clone()));
        for at in 0..token.expose().len() {
            let mut bytes = token.expose().as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
            assert_eq!(ApiToken::parse(&String::from_utf8(bytes).unwrap()), None, "at {at}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused_without_harm() {
        for text in ["", "pcp_", "pcp_abcdefgh", "Bearer x", "ä".repeat(30).as_str(), "pcp_ääää12345678"] {
            assert_eq!(ApiToken::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn neither_token_nor_secret_shows_in_debug_output() {
        let token = ApiToken::generate(&SeededEntropy::new(7));
        assert_eq!(format!("{token:?}"), "REDACTED");
    }
}

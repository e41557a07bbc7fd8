//! What callers show: the token of a tenant, the code of an invite. Of both only a hash is stored.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::checked;
use crate::entropy::{self, Entropy};
use crate::tenant::id::hex;

/// What every token starts with.
const TOKEN_PREFIX: &str = "pcp_";
const TOKEN_BYTES: usize = 32;

/// What every invite's code starts with.
const CODE_PREFIX: &str = "inv_";
const CODE_BYTES: usize = 20;

/// A token as the caller shows it: `pcp_`, 256 random bits in base64url, and a CRC-32 of all that in hexadecimal. Prints as
/// `REDACTED`.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiToken(String);

/// An invite's code as the caller shows it: `inv_`, 160 random bits, and the same checksum. Prints as `REDACTED`.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteCode(String);

/// SHA-256 of a token or of a code in hexadecimal digits: all that is stored of it.
#[derive(Clone, Debug)]
pub struct TokenHash(pub String);

impl ApiToken {
    /// A new token.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(checked::write(TOKEN_PREFIX, &entropy::bytes::<TOKEN_BYTES>(entropy)))
    }

    /// Reads a token somebody shows; `None` when it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        checked::is_whole(TOKEN_PREFIX, TOKEN_BYTES, text).then(|| Self(text.to_owned()))
    }

    /// What is stored of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }

    /// The token itself, to be shown this once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl InviteCode {
    /// A new code.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(checked::write(CODE_PREFIX, &entropy::bytes::<CODE_BYTES>(entropy)))
    }

    /// Reads a code somebody shows; `None` when it cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        checked::is_whole(CODE_PREFIX, CODE_BYTES, text).then(|| Self(text.to_owned()))
    }

    /// What is stored of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }

    /// The code itself, to be shown this once.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// The name under which a token is shown after it was shown itself: `tok_` and 16 hexadecimal digits.
pub fn new_token_id(entropy: &dyn Entropy) -> String {
    format!("tok_{}", hex(&entropy::bytes::<8>(entropy)))
}

/// The same of an invite: `ivt_` and 16 hexadecimal digits.
pub fn new_invite_id(entropy: &dyn Entropy) -> String {
    format!("ivt_{}", hex(&entropy::bytes::<8>(entropy)))
}

impl fmt::Debug for ApiToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("REDACTED")
    }
}

impl fmt::Debug for InviteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("REDACTED")
    }
}

impl TokenHash {
    fn of(text: &str) -> Self {
        Self(hex(&Sha256::digest(text.as_bytes())))
    }
}

impl PartialEq for TokenHash {
    /// Takes the same time wherever the two differ.
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entropy::SeededEntropy;

    fn token(seed: u64) -> ApiToken {
        ApiToken::generate(&SeededEntropy::new(seed))
    }

    fn code(seed: u64) -> InviteCode {
        InviteCode::generate(&SeededEntropy::new(seed))
    }

    /// `text` with another character at some place.
    fn with_a_slip(text: &str, at: prop::sample::Index, other: char) -> Option<String> {
        let at = at.index(text.len());
        let slipped = format!("{}{other}{}", &text[..at], &text[at + 1..]);
        (slipped != text).then_some(slipped)
    }

    #[test]
    fn a_token_and_a_code_look_as_scanners_expect() {
        let (token, code) = (token(7), code(7));
        assert!(token.expose().starts_with("pcp_") && token.expose().len() == 4 + 43 + 8, "{}", token.expose());
        assert!(code.expose().starts_with("inv_") && code.expose().len() == 4 + 27 + 8, "{}", code.expose());
    }

    proptest! {
        #[test]
        fn whatever_is_made_reads_back_and_only_as_what_it_is(seed: u64) {
            let (token, code) = (token(seed), code(seed));
            prop_assert_eq!(ApiToken::parse(token.expose()), Some(token.clone()));
            prop_assert_eq!(InviteCode::parse(code.expose()), Some(code.clone()));
            prop_assert_eq!(InviteCode::parse(token.expose()), None);
            prop_assert_eq!(ApiToken::parse(code.expose()), None);
        }

        #[test]
        fn a_slip_in_any_single_character_is_noticed(
            seed: u64, at: prop::sample::Index, other in prop_oneof![any::<char>(), "[A-Za-z0-9_-]".prop_map(|c| c.chars().next().unwrap())],
        ) {
            if let Some(slipped) = with_a_slip(token(seed).expose(), at, other) {
                prop_assert_eq!(ApiToken::parse(&slipped), None);
            }
            if let Some(slipped) = with_a_slip(code(seed).expose(), at, other) {
                prop_assert_eq!(InviteCode::parse(&slipped), None);
            }
        }

        #[test]
        fn a_character_left_out_doubled_or_exchanged_with_the_next_is_noticed(seed: u64, at: prop::sample::Index) {
            let token = token(seed);
            let text = token.expose();
            let at = at.index(text.len() - 1);
            let (before, one, next, after) = (&text[..at], &text[at..=at], &text[at + 1..at + 2], &text[at + 2..]);
            for slipped in
                [format!("{before}{next}{after}"), format!("{before}{one}{one}{next}{after}"), format!("{before}{next}{one}{after}")]
            {
                prop_assert_eq!(ApiToken::parse(&slipped), (slipped == text).then(|| token.clone()));
            }
        }

        #[test]
        fn what_is_no_token_is_refused_without_harm(text in prop_oneof![any::<String>(), "pcp_\\PC{0,60}", "inv_\\PC{0,60}"]) {
            prop_assert_eq!(ApiToken::parse(&text), None);
            prop_assert_eq!(InviteCode::parse(&text), None);
        }
    }

    #[test]
    fn neither_token_nor_code_shows_in_debug_output() {
        assert_eq!(format!("{:?} {:?}", token(7), code(7)), "REDACTED REDACTED");
    }
}

//! Signatures that only the plane can make: of what it hands out to be shown again, and of what it must know again without
//! keeping it.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::tenant::id::hex;

/// A key of its own, made of the one that seals, so that a deployment has one secret less to lose.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl SigningKey {
    /// The signing key that belongs to a sealing key's bytes.
    pub(super) fn derive(sealing_key: &[u8]) -> Option<Self> {
        let mut derived = Hmac::<Sha256>::new_from_slice(sealing_key).ok()?;
        derived.update(b"paramita/signing");
        Hmac::new_from_slice(&derived.finalize().into_bytes()).ok().map(Self)
    }

    /// The signature of `text` for `purpose`, in 64 hexadecimal digits. One for another purpose is another.
    pub fn sign(&self, purpose: &str, text: &str) -> String {
        hex(&self.mac(purpose, text).finalize().into_bytes())
    }

    /// Whether `signature` is the one of `text` for `purpose`. Takes the same time wherever it is not.
    pub fn is_signature(&self, signature: &str, purpose: &str, text: &str) -> bool {
        use subtle::ConstantTimeEq;
        self.sign(purpose, text).as_bytes().ct_eq(signature.as_bytes()).into()
    }

    fn mac(&self, purpose: &str, text: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in [purpose, "\0", text] {
            mac.update(part.as_bytes());
        }
        mac
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("REDACTED")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_good_for_its_own_text_purpose_and_key_only() {
        let (one, other) = (SigningKey::derive(&[1; 32]).unwrap(), SigningKey::derive(&[2; 32]).unwrap());
        let signature = one.sign("session", "tok_1");
        assert!(one.is_signature(&signature, "session", "tok_1"));
        for (key, purpose, text) in [
            (&other, "session", "tok_1"),
            (&one, "csrf", "tok_1"),
            (&one, "session", "tok_2"),
            (&one, "", "session\0tok_1"),
        ] {
            assert!(!key.is_signature(&signature, purpose, text));
        }
        assert!(!one.is_signature("", "session", "tok_1") && !one.is_signature(&signature[1..], "session", "tok_1"));
        assert_eq!(format!("{one:?}"), "REDACTED");
    }
}
